/** The messages on screen: confirmed ones by ledger number, then the customer's unsent ones in order. */

import type { ChatMessage, Place } from "./protocol";
import type { Unsent } from "./storage";

export type Delivery = "sending" | "waiting" | "delivered" | "failed";

export interface Entry {
  /** Stable across the change from unsent to confirmed, so that the bubble stays in place. */
  key: string;
  message: ChatMessage;
  delivery: Delivery;
  /** Why it failed, in Chinese. */
  problem: string;
}

function preview(unsent: Unsent, seq: number): ChatMessage {
  const location: Place | null = "location" in unsent.content ? unsent.content.location : null;
  const attachments = unsent.files ?? [];
  return {
    seq,
    id: unsent.id,
    from: "customer",
    name: "",
    text: location || attachments.length > 0 ? "" : unsent.shown,
    buttons: [],
    image: null,
    card: null,
    attachments,
    location,
    at: unsent.at,
    votable: false,
    helpful: null,
  };
}

/** Merges frames in any order and any number of times to the same list. */
export class Timeline {
  private readonly confirmed = new Map<number, ChatMessage>();
  private readonly seqOfId = new Map<string, number>();
  private readonly pending = new Map<string, Unsent>();
  private cursor = 0;
  private cached: Entry[] | null = null;

  /**
   * Where to resume: the highest number received as a message.
   *
   * An acknowledgement does not move it: messages with lower numbers may still be on their way.
   */
  get after(): number {
    return this.cursor;
  }

  get unsent(): Unsent[] {
    return [...this.pending.values()];
  }

  /** Adds or replaces a confirmed message. Returns whether it was new. */
  receive(message: ChatMessage): boolean {
    const known = this.confirmed.has(message.seq);
    this.confirmed.set(message.seq, message);
    this.cursor = Math.max(this.cursor, message.seq);
    if (message.id) {
      this.seqOfId.set(message.id, message.seq);
      this.pending.delete(message.id);
    }
    this.cached = null;
    return !known;
  }

  /** Shows a vote at once. */
  vote(seq: number, helpful: boolean): void {
    const message = this.confirmed.get(seq);
    if (message) this.confirmed.set(seq, { ...message, helpful });
    this.cached = null;
  }

  /** Adds an unsent message; one that the ledger already has is left out. */
  add(unsent: Unsent): void {
    if (this.seqOfId.has(unsent.id)) return;
    this.pending.set(unsent.id, unsent);
    this.cached = null;
  }

  /** Confirms a message at its number; the server's own copy may replace it later. */
  acknowledge(id: string, seq: number): void {
    const unsent = this.pending.get(id);
    this.pending.delete(id);
    this.seqOfId.set(id, seq);
    if (unsent && !this.confirmed.has(seq)) this.confirmed.set(seq, preview(unsent, seq));
    this.cached = null;
  }

  /** Takes an unsent message away, e.g. one that another tab has delivered. */
  remove(id: string): void {
    this.pending.delete(id);
    this.cached = null;
  }

  clear(): void {
    this.confirmed.clear();
    this.seqOfId.clear();
    this.pending.clear();
    this.cursor = 0;
    this.cached = null;
  }

  /** All entries in reading order. */
  entries(online: boolean): Entry[] {
    this.cached ??= this.build(online);
    return this.cached;
  }

  /** Forgets the built list, for when only the connection's state has changed. */
  refresh(): void {
    this.cached = null;
  }

  private build(online: boolean): Entry[] {
    const confirmed = [...this.confirmed.values()].sort((a, b) => a.seq - b.seq);
    const entries: Entry[] = confirmed.map((message) => ({
      key: message.id ?? `#${message.seq}`,
      message,
      delivery: "delivered",
      problem: "",
    }));
    for (const unsent of this.pending.values()) {
      entries.push({
        key: unsent.id,
        message: preview(unsent, Number.MAX_SAFE_INTEGER),
        delivery: unsent.refused !== undefined ? "failed" : online ? "sending" : "waiting",
        problem: unsent.refused ?? "",
      });
    }
    return entries;
  }
}
