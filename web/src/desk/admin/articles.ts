/** An article between its text (front matter and Markdown, as in a file) and the editor's fields. */

import { parse, stringify } from "yaml";

import { record, text, texts } from "../../chat/guards";

export interface Draft {
  id: string;
  title: string;
  group: string;
  questions: string[];
  related_dialogue: string;
  sources: string[];
  grade: string;
  reviewed_on: string;
  cues: string[];
  decisive: string[];
  /** First paragraph, then `## ` sections. */
  body: string;
}

export const LAST_SECTION = "现在可以做什么";
export const LEAD_LIMIT = 90;
export const QUESTIONS = { least: 8, most: 15 } as const;

const FRONT = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/;
const SENTENCE = /[^。！？!?]+[。！？!?]?[”』」）]?/g;

/** Reads a stored article; null where it is not in the form. */
export function readArticle(raw: string): Draft | null {
  const match = FRONT.exec(raw.replace(/\r\n/g, "\n"));
  if (!match) return null;
  let fields;
  try {
    fields = record(parse(match[1] ?? ""));
  } catch {
    return null;
  }
  if (!fields) return null;
  return {
    id: text(fields.id),
    title: text(fields.title),
    group: text(fields.group),
    questions: texts(fields.questions),
    related_dialogue: text(fields.related_dialogue),
    sources: texts(fields.sources),
    grade: text(fields.grade),
    reviewed_on: text(fields.reviewed_on),
    cues: texts(fields.cues),
    decisive: texts(fields.decisive),
    body: (match[2] ?? "").trim(),
  };
}

/** The text to store. Quoted by YAML 1.1's rules, by which the server reads it ("on" and "12:30" are words here). */
export function writeArticle(draft: Draft): string {
  const lines = (list: readonly string[]): string[] => list.map((line) => line.trim()).filter(Boolean);
  const [cues, decisive] = [lines(draft.cues), lines(draft.decisive)];
  const front = stringify(
    {
      id: draft.id,
      title: draft.title.trim(),
      group: draft.group,
      questions: lines(draft.questions),
      ...(cues.length > 0 && { cues }),
      ...(decisive.length > 0 && { decisive }),
      related_dialogue: draft.related_dialogue,
      sources: lines(draft.sources),
      grade: draft.grade,
    },
    { version: "1.1", lineWidth: 0 },
  );
  return `---\n${front}reviewed_on: ${draft.reviewed_on}\n---\n\n${draft.body.trim()}\n`;
}

/** A new article's beginning. */
export function newArticle(id: string, today: string): Draft {
  return {
    id,
    title: "",
    group: "service",
    questions: [],
    related_dialogue: "none",
    sources: [],
    grade: "configurable",
    reviewed_on: today,
    cues: [],
    decisive: [],
    body: `\n\n## 怎么办理\n\n\n## ${LAST_SECTION}\n`,
  };
}

export interface Section {
  heading: string;
  paragraphs: string[];
}

/** The body as customers get it: the lead, then sections. */
export function outline(body: string): { lead: string; sections: Section[] } {
  const [head = "", ...parts] = body.split(/^## +/m);
  const sections = parts.map((part) => {
    const [heading = "", ...lines] = part.split("\n");
    return { heading: heading.trim(), paragraphs: lines.map((line) => line.trim()).filter(Boolean) };
  });
  return { lead: head.split(/\s+/).join(""), sections };
}

/** What has to be put right before the server takes it, one sentence each. */
export function problemsOf(draft: Draft): string[] {
  const found: string[] = [];
  const questions = draft.questions.map((line) => line.trim()).filter(Boolean);
  const { lead, sections } = outline(draft.body);
  if (!draft.title.trim()) found.push("写上标题");
  if (questions.length < QUESTIONS.least || questions.length > QUESTIONS.most) {
    found.push(`客户问法要 ${QUESTIONS.least} 到 ${QUESTIONS.most} 条，现在 ${questions.length} 条`);
  }
  if (new Set(questions).size < questions.length) found.push("客户问法有重复");
  if (!draft.sources.some((line) => line.trim())) found.push("写上依据");
  if (!lead) found.push("正文开头先用一两句话直接回答");
  if (lead.length > LEAD_LIMIT) found.push(`开头最多 ${LEAD_LIMIT} 个字，现在 ${lead.length} 个`);
  if ((lead.match(SENTENCE) ?? []).length > 2) found.push("开头最多两句话");
  if (sections.length < 2) found.push("至少要有两个小节");
  if (sections.some((section) => !section.heading || section.paragraphs.length === 0))
    found.push("有小节没有标题或内容");
  if (sections.length > 0 && sections.at(-1)?.heading !== LAST_SECTION)
    found.push(`最后一节要是“${LAST_SECTION}”`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(draft.reviewed_on)) found.push("选核对日期");
  return found;
}

/** Lines of a text field as a list, blank ones kept while somebody types. */
export const linesOf = (value: string): string[] => (value === "" ? [] : value.split("\n"));
