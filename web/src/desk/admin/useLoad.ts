/** Data of a page: loaded, loaded again, with the error to show; an answer that was overtaken is dropped. */

import { onBeforeUnmount, onMounted, ref, shallowRef, type Ref, type ShallowRef } from "vue";

import { wordsOf } from "../api";

export interface Loaded<T> {
  data: ShallowRef<T | null>;
  error: Ref<string>;
  loading: Ref<boolean>;
  reload: () => Promise<void>;
}

export function useLoad<T>(fetch: () => Promise<T>): Loaded<T> {
  const data = shallowRef<T | null>(null);
  const error = ref("");
  const loading = ref(false);
  let newest = 0;

  async function reload(): Promise<void> {
    const own = ++newest;
    loading.value = true;
    try {
      const fetched = await fetch();
      if (own !== newest) return;
      data.value = fetched;
      error.value = "";
    } catch (problem) {
      if (own === newest) error.value = wordsOf(problem);
    } finally {
      if (own === newest) loading.value = false;
    }
  }

  onMounted(reload);
  return { data, error, loading, reload };
}

/** Runs a function now and then, not while the page is hidden. */
export function useEvery(ms: number, run: () => unknown): void {
  const timer = setInterval(() => document.visibilityState === "visible" && run(), ms);
  onBeforeUnmount(() => clearInterval(timer));
}
