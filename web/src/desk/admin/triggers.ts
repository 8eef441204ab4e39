/** What differs from the table of hand-off reasons is all that is stored. */

import type { Trigger } from "./types";

export interface Override {
  priority?: number;
  skill?: string;
}

export function overrides(rows: readonly Trigger[]): Record<string, Override> {
  const found: Record<string, Override> = {};
  for (const row of rows) {
    const own: Override = {};
    if (row.priority !== row.default.priority) own.priority = row.priority;
    if (row.skill !== null && row.skill !== row.default.skill) own.skill = row.skill;
    if (Object.keys(own).length > 0) found[row.reason] = own;
  }
  return found;
}
