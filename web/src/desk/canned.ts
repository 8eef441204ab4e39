/** Canned replies: found by what is typed after "/", filled with what is known about the conversation. */

import type { Canned } from "./types";

const VARIABLE = /\{([^{}]{1,12})\}/g;

/** Replaces the variables; one without a value stays as 【name】, to be seen and filled by hand. */
export function fill(text: string, values: Readonly<Record<string, string | null | undefined>>): string {
  // "{客户}您好" without a name is "您好", not "您您好".
  return text.replace(VARIABLE, (_, name: string) => values[name] || `【${name}】`).replace("您您", "您");
}

/** The names that are still to be filled in. */
export function unfilled(text: string): string[] {
  return [...text.matchAll(/【([^【】]{1,12})】/g)].map((match) => match[1] ?? "");
}

/** Replies that fit: by shortcut first, then by title, then by text. */
export function matching(replies: readonly Canned[], typed: string): Canned[] {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return [...replies];
  const rank = ({ shortcut, title, text }: Canned): number => {
    if (shortcut?.toLowerCase().startsWith(wanted)) return 0;
    if (title.toLowerCase().includes(wanted)) return 1;
    return text.toLowerCase().includes(wanted) ? 2 : 3;
  };
  return replies
    .map((reply) => ({ reply, rank: rank(reply) }))
    .filter((item) => item.rank < 3)
    .sort((a, b) => a.rank - b.rank)
    .map((item) => item.reply);
}

/** What stands after a "/" that begins the text; null when no search is going on. */
export function searched(text: string): string | null {
  return /^[/／]([^\n]{0,20})$/.exec(text)?.[1] ?? null;
}
