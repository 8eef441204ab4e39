/** How the wall's figures are judged and said. */

import type { Hour, Told } from "./types";
import { percent } from "./times";

export type FigureTone = "" | "good" | "warn" | "bad";

/** The queue's colour: nobody waits, someone waits within the promise, the promise is broken. */
export function waitTone(longest: number, waiting: number, promised: number): FigureTone {
  if (waiting === 0) return "good";
  if (longest <= promised) return "";
  return longest <= 3 * promised ? "warn" : "bad";
}

/** 80 % within the promised time is what call centres aim at. */
export function levelTone(level: number | null): FigureTone {
  if (level === null) return "";
  if (level >= 0.8) return "good";
  return level >= 0.6 ? "warn" : "bad";
}

/** The share of customers who waited no longer than they were told. */
export function toldWords(told: Told): string {
  const all = told.within + told.sooner + told.later;
  return all === 0 ? "–" : `${percent((told.within + told.sooner) / all)} 守约`;
}

/** The hours to draw: from the first to the last with customers, at least eight, all in one day. */
export function drawnHours(hours: readonly Hour[]): Hour[] {
  const known = new Map(hours.map((hour) => [hour.hour, hour]));
  const first = Math.min(9, ...known.keys());
  const last = Math.max(16, ...known.keys());
  return Array.from(
    { length: last - first + 1 },
    (_, index) => known.get(first + index) ?? { hour: first + index, asked: 0, answered: 0, abandoned: 0 },
  );
}
