/** Where the desk is: addresses after the `#`, so that every view can be linked, reloaded and gone back to. */

import { readonly, ref } from "vue";

export interface Route {
  /** First part: `c`, `tickets`, `wall`, `settings` …; empty for the start. */
  page: string;
  /** The parts after it. */
  rest: string[];
}

export function parseRoute(hash: string): Route {
  const parts = hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
  return { page: parts[0] ?? "", rest: parts.slice(1) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a view, for links and `go`. */
export function href(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

const route = ref(parseRoute(window.location.hash));
window.addEventListener("hashchange", () => (route.value = parseRoute(window.location.hash)));

export function useRoute() {
  return readonly(route);
}

export function go(...parts: string[]): void {
  const address = href(...parts);
  if (window.location.hash !== address) window.location.hash = address;
}
