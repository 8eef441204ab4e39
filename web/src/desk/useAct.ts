/** A button's work: not twice at a time, with the outcome said. */

import { ElMessage } from "element-plus";
import { ref, type Ref } from "vue";

import { wordsOf } from "./api";

export interface Act {
  busy: Ref<boolean>;
  /** Runs the work; true where it succeeded. `done` is said then. */
  act: (work: () => Promise<unknown>, done?: string) => Promise<boolean>;
}

export function useAct(): Act {
  const busy = ref(false);

  async function act(work: () => Promise<unknown>, done = ""): Promise<boolean> {
    if (busy.value) return false;
    busy.value = true;
    try {
      await work();
      if (done) ElMessage.success({ message: done, grouping: true });
      return true;
    } catch (problem) {
      ElMessage.error({ message: wordsOf(problem), grouping: true, duration: 6000, showClose: true });
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { busy, act };
}
