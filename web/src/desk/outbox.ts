/** Answers on their way to the server: one after another, kept until taken, never twice (the key sees to that). */

import { ApiError } from "./api";
import type { Kept, Unsent } from "./drafts";

export interface OutboxOptions {
  kept: Kept;
  /** Hands an answer over; gives the number under which it stands in the ledger. */
  post: (unsent: Unsent) => Promise<{ seq: number }>;
  /** Shows the answer under its number until the ledger's own copy arrives. */
  onTaken: (unsent: Unsent, seq: number) => void;
  onChange: () => void;
  newKey: () => string;
  now?: () => Date;
}

const PAUSE_MS = 3_000;

export class Outbox {
  private readonly items = new Map<string, Unsent>();
  private busy = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: OutboxOptions) {
    for (const unsent of options.kept.unsent) this.items.set(unsent.key, unsent);
  }

  of(conversation: string): Unsent[] {
    return [...this.items.values()].filter((item) => item.conversation === conversation);
  }

  add(conversation: string, text: string, attachments: string[]): void {
    const at = (this.options.now?.() ?? new Date()).toISOString();
    this.put({ key: this.options.newKey(), conversation, text, attachments, at });
    void this.pump();
  }

  /** Sends a refused answer again, under its key. */
  retry(key: string): void {
    const item = this.items.get(key);
    if (!item) return;
    const again = { ...item };
    delete again.refused;
    this.put(again);
    void this.pump();
  }

  /** Takes an answer back, e.g. into the composer. */
  take(key: string): string {
    const text = this.items.get(key)?.text ?? "";
    this.remove(key);
    return text;
  }

  /** Goes on after the line or the login came back. */
  wake(): void {
    clearTimeout(this.timer);
    void this.pump();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private async pump(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    try {
      for (;;) {
        const next = [...this.items.values()].find((item) => item.refused === undefined);
        if (!next || !(await this.deliver(next))) return;
      }
    } finally {
      this.busy = false;
    }
  }

  /** Returns whether the next one may go. */
  private async deliver(item: Unsent): Promise<boolean> {
    try {
      const { seq } = await this.options.post(item);
      this.options.onTaken(item, seq);
      this.remove(item.key);
      return true;
    } catch (error) {
      const stays =
        !(error instanceof ApiError) || error.again || error.status === 401 || error.status === 423;
      if (!stays) {
        this.put({ ...item, refused: error.message });
        return true;
      }
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.pump(), PAUSE_MS);
      return false;
    }
  }

  private put(item: Unsent): void {
    this.items.set(item.key, item);
    this.options.kept.keep(item);
    this.options.onChange();
  }

  private remove(key: string): void {
    this.items.delete(key);
    this.options.kept.drop(key);
    this.options.onChange();
  }
}
