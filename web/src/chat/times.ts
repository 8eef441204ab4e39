/** Times as people in mainland China read them, whatever the device's zone. */

const ZONE = "Asia/Shanghai";
const CLOCK = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const DAY_KEY = new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, dateStyle: "short" });
const DAY = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  month: "long",
  day: "numeric",
  weekday: "long",
});
const YEAR_DAY = new Intl.DateTimeFormat("zh-CN", {
  timeZone: ZONE,
  year: "numeric",
  month: "long",
  day: "numeric",
});
const DAY_MS = 86_400_000;

/** 14:05 */
export function clock(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : CLOCK.format(date);
}

/** 2026-11-22, for comparing days. */
export function dayKey(at: string | Date): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? "" : DAY_KEY.format(date);
}

/** 今天, 昨天, 11月20日星期五, or with the year when it is another one. */
export function dayName(at: string, now: Date): string {
  const key = dayKey(at);
  if (key === dayKey(now)) return "今天";
  if (key === dayKey(new Date(now.getTime() - DAY_MS))) return "昨天";
  const date = new Date(at);
  return key.slice(0, 4) === dayKey(now).slice(0, 4) ? DAY.format(date) : YEAR_DAY.format(date);
}

/** An ISO time as 11月22日 14:05; anything else unchanged, since actions may send finished words. */
export function moment(value: string): string {
  if (!/^\d{4}-\d{2}-\d{2}T/.test(value)) return value;
  const date = new Date(value);
  if (Number.isNaN(date.getTime())) return value;
  const [, month, day] = dayKey(date).split("-");
  return `${Number(month)}月${Number(day)}日 ${CLOCK.format(date)}`;
}
