/** A log that stays at its newest message until somebody scrolls up, and counts what comes meanwhile. */

import { nextTick, onBeforeUnmount, onMounted, ref, type Ref } from "vue";

/** So close to the end counts as at the end. */
const NEAR_PX = 80;

/** `onSeen` is called whenever the newest message is on screen. */
export function useFollow(
  scroller: Readonly<Ref<HTMLElement | null>>,
  content: Readonly<Ref<HTMLElement | null>>,
  onSeen: () => void = () => undefined,
) {
  const following = ref(true);
  const missed = ref(0);
  let observer: ResizeObserver | undefined;
  let top = 0;
  let size = "";

  function toEnd(): void {
    const box = scroller.value;
    if (box) box.scrollTop = box.scrollHeight;
  }

  function seen(): void {
    missed.value = 0;
    onSeen();
  }

  function onScroll(): void {
    const box = scroller.value;
    if (!box) return;
    const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    const sizeNow = `${box.scrollHeight} ${box.clientHeight}`;
    // Only who scrolls up leaves the end; what grows or shrinks here or below does not push anybody away from it.
    if (near || (box.scrollTop < top && sizeNow === size)) following.value = near;
    top = box.scrollTop;
    size = sizeNow;
    if (following.value) seen();
  }

  /** Goes to the newest message and stays there. */
  function follow(): void {
    following.value = true;
    seen();
    void nextTick(toEnd);
  }

  function arrived(count: number): void {
    if (following.value) follow();
    else missed.value += Math.max(0, count);
  }

  onMounted(() => {
    // Photos that load and cards that unfold must not push the newest message out of sight.
    observer = new ResizeObserver(() => following.value && toEnd());
    if (content.value) observer.observe(content.value);
    if (scroller.value) observer.observe(scroller.value);
  });
  onBeforeUnmount(() => observer?.disconnect());

  return { following, missed, onScroll, follow, arrived };
}
