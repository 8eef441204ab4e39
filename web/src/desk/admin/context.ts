/** What the shell lends the supervisors' pages. */

import { inject, type InjectionKey, type Ref } from "vue";

import type { Api } from "../api";
import type { Kept } from "../drafts";
import type { DeskState } from "../store";
import type { AgentRow } from "../types";

export interface AdminContext {
  api: Api;
  state: Readonly<Ref<DeskState>>;
  me: Readonly<Ref<AgentRow>>;
  kept: Readonly<Ref<Kept>>;
}

export const adminKey: InjectionKey<AdminContext> = Symbol("desk admin");

export function useAdmin(): AdminContext {
  const context = inject(adminKey);
  if (!context) throw new Error("the shell must provide adminKey");
  return context;
}
