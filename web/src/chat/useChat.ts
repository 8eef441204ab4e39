/** The conversation as Vue state, wired to this browser. */

import { computed, onBeforeUnmount, onMounted, shallowRef, triggerRef } from "vue";

import { endpoint, openSession } from "./api";
import { ChatClient } from "./client";
import type { Socket } from "./connection";
import * as host from "./host";
import { offerOf, rowsOf, usableCards } from "./layout";
import { browserStore, Saved } from "./storage";

export type Chat = ReturnType<typeof useChat>;

export function useChat() {
  const saved = new Saved(browserStore());
  let scheduled = false;
  const client = new ChatClient({
    saved,
    open: () => new WebSocket(endpoint("api/web/socket", "ws")) as unknown as Socket,
    createSession: openSession,
    onChange: changed,
    onMessage: () => queueMicrotask(updateUnread),
  });
  const state = shallowRef(client);

  /** Many frames at once (the history) become one rendering. */
  function changed(): void {
    if (scheduled) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      triggerRef(state);
      updateUnread();
    });
  }

  function updateUnread(): void {
    const others = client.entries.filter((entry) => entry.message.from !== "customer");
    if (host.visible()) saved.lastRead = Math.max(saved.lastRead, others.at(-1)?.message.seq ?? 0);
    const lastRead = saved.lastRead;
    host.tellUnread(others.filter((entry) => entry.message.seq > lastRead).length);
  }

  function shown(): void {
    updateUnread();
    if (document.visibilityState === "visible") client.retryNow();
  }

  const goOnline = (): void => client.retryNow();
  const goOffline = (): void => client.goOffline();
  const stored = (event: StorageEvent): void => client.storageChanged(event.key);

  onMounted(() => {
    window.addEventListener("online", goOnline);
    window.addEventListener("offline", goOffline);
    window.addEventListener("storage", stored);
    document.addEventListener("visibilitychange", shown);
    host.onShown(shown);
    client.start();
    if (!navigator.onLine) client.goOffline();
  });
  onBeforeUnmount(() => {
    window.removeEventListener("online", goOnline);
    window.removeEventListener("offline", goOffline);
    window.removeEventListener("storage", stored);
    document.removeEventListener("visibilitychange", shown);
    client.stop();
  });

  function saveDraft(text: string): void {
    saved.draft = text;
  }

  const entries = computed(() => state.value.entries);
  return {
    saved,
    client,
    saveDraft,
    entries,
    rows: computed(() => rowsOf(entries.value, new Date())),
    offer: computed(() => offerOf(entries.value)),
    usable: computed(() => usableCards(entries.value)),
    status: computed(() => state.value.status),
    ownership: computed(() => ({ ...state.value.ownership })),
    typing: computed(() => state.value.typing),
    ready: computed(() => state.value.ready),
    notice: computed(() => state.value.notice),
  };
}
