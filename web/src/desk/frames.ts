/** Frames of the desk's socket. */

import { list, num, record, text, texts, type Json } from "../chat/guards";
import { parseCard, type Card } from "../chat/cards";
import { safeUrl } from "../chat/links";
import { parseAttachment, type Attachment, type Place } from "../chat/protocol";
import type { DeskEvent } from "./store";

export type Sender = "customer" | "bot" | "agent" | "system";
export type DeliveryState = "queued" | "sending" | "sent" | "delivered" | "failed" | "parked" | "unconfirmed";

export interface Message {
  seq: number;
  from: Sender;
  agent: { id: string; name: string } | null;
  text: string;
  buttons: string[];
  image: string | null;
  card: Card | null;
  attachments: Attachment[];
  location: Place | null;
  at: string;
  delivery: { state: DeliveryState; reason: string } | null;
  understood: { intent: string; confidence: number; emotion: string } | null;
  knowledge: { topic: string; version: number | null } | null;
}

export interface Presence {
  /** Ids of agents. */
  looking: string[];
  typing: string[];
  customerTyping: boolean;
}

export type Incoming =
  | { type: "welcome" }
  | { type: "event"; event: DeskEvent }
  | { type: "message"; conversation: string; message: Message }
  | { type: "presence"; conversation: string; presence: Presence }
  | { type: "shut"; conversation: string }
  | { type: "resync" }
  | { type: "locked" }
  | { type: "pong" };

export type Outgoing =
  | { type: "hello"; after: number }
  | { type: "open"; conversation: string; after: number }
  | { type: "shut"; conversation: string }
  | { type: "looking"; conversation: string | null }
  | { type: "typing"; conversation: string }
  | { type: "draft"; conversation: string; text: string }
  | { type: "read"; conversation: string; seq: number }
  | { type: "ping" };

const SENDERS: readonly string[] = ["customer", "bot", "agent", "system"] satisfies Sender[];
const DELIVERIES: readonly string[] = [
  "queued",
  "sending",
  "sent",
  "delivered",
  "failed",
  "parked",
  "unconfirmed",
] satisfies DeliveryState[];

function delivery(value: unknown): Message["delivery"] {
  const item = record(value);
  const state = text(item?.state);
  return DELIVERIES.includes(state) ? { state: state as DeliveryState, reason: text(item?.reason) } : null;
}

function place(value: unknown): Place | null {
  const item = record(value);
  const [latitude, longitude] = [num(item?.latitude), num(item?.longitude)];
  if (!item || latitude === null || longitude === null) return null;
  const label = text(item.label);
  return label ? { latitude, longitude, label } : { latitude, longitude };
}

function understood(value: unknown): Message["understood"] {
  const item = record(value);
  const intent = text(item?.intent);
  return intent ? { intent, confidence: num(item?.confidence) ?? 0, emotion: text(item?.emotion) } : null;
}

/** Reads a message of the ledger; null for what is none. */
export function parseMessage(frame: Json): Message | null {
  const seq = num(frame.seq);
  if (seq === null) return null;
  const from = text(frame.from);
  const agent = record(frame.agent);
  const knowledge = record(frame.knowledge);
  return {
    seq,
    from: SENDERS.includes(from) ? (from as Sender) : "system",
    agent: agent && { id: text(agent.id), name: text(agent.name) },
    text: text(frame.text),
    buttons: texts(frame.buttons),
    image: safeUrl(text(frame.image)),
    card: parseCard(frame.card),
    attachments: list(frame.attachments, parseAttachment),
    location: place(frame.location),
    at: text(frame.at),
    delivery: delivery(frame.delivery),
    understood: understood(frame.understood),
    knowledge: knowledge && { topic: text(knowledge.topic), version: num(knowledge.version) },
  };
}

function frameOf(frame: Json): Incoming | null {
  const conversation = text(frame.conversation);
  switch (frame.type) {
    case "welcome":
    case "resync":
    case "locked":
    case "pong":
      return { type: frame.type };
    case "event": {
      const id = num(frame.id);
      if (id === null) return null;
      const event = { id, kind: text(frame.kind), key: text(frame.key), body: frame.body ?? null };
      return { type: "event", event };
    }
    case "message": {
      const message = parseMessage(frame);
      return message && { type: "message", conversation, message };
    }
    case "shut":
      return { type: "shut", conversation };
    case "presence": {
      const presence = {
        looking: texts(frame.looking),
        typing: texts(frame.typing),
        customerTyping: frame.customer_typing === true,
      };
      return { type: "presence", conversation, presence };
    }
    default:
      return null;
  }
}

/** Reads one frame; null for anything that is not a known frame. */
export function parseFrame(data: unknown): Incoming | null {
  if (typeof data !== "string") return null;
  try {
    const frame = record(JSON.parse(data));
    return frame && frameOf(frame);
  } catch {
    return null;
  }
}
