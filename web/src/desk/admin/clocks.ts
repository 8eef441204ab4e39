/** A ticket's clocks: how far gone, how to show it, which one presses most. */

import type { Clock, TicketRow } from "../types";
import { roughly } from "./times";

export type Tone = "calm" | "half" | "soon" | "over" | "done";

/** A clock's `share` is the last warning that it gave, 0.5, 0.8 or 1; service clocks count working time only. */
export type Shown = Clock & { started_at?: string };

/** Calm until half of the time is gone; warnings at 50, 80 and 100 %. */
export function tone(clock: Clock, now: number): Tone {
  if (clock.stopped) return "done";
  if (clock.share >= 1 || Date.parse(clock.due_at) <= now) return "over";
  if (clock.share >= 0.8) return "soon";
  return clock.share >= 0.5 ? "half" : "calm";
}

/** How much of the bar is filled: by the hour hand, never less than the warning said. */
export function filled(clock: Shown, now: number): number {
  const [start, end] = [Date.parse(clock.started_at ?? ""), Date.parse(clock.due_at)];
  const gone = Number.isNaN(start) || end <= start ? 0 : (now - start) / (end - start);
  return Math.min(1, Math.max(clock.share, gone, 0));
}

/** 还有 3 小时, 已超 20 分钟, 已办结. */
export function left(clock: Clock, now: number): string {
  if (clock.stopped) return "已办结";
  const seconds = (Date.parse(clock.due_at) - now) / 1000;
  return seconds >= 0 ? `还有 ${roughly(seconds)}` : `已超 ${roughly(-seconds)}`;
}

/** Running clocks, the most pressing first: overdue law before overdue service, then by the time left. */
export function running(clocks: readonly Clock[]): Clock[] {
  const rank = (clock: Clock): number => (clock.share < 1 ? 2 : clock.legal ? 0 : 1);
  return clocks
    .filter((clock) => !clock.stopped)
    .sort((a, b) => rank(a) - rank(b) || a.due_at.localeCompare(b.due_at));
}

export type Urgency = "over" | "today" | "later";

/** 事不过夜: what is overdue, what a clock or the next step wants today, what may wait. */
export function urgency(ticket: TicketRow, endOfToday: number, now: number): Urgency {
  const dues = running(ticket.clocks).map((clock) => Date.parse(clock.due_at));
  const next = ticket.next_at ? [Date.parse(ticket.next_at)] : [];
  if (ticket.overdue || dues.some((due) => due <= now)) return "over";
  return [...dues, ...next].some((due) => due <= endOfToday) ? "today" : "later";
}

/** Midnight at the end of today in Shanghai. */
export function endOfToday(now: number): number {
  const hours8 = 8 * 3_600_000;
  const day = 86_400_000;
  return (Math.floor((now + hours8) / day) + 1) * day - hours8;
}
