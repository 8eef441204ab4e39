/** The pages beside the conversations: where they are, who may see them. */

import type { Role } from "../types";

export interface AdminPageEntry {
  page: string;
  title: string;
  group: "现场" | "工单" | "设置" | "知识";
  roles: readonly Role[];
}

export const ADMIN_PAGES: readonly AdminPageEntry[] = [];
