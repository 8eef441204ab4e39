/** A form that keeps what is written in it until it was sent: a reload, a crash or a lock costs nothing. */

import { reactive, watch, type Reactive } from "vue";

import type { Json } from "../chat/guards";
import { useDesk } from "./useDesk";

type Fields = Record<string, string | boolean>;
/** A switch that starts on may be switched off. */
type Wide<T> = { [Name in keyof T]: T[Name] extends boolean ? boolean : T[Name] };

export interface Draft<T extends Fields> {
  form: Reactive<Wide<T>>;
  /** What was written has arrived: the form is as it was at first. */
  sent: () => void;
}

/**
 * A form by where it belongs: `conversation/close`, `ticket/step`. `blank` is how it starts; what of it comes or changes
 * meanwhile is taken over, but for the fields that were written in.
 */
export function useDraft<T extends Fields>(slot: string, blank: () => T): Draft<T> {
  const { kept } = useDesk();
  let own: Fields = known(blank(), kept.value.fields(slot));
  const form = reactive({ ...blank(), ...own } as Wide<T>);

  function keep(): void {
    const start = blank();
    own = Object.fromEntries(Object.entries(form).filter(([name, value]) => value !== start[name]));
    kept.value.saveFields(slot, own);
  }

  function sent(): void {
    Object.assign(form, blank());
    keep();
  }

  watch(form, keep);
  watch(blank, (fresh) => Object.assign(form, fresh, own));
  return { form, sent };
}

/** The kept fields that the form still has. */
function known(blank: Fields, found: Json): Fields {
  const same = Object.entries(found).filter(([name, value]) => typeof value === typeof blank[name]);
  return Object.fromEntries(same) as Fields;
}
