import { describe, expect, it } from "vitest";

import { pieces } from "../src/desk/admin/canned";
import { endOfToday, filled, left, running, tone, urgency, type Shown } from "../src/desk/admin/clocks";
import { broken, nextPeriod, periodsText, problemOf, timesWith, weeks } from "../src/desk/admin/hours";
import { changes, grouped, mayExtend, planOf, statesFrom } from "../src/desk/admin/tickets";
import { percent, roughly, waited } from "../src/desk/admin/times";
import { overrides } from "../src/desk/admin/triggers";
import type { CalendarDay, Hours, Ticket, Trigger } from "../src/desk/admin/types";
import { drawnHours, levelTone, toldWords, waitTone } from "../src/desk/admin/wall";
import { concerns, watched } from "../src/desk/admin/watch";
import { pagesFor } from "../src/desk/admin/pages";
import { firstServed, localOf, momentOf } from "../src/desk/moments";
import { EMPTY } from "../src/desk/store";
import type { Row } from "../src/desk/types";

const NOON = Date.parse("2026-11-22T12:00:00+08:00");

function clock(more: Partial<Shown> = {}): Shown {
  const times = { started_at: "2026-11-22T08:00:00+08:00", due_at: "2026-11-22T16:00:00+08:00" };
  return { name: "首次联系", legal: false, share: 0, stopped: false, ...times, ...more };
}

function ticket(number: string, more: Partial<Ticket> = {}): Ticket {
  return {
    number,
    kind: "general",
    kind_label: "事项",
    level: 1,
    subject: "x",
    state: "open",
    state_label: "待处理",
    owner_id: null,
    owner_name: null,
    next_action: null,
    next_at: null,
    conversation_id: null,
    policy_no: null,
    claim_no: null,
    complaint_no: null,
    created_at: "2026-11-22T08:00:00+08:00",
    clocks: [],
    overdue: false,
    detail: "",
    phone: null,
    about_agent_name: null,
    resolution: null,
    created_by: "agent1",
    changed_at: "2026-11-22T08:00:00+08:00",
    closed_at: null,
    steps: [],
    ...more,
  };
}

function row(id: string, more: Partial<Row> = {}): Row {
  return {
    id,
    channel: "web",
    owner: "agent",
    epoch: 1,
    agent_id: "agent1",
    agent_name: "林晓",
    held: false,
    priority: 5,
    reason: "customer_request",
    reason_label: "客户要求人工",
    skill: "general",
    task: null,
    emotion: null,
    escalated: false,
    queued_at: null,
    assigned_at: null,
    waiting_since: null,
    last: null,
    last_customer_seq: 1,
    customer: { name: "王*", verified: true, vip: false, care: false },
    window: { left: null, until: null },
    episode_id: "e",
    joined: [],
    ...more,
  };
}

describe("stretches of time", () => {
  it("are said roughly", () => {
    expect([30, 90, 7200, 200_000].map(roughly)).toEqual(["30 秒", "2 分钟", "2 小时", "2 天"]);
    expect(waited("2026-11-22T11:59:00+08:00", NOON)).toBe(60);
    expect(waited("2026-11-22T12:01:00+08:00", NOON)).toBe(0);
    expect(waited(null, NOON)).toBe(0);
    expect(percent(null)).toBe("–");
  });
});

describe("clocks", () => {
  it("warn at 50, 80 and 100 %, and as soon as the time is over", () => {
    expect([0, 0.5, 0.8, 1].map((share) => tone(clock({ share }), NOON))).toEqual([
      "calm",
      "half",
      "soon",
      "over",
    ]);
    expect(tone(clock({ share: 0.8, due_at: "2026-11-22T11:59:00+08:00" }), NOON)).toBe("over");
    expect(tone(clock({ share: 1, stopped: true }), NOON)).toBe("done");
  });

  it("fill by time, never less than the last warning", () => {
    expect(filled(clock(), NOON)).toBe(0.5);
    expect(filled(clock({ share: 0.8 }), NOON)).toBe(0.8);
    expect(filled(clock({ due_at: "2026-11-22T09:00:00+08:00" }), NOON)).toBe(1);
  });

  it("say what is left", () => {
    expect(left(clock(), NOON)).toBe("还有 4 小时");
    expect(left(clock({ due_at: "2026-11-22T11:40:00+08:00" }), NOON)).toBe("已超 20 分钟");
    expect(left(clock({ stopped: true }), NOON)).toBe("已办结");
  });

  it("put overdue law first, then what is due first, and leave out what is done", () => {
    const names = running([
      clock({ name: "later" }),
      clock({ name: "service", share: 1, due_at: "2026-11-22T10:00:00+08:00" }),
      clock({ name: "law", share: 1, legal: true, due_at: "2026-11-22T11:00:00+08:00" }),
      clock({ name: "done", stopped: true }),
      clock({ name: "sooner", due_at: "2026-11-22T13:00:00+08:00" }),
    ]).map((found) => found.name);
    expect(names).toEqual(["law", "service", "sooner", "later"]);
  });
});

describe("事不过夜", () => {
  it("ends the day at midnight in Shanghai, whatever the machine's zone", () => {
    expect(new Date(endOfToday(NOON)).toISOString()).toBe("2026-11-22T16:00:00.000Z");
    expect(new Date(endOfToday(Date.parse("2026-11-22T23:59:59+08:00"))).toISOString()).toBe(
      "2026-11-22T16:00:00.000Z",
    );
    expect(new Date(endOfToday(Date.parse("2026-11-23T00:00:00+08:00"))).toISOString()).toBe(
      "2026-11-23T16:00:00.000Z",
    );
  });

  it("sorts tickets into overdue, today and later", () => {
    const end = endOfToday(NOON);
    const at = (next_at: string): Ticket => ticket("a", { next_at });
    expect(urgency(ticket("a", { overdue: true }), end, NOON)).toBe("over");
    expect(
      urgency(ticket("a", { clocks: [clock({ due_at: "2026-11-22T11:59:00+08:00" })] }), end, NOON),
    ).toBe("over");
    expect(urgency(ticket("a", { clocks: [clock()] }), end, NOON)).toBe("today");
    expect(urgency(at("2026-11-22T18:00:00+08:00"), end, NOON)).toBe("today");
    expect(urgency(at("2026-11-23T09:00:00+08:00"), end, NOON)).toBe("later");
    expect(urgency(ticket("a", { clocks: [clock({ stopped: true })] }), end, NOON)).toBe("later");
  });

  it("groups them, the gravest first", () => {
    const groups = grouped(
      [
        ticket("3", { next_at: "2026-12-01T09:00:00+08:00" }),
        ticket("1", { clocks: [clock()] }),
        ticket("2", { level: 3, clocks: [clock({ due_at: "2026-11-22T17:00:00+08:00" })] }),
      ],
      NOON,
    );
    expect(groups.map((group) => [group.urgency, group.rows.map((found) => found.number)])).toEqual([
      ["today", ["2", "1"]],
      ["later", ["3"]],
    ]);
  });
});

describe("a ticket's plan", () => {
  it("sends only what was changed, times with their offset", () => {
    const before = ticket("1", { next_at: "2026-11-22T10:30:00+00:00", owner_id: "agent1" });
    const form = planOf(before);
    expect(form.nextAt).toBe("2026-11-22T18:30");
    expect(changes(form, before)).toEqual({});
    expect(changes({ ...form, owner: "", nextAt: "2026-11-23T09:00", nextAction: " 回电 " }, before)).toEqual(
      {
        owner_id: null,
        next_at: "2026-11-23T09:00:00+08:00",
        next_action: "回电",
      },
    );
    expect(momentOf("")).toBeNull();
    expect(localOf("no time")).toBe("");
  });

  it("proposes a call within service hours, an hour from now at the earliest", () => {
    const days = [
      { date: "2026-11-22", periods: [["08:30", "12:00"] as const, ["13:30", "18:00"] as const] },
      { date: "2026-11-23", periods: [["08:30", "12:00"] as const] },
    ];
    const at = (time: string): number => Date.parse(`2026-11-22T${time}:00+08:00`);
    expect(firstServed(days, at("06:10"))).toBe("2026-11-22T08:30");
    expect(firstServed(days, at("09:10"))).toBe("2026-11-22T10:30");
    expect(firstServed(days, at("11:10"))).toBe("2026-11-22T13:30");
    expect(firstServed(days, at("21:06"))).toBe("2026-11-23T08:30");
    expect(firstServed([], NOON)).toBe("");
  });

  it("may be made longer by law while a complaint's legal clock runs", () => {
    const law = { legal: true, due_at: "2026-12-01T08:00:00+08:00" };
    expect(mayExtend(ticket("1", { kind: "complaint", clocks: [clock(law)] }), NOON)).toBe(true);
    expect(mayExtend(ticket("1", { kind: "claim", clocks: [clock(law)] }), NOON)).toBe(false);
    expect(mayExtend(ticket("1", { kind: "complaint", clocks: [clock()] }), NOON)).toBe(false);
    expect(mayExtend(ticket("1", { kind: "complaint", clocks: [clock({ ...law, share: 1 })] }), NOON)).toBe(
      false,
    );
    expect(
      mayExtend(ticket("1", { kind: "complaint", clocks: [clock({ ...law, stopped: true })] }), NOON),
    ).toBe(false);
  });

  it("offers only moves that exist", () => {
    expect(statesFrom("open")).toEqual(["open", "working", "waiting", "resolved"]);
    expect(statesFrom("closed")).toEqual(["closed", "working"]);
  });
});

describe("working hours", () => {
  it("find what cannot be saved", () => {
    expect(
      problemOf([
        ["09:00", "12:00"],
        ["13:30", "18:00"],
      ]),
    ).toBe("");
    expect(
      problemOf([
        ["09:00", "12:00"],
        ["12:00", "18:00"],
      ]),
    ).toBe("");
    expect(
      problemOf([
        ["13:00", "18:00"],
        ["09:00", "13:30"],
      ]),
    ).toContain("重叠");
    expect(problemOf([["12:00", "09:00"]])).toContain("晚于开始");
    const week = Object.fromEntries(["1", "2", "3", "4", "5", "6", "7"].map((day) => [day, []]));
    const hours: Hours = { week, holiday: [], makeup: [], own: [] };
    expect(broken(hours)).toBe(false);
    expect(broken({ ...hours, own: [{ date: "", note: "", periods: [] }] })).toBe(true);
    const day = { date: "2026-12-01", note: "", periods: [] };
    expect(broken({ ...hours, own: [day, day] })).toBe(true);
  });

  it("offer a further period where the day has room", () => {
    expect(nextPeriod([])).toEqual(["09:00", "18:00"]);
    expect(nextPeriod([["09:00", "12:00"]])).toEqual(["13:00", "15:00"]);
    expect(nextPeriod([["09:00", "24:00"]])).toBeNull();
    expect(timesWith("08:15")).toContain("08:15");
    expect(timesWith().at(-1)).toBe("24:00");
    expect(
      periodsText([
        ["09:00", "12:00"],
        ["13:00", "18:00"],
      ]),
    ).toBe("09:00–12:00、13:00–18:00");
  });

  it("lay days out from Monday", () => {
    const days = ["2026-11-22", "2026-11-23", "2026-11-24"].map((date): CalendarDay => ({
      date,
      kind: "workday",
      name: "",
      periods: [],
      known: true,
    }));
    const laid = weeks(days);
    expect(laid).toHaveLength(2);
    expect(laid[0]?.findIndex(Boolean)).toBe(6);
    expect(laid[1]?.[0]?.date).toBe("2026-11-23");
  });
});

describe("hand-off reasons", () => {
  it("store only what differs from the table", () => {
    const base = {
      reason: "injury",
      label: "有人受伤",
      keep_bot: true,
      default: { priority: 9, skill: "claims" },
    };
    const rows: Trigger[] = [
      { ...base, priority: 9, skill: "claims" },
      { ...base, reason: "vip", priority: 8, skill: "claims" },
      { ...base, reason: "abuse", priority: 9, skill: "complaint" },
    ];
    expect(overrides(rows)).toEqual({ vip: { priority: 8 }, abuse: { skill: "complaint" } });
  });
});

describe("canned replies", () => {
  it("show variables filled in and mark unknown ones", () => {
    expect(pieces("{客户}您好，{谁}。", ["客户"])).toEqual([
      { text: "王先生", kind: "variable" },
      { text: "您好，", kind: "text" },
      { text: "{谁}", kind: "unknown" },
      { text: "。", kind: "text" },
    ]);
    expect(pieces("没有", [])).toEqual([{ text: "没有", kind: "text" }]);
  });
});

describe("the wall", () => {
  it("judges queue and service level", () => {
    expect(waitTone(500, 0, 60)).toBe("good");
    expect([30, 100, 500].map((wait) => waitTone(wait, 2, 60))).toEqual(["", "warn", "bad"]);
    expect([null, 0.9, 0.7, 0.2].map(levelTone)).toEqual(["", "good", "warn", "bad"]);
    const told = { within: 6, sooner: 3, later: 1, told_median: 120, real_median: 90 };
    expect(toldWords(told)).toBe("90% 守约");
    expect(toldWords({ ...told, within: 0, sooner: 0, later: 0 })).toBe("–");
  });

  it("draws every hour between the first and the last", () => {
    const drawn = drawnHours([{ hour: 7, asked: 2, answered: 1, abandoned: 1 }]);
    expect(drawn.map((hour) => hour.hour)).toEqual([7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    expect(drawn[0]?.asked).toBe(2);
    expect(drawn[1]?.asked).toBe(0);
  });
});

describe("conversations to watch", () => {
  it("names what is wrong", () => {
    const words = (more: Partial<Row>): string[] =>
      concerns(row("a", more), NOON).map((found) => found.words);
    expect(words({})).toEqual([]);
    expect(words({ owner: "queued", queued_at: "2026-11-22T11:58:00+08:00" })).toEqual(["久等未接"]);
    expect(words({ waiting_since: "2026-11-22T11:58:00+08:00" })).toEqual(["久等未回"]);
    expect(words({ waiting_since: "2026-11-22T11:58:00+08:00", held: true })).toEqual([]);
    expect(
      words({
        emotion: "distress",
        priority: 9,
        customer: { name: "", verified: false, vip: true, care: true },
      }),
    ).toEqual(["痛苦", "紧急", "VIP", "需关怀"]);
    expect(words({ emotion: "calm" })).toEqual([]);
  });

  it("puts the worst first, then who waits longest", () => {
    const rows = {
      calm: row("calm"),
      angry: row("angry", { emotion: "angry", waiting_since: "2026-11-22T11:58:00+08:00" }),
      older: row("older", { owner: "queued", queued_at: "2026-11-22T11:50:00+08:00" }),
      newer: row("newer", { owner: "queued", queued_at: "2026-11-22T11:57:00+08:00" }),
      over: row("over", { owner: "closed" }),
    };
    const state = { ...EMPTY, conversation: rows };
    expect(watched(state, "all", NOON).map((found) => found.id)).toEqual(["angry", "older", "newer", "calm"]);
    expect(watched(state, "concern", NOON).map((found) => found.id)).toEqual(["angry", "older", "newer"]);
    expect(watched(state, "queued", NOON).map((found) => found.id)).toEqual(["older", "newer"]);
  });
});

describe("the navigation", () => {
  it("shows agents their tickets only", () => {
    expect(pagesFor("agent").map((entry) => entry.page)).toEqual(["tickets"]);
    expect(pagesFor("supervisor").length).toBeGreaterThan(8);
  });
});
