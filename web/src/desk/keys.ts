/** Every keyboard shortcut: one table, which the listener and the cheat sheet both read. */

import { onBeforeUnmount, onMounted } from "vue";

export interface Shortcut {
  id: string;
  /** As shown. */
  keys: string;
  label: string;
  group: "列表" | "回复" | "处理" | "页面";
  /** `KeyboardEvent.code`, which is the same on every layout; with Alt unless `plain`. */
  code: string;
  /** A key without Alt: counts only where nobody types. */
  plain?: boolean;
  shift?: boolean;
  /** A key that counts everywhere as it is. */
  always?: boolean;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { id: "list-mine", keys: "Alt+1", label: "我的会话", group: "列表", code: "Digit1" },
  { id: "list-queue", keys: "Alt+2", label: "排队", group: "列表", code: "Digit2" },
  { id: "list-open", keys: "Alt+3", label: "全部会话", group: "列表", code: "Digit3" },
  { id: "list-tickets", keys: "Alt+4", label: "工单", group: "列表", code: "Digit4" },
  { id: "previous", keys: "Alt+↑", label: "上一个会话", group: "列表", code: "ArrowUp" },
  { id: "next", keys: "Alt+↓", label: "下一个会话", group: "列表", code: "ArrowDown" },
  { id: "next-waiting", keys: "Alt+N", label: "等得最久的客户", group: "列表", code: "KeyN" },
  { id: "take", keys: "Alt+A", label: "接入会话", group: "处理", code: "KeyA" },
  { id: "compose", keys: "Alt+I", label: "到输入框", group: "回复", code: "KeyI" },
  { id: "canned", keys: "/", label: "常用语（输入框为空时）", group: "回复", code: "Slash", plain: true },
  { id: "knowledge", keys: "Alt+K", label: "查知识库", group: "回复", code: "KeyK" },
  { id: "suggestion", keys: "Alt+G", label: "填入第一条推荐回复", group: "回复", code: "KeyG" },
  { id: "note", keys: "Alt+M", label: "写内部备注", group: "回复", code: "KeyM" },
  { id: "transfer", keys: "Alt+T", label: "转接", group: "处理", code: "KeyT" },
  { id: "hold", keys: "Alt+H", label: "挂起或恢复", group: "处理", code: "KeyH" },
  { id: "return", keys: "Alt+B", label: "交回机器人", group: "处理", code: "KeyB" },
  { id: "close", keys: "Alt+C", label: "结束会话", group: "处理", code: "KeyC" },
  { id: "ticket", keys: "Alt+J", label: "新建工单", group: "处理", code: "KeyJ" },
  { id: "appointment", keys: "Alt+Y", label: "预约回电", group: "处理", code: "KeyY" },
  { id: "payment", keys: "Alt+P", label: "发付款链接", group: "处理", code: "KeyP" },
  { id: "form", keys: "Alt+R", label: "到正在填的单子", group: "处理", code: "KeyR" },
  { id: "state", keys: "Alt+S", label: "就绪和忙碌切换", group: "页面", code: "KeyS" },
  { id: "panes", keys: "F6", label: "在三栏之间移动", group: "页面", code: "F6", always: true },
  { id: "lock", keys: "Alt+L", label: "锁定屏幕", group: "页面", code: "KeyL" },
  { id: "help", keys: "?", label: "打开这张表", group: "页面", code: "Slash", plain: true, shift: true },
];

const handlers = new Map<string, () => void>();

/** Gives a shortcut its meaning while the component lives. */
export function useShortcut(id: string, run: () => void): void {
  onMounted(() => handlers.set(id, run));
  onBeforeUnmount(() => {
    if (handlers.get(id) === run) handlers.delete(id);
  });
}

export function keysOf(id: string): string {
  return SHORTCUTS.find((shortcut) => shortcut.id === id)?.keys ?? "";
}

let dialogs = 0;

/** While the component is there it has the keys: no shortcut counts behind a dialog. */
export function useDialogKeys(): void {
  onMounted(() => (dialogs += 1));
  onBeforeUnmount(() => (dialogs -= 1));
}

interface Press {
  code: string;
  key: string;
  altKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
}

/** The shortcut that a key press means; `typing` is whether it goes into a text field. */
export function shortcutFor(press: Press, typing: boolean): Shortcut | undefined {
  if (press.ctrlKey || press.metaKey) return undefined;
  return SHORTCUTS.find((shortcut) => {
    if (shortcut.always) return press.code === shortcut.code && !press.altKey;
    if (!shortcut.plain) return press.altKey && press.code === shortcut.code && !press.shiftKey;
    // The sign counts, wherever the layout has it.
    return !press.altKey && !typing && press.key === shortcut.keys;
  });
}

/** Listens for all shortcuts, except while `paused` or behind a dialog. */
export function useKeys(paused: () => boolean): void {
  function onKey(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || dialogs > 0 || paused()) return;
    const target = event.target as HTMLElement;
    const typing = target.matches("input, textarea, select, [contenteditable]");
    const shortcut = shortcutFor(event, typing);
    const run = shortcut && handlers.get(shortcut.id);
    if (!run) return;
    event.preventDefault();
    run();
  }
  onMounted(() => document.addEventListener("keydown", onKey));
  onBeforeUnmount(() => document.removeEventListener("keydown", onKey));
}
