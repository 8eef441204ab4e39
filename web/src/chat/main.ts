import "element-plus/theme-chalk/base.css";
import "element-plus/theme-chalk/dark/css-vars.css";
import "element-plus/theme-chalk/el-button.css";
import "element-plus/theme-chalk/el-overlay.css";
import "element-plus/theme-chalk/el-dialog.css";
import "element-plus/theme-chalk/el-input.css";
import "element-plus/theme-chalk/el-image-viewer.css";
import "element-plus/theme-chalk/el-progress.css";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/log.css";
import "./styles/cards.css";
import "./styles/composer.css";

import { localeContextKey } from "element-plus";
import zhCn from "element-plus/es/locale/lang/zh-cn";
import { createApp, ref } from "vue";

import ChatApp from "./components/ChatApp.vue";

const dark = window.matchMedia("(prefers-color-scheme: dark)");
const applyScheme = (): void => void document.documentElement.classList.toggle("dark", dark.matches);
dark.addEventListener("change", applyScheme);
applyScheme();

createApp(ChatApp).provide(localeContextKey, ref(zhCn)).mount("#app");
