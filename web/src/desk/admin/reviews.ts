/** The verdict on an unanswered message while it is being made. */

import type { Entity, Review } from "./types";

export interface Verdict {
  intent: string;
  topic: string;
  entities: Entity[];
}

/** Where to begin: what was decided before, else what the customer chose, else what the assistant thought. */
export function firstGuess(review: Review): Verdict {
  const topic = review.label_topic ?? review.suggested_topic ?? review.topic ?? "";
  const guessed = review.intent === "nlu_fallback" ? "" : (review.intent ?? "");
  return {
    intent: review.label_intent ?? (review.suggested_topic ? "faq" : guessed),
    topic,
    entities: [...(review.label_entities ?? [])],
  };
}

/** What is missing before it can be approved; empty where nothing is. */
export function missing(verdict: Verdict, text: string): string {
  if (!verdict.intent) return "请选客户的意思";
  if (verdict.intent === "faq" && !verdict.topic) return "请选能回答它的文章";
  const stray = verdict.entities.find((entity) => !text.includes(entity.value));
  return stray ? `“${stray.value}”不在这句话里` : "";
}

/** What goes to the server: a topic belongs to knowledge questions only. */
export function approval(verdict: Verdict): object {
  return {
    decision: "approve",
    intent: verdict.intent,
    topic: verdict.intent === "faq" ? verdict.topic : null,
    entities: verdict.entities,
  };
}
