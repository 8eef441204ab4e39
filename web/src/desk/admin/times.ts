/** Stretches of time as the desk says them. */

import { secondsSince } from "../words";

/** How long since a moment, never negative; nothing where there is none. */
export function waited(at: string | null, now: number): number {
  return at ? Math.max(0, secondsSince(at, now)) : 0;
}

/** Without its smaller part: 38 秒, 4 分钟, 2 小时, 3 天. */
export function roughly(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} 秒`;
  if (whole < 3600) return `${Math.round(whole / 60)} 分钟`;
  if (whole < 86_400) return `${Math.round(whole / 3600)} 小时`;
  return `${Math.round(whole / 86_400)} 天`;
}

/** 87%, and a dash where nothing was measured. */
export function percent(share: number | null): string {
  return share === null ? "–" : `${Math.round(share * 100)}%`;
}
