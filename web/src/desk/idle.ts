/** Knows how long nobody has touched the desk, in any of its windows. */

import type { Store } from "../chat/storage";

const KEY = "chebao.desk.active";
const NOTE_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 5_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

export class Idle {
  private noted = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly store: Store,
    private readonly onIdle: () => void,
  ) {}

  /** Watches from now on; calls back once when the desk was left alone for so long. */
  start(limitMs: number): void {
    this.stop();
    this.touch();
    for (const sign of SIGNS) window.addEventListener(sign, this.touch, { passive: true });
    this.timer = setInterval(() => {
      if (Date.now() - this.last < limitMs) return;
      this.stop();
      this.onIdle();
    }, LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    for (const sign of SIGNS) window.removeEventListener(sign, this.touch);
  }

  private get last(): number {
    return Math.max(this.noted, Number(this.store.getItem(KEY) ?? 0));
  }

  private readonly touch = (): void => {
    const now = Date.now();
    if (now - this.noted < NOTE_EVERY_MS) return;
    this.noted = now;
    this.store.setItem(KEY, String(now));
  };
}
