import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Socket, Status } from "../src/chat/connection";
import { MemoryStore } from "../src/chat/storage";
import { ApiError } from "../src/desk/api";
import { Kept, type Unsent } from "../src/desk/drafts";
import { Outbox } from "../src/desk/outbox";
import { Line } from "../src/desk/socket";
import { EMPTY, type DeskState } from "../src/desk/store";

/** The server's side: a stream of events, of which it keeps the last ones, and tickets that work once. */
class DeskServer {
  readonly agents: Record<string, object> = {};
  sockets: FakeSocket[] = [];
  hellos: number[] = [];
  stateFetches = 0;
  reachable = true;
  /** Events before this number are gone: who is further behind must fetch everything. */
  kept = 0;
  private events: { type: "event"; id: number; kind: string; key: string; body: object }[] = [];
  private tickets = new Set<string>();

  fetchState = (): Promise<DeskState> => {
    if (!this.reachable) return Promise.reject(new Error("unreachable"));
    this.stateFetches += 1;
    return Promise.resolve({ ...EMPTY, event: this.events.length, agent: { ...this.agents } } as DeskState);
  };

  fetchTicket = (): Promise<string> => {
    if (!this.reachable) return Promise.reject(new Error("unreachable"));
    const ticket = `t${Math.random()}`;
    this.tickets.add(ticket);
    return Promise.resolve(ticket);
  };

  open = (ticket: string): FakeSocket => {
    const socket = new FakeSocket(this);
    const good = this.tickets.delete(ticket) && this.reachable;
    queueMicrotask(() => (good ? socket.onopen?.() : socket.break()));
    return socket;
  };

  publish(key: string, body: object): void {
    this.agents[key] = body;
    const event = { type: "event" as const, id: this.events.length + 1, kind: "agent", key, body };
    this.events.push(event);
    this.sockets.forEach((socket) => socket.deliver(event));
  }

  greet(socket: FakeSocket, after: number): void {
    this.hellos.push(after);
    if (after < this.kept) {
      socket.deliver({ type: "resync" });
      return;
    }
    this.sockets.push(socket);
    socket.deliver({ type: "welcome", event_id: this.events.length });
    this.events.filter(({ id }) => id > after).forEach((event) => socket.deliver(event));
  }

  get fresh(): object {
    return { ...EMPTY, event: this.events.length, agent: this.agents };
  }

  cut(): void {
    [...this.sockets].forEach((socket) => socket.break());
  }
}

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(private readonly server: DeskServer) {}

  send(data: string): void {
    const frame = JSON.parse(data) as { type: string; after?: number };
    if (frame.type === "hello") this.server.greet(this, frame.after ?? 0);
    if (frame.type === "ping") this.deliver({ type: "pong" });
  }

  deliver(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  close(): void {
    this.server.sockets = this.server.sockets.filter((socket) => socket !== this);
  }

  break(): void {
    this.close();
    this.onclose?.();
  }
}

let server: DeskServer;
let state: DeskState;
let statuses: Status[];
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

function connect(): Line {
  const line = new Line({
    fetchState: server.fetchState,
    fetchTicket: server.fetchTicket,
    open: server.open,
    onState: (next) => (state = next),
    onFrame: () => undefined,
    onStatus: (status) => statuses.push(status),
    random: () => 0,
  });
  line.start();
  return line;
}

beforeEach(() => {
  vi.useFakeTimers();
  server = new DeskServer();
  state = EMPTY;
  statuses = [];
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the desk's line", () => {
  it("begins with the whole state and adds what happens", async () => {
    server.publish("agent1", { state: "ready" });
    connect();
    await settle();
    server.publish("agent2", { state: "busy" });
    expect(state).toEqual(server.fresh);
    expect(server.hellos).toEqual([1]);
  });

  it("comes back after a cut without a gap, without fetching everything anew", async () => {
    connect();
    await settle();
    server.publish("agent1", { state: "ready" });
    server.cut();
    server.publish("agent1", { state: "break" });
    server.publish("agent2", { state: "busy" });
    await settle(2_000);
    expect(statuses.at(-1)).toBe("online");
    expect(state).toEqual(server.fresh);
    expect(server.hellos).toEqual([0, 1]);
    expect(server.stateFetches).toBe(1);
  });

  it("fetches everything when it was away for too long", async () => {
    connect();
    await settle();
    server.cut();
    server.publish("agent1", { state: "break" });
    server.kept = 1;
    await settle(2_000);
    expect(state).toEqual(server.fresh);
    expect(server.stateFetches).toBe(2);
    server.publish("agent1", { state: "ready" });
    expect(state).toEqual(server.fresh);
  });

  it("keeps trying while the server is away, and then is right", async () => {
    connect();
    await settle();
    server.reachable = false;
    server.cut();
    await settle(60_000);
    expect(statuses.at(-1)).not.toBe("online");
    server.reachable = true;
    server.publish("agent1", { state: "ready" });
    await settle(20_000);
    expect(statuses.at(-1)).toBe("online");
    expect(state).toEqual(server.fresh);
  });
});

describe("the outbox", () => {
  let store: MemoryStore;
  let posted: string[];
  let shown: [string, number][];
  let answer: () => Promise<{ seq: number }>;

  function open(): Outbox {
    let keys = 0;
    return new Outbox({
      kept: new Kept(store, "agent1"),
      post: (unsent: Unsent) => {
        posted.push(`${unsent.key} ${unsent.text}`);
        return answer();
      },
      onTaken: (unsent, seq) => shown.push([unsent.text, seq]),
      onChange: () => undefined,
      newKey: () => `k${(keys += 1)}`,
    });
  }

  beforeEach(() => {
    store = new MemoryStore();
    posted = [];
    shown = [];
    answer = () => Promise.resolve({ seq: posted.length });
  });

  it("sends one after another and forgets what was taken", async () => {
    const outbox = open();
    ["一", "二", "三"].forEach((text) => outbox.add("c", text, []));
    await settle();
    expect(posted).toEqual(["k1 一", "k2 二", "k3 三"]);
    expect(shown).toEqual([
      ["一", 1],
      ["二", 2],
      ["三", 3],
    ]);
    expect(outbox.of("c")).toEqual([]);
    expect(store.keys()).toEqual([]);
  });

  it("repeats under the same key when the network is away, also after a reload", async () => {
    answer = () => Promise.reject(new ApiError(0, "unreachable", "网络不通"));
    const outbox = open();
    outbox.add("c", "您好", []);
    await settle(4_000);
    outbox.stop();
    answer = () => Promise.resolve({ seq: 7 });
    const again = open();
    expect(again.of("c").map(({ text }) => text)).toEqual(["您好"]);
    again.wake();
    await settle();
    expect(new Set(posted)).toEqual(new Set(["k1 您好"]));
    expect(shown).toEqual([["您好", 7]]);
  });

  it("keeps a refused answer with the reason, lets the next one pass, and gives the words back", async () => {
    answer = () =>
      posted.at(-1)?.endsWith("晚了") && posted.length === 1
        ? Promise.reject(new ApiError(409, "conflict", "会话已转给周敏"))
        : Promise.resolve({ seq: 3 });
    const outbox = open();
    outbox.add("c", "晚了", []);
    outbox.add("d", "另一位", []);
    await settle();
    expect(outbox.of("c")[0]?.refused).toBe("会话已转给周敏");
    expect(shown).toEqual([["另一位", 3]]);
    expect(outbox.take("k1")).toBe("晚了");
    expect(outbox.of("c")).toEqual([]);
  });

  it("waits for the login instead of failing when it has run out", async () => {
    answer = () => Promise.reject(new ApiError(401, "unauthorized", "请重新登录"));
    const outbox = open();
    outbox.add("c", "您好", []);
    await settle();
    expect(outbox.of("c")[0]?.refused).toBeUndefined();
  });
});

describe("drafts", () => {
  it("belong to one agent and one conversation, and survive a reload", () => {
    const store = new MemoryStore();
    const desk = new Kept(store, "agent1");
    desk.saveDraft("c1", "写到一半");
    desk.saveDraft("note:c1", "记一笔");
    expect(new Kept(store, "agent1").draft("c1")).toBe("写到一半");
    expect(new Kept(store, "agent2").draft("c1")).toBe("");
    expect(new Kept(store, "agent1").draft("c2")).toBe("");
    desk.saveDraft("c1", "");
    expect(new Kept(store, "agent1").draft("c1")).toBe("");
    expect(desk.draft("note:c1")).toBe("记一笔");
  });

  it("hold a form's fields; what was begun in a conversation's dialogs can be dropped", () => {
    const store = new MemoryStore();
    const desk = new Kept(store, "agent1");
    const note = { kind: "note", text: "客户在外地", tell: false };
    desk.saveFields("GD1/step", note);
    expect(new Kept(store, "agent1").fields("GD1/step")).toEqual(note);
    expect(new Kept(store, "agent2").fields("GD1/step")).toEqual({});
    desk.saveFields("GD1/step", {});
    expect(store.keys()).toEqual([]);
    for (const slot of ["c1", "note:c1", "c1/close", "c1/transfer", "c10/close"])
      desk.saveDraft(slot, "写到一半");
    desk.dropDialogs("c1");
    expect(store.keys().map((key) => key.split("draft.")[1])).toEqual(["c1", "note:c1", "c10/close"]);
  });
});
