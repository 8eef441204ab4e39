/** Rows and details as the desk's interface gives them (`/api/desk/v1`); names are the server's. */

export type Role = "agent" | "supervisor" | "admin";
export type AgentState = "ready" | "busy" | "break" | "offline";
export type Owner = "bot" | "queued" | "agent" | "closed";

export interface Row {
  id: string;
  channel: string;
  owner: Owner;
  epoch: number;
  agent_id: string | null;
  agent_name: string | null;
  held: boolean;
  priority: number;
  reason: string;
  reason_label: string;
  skill: string | null;
  task: string | null;
  emotion: string | null;
  /** No agent answered in time: a supervisor is asked for. */
  escalated: boolean;
  queued_at: string | null;
  assigned_at: string | null;
  /** When the oldest message came that no person has answered yet. */
  waiting_since: string | null;
  last: { seq: number; from: string; text: string; at: string } | null;
  last_customer_seq: number;
  customer: { name: string | null; verified: boolean; vip: boolean; care: boolean };
  /** How much may still be sent, and until when, on channels that ration it. */
  window: Allowance | null;
  episode_id: string | null;
  joined: string[];
}

/** What a row of a conversation that was never at the desk leaves out. */
export const BARE: Omit<Row, "id" | "channel" | "owner" | "epoch"> = {
  agent_id: null,
  agent_name: null,
  held: false,
  priority: 0,
  reason: "",
  reason_label: "",
  skill: null,
  task: null,
  emotion: null,
  escalated: false,
  queued_at: null,
  assigned_at: null,
  waiting_since: null,
  last: null,
  last_customer_seq: 0,
  customer: { name: null, verified: false, vip: false, care: false },
  window: null,
  episode_id: null,
  joined: [],
};

export interface Allowance {
  left: number | null;
  until: string | null;
}

export interface AgentRow {
  id: string;
  name: string;
  role: Role;
  skills: string[];
  licensed: boolean;
  state: AgentState;
  state_at: string;
  load: number;
  capacity: number;
}

export interface Clock {
  name: string;
  legal: boolean;
  started_at: string;
  due_at: string;
  /** The last step of the time gone that was warned of: 0, 0.5, 0.8, 1. */
  share: number;
  stopped: boolean;
}

export interface TicketRow {
  number: string;
  kind: string;
  level: number;
  subject: string;
  state: string;
  owner_id: string | null;
  owner_name: string | null;
  next_action: string | null;
  next_at: string | null;
  conversation_id: string | null;
  policy_no: string | null;
  claim_no: string | null;
  complaint_no: string | null;
  created_at: string;
  clocks: Clock[];
  overdue: boolean;
}

export interface Note {
  id: number | string;
  conversation_id: string;
  agent_id: string;
  agent_name: string;
  text: string;
  whisper: boolean;
  after_seq: number;
  at: string;
}

export interface FormField {
  name: string;
  label: string;
  value: unknown;
  shown: string;
  words: string;
  choices: { value: unknown; title: string }[] | null;
  missing: boolean;
  kind: string;
}

export interface Form {
  task: string;
  label: string;
  fields: FormField[];
}

export interface Policy {
  policy_no: string;
  kind: string;
  plate: string | null;
  start: string;
  end: string;
  days_left: number;
  premium: string | null;
}

export interface Claim {
  claim_no: string;
  plate: string | null;
  status: string;
  status_label: string | null;
  occurred_at: string | null;
  place: string | null;
  amount: string | null;
  clocks: Clock[];
}

export interface Summary {
  wants?: string;
  known?: [string, string][];
  tried?: string[];
  open?: string;
}

export interface Episode {
  id: string;
  reason_label: string;
  summary: Summary | null;
  memo: string | null;
  emotion?: string | null;
}

export interface Previous {
  id: string;
  at: string;
  channel: string;
  reason_label: string | null;
  agent_name: string | null;
  summary: Summary | null;
}

export interface Customer {
  name: string | null;
  /** 王先生, where the customer has proved who he is. */
  salutation: string | null;
  phone: string | null;
  id_card: string | null;
  city: string | null;
  tier: string | null;
  verified_until: string | null;
  care: boolean;
  vip: boolean;
}

/** What the right column shows and what may be done. */
export interface Detail {
  row: Row;
  episode: Episode | null;
  customer: Customer;
  policies: Policy[];
  /** What the insurer's core did not give in time. */
  missing: string[];
  claims: Claim[];
  form: Form | null;
  previous: Previous[];
  tickets: TicketRow[];
  fraud: { label: string }[];
  window: Allowance | null;
  draft: string | null;
  can: Record<string, boolean>;
  links: { id: string; channel: string; at: string | null }[];
}

export interface Suggestion {
  kind: "knowledge" | "canned";
  title: string;
  text: string;
  source: string | null;
  topic?: string | null;
  version?: number | null;
}

export interface Canned {
  id: number;
  title: string;
  shortcut: string | null;
  text: string;
  skill: string | null;
}

export interface Article {
  topic: string;
  title: string;
  text: string;
  version: number | null;
  source?: string | null;
}

export interface Me {
  agent: AgentRow;
  csrf: string;
  server_time?: string;
  settings?: { idle_lock_minutes: number; company: string; hotline?: string; demo: boolean };
}
