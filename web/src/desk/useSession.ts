/** Who works here: login, lock and logout. */

import { onBeforeUnmount, ref, shallowRef } from "vue";

import type { Store } from "../chat/storage";
import { ApiError, type Api } from "./api";
import { Idle } from "./idle";
import type { Me } from "./types";

export type Phase = "starting" | "login" | "in";
export type Session = ReturnType<typeof useSession>;

const RETRY_MS = 3_000;
const IDLE_MINUTES = 15;

export function useSession(api: Api, store: Store) {
  const phase = ref<Phase>("starting");
  const me = shallowRef<Me | null>(null);
  const locked = ref(false);
  const demo = ref(false);
  const idle = new Idle(store, lock);
  let retry: ReturnType<typeof setTimeout> | undefined;

  api.onLoggedOut = () => leave();
  api.onLocked = () => (locked.value = true);

  function enter(answer: Me & { locked?: boolean }): void {
    api.csrf = answer.csrf;
    me.value = answer;
    demo.value = answer.settings?.demo ?? false;
    locked.value = answer.locked === true;
    phase.value = "in";
    watchIdle();
  }

  function watchIdle(): void {
    idle.start((me.value?.settings?.idle_lock_minutes ?? IDLE_MINUTES) * 60_000);
  }

  function leave(): void {
    idle.stop();
    me.value = null;
    locked.value = false;
    phase.value = "login";
  }

  /** Takes up the login of an earlier visit where there is one. */
  async function resume(): Promise<void> {
    try {
      enter(await api.get<Me>("me"));
    } catch (error) {
      if (error instanceof ApiError && !error.again) leave();
      else retry = setTimeout(() => void resume(), RETRY_MS);
    }
  }

  async function login(username: string, password: string, code: string): Promise<void> {
    await api.post("login", { username, password, ...(code && { code }) });
    enter(await api.get<Me>("me"));
  }

  async function logout(): Promise<void> {
    await api.post("logout");
    leave();
  }

  /** Hides everything at once. A server that cannot be told locks by itself after the same time. */
  function lock(): void {
    locked.value = true;
    idle.stop();
    api.post("lock").catch(() => undefined);
  }

  async function unlock(password: string): Promise<void> {
    const answer = await api.post<{ csrf?: string } | null>("unlock", { password });
    if (answer?.csrf) api.csrf = answer.csrf;
    locked.value = false;
    watchIdle();
  }

  void resume();
  onBeforeUnmount(() => {
    clearTimeout(retry);
    idle.stop();
  });

  return { phase, me, locked, demo, login, logout, lock, unlock };
}
