// Distances in time and numbers as people read them.
import { words } from '../words.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * DAY_MS],
  ['month', 30 * DAY_MS],
  ['day', DAY_MS],
  ['hour', 60 * 60 * 1000],
  ['minute', 60 * 1000],
];

/** "3 days ago", "in 2 hours". */
export function ago(at: number, now = Date.now()): string {
  const distance = at - now;
  for (const [unit, length] of UNITS) {
    if (Math.abs(distance) >= length) return relative.format(Math.trunc(distance / length), unit);
  }
  return words.times.now;
}

/** A time that is past or never was. */
export function agoOrNever(at: number | null): string {
  return at === null ? words.times.never : ago(at);
}

export function count(number: number): string {
  return number.toLocaleString('en');
}
