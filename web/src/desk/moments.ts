/** Moments as the fields of forms hold them: Shanghai time, wherever the browser is. */

/** A date and time field's value (2026-11-22T15:00, Shanghai) as a moment with offset; null where it is empty. */
export function momentOf(local: string): string | null {
  return local ? `${local}:00+08:00` : null;
}

/** The reverse of `momentOf`. */
export function localOf(at: string | null): string {
  if (!at) return "";
  const date = new Date(Date.parse(at) + 8 * 3_600_000);
  return Number.isNaN(date.getTime()) ? "" : date.toISOString().slice(0, 16);
}

interface Day {
  date: string;
  periods: readonly (readonly [string, string])[];
}

const HALF_HOUR = 30 * 60_000;

/** The first full or half hour within service hours, an hour from now at the earliest; empty where there is none. */
export function firstServed(days: readonly Day[], now: number): string {
  const earliest = localOf(new Date(Math.ceil(now / HALF_HOUR + 2) * HALF_HOUR).toISOString());
  for (const { date, periods } of days) {
    for (const [from, to] of periods) {
      const at = [`${date}T${from}`, earliest].sort().at(-1) ?? "";
      if (at < `${date}T${to}`) return at;
    }
  }
  return "";
}
