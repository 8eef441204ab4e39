/** What an agent does with a conversation, beside answering: one place for running it, its errors and what follows. */

import { ref, watch } from "vue";

import { go } from "./router";
import { useAct } from "./useAct";
import type { DeskContext } from "./useDesk";
import type { ThreadContext } from "./useThread";

export type DialogName =
  "transfer" | "hold" | "return" | "close" | "ticket" | "appointment" | "payment" | "knowledge";
export type ActionsContext = ReturnType<typeof useActions>;

export function useActions(desk: DeskContext, thread: ThreadContext) {
  const dialog = ref<DialogName | null>(null);
  const { busy, act } = useAct();

  // What was begun for one customer must not be sent to another.
  watch(thread.id, () => (dialog.value = null));

  /** Runs a request; what is shown of the conversation follows. Returns whether it went well. */
  async function attempt(request: () => Promise<unknown>, done = ""): Promise<boolean> {
    if (!(await act(request, done))) return false;
    thread.refreshDetail();
    dialog.value = null;
    return true;
  }

  /** Does something to the open conversation. */
  function run(path: string, body: object = {}, done = ""): Promise<boolean> {
    return attempt(() => desk.api.post(`conversations/${thread.id.value}/${path}`, body), done);
  }

  /** The same for what ends our part in it: the next one of ours comes up. */
  async function finish(path: string, body: object, done: string): Promise<boolean> {
    const id = thread.id.value;
    // The server refuses where the customer wrote something that this screen has not shown.
    const seen = thread.messages.value.at(-1)?.seq ?? null;
    if (!(await run(path, { ...body, seen }, done))) return false;
    desk.kept.value.dropDialogs(id);
    const next = desk.mine.value.find((row) => row.id !== id && !row.held);
    if (next) go("c", next.id);
    else go();
    return true;
  }

  async function take(id: string): Promise<void> {
    if (await attempt(() => desk.api.post(`conversations/${id}/take`), "")) go("c", id);
  }

  function ask(name: DialogName, may: boolean): void {
    if (may) dialog.value = name;
  }

  return { dialog, busy, run, finish, take, ask };
}
