/** What is being written, to the customer or as a note: kept per conversation, guarded against a double answer. */

import { ElMessage } from "element-plus";
import { computed, onBeforeUnmount, ref, watch } from "vue";

import { fill, unfilled } from "./canned";
import { wordsOf } from "./api";
import type { DeskContext } from "./useDesk";
import type { OutboxContext } from "./useOutbox";
import type { ThreadContext } from "./useThread";

export type Mode = "reply" | "note" | "whisper";
export type ComposerContext = ReturnType<typeof useComposer>;

export const MAX_TEXT = 2_000;
const SAVE_MS = 800;
const TYPING_MS = 3_000;

export function useComposer(desk: DeskContext, thread: ThreadContext, outbox: OutboxContext) {
  const text = ref("");
  const mode = ref<Mode>("reply");
  /** Why the first press of Enter did not send; the second one does. */
  const warning = ref("");
  /** The last message on screen when the first letter was written. */
  let startedAfter: number | null = null;
  let typed = 0;
  let saving: ReturnType<typeof setTimeout> | undefined;
  let unsaved: { conversation: string; text: string } | null = null;

  const slot = computed(() => (mode.value === "reply" ? thread.id.value : `note:${thread.id.value}`));
  const colleagues = computed(() =>
    thread.presence.value.typing
      .filter((id) => id !== desk.agentId.value)
      .map((id) => desk.state.value.agent[id]?.name ?? "同事"),
  );

  function load(): void {
    saveNow();
    text.value = desk.kept.value.draft(slot.value);
    startedAfter = null;
    warning.value = "";
  }

  /** Keeps every letter here at once, and on the server when the agent pauses. */
  function changed(): void {
    warning.value = "";
    startedAfter = text.value ? (startedAfter ?? thread.messages.value.at(-1)?.seq ?? 0) : null;
    desk.kept.value.saveDraft(slot.value, text.value);
    if (mode.value !== "reply") return;
    const now = Date.now();
    if (text.value && now - typed > TYPING_MS) {
      typed = now;
      desk.send({ type: "typing", conversation: thread.id.value });
    }
    unsaved = { conversation: thread.id.value, text: text.value };
    clearTimeout(saving);
    saving = setTimeout(saveNow, SAVE_MS);
  }

  /** Gives the draft to the server, for the agent's other machines. */
  function saveNow(): void {
    clearTimeout(saving);
    if (unsaved) desk.send({ type: "draft", ...unsaved });
    unsaved = null;
  }

  function insert(words: string): void {
    text.value = words;
    changed();
  }

  /** Ready words with their variables filled in. */
  const filled = (words: string): string => fill(words, variables());

  function variables(): Record<string, string | null | undefined> {
    const settings = desk.session.me.value?.settings;
    return {
      客户: thread.detail.value?.customer.salutation || "您",
      客服: desk.agent.value?.name,
      公司: settings?.company,
      热线: settings?.hotline,
    };
  }

  /** What speaks against sending right now. */
  function doubt(): string {
    const open = unfilled(text.value);
    if (open.length > 0) return `还有没填的：${open.join("、")}。`;
    if (mode.value !== "reply") return "";
    if (colleagues.value.length > 0) return `${colleagues.value.join("、")}正在回复这位客户。`;
    const since = startedAfter ?? Infinity;
    const other = thread.messages.value.find(
      (message) =>
        message.seq > since && message.from === "agent" && message.agent?.id !== desk.agentId.value,
    );
    return other ? `${other.agent?.name ?? "同事"}刚刚已经回复了。` : "";
  }

  /** Sends, unless there is a doubt that was not shown yet. Returns whether it went out. */
  async function submit(attachments: string[] = []): Promise<boolean> {
    const words = text.value.trim();
    if ((!words && attachments.length === 0) || words.length > MAX_TEXT) return false;
    const reason = warning.value ? "" : doubt();
    if (reason) {
      warning.value = `${reason}再按一次回车仍会发送。`;
      return false;
    }
    if (mode.value === "reply") outbox.add(thread.id.value, words, attachments);
    else if (!(await addNote(words))) return false;
    text.value = "";
    changed();
    saveNow();
    return true;
  }

  async function addNote(words: string): Promise<boolean> {
    try {
      await desk.api.post(`conversations/${thread.id.value}/notes`, {
        text: words,
        whisper: mode.value === "whisper",
      });
      return true;
    } catch (error) {
      ElMessage.error(wordsOf(error));
      return false;
    }
  }

  watch(slot, load, { immediate: true });
  // A draft of another machine comes with the first details; later ones may be older than what was sent since.
  watch(thread.detail, (detail, before) => {
    if (detail?.draft && !before && !text.value && mode.value === "reply") insert(detail.draft);
  });
  watch(thread.id, () => (mode.value = "reply"));
  onBeforeUnmount(saveNow);

  return { text, mode, warning, colleagues, changed, insert, filled, submit };
}
