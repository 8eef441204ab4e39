import { describe, expect, it } from "vitest";

import { newArticle, outline, problemsOf, readArticle, writeArticle } from "../src/desk/admin/articles";
import { approval, firstGuess, missing } from "../src/desk/admin/reviews";
import type { Review } from "../src/desk/admin/types";

describe("articles", () => {
  const raw = `---
id: charger
title: 充电桩在保障范围里吗
group: covers
questions:
${["一", "二", "三", "四", "五", "六", "七", "八"].map((n) => `  - 问法${n}`).join("\n")}
cues:
  - 充电(桩|枪)
related_dialogue: none
sources:
  - 新能源汽车商业保险示范条款
grade: verified
reviewed_on: 2026-11-22
---

在。附加险里有两种。

## 分别保什么
损失和责任。

## 现在可以做什么
可以在这里报价。
`;

  it("survive reading and writing", () => {
    const draft = readArticle(raw);
    if (!draft) throw new Error("not read");
    expect(draft.questions).toHaveLength(8);
    expect(draft.reviewed_on).toBe("2026-11-22");
    expect(problemsOf(draft)).toEqual([]);
    const written = writeArticle(draft);
    expect(readArticle(written)).toEqual(draft);
    expect(written).toContain("\nreviewed_on: 2026-11-22\n");
  });

  it("quote what YAML would take for something else", () => {
    const draft = readArticle(raw);
    if (!draft) throw new Error("not read");
    const written = writeArticle({
      ...draft,
      questions: ["on", "12:30", "a: b", "# 号", ...draft.questions],
    });
    expect(written).toContain('"on"');
    expect(written).not.toMatch(/- 12:30/);
    expect(readArticle(written)?.questions.slice(0, 4)).toEqual(["on", "12:30", "a: b", "# 号"]);
  });

  it("are not read where the form is broken", () => {
    expect(readArticle("no front matter")).toBeNull();
    expect(readArticle("---\na: [\n---\nx")).toBeNull();
  });

  it("say what is missing", () => {
    const problems = problemsOf(newArticle("x", "2026-11-22"));
    expect(problems).toContain("写上标题");
    expect(problems.some((words) => words.includes("8 到 15"))).toBe(true);
    const draft = readArticle(raw);
    if (!draft) throw new Error("not read");
    expect(problemsOf({ ...draft, body: draft.body.replace("现在可以做什么", "结尾") })).toEqual([
      "最后一节要是“现在可以做什么”",
    ]);
    expect(problemsOf({ ...draft, body: `${"长".repeat(91)}${draft.body}` })[0]).toContain("最多 90 个字");
    expect(outline(draft.body).sections.map((section) => section.heading)).toEqual([
      "分别保什么",
      "现在可以做什么",
    ]);
  });
});

describe("unanswered messages", () => {
  const review: Review = {
    id: 1,
    conversation_id: "c",
    at: "2026-11-22T08:00:00+08:00",
    reasons: ["unanswered"],
    text: "京A12345 的充电桩坏了",
    context: "",
    intent: "nlu_fallback",
    confidence: 0.3,
    topic: null,
    suggested_topic: null,
    state: "open",
    label_intent: null,
    label_topic: null,
    label_entities: null,
    reviewer: null,
    reviewed_at: null,
  };

  it("begin with the best guess", () => {
    expect(firstGuess(review)).toEqual({ intent: "", topic: "", entities: [] });
    expect(firstGuess({ ...review, suggested_topic: "charger" })).toMatchObject({
      intent: "faq",
      topic: "charger",
    });
    expect(firstGuess({ ...review, intent: "renewal" }).intent).toBe("renewal");
    expect(firstGuess({ ...review, label_intent: "faq", label_topic: "x", topic: "y" }).topic).toBe("x");
  });

  it("are approved only when complete", () => {
    expect(missing({ intent: "", topic: "", entities: [] }, review.text)).toBe("请选客户的意思");
    expect(missing({ intent: "faq", topic: "", entities: [] }, review.text)).toBe("请选能回答它的文章");
    const entities = [{ entity: "plate", value: "京A12345" }];
    expect(missing({ intent: "report_claim", topic: "", entities }, review.text)).toBe("");
    expect(missing({ intent: "report_claim", topic: "", entities }, "没有")).toContain("不在这句话里");
    expect(approval({ intent: "report_claim", topic: "charger", entities })).toEqual({
      decision: "approve",
      intent: "report_claim",
      topic: null,
      entities,
    });
  });
});
