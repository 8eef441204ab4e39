/** Proposed answers to the customer's last question, with where they come from. */

import { computed, onBeforeUnmount, shallowRef, watch } from "vue";

import type { Suggestion } from "./types";
import type { DeskContext } from "./useDesk";
import type { WorkContext } from "./useWork";

const PAUSE_MS = 500;

export function useSuggestions(desk: DeskContext, { thread, composer: { filled } }: WorkContext) {
  const found = shallowRef<Suggestion[]>([]);
  let pause: ReturnType<typeof setTimeout> | undefined;

  /** Changes with each question that is ours to answer. */
  const question = computed(() => {
    const seq = thread.lastCustomer.value?.seq;
    return seq && thread.may("say") ? `${thread.id.value} ${seq}` : "";
  });

  watch(
    question,
    (now) => {
      clearTimeout(pause);
      found.value = [];
      if (!now) return;
      pause = setTimeout(async () => {
        const answer = await desk.api
          .get<Suggestion[] | { rows: Suggestion[] }>(`conversations/${thread.id.value}/suggestions`)
          .catch(() => []);
        const items = Array.isArray(answer) ? answer : answer.rows;
        if (question.value === now) found.value = items.map((item) => ({ ...item, text: filled(item.text) }));
      }, PAUSE_MS);
    },
    { immediate: true },
  );
  onBeforeUnmount(() => clearTimeout(pause));
  return found;
}
