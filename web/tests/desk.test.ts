import { describe, expect, it } from "vitest";

import { alertsBetween } from "../src/desk/alerts";
import { fill, matching, searched, unfilled } from "../src/desk/canned";
import type { Message } from "../src/desk/frames";
import { shortcutFor, SHORTCUTS } from "../src/desk/keys";
import { apply, EMPTY, isMine, listed, type DeskState } from "../src/desk/store";
import { layout, Thread } from "../src/desk/thread";
import type { Canned, Note, Row } from "../src/desk/types";
import { allowanceWords, lasting, ticking } from "../src/desk/words";

const ME = "agent1";

function row(id: string, more: Partial<Row> = {}): Row {
  return {
    id,
    channel: "web",
    owner: "agent",
    epoch: 1,
    agent_id: ME,
    agent_name: "林晓",
    held: false,
    priority: 5,
    reason: "customer_request",
    reason_label: "客户要求人工",
    skill: "claims",
    task: null,
    emotion: null,
    escalated: false,
    queued_at: "2026-11-22T02:00:00Z",
    assigned_at: null,
    waiting_since: null,
    last: null,
    last_customer_seq: 1,
    customer: { name: "王*国", verified: false, vip: false, care: false },
    window: { left: null, until: null },
    episode_id: null,
    joined: [],
    ...more,
  };
}

function stateOf(...rows: Row[]): DeskState {
  return rows.reduce(
    (state, one) => apply(state, { id: state.event + 1, kind: "conversation", key: one.id, body: one }),
    EMPTY,
  );
}

const ids = (rows: Row[]): string[] => rows.map(({ id }) => id);

describe("state", () => {
  it("is the same after events as when it is fetched anew", () => {
    const events = [
      { id: 1, kind: "conversation", key: "a", body: row("a") },
      { id: 2, kind: "conversation", key: "b", body: row("b", { owner: "queued", agent_id: null }) },
      { id: 3, kind: "conversation", key: "a", body: row("a", { held: true }) },
      { id: 4, kind: "agent", key: ME, body: { id: ME, state: "ready" } },
      { id: 5, kind: "conversation", key: "b", body: null },
    ];
    const state = events.reduce(apply, EMPTY);
    expect(state).toEqual({
      event: 5,
      conversation: { a: row("a", { held: true }) },
      agent: { [ME]: { id: ME, state: "ready" } },
      ticket: {},
      note: {},
    });
  });

  it("takes an event once, in order, and never changes the state it was given", () => {
    const before = stateOf(row("a"));
    const frozen = JSON.stringify(before);
    const after = apply(before, { id: 2, kind: "conversation", key: "a", body: null });
    expect(apply(after, { id: 2, kind: "conversation", key: "a", body: row("a") })).toBe(after);
    expect(apply(after, { id: 1, kind: "conversation", key: "a", body: row("a") })).toBe(after);
    expect(JSON.stringify(before)).toBe(frozen);
  });

  it("goes on after an event of a kind that this page does not know", () => {
    const state = stateOf(row("a"));
    const after = apply(state, { id: 9, kind: "__proto__", key: "x", body: {} });
    expect(after).toEqual({ ...state, event: 9 });
  });
});

describe("lists", () => {
  it("put who waits on top, the gravest first, then the longest; what is on hold at the end", () => {
    const state = stateOf(
      row("quiet"),
      row("late", { waiting_since: "2026-11-22T02:00:00Z" }),
      row("later", { waiting_since: "2026-11-22T02:05:00Z" }),
      row("grave", { waiting_since: "2026-11-22T02:09:00Z", priority: 9 }),
      row("held", { held: true, waiting_since: "2026-11-22T01:00:00Z" }),
    );
    expect(ids(listed(state, "mine", ME))).toEqual(["grave", "late", "later", "quiet", "held"]);
  });

  it("tell mine from the queue and from colleagues'", () => {
    const state = stateOf(
      row("mine"),
      row("joined", { agent_id: "agent2", joined: [ME] }),
      row("hers", { agent_id: "agent2" }),
      row("waiting", { owner: "queued", agent_id: null }),
    );
    expect(new Set(ids(listed(state, "mine", ME)))).toEqual(new Set(["mine", "joined"]));
    expect(ids(listed(state, "queue", ME))).toEqual(["waiting"]);
    expect(listed(state, "open", ME)).toHaveLength(4);
    expect(isMine(row("x", { owner: "bot" }), ME)).toBe(false);
  });
});

describe("alerts", () => {
  const kinds = (before: DeskState, after: DeskState): string[] =>
    alertsBetween(before, after, ME).map((alert) => `${alert.kind} ${alert.row.id}`);

  it("come for what has become ours and for what its customers write", () => {
    const before = stateOf(row("a"), row("b", { owner: "queued", agent_id: null }));
    const taken = apply(before, { id: 3, kind: "conversation", key: "b", body: row("b") });
    expect(kinds(before, taken)).toEqual(["assigned b"]);
    const said = apply(taken, {
      id: 4,
      kind: "conversation",
      key: "a",
      body: row("a", { last_customer_seq: 2 }),
    });
    expect(kinds(taken, said)).toEqual(["message a"]);
  });

  it("do not come for the first state, for others' work or for our own answers", () => {
    const first = stateOf(row("a"));
    expect(kinds(EMPTY, first)).toEqual([]);
    const hers = apply(first, {
      id: 2,
      kind: "conversation",
      key: "h",
      body: row("h", { agent_id: "agent2" }),
    });
    expect(kinds(first, hers)).toEqual([]);
    const answered = apply(hers, { id: 3, kind: "conversation", key: "a", body: row("a", { epoch: 2 }) });
    expect(kinds(hers, answered)).toEqual([]);
  });
});

function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    seq,
    from: "customer",
    agent: null,
    text: `第 ${seq} 条`,
    buttons: [],
    image: null,
    card: null,
    attachments: [],
    location: null,
    at: `2026-11-22T02:${String(seq).padStart(2, "0")}:00Z`,
    delivery: null,
    understood: null,
    knowledge: null,
    ...more,
  };
}

function note(id: number, after_seq: number): Note {
  const at = "2026-11-22T03:00:00Z";
  return {
    id,
    conversation_id: "c",
    agent_id: ME,
    agent_name: "林晓",
    text: "记",
    whisper: false,
    after_seq,
    at,
  };
}

describe("thread", () => {
  const me = { id: ME, name: "林晓" };
  const now = new Date("2026-11-22T04:00:00Z");

  it("merges messages that come twice, late or with a new delivery state", () => {
    const thread = new Thread();
    [3, 1, 2, 2].forEach((seq) => thread.receive(message(seq)));
    thread.receive(message(3, { delivery: { state: "failed", reason: "客户已取消关注" } }));
    expect(thread.messages.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(thread.messages[2]?.delivery?.reason).toBe("客户已取消关注");
  });

  it("shows a taken answer once, whichever of reply and frame comes first", () => {
    const unsent = { key: "k", conversation: "c", text: "您好", attachments: [], at: "2026-11-22T02:05:00Z" };
    const thread = new Thread();
    thread.taken(unsent, 5, me);
    expect(thread.messages.map(({ text }) => text)).toEqual(["您好"]);
    thread.receive(message(5, { from: "agent", text: "您好", delivery: { state: "delivered", reason: "" } }));
    thread.taken(unsent, 5, me);
    expect(thread.messages).toHaveLength(1);
    expect(thread.messages[0]?.delivery?.state).toBe("delivered");
  });

  it("puts notes behind the message they were written after, unsent answers last, a line above each day", () => {
    const unsent = [
      { key: "k", conversation: "c", text: "稍等", attachments: [], at: "2026-11-22T02:01:30Z" },
    ];
    const yesterday = message(1, { at: "2026-11-21T02:00:00Z" });
    const entries = layout([yesterday, message(2), message(3)], [note(1, 2)], unsent, me, now);
    expect(entries.map(({ key }) => key.replace(/^d.*/, "day"))).toEqual([
      "day",
      "m1",
      "day",
      "m2",
      "n1",
      "m3",
      "k",
    ]);
  });

  it("names a speaker once for what is said in one go", () => {
    const entries = layout(
      [message(1), message(2), message(3, { from: "bot" }), message(20)],
      [],
      [],
      me,
      now,
    );
    const first = entries.flatMap((entry) => (entry.kind === "message" ? [entry.first] : []));
    expect(first).toEqual([true, false, true, true]);
  });
});

describe("canned replies", () => {
  const reply = (id: number, title: string, shortcut: string | null, text: string): Canned => ({
    id,
    title,
    shortcut,
    text,
    skill: null,
  });
  const all = [
    reply(1, "开场", "kc", "您好"),
    reply(2, "请稍等", null, "我查开场白"),
    reply(3, "报案号", "bah", "号"),
  ];

  it("are found by what follows a slash that begins the text", () => {
    expect(searched("/kc")).toBe("kc");
    expect(searched("／")).toBe("");
    expect(searched("您/好")).toBeNull();
    expect(matching(all, "KC").map(({ id }) => id)).toEqual([1]);
    expect(matching(all, "开场").map(({ id }) => id)).toEqual([1, 2]);
    expect(matching(all, "")).toHaveLength(3);
    expect(matching(all, "没有")).toEqual([]);
  });

  it("are filled with what is known; what is not stands out", () => {
    const text = fill("{客户}您好，报案号{报案号}", { 客户: "王建国" });
    expect(text).toBe("王建国您好，报案号【报案号】");
    expect(unfilled(text)).toEqual(["报案号"]);
    expect(fill("{客户}您好", { 客户: "您" })).toBe("您好");
  });
});

describe("shortcuts", () => {
  const press = (code: string, key: string, more = {}): Parameters<typeof shortcutFor>[0] => ({
    code,
    key,
    altKey: false,
    ctrlKey: false,
    metaKey: false,
    shiftKey: false,
    ...more,
  });

  it("each have their own keys", () => {
    expect(new Set(SHORTCUTS.map(({ keys }) => keys)).size).toBe(SHORTCUTS.length);
    expect(new Set(SHORTCUTS.map(({ id }) => id)).size).toBe(SHORTCUTS.length);
  });

  it("with Alt count while typing, signs do not, and the browser keeps its own", () => {
    expect(shortcutFor(press("KeyT", "†", { altKey: true }), true)?.id).toBe("transfer");
    expect(shortcutFor(press("Slash", "?", { shiftKey: true }), false)?.id).toBe("help");
    expect(shortcutFor(press("Slash", "?", { shiftKey: true }), true)).toBeUndefined();
    expect(shortcutFor(press("Slash", "/"), false)?.id).toBe("canned");
    expect(shortcutFor(press("KeyT", "t", { ctrlKey: true, altKey: true }), false)).toBeUndefined();
    expect(shortcutFor(press("KeyT", "t"), false)).toBeUndefined();
    expect(shortcutFor(press("F6", "F6"), true)?.id).toBe("panes");
  });
});

describe("words", () => {
  it("for times are short and right at the edges", () => {
    expect([0, 59, 60, 61, 600, 3_600, 3_660, 90_000].map(lasting)).toEqual([
      "0秒",
      "59秒",
      "1分",
      "1分1秒",
      "10分",
      "1小时",
      "1小时1分",
      "1天1小时",
    ]);
    expect([5, 65, 3_725, 200_000].map(ticking)).toEqual(["0:05", "1:05", "1:02:05", "2天"]);
  });

  it("for what may still be sent say how many and how long", () => {
    const now = Date.parse("2026-11-22T02:00:00Z");
    expect(allowanceWords({ left: 3, until: "2026-11-23T09:00:00Z" }, now)).toBe("还可发 3 条，剩 1天7小时");
    expect(allowanceWords({ left: 0, until: "2026-11-22T01:00:00Z" }, now)).toBe("还可发 0 条，时间窗已过");
    expect(allowanceWords({ left: null, until: null }, now)).toBe("");
  });
});
