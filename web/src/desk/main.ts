import "element-plus/theme-chalk/base.css";
import "element-plus/theme-chalk/dark/css-vars.css";
import "element-plus/theme-chalk/el-button.css";
import "element-plus/theme-chalk/el-checkbox.css";
import "element-plus/theme-chalk/el-date-picker.css";
import "element-plus/theme-chalk/el-date-picker-panel.css";
import "element-plus/theme-chalk/el-dialog.css";
import "element-plus/theme-chalk/el-dropdown.css";
import "element-plus/theme-chalk/el-dropdown-item.css";
import "element-plus/theme-chalk/el-dropdown-menu.css";
import "element-plus/theme-chalk/el-image-viewer.css";
import "element-plus/theme-chalk/el-input.css";
import "element-plus/theme-chalk/el-message.css";
import "element-plus/theme-chalk/el-overlay.css";
import "element-plus/theme-chalk/el-popper.css";
import "element-plus/theme-chalk/el-progress.css";
import "element-plus/theme-chalk/el-radio-button.css";
import "element-plus/theme-chalk/el-radio-group.css";
import "element-plus/theme-chalk/el-scrollbar.css";
import "element-plus/theme-chalk/el-time-picker.css";
import "../chat/styles/tokens.css";
import "../chat/styles/cards.css";
import "./styles/base.css";
import "./styles/shell.css";
import "./styles/lists.css";
import "./styles/talk.css";
import "./styles/context.css";
import "./styles/dialogs.css";

import { localeContextKey } from "element-plus";
import zhCn from "element-plus/es/locale/lang/zh-cn";
import { createApp, ref } from "vue";

import DeskApp from "./components/DeskApp.vue";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const applyScheme = (): void => void document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", applyScheme);
applyScheme();

createApp(DeskApp).provide(localeContextKey, ref(zhCn)).mount("#app");
