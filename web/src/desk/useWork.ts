/** The workbench's shared parts: the open conversation, the outbox, the actions. */

import { computed, inject, provide, type InjectionKey } from "vue";

import { useRoute } from "./router";
import { useActions } from "./useActions";
import { useComposer } from "./useComposer";
import { useDesk } from "./useDesk";
import { useOutbox } from "./useOutbox";
import { useThread } from "./useThread";

export type WorkContext = ReturnType<typeof makeWork>;

const KEY: InjectionKey<WorkContext> = Symbol("work");

function makeWork() {
  const desk = useDesk();
  const route = useRoute();
  const outbox = useOutbox(desk);
  const open = computed(() => (route.value.page === "c" ? (route.value.rest[0] ?? "") : ""));
  const thread = useThread(desk, open, outbox);
  const actions = useActions(desk, thread);
  const composer = useComposer(desk, thread, outbox);
  return { outbox, open, thread, actions, composer };
}

export function provideWork(): WorkContext {
  const work = makeWork();
  provide(KEY, work);
  return work;
}

export function useWork(): WorkContext {
  const work = inject(KEY);
  if (!work) throw new Error("useWork outside of the workbench");
  return work;
}
