/** The popup of ready replies: opened by "/" in an empty composer, steered by arrows. */

import { computed, ref, shallowRef, watch } from "vue";

import { matching, searched } from "./canned";
import type { Canned } from "./types";
import type { ComposerContext } from "./useComposer";
import type { DeskContext } from "./useDesk";

const SHOWN = 8;

export function useCanned(desk: DeskContext, composer: ComposerContext) {
  const all = shallowRef<Canned[] | null>(null);
  const chosen = ref(0);
  const closed = ref(false);

  const wanted = computed(() => (composer.mode.value === "reply" ? searched(composer.text.value) : null));
  const open = computed(() => wanted.value !== null && !closed.value);
  const found = computed(() =>
    wanted.value === null ? [] : matching(all.value ?? [], wanted.value).slice(0, SHOWN),
  );

  watch(open, async (now) => {
    if (!now) return;
    // They change while the desk is open: each search looks anew, and shows the known ones meanwhile.
    const answer = await desk.api.get<{ rows: Canned[] }>("canned").catch(() => null);
    if (answer) all.value = answer.rows;
  });
  watch(wanted, (now) => {
    chosen.value = 0;
    if (now === null) closed.value = false;
  });

  function pick(reply: Canned | undefined): void {
    if (reply) composer.insert(composer.filled(reply.text));
  }

  /** Steers the popup. Returns whether the key was meant for it. */
  function key(event: KeyboardEvent): boolean {
    if (!open.value) return false;
    const count = found.value.length;
    if (event.key === "ArrowDown") chosen.value = count ? (chosen.value + 1) % count : 0;
    else if (event.key === "ArrowUp") chosen.value = count ? (chosen.value + count - 1) % count : 0;
    else if (event.key === "Escape") closed.value = true;
    else if ((event.key === "Enter" || event.key === "Tab") && count) pick(found.value[chosen.value]);
    else return false;
    event.preventDefault();
    return true;
  }

  return { open, found, chosen, pick, key, loaded: computed(() => all.value !== null) };
}
