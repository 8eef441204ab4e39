/** The left column: which list, what is typed into its search, what comes before and after the open conversation. */

import { computed, ref, shallowRef, watch } from "vue";

import { useShortcut } from "./keys";
import { go } from "./router";
import { listed, since, type View } from "./store";
import type { Row, TicketRow } from "./types";
import type { DeskContext } from "./useDesk";
import type { WorkContext } from "./useWork";

export type Tab = View | "tickets";

export const TABS: { tab: Tab; title: string; shortcut: string }[] = [
  { tab: "mine", title: "我的", shortcut: "list-mine" },
  { tab: "queue", title: "排队", shortcut: "list-queue" },
  { tab: "open", title: "全部", shortcut: "list-open" },
  { tab: "tickets", title: "工单", shortcut: "list-tickets" },
];

const SEARCH_MS = 300;
const OPEN_TICKETS = new Set(["open", "working", "waiting"]);

function fits(row: Row, wanted: string): boolean {
  const { customer, last, reason_label, agent_name, id } = row;
  return [customer.name, last?.text, reason_label, agent_name, id].some((part) =>
    (part ?? "").toLowerCase().includes(wanted),
  );
}

export function useLists(desk: DeskContext, { open, actions }: WorkContext) {
  const tab = ref<Tab>("mine");
  const search = ref("");
  /** Ended conversations that the search found. */
  const ended = shallowRef<Row[]>([]);
  let pause: ReturnType<typeof setTimeout> | undefined;

  const everything = computed(() => listed(desk.state.value, "open", desk.agentId.value));
  const rows = computed(() => {
    const view = tab.value === "tickets" ? "mine" : tab.value;
    const all = view === "mine" ? desk.mine.value : view === "queue" ? desk.queue.value : everything.value;
    const wanted = search.value.trim().toLowerCase();
    if (!wanted) return all;
    const found = all.filter((row) => fits(row, wanted));
    return view === "open"
      ? [...found, ...ended.value.filter((row) => !desk.state.value.conversation[row.id])]
      : found;
  });
  const tickets = computed<TicketRow[]>(() => {
    const wanted = search.value.trim().toLowerCase();
    return Object.values(desk.state.value.ticket)
      .filter((ticket) => ticket.owner_id === desk.agentId.value && OPEN_TICKETS.has(ticket.state))
      .filter((ticket) => !wanted || `${ticket.number} ${ticket.subject}`.toLowerCase().includes(wanted))
      .sort(
        (a, b) => Number(b.overdue) - Number(a.overdue) || (a.next_at ?? "9").localeCompare(b.next_at ?? "9"),
      );
  });
  const counts = computed<Record<Tab, number>>(() => ({
    mine: desk.mine.value.length,
    queue: desk.queue.value.length,
    open: everything.value.length,
    tickets: tickets.value.length,
  }));

  watch([search, tab], () => {
    clearTimeout(pause);
    ended.value = [];
    const wanted = search.value.trim();
    if (tab.value !== "open" || wanted.length < 2) return;
    pause = setTimeout(async () => {
      const answer = await desk.api
        .get<{ rows: Row[] }>("conversations", { view: "closed", q: wanted, limit: 30 })
        .catch(() => ({ rows: [] }));
      if (search.value.trim() === wanted) ended.value = answer.rows;
    }, SEARCH_MS);
  });

  /** Opens the conversation so many places further down the list. */
  function move(by: number): void {
    const here = rows.value.findIndex((row) => row.id === open.value);
    const next = rows.value[here < 0 ? 0 : here + by];
    if (next) go("c", next.id);
  }

  /** Who of ours waits longest; else who waits longest in the queue. */
  function nextWaiting(): void {
    const waiting = [...desk.mine.value].filter((row) => since(row) && row.id !== open.value && !row.held);
    const longest = waiting.sort((a, b) => (since(a) ?? "").localeCompare(since(b) ?? ""))[0];
    const next = longest ?? desk.queue.value[0];
    if (next) go("c", next.id);
  }

  for (const { tab: name, shortcut } of TABS) useShortcut(shortcut, () => (tab.value = name));
  useShortcut("previous", () => move(-1));
  useShortcut("next", () => move(1));
  useShortcut("next-waiting", nextWaiting);

  return { tab, search, rows, tickets, counts, move, take: (id: string) => void actions.take(id) };
}
