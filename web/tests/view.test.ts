import { describe, expect, it } from "vitest";

import { parseCard } from "../src/chat/cards";
import { offerOf, rowsOf, usableCards } from "../src/chat/layout";
import { linkify, safeUrl } from "../src/chat/links";
import { parseFrame, type ChatMessage } from "../src/chat/protocol";
import type { Entry } from "../src/chat/timeline";
import { clock, dayName, moment } from "../src/chat/times";
import { problemOf } from "../src/chat/uploads";

function entry(seq: number, from: ChatMessage["from"], more: Partial<ChatMessage> = {}): Entry {
  const frame = parseFrame(
    JSON.stringify({ type: "message", seq, from, text: "x", at: "2026-11-22T02:00:00Z" }),
  );
  if (frame?.type !== "message") throw new Error("not a message");
  return { key: `#${seq}`, message: { ...frame.message, ...more }, delivery: "delivered", problem: "" };
}

const buttons = [{ title: "是", payload: "~1.0.x" }];

describe("links", () => {
  it("finds addresses and leaves the sentence's marks outside", () => {
    expect(linkify("条款见 https://a.cn/x?y=1。谢谢")).toEqual([
      { text: "条款见 " },
      { text: "https://a.cn/x?y=1", href: "https://a.cn/x?y=1" },
      { text: "。谢谢" },
    ]);
    expect(linkify("(http://a.cn/b).").map((piece) => piece.text)).toEqual(["(", "http://a.cn/b", ")."]);
  });

  it("never makes a link of another scheme", () => {
    for (const bad of ["javascript:alert(1)", "data:text/html,x", "vbscript:x", ""]) {
      expect(safeUrl(bad)).toBeNull();
      expect(linkify(bad).some((piece) => piece.href)).toBe(false);
    }
  });

  it("keeps every character", () => {
    const text = "https://a.cn https://b.cn/(c)，<b>x</b>\nhttps:// 完";
    const joined = linkify(text)
      .map((piece) => piece.text)
      .join("");
    expect(joined).toBe(text);
  });
});

describe("frames", () => {
  it("ignores what it does not know and survives wrong shapes", () => {
    for (const bad of ["", "[]", "null", '{"type":"new"}', '{"type":"message"}', '{"type":"ack"}', 7]) {
      expect(parseFrame(bad)).toBeNull();
    }
    const frame = parseFrame(
      '{"type":"message","seq":1,"from":"boss","buttons":"x","attachments":[1],"custom":[]}',
    );
    expect(frame).toMatchObject({ message: { from: "system", buttons: [], attachments: [], card: null } });
  });

  it("drops cards that lack their essentials and unsafe payment links", () => {
    expect(parseCard({ type: "plans", plans: "none" })).toBeNull();
    expect(parseCard({ type: "claim_receipt" })).toBeNull();
    expect(parseCard({ type: "payment", url: "javascript:alert(1)" })).toBeNull();
    expect(parseCard({ type: "weather" })).toBeNull();
  });
});

describe("the text beside a card", () => {
  const receipt = parseCard({
    type: "claim_receipt",
    claim_no: "CL1",
    next: ["等查勘"],
    materials: ["驾驶证"],
  });
  const plans = parseCard({ type: "plans", plans: [{ name: "基础方案", total: "1,234.50" }] });

  it("loses only lines that the card shows", () => {
    const rows = rowsOf(
      [
        entry(1, "bot", { text: "方案如下：\n【基础方案】合计 1,234.50 元：交强险\n另有一句" }),
        entry(2, "bot", { text: "", card: plans }),
        entry(3, "bot", { text: "选哪个？" }),
      ],
      new Date(),
    );
    expect(rows.map((row) => row.text)).toEqual(["方案如下：\n另有一句", "", "选哪个？"]);
  });

  it("goes altogether when nothing else is left", () => {
    const rows = rowsOf(
      [
        entry(1, "bot", { text: "报案号：CL1。" }),
        entry(2, "bot", { text: "", card: receipt }),
        entry(3, "bot", { text: "接下来：\n1. 等查勘\n要准备的材料：\n1. 驾驶证" }),
      ],
      new Date(),
    );
    expect(rows.map((row) => row.text)).toEqual(["报案号：CL1。", ""]);
  });

  it("keeps a material that the card does not have, with its heading", () => {
    const text = "接下来：\n1. 等查勘\n要准备的材料：\n1. 驾驶证\n2. 发票";
    const rows = rowsOf(
      [entry(2, "bot", { text: "", card: receipt }), entry(3, "bot", { text })],
      new Date(),
    );
    expect(rows[1]?.text).toBe("要准备的材料：\n2. 发票");
  });
});

describe("buttons", () => {
  it("are offered until the customer answers, then shown used, then gone", () => {
    const asked = [entry(1, "customer"), entry(2, "bot", { buttons }), entry(3, "bot")];
    expect(offerOf(asked)).toMatchObject({ key: "#2", open: true });
    const answered = [...asked, entry(4, "customer")];
    expect(offerOf(answered)).toBeNull();
    expect(offerOf([entry(2, "bot", { buttons }), entry(3, "customer")])).toMatchObject({
      key: "#2",
      open: false,
    });
    expect(offerOf([...answered, entry(5, "bot")])).toBeNull();
  });

  it("stay open when the answer was refused", () => {
    const failed: Entry = { ...entry(3, "customer"), delivery: "failed" };
    expect(offerOf([entry(2, "bot", { buttons }), failed])).toMatchObject({ open: true });
  });

  it("of cards work only in the newest turn", () => {
    const rows = [entry(1, "bot"), entry(2, "customer"), entry(3, "bot"), entry(4, "bot")];
    expect([...usableCards(rows)].sort()).toEqual(["#3", "#4"]);
  });
});

describe("times", () => {
  const now = new Date("2026-11-22T02:00:00Z");

  it("are Chinese time on any device", () => {
    expect(clock("2026-11-21T18:05:00Z")).toBe("02:05");
    expect(moment("2026-11-21T18:05:00Z")).toBe("11月22日 02:05");
    expect(moment("约 30 分钟")).toBe("约 30 分钟");
  });

  it("name days as people do", () => {
    expect(dayName("2026-11-21T18:05:00Z", now)).toBe("今天");
    expect(dayName("2026-11-21T10:00:00Z", now)).toBe("昨天");
    expect(dayName("2026-11-18T10:00:00Z", now)).toBe("11月18日星期三");
    expect(dayName("2025-11-18T10:00:00Z", now)).toBe("2025年11月18日");
  });

  it("separate days once", () => {
    const rows = rowsOf(
      [
        entry(1, "bot", { at: "2026-11-21T15:59:00Z" }),
        entry(2, "bot", { at: "2026-11-21T16:01:00Z" }),
        entry(3, "bot", { at: "2026-11-21T16:02:00Z" }),
      ],
      now,
    );
    expect(rows.map((row) => row.day)).toEqual(["昨天", "今天", ""]);
    expect(rows.map((row) => row.first)).toEqual([true, true, false]);
  });
});

describe("files", () => {
  it("are refused with a reason before anything is sent", () => {
    expect(problemOf({ name: "a.jpg", type: "image/jpeg", size: 1000 })).toBeNull();
    expect(problemOf({ name: "a.txt", type: "text/plain", size: 1000 })).toContain("JPG");
    expect(problemOf({ name: "a.HEIC", type: "", size: 1000 })).toContain("HEIC");
    expect(problemOf({ name: "a.jpg", type: "image/jpeg", size: 0 })).toContain("空");
    expect(problemOf({ name: "a.jpg", type: "image/jpeg", size: 11 * 1024 * 1024 })).toContain("10 MB");
  });
});
