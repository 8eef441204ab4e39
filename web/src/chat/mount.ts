/** Starts a page: its colours follow the system's, the component library speaks Chinese. */

import { localeContextKey } from "element-plus";
import zhCn from "element-plus/es/locale/lang/zh-cn";
import { createApp, ref, type Component } from "vue";

export function mount(page: Component): void {
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const applyScheme = (): void => void document.documentElement.classList.toggle("dark", dark.matches);
  dark.addEventListener("change", applyScheme);
  applyScheme();
  createApp(page).provide(localeContextKey, ref(zhCn)).mount("#app");
}
