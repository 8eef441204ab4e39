/** The desk's shared state. What `/state` gives, changed by events: the same as a fresh `/state`, always. */

import type { AgentRow, Note, Row, TicketRow } from "./types";

export interface DeskState {
  /** Number of the last event that is in here. */
  event: number;
  conversation: Readonly<Record<string, Row>>;
  agent: Readonly<Record<string, AgentRow>>;
  ticket: Readonly<Record<string, TicketRow>>;
  note: Readonly<Record<string, Note>>;
}

export type Kind = "conversation" | "agent" | "ticket" | "note";

export interface DeskEvent {
  id: number;
  kind: string;
  key: string;
  /** The whole new row; null when it is gone or out of sight. */
  body: unknown;
}

export const EMPTY: DeskState = { event: 0, conversation: {}, agent: {}, ticket: {}, note: {} };

const KINDS: readonly string[] = ["conversation", "agent", "ticket", "note"] satisfies Kind[];

/** The state after an event. One that is in already, or of an unknown kind, changes nothing but the number. */
export function apply(state: DeskState, event: DeskEvent): DeskState {
  if (event.id <= state.event) return state;
  if (!KINDS.includes(event.kind)) return { ...state, event: event.id };
  const before: Readonly<Record<string, unknown>> = state[event.kind as Kind];
  const rows =
    event.body === null
      ? Object.fromEntries(Object.entries(before).filter(([key]) => key !== event.key))
      : { ...before, [event.key]: event.body };
  return { ...state, event: event.id, [event.kind]: rows };
}

export type View = "mine" | "queue" | "open";

/** The time a list counts from: in the queue since asking, else since the customer's oldest unanswered message. */
export function since(row: Row): string | null {
  return row.owner === "queued" ? row.queued_at : row.waiting_since;
}

/** Who waits comes first, the gravest and longest waiting on top; then what was said last; what is on hold at the end. */
function order(a: Row, b: Row): number {
  if (a.held !== b.held) return a.held ? 1 : -1;
  const [waitA, waitB] = [since(a), since(b)];
  if (!waitA !== !waitB) return waitA ? -1 : 1;
  if (waitA && waitB)
    return b.priority - a.priority || waitA.localeCompare(waitB) || a.id.localeCompare(b.id);
  return (b.last?.at ?? "").localeCompare(a.last?.at ?? "") || a.id.localeCompare(b.id);
}

/** The rows of a list, in the order in which they want to be seen to. */
export function listed(state: DeskState, view: View, agent: string): Row[] {
  const rows = Object.values(state.conversation).filter((row) => {
    if (view === "queue") return row.owner === "queued";
    if (view === "mine") return isMine(row, agent);
    return row.owner === "queued" || row.owner === "agent";
  });
  return rows.sort(order);
}

export function isMine(row: Row, agent: string): boolean {
  return row.owner === "agent" && (row.agent_id === agent || row.joined.includes(agent));
}

/** Notes of a conversation, oldest first. */
export function notesOf(state: DeskState, conversation: string): Note[] {
  return Object.values(state.note)
    .filter((note) => note.conversation_id === conversation)
    .sort((a, b) => a.at.localeCompare(b.at));
}
