/** The pages beside the conversations: where they are, who may see them. */

import { defineAsyncComponent, type Component } from "vue";

import type { Role } from "../types";

export interface AdminPageEntry {
  page: string;
  title: string;
  group: "现场" | "工单" | "设置" | "知识";
  roles: readonly Role[];
}

const EVERYBODY: readonly Role[] = ["agent", "supervisor", "admin"];
const LEADS: readonly Role[] = ["supervisor", "admin"];

export const ADMIN_PAGES: readonly AdminPageEntry[] = [
  { page: "wall", title: "现场大屏", group: "现场", roles: LEADS },
  { page: "watch", title: "会话监看", group: "现场", roles: LEADS },
  { page: "tickets", title: "工单", group: "工单", roles: EVERYBODY },
  { page: "surveys", title: "满意度", group: "工单", roles: LEADS },
  { page: "agents", title: "坐席与技能", group: "设置", roles: LEADS },
  { page: "canned", title: "常用语", group: "设置", roles: LEADS },
  { page: "hours", title: "服务时间", group: "设置", roles: LEADS },
  { page: "triggers", title: "转人工规则", group: "设置", roles: LEADS },
  { page: "articles", title: "知识文章", group: "知识", roles: LEADS },
  { page: "reviews", title: "待学习的问题", group: "知识", roles: LEADS },
];

/** The pages that somebody of a role may open, in the order of the navigation. */
export function pagesFor(role: Role): AdminPageEntry[] {
  return ADMIN_PAGES.filter((entry) => entry.roles.includes(role));
}

export const COMPONENTS: Readonly<Record<string, Component>> = {
  wall: defineAsyncComponent(() => import("./pages/WallPage.vue")),
  watch: defineAsyncComponent(() => import("./pages/WatchPage.vue")),
  tickets: defineAsyncComponent(() => import("./pages/TicketsPage.vue")),
  surveys: defineAsyncComponent(() => import("./pages/SurveysPage.vue")),
  agents: defineAsyncComponent(() => import("./pages/AgentsPage.vue")),
  canned: defineAsyncComponent(() => import("./pages/CannedPage.vue")),
  hours: defineAsyncComponent(() => import("./pages/HoursPage.vue")),
  triggers: defineAsyncComponent(() => import("./pages/TriggersPage.vue")),
  articles: defineAsyncComponent(() => import("./pages/ArticlesPage.vue")),
  reviews: defineAsyncComponent(() => import("./pages/ReviewsPage.vue")),
};
