/** Which conversations a supervisor should look at, and why. */

import type { DeskState } from "../store";
import type { Row } from "../types";
import { EMOTIONS, named, TROUBLED } from "../words";
import { waited } from "./times";

/** A customer should not wait longer than this for a person's next word. */
export const ANSWER_SECONDS = 60;

export interface Concern {
  words: string;
  grave: boolean;
}

/** Since when the customer waits: in the queue since asking, with an agent since the oldest unanswered message. */
export function waitingSince(row: Row): string | null {
  return row.owner === "queued" ? row.queued_at : row.waiting_since;
}

export function concerns(row: Row, now: number): Concern[] {
  const found: Concern[] = [];
  const wait = waited(waitingSince(row), now);
  if (wait > ANSWER_SECONDS && !row.held) {
    found.push({ words: row.owner === "queued" ? "久等未接" : "久等未回", grave: true });
  }
  if (row.emotion && TROUBLED.has(row.emotion)) {
    found.push({ words: named(EMOTIONS, row.emotion), grave: row.emotion !== "anxious" });
  }
  if (row.priority >= 8) found.push({ words: "紧急", grave: true });
  if (row.customer.vip) found.push({ words: "VIP", grave: false });
  if (row.customer.care) found.push({ words: "需关怀", grave: false });
  return found;
}

export type Filter = "all" | "queued" | "concern" | "held";

/** The rows of a filter; what wants looking at most comes first, then who waits longest. */
export function watched(state: DeskState, filter: Filter, now: number): Row[] {
  const weight = (row: Row): number => concerns(row, now).filter((concern) => concern.grave).length;
  const since = (row: Row): string => waitingSince(row) ?? "9";
  return Object.values(state.conversation)
    .filter((row) => {
      if (row.owner !== "queued" && row.owner !== "agent") return false;
      if (filter === "queued") return row.owner === "queued";
      if (filter === "held") return row.held;
      return filter === "all" || weight(row) > 0;
    })
    .sort((a, b) => weight(b) - weight(a) || since(a).localeCompare(since(b)) || a.id.localeCompare(b.id));
}
