/** The outbox as Vue state: it lives as long as the login and sends for every conversation. */

import { onBeforeUnmount, shallowRef, triggerRef, watch } from "vue";

import type { Unsent } from "./drafts";
import { Outbox } from "./outbox";
import type { DeskContext } from "./useDesk";

export type OutboxContext = ReturnType<typeof useOutbox>;
type Taken = (unsent: Unsent, seq: number) => void;

export function useOutbox(desk: DeskContext) {
  const takers = new Set<Taken>();
  const box = shallowRef(make());

  function make(): Outbox {
    return new Outbox({
      kept: desk.kept.value,
      post: ({ conversation, key, text, attachments }) =>
        desk.api.post<{ seq: number }>(`conversations/${conversation}/messages`, { key, text, attachments }),
      onTaken: (unsent, seq) => takers.forEach((taker) => taker(unsent, seq)),
      onChange: () => triggerRef(box),
      newKey: desk.newKey,
    });
  }

  watch(desk.kept, () => {
    box.value.stop();
    box.value = make();
  });
  desk.onFrame((frame) => {
    if (frame.type === "welcome") box.value.wake();
  });
  onBeforeUnmount(() => box.value.stop());

  return {
    of: (conversation: string) => box.value.of(conversation),
    add: (conversation: string, text: string, attachments: string[] = []) =>
      box.value.add(conversation, text, attachments),
    retry: (key: string) => box.value.retry(key),
    take: (key: string) => box.value.take(key),
    onTaken: (taker: Taken) => {
      takers.add(taker);
      onBeforeUnmount(() => takers.delete(taker));
    },
  };
}
