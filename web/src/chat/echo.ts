/**
 * Cards come with a plain text that says the same, for channels without cards. Beside the card its lines are left out:
 * each only when the card really shows what it says.
 */

import type { Card } from "./cards";

const NUMBER = /^\d+[.、]\s*/;
const HEADING = /[：:]$/;

function shows(card: Card, line: string): boolean {
  switch (card.type) {
    case "plans":
      return card.plans.some((plan) => line.includes(plan.name) && line.includes(plan.total));
    case "policy":
      return card.items.some((item) => line.includes(item.policyNo));
    case "claim_receipt":
      return [...card.next, ...card.materials].includes(line.replace(NUMBER, ""));
    default:
      return false;
  }
}

/**
 * The text without the lines that the card shows.
 *
 * @param leads Whether the text stands before the card: its headings then introduce the card and stay.
 */
export function withoutEcho(text: string, card: Card, leads: boolean): string {
  const lines = text.split("\n");
  const kept = lines.filter((line) => !shows(card, line));
  if (kept.length === lines.length) return text;
  const useful = kept.filter((line, index) => {
    const next = kept[index + 1];
    const introducesNothing = HEADING.test(line) && (next === undefined || HEADING.test(next));
    return leads || !introducesNothing;
  });
  return useful.join("\n").trim();
}
