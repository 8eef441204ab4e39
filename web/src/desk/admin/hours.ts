/** Working hours while they are edited: several periods a day, in order, none touching another. */

import type { CalendarDay, Hours, Period } from "./types";

export const MOST_PERIODS = 6;

/** Half hours from 00:00 to 24:00; other times that were set elsewhere are kept. */
export function timesWith(...further: string[]): string[] {
  const halves = Array.from({ length: 49 }, (_, index) => {
    const hour = String(Math.floor(index / 2)).padStart(2, "0");
    return `${hour}:${index % 2 === 0 ? "00" : "30"}`;
  });
  return [...new Set([...halves, ...further])].sort();
}

/** What is wrong with the periods of a day, in one sentence; empty where nothing is. */
export function problemOf(periods: readonly Period[]): string {
  const ordered = [...periods].sort();
  for (const [start, end] of ordered) {
    if (start >= end) return `${start} 到 ${end}：结束要晚于开始`;
  }
  for (let index = 1; index < ordered.length; index += 1) {
    const [before, after] = [ordered[index - 1], ordered[index]];
    if (before && after && after[0] < before[1]) return `${after[0]} 开始的时段和前一段重叠了`;
  }
  return "";
}

/** A further period after the last one, where the day has room for it. */
export function nextPeriod(periods: readonly Period[]): Period | null {
  const last = [...periods].sort().at(-1);
  if (!last) return ["09:00", "18:00"];
  const hour = Number(last[1].slice(0, 2)) + 1;
  if (hour >= 24 || periods.length >= MOST_PERIODS) return null;
  const text = (value: number): string => `${String(value).padStart(2, "0")}:00`;
  return [text(hour), text(Math.min(24, hour + 2))];
}

/** 08:30–12:00、13:00–20:00, or 休息. */
export function periodsText(periods: readonly Period[]): string {
  return periods.length === 0 ? "休息" : periods.map(([start, end]) => `${start}–${end}`).join("、");
}

/** Whether any day of these hours cannot be saved. */
export function broken(hours: Hours): boolean {
  const days = [
    ...Object.values(hours.week),
    hours.holiday,
    hours.makeup,
    ...hours.own.map((day) => day.periods),
  ];
  const dates = hours.own.map((day) => day.date);
  return (
    days.some((periods) => problemOf(periods) !== "") ||
    dates.includes("") ||
    new Set(dates).size < dates.length
  );
}

/** Days in weeks from Monday; places before the first day are null. */
export function weeks(days: readonly CalendarDay[]): (CalendarDay | null)[][] {
  const first = days[0];
  if (!first) return [];
  const lead = (new Date(`${first.date}T00:00:00Z`).getUTCDay() + 6) % 7;
  const cells = [...Array.from({ length: lead }, () => null), ...days];
  return Array.from({ length: Math.ceil(cells.length / 7) }, (_, index) =>
    cells.slice(index * 7, index * 7 + 7),
  );
}
