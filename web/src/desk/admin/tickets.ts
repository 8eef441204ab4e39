/** The ticket list's groups and small words. */

import { localOf, momentOf } from "../moments";
import type { TicketRow } from "../types";
import type { Ticket } from "./types";
import { endOfToday, running, urgency, type Urgency } from "./clocks";

export type TicketView = "today" | "mine" | "all" | "overdue" | "closed";

export interface Group {
  urgency: Urgency;
  title: string;
  rows: TicketRow[];
}

const TITLES: Record<Urgency, string> = { over: "已超时，先办这些", today: "今天要推进", later: "不急" };

/** Tickets by urgency; within one by level, then by what is due first. Groups without a ticket are left out. */
export function grouped(rows: readonly TicketRow[], now: number): Group[] {
  const end = endOfToday(now);
  const due = (row: TicketRow): string => running(row.clocks)[0]?.due_at ?? row.next_at ?? "9";
  return (["over", "today", "later"] as const)
    .map((kind) => ({
      urgency: kind,
      title: TITLES[kind],
      rows: rows
        .filter((row) => urgency(row, end, now) === kind)
        .sort(
          (a, b) => b.level - a.level || due(a).localeCompare(due(b)) || a.number.localeCompare(b.number),
        ),
    }))
    .filter((group) => group.rows.length > 0);
}

/** 投诉 levels go from 1 to 3, 3 is the gravest. */
export const levelWords = (level: number): string =>
  (["", "一级", "二级", "三级"] as const)[level] ?? `${level} 级`;

/** What may be planned of a ticket, as its form holds it. */
export function planOf(ticket: Ticket | null) {
  return {
    state: ticket?.state ?? "",
    owner: ticket?.owner_id ?? "",
    nextAction: ticket?.next_action ?? "",
    nextAt: localOf(ticket?.next_at ?? null),
    resolution: ticket?.resolution ?? "",
  };
}

export type Plan = ReturnType<typeof planOf>;

const FIELDS = {
  state: "state",
  owner: "owner_id",
  nextAction: "next_action",
  nextAt: "next_at",
  resolution: "resolution",
};

/** What of the form differs from the ticket, under the server's names. */
export function changes(form: Plan, ticket: Ticket): Record<string, string | null> {
  const before = planOf(ticket);
  const found: Record<string, string | null> = {};
  for (const key of Object.keys(FIELDS) as (keyof Plan)[]) {
    const value = form[key].trim();
    if (value !== before[key]) found[FIELDS[key]] = key === "nextAt" ? momentOf(value) : value || null;
  }
  return found;
}

const MOVES: Record<string, readonly string[]> = {
  open: ["working", "waiting", "resolved"],
  working: ["waiting", "resolved"],
  waiting: ["working", "resolved"],
  resolved: ["working", "closed"],
  closed: ["working"],
};

/** The states that a ticket may be in next, its own first. */
export const statesFrom = (state: string): string[] => [state, ...(MOVES[state] ?? [])];

/** Whether the complaint's legal period may be made longer: it runs, and is not over. */
export function mayExtend(ticket: Ticket, now: number): boolean {
  return (
    ticket.kind === "complaint" &&
    running(ticket.clocks).some((clock) => clock.legal && clock.share < 1 && Date.parse(clock.due_at) > now)
  );
}
