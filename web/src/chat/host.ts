/**
 * Talk with the page that embeds the chat (`chat.js`): it says whether the panel is open, we say how much is unread.
 *
 * Only counts and wishes cross the border, never content, so any embedding page may hear them.
 */

import { record } from "./guards";

export const embedded = window.parent !== window;

let open = !embedded;
const listeners: (() => void)[] = [];

/** Whether the customer can see the conversation now. */
export function visible(): boolean {
  return open && document.visibilityState === "visible";
}

export function onShown(listener: () => void): void {
  listeners.push(listener);
}

function tell(message: { type: string; count?: number }): void {
  if (embedded) window.parent.postMessage({ ...message, source: "chebao" }, "*");
}

export function tellUnread(count: number): void {
  tell({ type: "unread", count });
}

export function askToClose(): void {
  tell({ type: "close" });
}

window.addEventListener("message", (event) => {
  if (!embedded || event.source !== window.parent) return;
  const message = record(event.data);
  if (message?.source !== "chebao-host") return;
  open = message.type === "shown";
  listeners.forEach((listener) => listener());
});

tell({ type: "ready" });
