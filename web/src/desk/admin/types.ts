/** Rows of the supervisors' part of `/api/desk/v1`; names are the server's. */

import type { AgentState, Role, TicketRow } from "../types";

export interface Queue {
  skill: string;
  count: number;
  since: string;
}

export interface AgentNow {
  id: string;
  name: string;
  role: Role;
  skills: string[];
  state: AgentState;
  since: string;
  reason: string | null;
  load: number;
  held: number;
  capacity: number;
}

export interface Told {
  within: number;
  sooner: number;
  later: number;
  told_median: number | null;
  real_median: number | null;
}

export interface Hour {
  hour: number;
  asked: number;
  answered: number;
  abandoned: number;
}

export interface Wall {
  at: string;
  /** Seconds in which a person's first word should come. */
  answer_within: number;
  waiting: number;
  waiting_since: string | null;
  queues: Queue[];
  serving: number;
  held: number;
  agents: AgentNow[];
  today: {
    asked: number;
    answered: number;
    abandoned: number;
    service_level: number | null;
    median_wait: number | null;
    slowest_tenth: number | null;
    told: Told;
    hours: Hour[];
  };
}

export interface Step {
  id: number;
  actor: string;
  actor_name: string | null;
  kind: string;
  label: string;
  text: string;
  /** It is meant for the customer; `told` once it went out. */
  tell: boolean;
  told: boolean;
  at: string;
}

export interface Ticket extends TicketRow {
  kind_label: string;
  state_label: string;
  detail: string;
  phone: string | null;
  about_agent_name: string | null;
  resolution: string | null;
  created_by: string;
  changed_at: string;
  closed_at: string | null;
  steps: Step[];
}

export interface AgentEntry {
  id: string;
  name: string;
  role: Role;
  skills: string[];
  licence_no: string | null;
  capacity: number;
  disabled: boolean;
  totp: boolean;
  state: AgentState;
  state_at: string;
  load: number;
}

export interface CannedReply {
  id: number;
  title: string;
  shortcut: string | null;
  text: string;
  skill: string | null;
  changed_by: string;
  changed_at: string;
}

export interface Variable {
  name: string;
  words: string;
}

export type Period = [string, string];

export interface OwnDay {
  date: string;
  note: string;
  periods: Period[];
}

export interface Hours {
  week: Record<string, Period[]>;
  holiday: Period[];
  makeup: Period[];
  own: OwnDay[];
}

export interface CalendarDay {
  date: string;
  kind: "workday" | "weekend" | "holiday" | "makeup" | "own";
  name: string;
  periods: Period[];
  /** False where the holidays of that year are not published yet. */
  known: boolean;
}

export interface HoursAnswer {
  hours: Hours;
  days: CalendarDay[];
  open: boolean;
  changed_by: string | null;
  changed_at: string | null;
}

export interface Trigger {
  reason: string;
  label: string;
  priority: number;
  skill: string | null;
  keep_bot: boolean;
  default: { priority: number; skill: string | null };
}

export interface ArticleSummary {
  id: string;
  title: string;
  grade: string;
  live: number | null;
  newest: number;
  state: ArticleState;
  reviewed_on: string | null;
}

export type ArticleState = "draft" | "review" | "published";

export interface ArticleVersion {
  article_id: string;
  version: number;
  state: ArticleState;
  title: string;
  grade: string;
  text: string;
  author: string;
  reviewed_by: string | null;
  reviewed_on: string | null;
  created_at: string;
  live: boolean;
}

export interface ArticleHistory {
  versions: ArticleVersion[];
  publications: { version: number; published_by: string; at: string }[];
}

export interface NearSection {
  article_id: string;
  heading: string;
  text: string;
  distance: number;
}

export interface Entity {
  entity: string;
  value: string;
}

export interface Review {
  id: number;
  conversation_id: string;
  at: string;
  reasons: string[];
  text: string;
  context: string;
  intent: string | null;
  confidence: number | null;
  topic: string | null;
  suggested_topic: string | null;
  state: "open" | "approved" | "rejected";
  label_intent: string | null;
  label_topic: string | null;
  label_entities: Entity[] | null;
  reviewer: string | null;
  reviewed_at: string | null;
}

export interface ReviewNames {
  intents: string[];
  topics: string[];
  entities: string[];
}

export interface Survey {
  id: number;
  conversation_id: string;
  channel: string | null;
  about: string;
  agent_id: string | null;
  agent_name: string | null;
  asked_at: string;
  score: number;
  comment: string | null;
  answered_at: string;
  ticket: string | null;
  ticket_state: string | null;
}

export interface SurveySummary {
  asked: number;
  answered: number;
  mean: number | null;
  scores: number[];
}
