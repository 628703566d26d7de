// What is out of the ordinary about a reading, judged against who read the secret before. Pure: numbers in, a sentence out,
// with the numbers that it rests on. Each rule waits until it has seen enough to have an opinion.
import type { AnomalyKind } from '../store/states.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

/** A secret is known for so long (ms), and has been read so often, before a new reader of it is unusual. */
const SETTLED_MS = 7 * DAY_MS;
const SETTLED_READS = 20;
/** So many secrets that a principal never read before, in an hour, are a burst; of one that is known for a day. */
const BURST = 10;
const BURST_MS = HOUR_MS;
const KNOWN_MS = DAY_MS;
/** Not read for so long (ms), after having been read so often, a secret was asleep. */
const ASLEEP_MS = 60 * DAY_MS;
const ASLEEP_READS = 5;
const NAMES_SAID = 3;

/** What is known of one reader of a secret. Times are milliseconds since 1970. */
export interface KnownReader {
  readonly principal: string;
  readonly reads: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface Reading {
  readonly principal: string;
  readonly secret: string;
  readonly at: number;
}

export interface Unusual {
  readonly kind: AnomalyKind;
  readonly severity: 'high' | 'medium';
  readonly what: string;
}

function days(ms: number): string {
  const count = Math.floor(ms / DAY_MS);
  return `${count} ${count === 1 ? 'day' : 'days'}`;
}

/** Whether one reading is unusual for its secret. @param before everybody who read it before this one */
export function unusualReading(reading: Reading, before: readonly KnownReader[]): Unusual | undefined {
  const reads = before.reduce((sum, one) => sum + one.reads, 0);
  const since = Math.min(...before.map((one) => one.firstAt));
  const last = Math.max(...before.map((one) => one.lastAt));
  if (before.length > 0 && reads >= ASLEEP_READS && reading.at - last >= ASLEEP_MS) {
    const what = `${reading.principal} read ${reading.secret}, which nobody had read for ${days(reading.at - last)}.`;
    return { kind: 'awakened', severity: 'medium', what };
  }
  const known = before.some((one) => one.principal === reading.principal);
  if (known || reads < SETTLED_READS || reading.at - since < SETTLED_MS) return undefined;
  const names = before.slice(0, NAMES_SAID).map((one) => one.principal);
  const more = before.length > NAMES_SAID ? ` and ${before.length - NAMES_SAID} more` : '';
  const what = `${reading.principal} read ${reading.secret} for the first time; in ${days(reading.at - since)} and ${reads} reads it was ${names.join(', ')}${more}.`;
  return { kind: 'new-reader', severity: 'medium', what };
}

/**
 * Whether a principal goes through secrets that it never read before.
 * @param fresh how many it read for the first time in the last hour
 * @param knownSince when it read anything for the first time
 */
export function unusualBurst(principal: string, fresh: number, knownSince: number, at: number): Unusual | undefined {
  if (fresh < BURST || at - knownSince < KNOWN_MS) return undefined;
  const what = `${principal} read ${fresh} secrets within an hour that it had never read before, though it is known for ${days(at - knownSince)}.`;
  return { kind: 'burst', severity: 'high', what };
}

/** The window of a burst, in ms. */
export const BURST_WINDOW_MS = BURST_MS;
