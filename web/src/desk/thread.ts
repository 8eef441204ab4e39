/** One conversation's messages, merged from history and live frames, and how they are laid out for reading. */

import { dayKey, dayName } from "../chat/times";
import type { Unsent } from "./drafts";
import type { Message } from "./frames";
import type { Note } from "./types";

/** Longest pause within a run of one speaker. */
const RUN_MS = 5 * 60_000;

export class Thread {
  private readonly bySeq = new Map<number, Message>();
  private sorted: Message[] | null = null;

  get messages(): Message[] {
    this.sorted ??= [...this.bySeq.values()].sort((a, b) => a.seq - b.seq);
    return this.sorted;
  }

  get first(): number {
    return this.messages[0]?.seq ?? 0;
  }

  get last(): number {
    return this.messages.at(-1)?.seq ?? 0;
  }

  get lastCustomer(): Message | undefined {
    return this.messages.filter((message) => message.from === "customer").at(-1);
  }

  /** Adds a message or its newer version (the delivery changes). */
  receive(message: Message): void {
    this.bySeq.set(message.seq, message);
    this.sorted = null;
  }

  /** Shows an answer that the server has taken, until its own copy arrives. */
  taken(unsent: Unsent, seq: number, agent: { id: string; name: string }): void {
    if (this.bySeq.has(seq)) return;
    this.receive(previewOf(unsent, seq, agent));
  }
}

export function previewOf(unsent: Unsent, seq: number, agent: { id: string; name: string }): Message {
  return {
    seq,
    from: "agent",
    agent,
    text: unsent.text || "［照片］",
    buttons: [],
    image: null,
    card: null,
    attachments: [],
    location: null,
    at: unsent.at,
    delivery: { state: "queued", reason: "" },
    understood: null,
    knowledge: null,
  };
}

export type Entry =
  | { kind: "day"; key: string; day: string }
  | { kind: "message"; key: string; message: Message; first: boolean; unsent: Unsent | null }
  | { kind: "note"; key: string; note: Note };

interface Dated {
  at: string;
  /** Notes stand behind the message they were written after. */
  seq: number;
  entry: Exclude<Entry, { kind: "day" }>;
}

/** Everything of a conversation in reading order, with a line above each day. */
export function layout(
  messages: Message[],
  notes: Note[],
  unsent: Unsent[],
  me: { id: string; name: string },
  now: Date,
): Entry[] {
  const items: Dated[] = messages.map((message) => ({
    at: message.at,
    seq: message.seq,
    entry: { kind: "message", key: `m${message.seq}`, message, first: true, unsent: null },
  }));
  const firstSeq = messages[0]?.seq ?? 0;
  for (const note of notes) {
    // One from before the loaded messages comes when these are loaded.
    if (note.after_seq + 1 < firstSeq) continue;
    items.push({ at: note.at, seq: note.after_seq + 0.5, entry: { kind: "note", key: `n${note.id}`, note } });
  }
  items.sort((a, b) => a.seq - b.seq || a.at.localeCompare(b.at));
  for (const one of unsent) {
    const message = previewOf(one, Number.MAX_SAFE_INTEGER, me);
    const entry: Dated["entry"] = { kind: "message", key: one.key, message, first: true, unsent: one };
    items.push({ at: one.at, seq: message.seq, entry });
  }
  return withDays(items, now);
}

function withDays(items: Dated[], now: Date): Entry[] {
  const rows: Entry[] = [];
  let before: Dated | null = null;
  for (const item of items) {
    const newDay = !before || dayKey(before.at) !== dayKey(item.at);
    if (newDay) rows.push({ kind: "day", key: `d${item.at}`, day: dayName(item.at, now) });
    if (item.entry.kind === "message") item.entry.first = newDay || !together(before, item);
    rows.push(item.entry);
    before = item;
  }
  return rows;
}

function together(a: Dated | null, b: Dated): boolean {
  if (a?.entry.kind !== "message" || b.entry.kind !== "message") return false;
  const [one, two] = [a.entry.message, b.entry.message];
  const sameVoice = one.from === two.from && one.agent?.id === two.agent?.id;
  return sameVoice && Math.abs(Date.parse(b.at) - Date.parse(a.at)) < RUN_MS;
}
