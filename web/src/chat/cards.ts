/** Cards that dialogue actions send beside their text (`custom.card`). */

import { list, record, str, text, texts, type Json } from "./guards";
import { safeUrl } from "./links";

export interface Cover {
  name: string;
  sum: string;
}

export interface Plan {
  code: string;
  name: string;
  total: string;
  compulsory: string;
  commercial: string;
  vehicleTax: string;
  covers: Cover[];
  notCovered: string[];
  payload: string;
  recommended: boolean;
}

export interface PolicyItem {
  policyNo: string;
  kind: string;
  plate: string;
  start: string;
  end: string;
  covers: Cover[];
  premium: string;
}

export interface Step {
  name: string;
  at: string | null;
  done: boolean;
}

export type Card =
  | { type: "plans"; title: string; note: string; plans: Plan[] }
  | {
      type: "claim_receipt";
      claimNo: string;
      plate: string | null;
      occurredAt: string;
      place: string;
      accident: string;
      surveyor: string | null;
      surveyorPhone: string | null;
      materials: string[];
      next: string[];
    }
  | {
      type: "payment";
      applicationNo: string;
      total: string;
      url: string;
      expiresAt: string;
      lines: { name: string; amount: string }[];
    }
  | { type: "policy"; items: PolicyItem[] }
  | { type: "progress"; claimNo: string; status: string; steps: Step[]; amount: string | null };

export type CardOf<T extends Card["type"]> = Extract<Card, { type: T }>;

const cover = (item: Json): Cover | null => {
  const name = text(item.name);
  return name ? { name, sum: text(item.sum) } : null;
};

const plan = (item: Json): Plan | null => {
  const name = text(item.name);
  if (!name) return null;
  return {
    code: text(item.code),
    name,
    total: text(item.total),
    compulsory: text(item.compulsory),
    commercial: text(item.commercial),
    vehicleTax: text(item.vehicle_tax),
    covers: list(item.covers, cover),
    notCovered: texts(item.not_covered),
    payload: text(item.payload),
    recommended: item.recommended === true,
  };
};

const policy = (item: Json): PolicyItem | null => {
  const policyNo = text(item.policy_no);
  if (!policyNo) return null;
  return {
    policyNo,
    kind: text(item.kind),
    plate: text(item.plate),
    start: text(item.start),
    end: text(item.end),
    covers: list(item.covers, cover),
    premium: text(item.premium),
  };
};

function plans(card: Json): Card | null {
  const items = list(card.plans, plan);
  if (items.length === 0) return null;
  return { type: "plans", title: text(card.title), note: text(card.note), plans: items };
}

function receipt(card: Json): Card | null {
  const claimNo = text(card.claim_no);
  if (!claimNo) return null;
  return {
    type: "claim_receipt",
    claimNo,
    plate: str(card.plate),
    occurredAt: text(card.occurred_at),
    place: text(card.place),
    accident: text(card.accident),
    surveyor: str(card.surveyor),
    surveyorPhone: str(card.surveyor_phone),
    materials: texts(card.materials),
    next: texts(card.next),
  };
}

function payment(card: Json): Card | null {
  const url = safeUrl(text(card.url));
  if (!url) return null;
  return {
    type: "payment",
    applicationNo: text(card.application_no),
    total: text(card.total),
    url,
    expiresAt: text(card.expires_at),
    lines: list(card.lines, (line) => ({ name: text(line.name), amount: text(line.amount) })),
  };
}

function progress(card: Json): Card {
  return {
    type: "progress",
    claimNo: text(card.claim_no),
    status: text(card.status),
    steps: list(card.steps, (step) => ({
      name: text(step.name),
      at: str(step.at),
      done: step.done === true,
    })),
    amount: str(card.amount),
  };
}

/** Reads a card; null for none, an unknown kind or one without its essentials (the text beside it stands). */
export function parseCard(value: unknown): Card | null {
  const card = record(value);
  switch (card?.type) {
    case "plans":
      return plans(card);
    case "claim_receipt":
      return receipt(card);
    case "payment":
      return payment(card);
    case "policy":
      return { type: "policy", items: list(card.items, policy) };
    case "progress":
      return progress(card);
    default:
      return null;
  }
}
