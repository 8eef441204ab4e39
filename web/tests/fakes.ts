/** A server's side of the socket with behaviour: a ledger that knows client ids, and a line that can break. */

import type { Socket } from "../src/chat/connection";
import { MemoryStore, Saved } from "../src/chat/storage";
import { ChatClient, type Opened } from "../src/chat/client";

interface Row {
  type: "message";
  seq: number;
  id?: string;
  from: string;
  text: string;
  at: string;
}

type Frame = Record<string, unknown>;

export class FakeServer {
  readonly rows: Row[] = [];
  readonly received: Frame[] = [];
  readonly sessions: (string | null)[] = [];
  sockets: FakeSocket[] = [];
  /** Frames of these types are taken and never answered. */
  deaf = new Set<string>();
  /** Acknowledgements are lost although the message is stored. */
  loseAcks = false;
  /** Answers by which the next messages are refused. */
  refusals: { code: string; message: string }[] = [];
  expired = false;
  reachable = true;
  private conversations = 0;

  openSession = (token: string | null): Promise<Opened> => {
    this.sessions.push(token);
    if (!this.reachable) return Promise.reject(new Error("unreachable"));
    this.expired = false;
    this.conversations += 1;
    return Promise.resolve({ token: `token-${this.conversations}`, conversation: `c${this.conversations}` });
  };

  open = (): FakeSocket => {
    const socket = new FakeSocket(this);
    this.sockets.push(socket);
    queueMicrotask(() => (this.reachable ? socket.onopen?.() : socket.break()));
    return socket;
  };

  /** Says something to every open socket. */
  say(text: string, from = "bot"): void {
    this.store({ from, text });
  }

  store(row: { from: string; text: string; id?: string }): Row {
    const stored: Row = { type: "message", seq: this.rows.length + 1, at: "2026-11-22T02:00:00Z", ...row };
    this.rows.push(stored);
    this.sockets.forEach((socket) => socket.deliver(stored));
    return stored;
  }

  take(socket: FakeSocket, frame: Frame): void {
    this.received.push(frame);
    if (this.deaf.has(String(frame.type))) return;
    if (frame.type === "ping") socket.deliver({ type: "pong" });
    if (frame.type === "hello") this.greet(socket, Number(frame.after));
    if (frame.type === "message") this.accept(socket, frame);
  }

  private greet(socket: FakeSocket, after: number): void {
    if (this.expired) {
      socket.deliver({ type: "error", code: "session_expired", message: "会话已过期，请刷新页面。" });
      socket.break();
      return;
    }
    socket.deliver({ type: "welcome", owner: "bot", last_seq: this.rows.length });
    this.rows.filter((row) => row.seq > after).forEach((row) => socket.deliver(row));
  }

  private accept(socket: FakeSocket, frame: Frame): void {
    const id = String(frame.id);
    const refusal = this.refusals.shift();
    if (refusal) {
      socket.deliver({ type: "error", ...refusal, id });
      return;
    }
    const known = this.rows.find((row) => row.id === id);
    const lost = this.loseAcks;
    if (lost) socket.mute();
    const row = known ?? this.store({ id, from: "customer", text: String(frame.text) });
    if (!lost) socket.deliver({ type: "ack", id, seq: row.seq });
  }
}

export class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  private open = true;
  private muted = false;

  constructor(private readonly server: FakeServer) {}

  send(data: string): void {
    if (this.open) this.server.take(this, JSON.parse(data) as Frame);
  }

  deliver(frame: object): void {
    if (this.open && !this.muted) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  mute(): void {
    this.muted = true;
  }

  close(): void {
    this.open = false;
    this.server.sockets = this.server.sockets.filter((socket) => socket !== this);
  }

  /** The line is cut from the far side. */
  break(): void {
    this.close();
    this.onclose?.();
  }
}

let ids = 0;

/** A page: a client on its store, as a tab would have it. */
export function openTab(
  server: FakeServer,
  store = new MemoryStore(),
): { client: ChatClient; store: MemoryStore } {
  const client = new ChatClient({
    saved: new Saved(store),
    open: server.open,
    createSession: server.openSession,
    onChange: () => undefined,
    newId: () => `m${(ids += 1)}`,
    random: () => 0,
  });
  client.start();
  return { client, store };
}

export const texts = (client: ChatClient): string[] => client.entries.map((entry) => entry.message.text);
export const deliveries = (client: ChatClient): string[] => client.entries.map((entry) => entry.delivery);
