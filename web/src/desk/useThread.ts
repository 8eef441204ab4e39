/** The open conversation: its messages, notes, colleagues at it, and everything known about the customer. */

import { computed, onBeforeUnmount, ref, shallowRef, watch, type Ref } from "vue";

import { list } from "../chat/guards";
import { ApiError } from "./api";
import { parseMessage, type Message, type Presence } from "./frames";
import { notesOf } from "./store";
import { layout, Thread } from "./thread";
import { BARE, type Detail } from "./types";
import type { DeskContext } from "./useDesk";
import type { OutboxContext } from "./useOutbox";

export type ThreadContext = ReturnType<typeof useThread>;

const PAGE = 50;
const REFRESH_MS = 400;
const NOBODY: Presence = { looking: [], typing: [], customerTyping: false };

export function useThread(desk: DeskContext, id: Ref<string>, outbox: OutboxContext) {
  const thread = shallowRef(new Thread());
  /** Counts changes of the thread, which is no reactive object. */
  const version = ref(0);
  const detail = shallowRef<Detail | null>(null);
  const problem = ref("");
  const older = ref(false);
  const presence = shallowRef<Presence>(NOBODY);
  let refresh: ReturnType<typeof setTimeout> | undefined;
  let generation = 0;

  const row = computed(() => desk.state.value.conversation[id.value] ?? detail.value?.row ?? null);
  const messages = computed(() => (version.value, thread.value.messages));
  const entries = computed(() => {
    void version.value;
    const me = { id: desk.agentId.value, name: desk.agent.value?.name ?? "" };
    const notes = notesOf(desk.state.value, id.value);
    return layout(messages.value, notes, outbox.of(id.value), me, new Date());
  });

  function take(found: Message[]): void {
    found.forEach((message) => thread.value.receive(message));
    version.value += 1;
  }

  async function fetchMessages(query: { before?: number; after?: number }): Promise<number> {
    const of = id.value;
    const answer = await desk.api.get<{ rows: unknown }>(`conversations/${of}/messages`, {
      ...query,
      limit: PAGE,
    });
    const found = list(answer.rows, parseMessage);
    if (of === id.value) take(found);
    return found.length;
  }

  async function fetchDetail(): Promise<void> {
    const of = id.value;
    const found = await desk.api.get<Detail>(`conversations/${of}`);
    if (of === id.value) detail.value = { ...found, row: { ...BARE, ...found.row } };
  }

  /** Shows the newest messages, then listens for what follows them. */
  async function open(): Promise<void> {
    const current = (generation += 1);
    problem.value = "";
    try {
      const [count] = await Promise.all([fetchMessages({}), fetchDetail()]);
      if (current !== generation) return;
      older.value = count >= PAGE && thread.value.first > 1;
      listen();
    } catch (error) {
      if (current === generation)
        problem.value = error instanceof ApiError ? error.message : "没有打开，请重试";
    }
  }

  function listen(): void {
    desk.send({ type: "open", conversation: id.value, after: thread.value.last });
    desk.send({ type: "looking", conversation: id.value });
  }

  async function loadOlder(): Promise<void> {
    older.value = (await fetchMessages({ before: thread.value.first })) >= PAGE && thread.value.first > 1;
  }

  /** What went to somebody else may no longer be looked at; other trouble passes, and the next change fetches anew. */
  function outOfSight(error: unknown): void {
    if (!(error instanceof ApiError) || error.again) return;
    problem.value = error.message;
    detail.value = null;
  }

  /** Fetches the context anew, once for many reasons at a time. */
  function refreshDetail(): void {
    clearTimeout(refresh);
    refresh = setTimeout(() => void fetchDetail().catch(outOfSight), REFRESH_MS);
  }

  function shut(of: string): void {
    generation += 1;
    clearTimeout(refresh);
    desk.send({ type: "shut", conversation: of });
    desk.send({ type: "looking", conversation: null });
  }

  desk.onFrame((frame) => {
    if (frame.type === "welcome" && id.value) void open();
    if (frame.type === "message" && frame.conversation === id.value) take([frame.message]);
    if (frame.type === "presence" && frame.conversation === id.value) presence.value = frame.presence;
    // It may no longer be seen: asking again says why.
    if (frame.type === "shut" && frame.conversation === id.value) void open();
  });

  outbox.onTaken((unsent, seq) => {
    if (unsent.conversation !== id.value) return;
    thread.value.taken(unsent, seq, { id: desk.agentId.value, name: desk.agent.value?.name ?? "" });
    version.value += 1;
  });

  watch(
    id,
    (now, before) => {
      if (before) shut(before);
      thread.value = new Thread();
      version.value += 1;
      detail.value = null;
      presence.value = NOBODY;
      older.value = false;
      if (now) void open();
    },
    { immediate: true },
  );

  /** What the details hang on; a conversation that went out of sight or came into it counts as changed, too. */
  const shape = computed(() => {
    const { conversation, ticket } = desk.state.value;
    const live = conversation[id.value];
    const tickets = Object.values(ticket).filter((one) => one.conversation_id === id.value);
    if (!live) return JSON.stringify([id.value, tickets]);
    const { epoch, owner, agent_id, held, task, customer, joined } = live;
    return JSON.stringify([id.value, tickets, epoch, owner, agent_id, held, task, customer, joined]);
  });
  watch(shape, () => {
    if (problem.value) void open();
    else if (detail.value?.row.id === id.value) refreshDetail();
  });

  onBeforeUnmount(() => {
    if (id.value) shut(id.value);
  });

  return {
    id,
    row,
    detail,
    problem,
    older,
    presence,
    messages,
    entries,
    lastCustomer: computed(() => (version.value, thread.value.lastCustomer)),
    may: (what: string) => detail.value?.can[what] === true,
    open,
    loadOlder,
    refreshDetail,
    setDetail: (changed: Partial<Detail>) => {
      if (detail.value) detail.value = { ...detail.value, ...changed };
    },
  };
}
