/** What can be picked from a list. */

import type { AgentRow } from "./types";
import { SKILLS } from "./words";

export interface Choice {
  value: string;
  label: string;
  disabled?: boolean;
}

/** The entries of a table of words, in its order. */
export function choicesOf(words: Readonly<Record<string, string>>): Choice[] {
  return Object.entries(words).map(([value, label]) => ({ value, label }));
}

/** Names with their words, and as they are where there is none. */
export function choicesFor(names: readonly string[], words: Readonly<Record<string, string>>): Choice[] {
  return names.map((value) => ({ value, label: words[value] ?? value }));
}

export const agentChoices = (agents: readonly AgentRow[]): Choice[] =>
  agents.map((agent) => ({ value: agent.id, label: agent.name }));

export const SKILL_GROUPS: readonly Choice[] = Object.entries(SKILLS).map(([value, skill]) => ({
  value,
  label: `${skill}组`,
}));
