/** What must survive a reload, a crash or a lock: drafts and unsent answers. */

import { record, str, type Json } from "../chat/guards";
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

  /** What is being written, by where it belongs: a conversation, its notes, a dialog about it, a ticket, an article. */
  fields(slot: string): Json {
    return this.read(`draft.${slot}`) ?? {};
  }

  saveFields(slot: string, fields: object): void {
    this.write(`draft.${slot}`, Object.keys(fields).length > 0 ? fields : null);
  }

  draft(slot: string): string {
    return str(this.fields(slot).text) ?? "";
  }

  saveDraft(slot: string, text: string): void {
    this.saveFields(slot, text ? { text } : {});
  }

  /** Drops what was begun in a conversation's dialogs; the words to the customer and the notes stay. */
  dropDialogs(conversation: string): void {
    for (const slot of this.names(`draft.${conversation}/`)) this.saveFields(`${conversation}/${slot}`, {});
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
