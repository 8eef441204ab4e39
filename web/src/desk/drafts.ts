/** What must survive a reload, a crash or a lock: drafts and unsent answers. */

import { record, str, text, type Json } from "../chat/guards";
import type { Store } from "../chat/storage";

/** An answer that the server has not taken yet. */
export interface Unsent {
  key: string;
  conversation: string;
  text: string;
  attachments: string[];
  at: string;
  /** Why the server refused it; it is not sent again unless the agent asks. */
  refused?: string;
}

/** A ticket's step that is being written. */
export interface Step {
  kind: string;
  text: string;
  /** Whether the customer is told these words. */
  tell: boolean;
}

function isUnsent(value: Json | null): value is Json & Unsent {
  return (
    !!str(value?.key) && !!str(value?.conversation) && typeof value?.text === "string" && !!str(value.at)
  );
}

/** One agent's own corner of the browser's storage; colleagues at the same machine do not see it. */
export class Kept {
  private readonly prefix: string;

  constructor(
    private readonly store: Store,
    readonly agent: string,
  ) {
    this.prefix = `chebao.desk.${agent}.`;
  }

  /** Words by where they belong: a conversation, its notes, a version of an article. */
  draft(slot: string): string {
    return str(this.read(`draft.${slot}`)?.text) ?? "";
  }

  saveDraft(slot: string, text: string): void {
    this.write(`draft.${slot}`, text ? { text } : null);
  }

  /** Kept whole: a note for colleagues must not come back as words for the customer. */
  step(ticket: string): Step | null {
    const step = this.read(`step.${ticket}`);
    return step && { kind: text(step.kind), text: text(step.text), tell: step.tell === true };
  }

  saveStep(ticket: string, step: Step): void {
    this.write(`step.${ticket}`, step.text ? step : null);
  }

  get unsent(): Unsent[] {
    return this.names("unsent.")
      .map((key) => this.read(`unsent.${key}`))
      .filter(isUnsent)
      .sort((a, b) => a.at.localeCompare(b.at) || a.key.localeCompare(b.key));
  }

  keep(unsent: Unsent): void {
    this.write(`unsent.${unsent.key}`, unsent);
  }

  drop(key: string): void {
    this.write(`unsent.${key}`, null);
  }

  get sound(): boolean {
    return this.read("sound")?.on !== false;
  }

  set sound(on: boolean) {
    this.write("sound", { on });
  }

  private names(kind: string): string[] {
    const start = this.prefix + kind;
    return this.store.keys().flatMap((key) => (key.startsWith(start) ? [key.slice(start.length)] : []));
  }

  private read(name: string): Json | null {
    const raw = this.store.getItem(this.prefix + name);
    if (raw === null) return null;
    try {
      return record(JSON.parse(raw));
    } catch {
      return null;
    }
  }

  private write(name: string, value: object | null): void {
    if (value === null) this.store.removeItem(this.prefix + name);
    else this.store.setItem(this.prefix + name, JSON.stringify(value));
  }
}
