/** What is worth a sound: conversations that have become ours, customers who wrote again. */

import { isMine, type DeskState } from "./store";
import type { Row } from "./types";

export interface Alert {
  kind: "assigned" | "message";
  row: Row;
}

/** What is new for this agent between two states. */
export function alertsBetween(before: DeskState, after: DeskState, agent: string): Alert[] {
  // The first state after a login is no news.
  if (before.event === 0 || before.conversation === after.conversation) return [];
  return Object.values(after.conversation).flatMap((row): Alert[] => {
    const old = before.conversation[row.id];
    if (old === row || !isMine(row, agent)) return [];
    if (!old || !isMine(old, agent)) return [{ kind: "assigned", row }];
    return row.last_customer_seq > old.last_customer_seq ? [{ kind: "message", row }] : [];
  });
}
