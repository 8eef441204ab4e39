/** Sound, browser notification and the number in the tab's title. */

import { computed, watch } from "vue";

import { alertsBetween, type Alert } from "./alerts";
import { go } from "./router";
import type { DeskContext } from "./useDesk";

const TITLE = "客服工作台";
/** Two rising tones for new work, one for a message. */
const TONES: Record<Alert["kind"], number[]> = { assigned: [660, 880], message: [740] };
const TONE_SECONDS = 0.16;

let audio: AudioContext | null = null;

function ring(kind: Alert["kind"]): void {
  audio ??= new AudioContext();
  // Made before anybody touched the page, it waits for the first touch.
  if (audio.state === "suspended") void audio.resume();
  const start = audio.currentTime;
  TONES[kind].forEach((hertz, index) => {
    if (!audio) return;
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = start + index * TONE_SECONDS;
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.12, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + TONE_SECONDS);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + TONE_SECONDS);
  });
}

function notify({ kind, row }: Alert): void {
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  const title = kind === "assigned" ? `新会话：${row.reason_label}` : "客户发来消息";
  // What the customer wrote stays on the desk: notifications show up on locked screens.
  const shown = new Notification(title, { tag: row.id, body: row.customer.name ?? "访客" });
  shown.onclick = () => {
    window.focus();
    go("c", row.id);
    shown.close();
  };
}

/** Asks for notifications, once and only after the agent did something. */
export function askForNotifications(): void {
  if (typeof Notification !== "undefined" && Notification.permission === "default") {
    void Notification.requestPermission();
  }
}

export function useAlerts(desk: DeskContext, opened: () => string): void {
  watch(desk.state, (after, before) => {
    for (const alert of alertsBetween(before, after, desk.agentId.value)) {
      const seen = document.visibilityState === "visible" && opened() === alert.row.id;
      if (seen && alert.kind === "message") continue;
      if (desk.kept.value.sound) ring(alert.kind);
      if (document.visibilityState !== "visible") notify(alert);
    }
  });
  const unread = computed(() => desk.mine.value.filter(desk.unread).length);
  watch(unread, (count) => (document.title = count ? `(${count}) ${TITLE}` : TITLE), { immediate: true });
}
