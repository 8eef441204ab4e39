import "./styles";

import { mount } from "../chat/mount";
import DeskApp from "./components/DeskApp.vue";

mount(DeskApp);
