/** One clock for everything that ticks, set by the server's. */

import { ref } from "vue";

const now = ref(Date.now());
let ahead = 0;

setInterval(() => (now.value = Date.now() + ahead), 1_000);

/** The agent's own clock may be wrong; waiting times must not be. */
export function setServerTime(at: string | undefined): void {
  const time = Date.parse(at ?? "");
  if (Number.isNaN(time)) return;
  ahead = time - Date.now();
  now.value = time;
}

export function useNow() {
  return now;
}
