/** What outlives a reload: session, last read number, unsent messages, draft, large type. */

import { num, record, str, type Json } from "./guards";
import type { Attachment, Content } from "./protocol";

/** The part of `localStorage` that is used; a map stands in where the browser forbids storage. */
export interface Store {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  keys(): string[];
}

export interface Session {
  token: string;
  conversation: string;
  /** When it was opened, in milliseconds. */
  opened: number;
}

/** A message not yet acknowledged. `shown` is what the bubble says until the server's copy arrives. */
export interface Unsent {
  id: string;
  content: Content;
  shown: string;
  at: string;
  /** Attachments as they are shown, so that a reload still has them. */
  files?: Attachment[];
  /** Set when the server refused it; it is not sent again unless the customer asks. */
  refused?: string;
}

const PREFIX = "chebao.chat.";
const UNSENT = `${PREFIX}unsent.`;

export class MemoryStore implements Store {
  private readonly items = new Map<string, string>();
  getItem = (key: string): string | null => this.items.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.items.set(key, value);
  removeItem = (key: string): void => void this.items.delete(key);
  keys = (): string[] => [...this.items.keys()];
}

/** `localStorage`, or memory where it is missing, forbidden or full. */
export function browserStore(): Store {
  try {
    const storage = window.localStorage;
    storage.setItem(`${PREFIX}probe`, "1");
    storage.removeItem(`${PREFIX}probe`);
    return {
      getItem: (key) => storage.getItem(key),
      setItem: (key, value) => {
        try {
          storage.setItem(key, value);
        } catch {
          // The storage is full: the message still goes out from this page, it just would not survive a reload.
        }
      },
      removeItem: (key) => storage.removeItem(key),
      keys: () => Object.keys(storage),
    };
  } catch {
    return new MemoryStore();
  }
}

function isUnsent(value: Json | null): value is Json & Unsent {
  return !!str(value?.id) && !!record(value?.content) && typeof value?.shown === "string" && !!str(value.at);
}

/** Typed access. Each unsent message has a key of its own, so that two tabs never overwrite each other. */
export class Saved {
  constructor(private readonly store: Store) {}

  get session(): Session | null {
    const value = this.read("session");
    const token = str(value?.token);
    const conversation = str(value?.conversation);
    return token && conversation ? { token, conversation, opened: num(value?.opened) ?? 0 } : null;
  }

  set session(value: Session | null) {
    this.write("session", value);
  }

  /** Highest number that the customer has seen. */
  get lastRead(): number {
    return num(this.read("read")?.seq) ?? 0;
  }

  set lastRead(seq: number) {
    this.write("read", { seq });
  }

  get draft(): string {
    return str(this.read("draft")?.text) ?? "";
  }

  set draft(text: string) {
    this.write("draft", text ? { text } : null);
  }

  get large(): boolean {
    return this.read("large")?.on === true;
  }

  set large(on: boolean) {
    this.write("large", on ? { on } : null);
  }

  /** All unsent messages of all tabs, oldest first. */
  get unsent(): Unsent[] {
    const found = this.store.keys().filter((key) => key.startsWith(UNSENT));
    return found
      .map((key) => this.read(key.slice(PREFIX.length)))
      .filter(isUnsent)
      .sort((a, b) => a.at.localeCompare(b.at) || a.id.localeCompare(b.id));
  }

  keep(message: Unsent): void {
    this.write(`unsent.${message.id}`, message);
  }

  drop(id: string): void {
    this.store.removeItem(UNSENT + id);
  }

  /** Whether a storage event of another tab is about unsent messages, and which. */
  static unsentId(key: string | null): string | null {
    return key?.startsWith(UNSENT) ? key.slice(UNSENT.length) : null;
  }

  private read(name: string): Json | null {
    const raw = this.store.getItem(PREFIX + name);
    if (raw === null) return null;
    try {
      return record(JSON.parse(raw));
    } catch {
      return null;
    }
  }

  private write(name: string, value: object | null): void {
    if (value === null) this.store.removeItem(PREFIX + name);
    else this.store.setItem(PREFIX + name, JSON.stringify(value));
  }
}
