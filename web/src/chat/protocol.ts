/** Frames of the web chat's socket, and guards that turn what arrives into typed, safe values. */

import { parseCard, type Card } from "./cards";
import { list, num, record, str, text, type Json } from "./guards";
import { safeUrl } from "./links";

export type Owner = "bot" | "queued" | "agent" | "closed";
export type Sender = "customer" | "bot" | "agent" | "system";

export interface Choice {
  title: string;
  /** Opaque token that the hub maps back; never shown. */
  payload: string;
}

export interface Attachment {
  id: string;
  url: string;
  thumbnailUrl: string;
  contentType: string;
}

export interface Place {
  latitude: number;
  longitude: number;
  label?: string;
}

/** One message of the ledger. `id` is the client id when the customer wrote it. */
export interface ChatMessage {
  seq: number;
  id: string | null;
  from: Sender;
  name: string;
  text: string;
  buttons: Choice[];
  image: string | null;
  card: Card | null;
  attachments: Attachment[];
  location: Place | null;
  at: string;
  /** An answer from the knowledge base: the customer may say whether it helped. */
  votable: boolean;
  helpful: boolean | null;
}

export type ServerFrame =
  | { type: "welcome"; owner: Owner; agent: string; queuePosition: number | null; lastSeq: number }
  | { type: "ack"; id: string; seq: number }
  | { type: "message"; message: ChatMessage }
  | { type: "owner"; owner: Owner; agent: string; queuePosition: number | null }
  | { type: "typing"; from: Sender }
  | { type: "error"; code: string; message: string; id: string | null }
  | { type: "pong" };

/** What the customer sends: exactly one kind of content. */
export type Content = { text: string } | { button: string } | { location: Place } | { attachments: string[] };

export type ClientFrame =
  | { type: "hello"; token: string; after: number }
  | ({ type: "message"; id: string } & Content)
  | { type: "vote"; seq: number; helpful: boolean }
  | { type: "typing" }
  | { type: "ping" };

const OWNERS: readonly string[] = ["bot", "queued", "agent", "closed"];
const SENDERS: readonly string[] = ["customer", "bot", "agent", "system"];

function owner(value: unknown): Owner {
  return OWNERS.includes(value as string) ? (value as Owner) : "bot";
}

function sender(value: unknown): Sender {
  return SENDERS.includes(value as string) ? (value as Sender) : "system";
}

function choices(value: unknown): Choice[] {
  return list(value, (item) => {
    const title = text(item.title);
    const payload = text(item.payload);
    return title && payload ? { title, payload } : null;
  });
}

/** Reads an attachment as the upload endpoint and message frames give it. */
export function parseAttachment(item: Json): Attachment | null {
  const id = text(item.id);
  const url = safeUrl(text(item.url));
  if (!id || !url) return null;
  return {
    id,
    url,
    thumbnailUrl: safeUrl(text(item.thumbnail_url)) ?? url,
    contentType: text(item.content_type),
  };
}

function place(value: unknown): Place | null {
  const item = record(value);
  const latitude = num(item?.latitude);
  const longitude = num(item?.longitude);
  if (!item || latitude === null || longitude === null) return null;
  const label = text(item.label);
  return label ? { latitude, longitude, label } : { latitude, longitude };
}

function parseMessage(frame: Json): ChatMessage | null {
  const seq = num(frame.seq);
  if (seq === null) return null;
  return {
    seq,
    id: str(frame.id),
    from: sender(frame.from),
    name: text(record(record(frame.custom)?.agent)?.name),
    text: text(frame.text),
    buttons: choices(frame.buttons),
    image: safeUrl(text(frame.image)),
    card: parseCard(record(frame.custom)?.card),
    attachments: list(frame.attachments, parseAttachment),
    location: place(frame.location),
    at: text(frame.at),
    votable: text(record(record(frame.custom)?.knowledge)?.kind) === "confident",
    helpful: typeof frame.helpful === "boolean" ? frame.helpful : null,
  };
}

function frameOf(frame: Json): ServerFrame | null {
  switch (frame.type) {
    case "welcome":
      return { type: "welcome", ...ownership(frame), lastSeq: num(frame.last_seq) ?? 0 };
    case "owner":
      return { type: "owner", ...ownership(frame) };
    case "ack": {
      const seq = num(frame.seq);
      return seq === null ? null : { type: "ack", id: text(frame.id), seq };
    }
    case "message": {
      const message = parseMessage(frame);
      return message && { type: "message", message };
    }
    case "typing":
      return { type: "typing", from: sender(frame.from) };
    case "error":
      return { type: "error", code: text(frame.code), message: text(frame.message), id: str(frame.id) };
    case "pong":
      return { type: "pong" };
    default:
      return null;
  }
}

function ownership(frame: Json): { owner: Owner; agent: string; queuePosition: number | null } {
  return { owner: owner(frame.owner), agent: text(frame.agent), queuePosition: num(frame.queue_position) };
}

/** Reads one frame; null for anything that is not a known frame (newer servers may send more kinds). */
export function parseFrame(data: unknown): ServerFrame | null {
  if (typeof data !== "string") return null;
  try {
    const frame = record(JSON.parse(data));
    return frame && frameOf(frame);
  } catch {
    return null;
  }
}
