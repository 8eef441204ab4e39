/** Proposed answers to the customer's last question, with where they come from. */

import { computed, onBeforeUnmount, shallowRef, watch } from "vue";

import { ApiError } from "./api";
import type { Suggestion } from "./types";
import type { DeskContext } from "./useDesk";
import type { WorkContext } from "./useWork";

const PAUSE_MS = 500;
const AGAIN_MS = 5_000;

export function useSuggestions(desk: DeskContext, { thread, composer: { filled } }: WorkContext) {
  const found = shallowRef<Suggestion[]>([]);
  let pause: ReturnType<typeof setTimeout> | undefined;

  /** Changes with each question that is ours to answer. */
  const question = computed(() => {
    const seq = thread.lastCustomer.value?.seq;
    return seq && thread.may("say") ? `${thread.id.value} ${seq}` : "";
  });

  async function fetch(asked: string): Promise<void> {
    try {
      const { rows } = await desk.api.get<{ rows: Suggestion[] }>(
        `conversations/${thread.id.value}/suggestions`,
      );
      if (question.value === asked) found.value = rows.map((item) => ({ ...item, text: filled(item.text) }));
    } catch (error) {
      // The articles are being loaded after a start, or the network is away.
      if (question.value === asked && error instanceof ApiError && error.again) wait(asked, AGAIN_MS);
    }
  }

  function wait(asked: string, ms: number): void {
    clearTimeout(pause);
    pause = setTimeout(() => void fetch(asked), ms);
  }

  watch(
    question,
    (now) => {
      clearTimeout(pause);
      found.value = [];
      if (now) wait(now, PAUSE_MS);
    },
    { immediate: true },
  );
  onBeforeUnmount(() => clearTimeout(pause));
  return found;
}
