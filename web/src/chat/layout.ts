/** Arranges entries for reading: day separators, groups of one sender, the buttons that still count. */

import { withoutEcho } from "./echo";
import type { ChatMessage, Choice } from "./protocol";
import type { Entry } from "./timeline";
import { dayKey, dayName } from "./times";

/** Longest system message shown as a centred note. */
const NOTE_LENGTH = 32;

/** Longest pause within a run of one sender. */
const RUN_MS = 5 * 60_000;

/** Whether a message is a mere note of the system rather than something to read and answer. */
export function isNote({ from, text, buttons, card, attachments, image }: ChatMessage): boolean {
  const bare = buttons.length === 0 && !card && attachments.length === 0 && !image;
  return from === "system" && bare && text.length <= NOTE_LENGTH;
}

export interface Row {
  entry: Entry;
  /** What its bubble says: the message's text without what a card beside it shows. */
  text: string;
  /** Text of the separator above, when a new day begins. */
  day: string;
  /** First of a run of one sender. */
  first: boolean;
  /** Last of a run: shows the time. */
  last: boolean;
  /** The customer's newest message: the one whose delivery is of interest. */
  newestMine: boolean;
}

/** Who a reader takes a message to be from: the hub's own sentences are part of the automatic service. */
function voice({ message }: Entry): string {
  if (isNote(message)) return `note ${message.seq}`;
  return message.from === "system" ? "bot" : message.from + message.name;
}

function together(a: Entry | undefined, b: Entry | undefined): boolean {
  if (!a || !b || voice(a) !== voice(b)) return false;
  return Math.abs(Date.parse(b.message.at) - Date.parse(a.message.at)) < RUN_MS;
}

function shownText(entries: Entry[], index: number): string {
  const message = entries[index]?.message;
  if (!message) return "";
  if (message.from === "customer") return message.text;
  const after = entries[index + 1]?.message.card;
  const before = entries[index - 1]?.message.card;
  const text = after ? withoutEcho(message.text, after, true) : message.text;
  return before ? withoutEcho(text, before, false) : text;
}

function isEmpty({ entry, text }: Pick<Row, "entry" | "text">): boolean {
  const { image, card, attachments, location, buttons } = entry.message;
  return text === "" && !image && !card && !location && attachments.length === 0 && buttons.length === 0;
}

/** One row for each entry that has something to show. */
export function rowsOf(all: Entry[], now: Date): Row[] {
  const texts = new Map(all.map((entry, index) => [entry, shownText(all, index)]));
  const entries = all.filter((entry) => !isEmpty({ entry, text: texts.get(entry) ?? "" }));
  const newestMine = entries.map((entry) => entry.message.from).lastIndexOf("customer");
  return entries.map((entry, index) => {
    const before = entries[index - 1];
    const after = entries[index + 1];
    const newDay = !before || dayKey(before.message.at) !== dayKey(entry.message.at);
    const dayEnds = !after || dayKey(after.message.at) !== dayKey(entry.message.at);
    return {
      entry,
      text: texts.get(entry) ?? "",
      day: newDay ? dayName(entry.message.at, now) : "",
      first: newDay || !together(before, entry),
      last: dayEnds || !together(entry, after),
      newestMine: index === newestMine,
    };
  });
}

export interface Offer {
  /** Key of the entry that the buttons belong to. */
  key: string;
  buttons: Choice[];
  /** False once the customer has answered. */
  open: boolean;
}

/** The buttons of the other side's newest turn; those of older turns are never shown. */
export function offerOf(entries: Entry[]): Offer | null {
  let open = true;
  let newerTurn = false;
  for (const entry of [...entries].reverse()) {
    const { from, buttons } = entry.message;
    if (from === "customer") {
      // A failed message has not answered anything yet.
      if (entry.delivery === "failed") continue;
      if (newerTurn) return null;
      open = false;
    } else {
      if (buttons.length > 0) return { key: entry.key, buttons, open };
      if (!open) return null;
      newerTurn = true;
    }
  }
  return null;
}

/** Keys of the entries after the customer's last word: their cards may still be used. */
export function usableCards(entries: Entry[]): Set<string> {
  const keys = new Set<string>();
  for (const entry of [...entries].reverse()) {
    if (entry.message.from === "customer" && entry.delivery !== "failed") break;
    keys.add(entry.key);
  }
  return keys;
}
