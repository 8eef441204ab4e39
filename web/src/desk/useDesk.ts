/** The desk as a whole: session, live state, drafts; every component below finds it by `useDesk()`. */

import {
  computed,
  inject,
  onBeforeUnmount,
  onMounted,
  provide,
  ref,
  shallowRef,
  watch,
  type InjectionKey,
} from "vue";

import { endpoint } from "../chat/api";
import { newClientId } from "../chat/client";
import type { Socket, Status } from "../chat/connection";
import { browserStore } from "../chat/storage";
import { Api } from "./api";
import { Kept } from "./drafts";
import type { Incoming, Outgoing } from "./frames";
import { Line } from "./socket";
import { EMPTY, isMine, listed, type DeskState } from "./store";
import type { AgentRow, Row } from "./types";
import { setServerTime } from "./useNow";
import { useSession } from "./useSession";

export type DeskContext = ReturnType<typeof makeDesk>;
type Reads = Readonly<Record<string, number>>;
type Frame = Exclude<Incoming, { type: "event" }>;

const BATCH_MS = 30;
const KEY: InjectionKey<DeskContext> = Symbol("desk");

export function useDesk(): DeskContext {
  const desk = inject(KEY);
  if (!desk) throw new Error("useDesk outside of the desk");
  return desk;
}

export function provideDesk(): DeskContext {
  const desk = makeDesk();
  provide(KEY, desk);
  return desk;
}

function makeDesk() {
  const api = new Api();
  const store = browserStore();
  const session = useSession(api, store);
  const state = shallowRef<DeskState>(EMPTY);
  const status = ref<Status>("connecting");
  /** When the line broke; null while it is live. */
  const staleSince = ref<number | null>(null);
  const kept = shallowRef(new Kept(store, ""));
  /** Number of the last message that the agent has seen, by conversation. */
  const read = shallowRef<Reads>({});
  let newest: DeskState | null = null;
  const listeners = new Set<(frame: Frame) => void>();

  /** Many events at once become one rendering. */
  function show(next: DeskState): void {
    if (!newest) setTimeout(flush, BATCH_MS);
    newest = next;
  }
  function flush(): void {
    if (newest) state.value = newest;
    newest = null;
  }

  const line = new Line({
    fetchState: async () => {
      const answer = await api.get<Omit<DeskState, "event"> & { event_id: number; reads: Reads }>("state");
      const { conversation, agent, ticket, note } = answer;
      read.value = { ...answer.reads, ...read.value };
      return { event: answer.event_id, conversation, agent, ticket, note };
    },
    fetchTicket: async () => (await api.post<{ ticket: string }>("socket-ticket")).ticket,
    open: (ticket) =>
      new WebSocket(
        `${endpoint("api/desk/v1/socket", "ws")}?ticket=${encodeURIComponent(ticket)}`,
      ) as unknown as Socket,
    onState: show,
    onFrame: (frame) => {
      if (frame.type === "locked") session.locked.value = true;
      listeners.forEach((listener) => listener(frame));
    },
    onStatus: (next, since) => {
      status.value = next;
      if (next === "online") staleSince.value = null;
      else staleSince.value ??= since;
    },
  });

  watch([session.me, session.locked], ([me, locked]) => {
    line.stop();
    if (!me) {
      newest = null;
      state.value = EMPTY;
      return;
    }
    if (me.agent.id !== kept.value.agent) {
      kept.value = new Kept(store, me.agent.id);
      read.value = {};
    }
    setServerTime(me.server_time);
    if (!locked) line.start();
  });

  const agentId = computed(() => session.me.value?.agent.id ?? "");
  /** The agent's own row: the live one where it is here, since state and load change. */
  const agent = computed<AgentRow | null>(
    () => state.value.agent[agentId.value] ?? session.me.value?.agent ?? null,
  );
  const leads = computed(() => agent.value?.role === "supervisor" || agent.value?.role === "admin");
  const mine = computed(() => listed(state.value, "mine", agentId.value));
  const queue = computed(() => listed(state.value, "queue", agentId.value));

  function lastRead(conversation: string): number {
    return read.value[conversation] ?? 0;
  }

  function markRead(conversation: string, seq: number): void {
    if (seq <= lastRead(conversation)) return;
    read.value = { ...read.value, [conversation]: seq };
    line.send({ type: "read", conversation, seq });
  }

  function unread(row: Row): boolean {
    return isMine(row, agentId.value) && row.last_customer_seq > lastRead(row.id);
  }

  /** Calls back for every frame but events while the component lives. */
  function onFrame(listener: (frame: Frame) => void): void {
    onMounted(() => listeners.add(listener));
    onBeforeUnmount(() => listeners.delete(listener));
  }

  const goOnline = (): void => line.retryNow();
  const goOffline = (): void => line.goOffline();
  const shown = (): void => {
    if (document.visibilityState === "visible") line.retryNow();
  };
  onMounted(() => {
    window.addEventListener("online", goOnline);
    window.addEventListener("offline", goOffline);
    document.addEventListener("visibilitychange", shown);
  });
  onBeforeUnmount(() => {
    window.removeEventListener("online", goOnline);
    window.removeEventListener("offline", goOffline);
    document.removeEventListener("visibilitychange", shown);
    line.stop();
  });

  return {
    api,
    session,
    state,
    status,
    staleSince,
    agent,
    agentId,
    leads,
    mine,
    queue,
    kept,
    unread,
    markRead,
    onFrame,
    send: (frame: Outgoing) => line.send(frame),
    retryNow: () => line.retryNow(),
    newKey: newClientId,
  };
}
