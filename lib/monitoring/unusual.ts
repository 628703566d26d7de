// What is out of the ordinary about a reading, judged against who read that secret before. Pure: numbers in, a sentence
// out. How a principal behaves as a whole is judged in baseline.ts.
import type { Baseline, EntryRef, Unusual } from './baseline.ts';

const DAY_MS = 24 * 60 * 60_000;

/** A secret is known for so long (ms), and has been read so often, before a new reader of it is unusual. */
const SETTLED_MS = 7 * DAY_MS;
const SETTLED_READS = 20;
/** More readers than these have something in common that a new one has too: a team, a fleet. */
const FEW_READERS = 5;
/** Not read for so long (ms), after having been read so often, a secret was asleep. */
const ASLEEP_MS = 60 * DAY_MS;
const ASLEEP_READS = 5;
const NAMES_SAID = 3;
/** Who was given access so lately (ms) reads what it was given for. */
const INTRODUCED_MS = 7 * DAY_MS;
/** Who is known for so long (ms) and has read so often is judged by how it behaves as a whole (baseline.ts). */
const ESTABLISHED_MS = 7 * DAY_MS;
const ESTABLISHED_READS = 20;

/** What is known of one reader of a secret. Times are milliseconds since 1970. */
export interface KnownReader {
  readonly principal: string;
  readonly reads: number;
  readonly firstAt: number;
  readonly lastAt: number;
}

export interface Reading extends EntryRef {
  readonly principal: string;
  readonly secret: string;
  readonly at: number;
}

/** What matters of the reader. */
export interface ReaderFacts {
  readonly base: Pick<Baseline, 'firstAt' | 'reads'>;
  /** When it was given access (a token made, a person joined), as far as the log has it. */
  readonly introducedAt?: number;
}

function days(ms: number): string {
  const count = Math.floor(ms / DAY_MS);
  return `${count} ${count === 1 ? 'day' : 'days'}`;
}

/** Whether others have read a secret for so long that a first reading of it says something. */
export function isSettled(before: readonly KnownReader[], at: number): boolean {
  return before.length > 0 && at - Math.min(...before.map((one) => one.firstAt)) >= SETTLED_MS;
}

/** Whether one reading is unusual for its secret. @param before everybody who read it before this one */
export function unusualReading(
  reading: Reading,
  before: readonly KnownReader[],
  reader: ReaderFacts,
): Unusual | undefined {
  const reads = before.reduce((sum, one) => sum + one.reads, 0);
  const since = Math.min(...before.map((one) => one.firstAt));
  const last = Math.max(...before.map((one) => one.lastAt));
  const { principal, secret, at, chain, seq } = reading;
  const evidence = [{ chain, seq }];
  if (before.length > 0 && reads >= ASLEEP_READS && at - last >= ASLEEP_MS) {
    const asleep = Math.floor((at - last) / DAY_MS);
    const what = `${principal} read ${secret}, which nobody had read for ${days(at - last)}.`;
    return { kind: 'awakened', severity: 'medium', what, numbers: { days: asleep, reads }, evidence };
  }
  const known = before.some((one) => one.principal === principal);
  if (known || reads < SETTLED_READS || at - since < SETTLED_MS || before.length > FEW_READERS) return undefined;
  if (isExplained(reader, at)) return undefined;
  const names = before.slice(0, NAMES_SAID).map((one) => one.principal);
  const more = before.length > NAMES_SAID ? ` and ${before.length - NAMES_SAID} more` : '';
  const what = `${principal} read ${secret} for the first time; in ${days(at - since)} and ${reads} reads it was ${names.join(', ')}${more}.`;
  const numbers = { days: Math.floor((at - since) / DAY_MS), reads, readers: before.length };
  return { kind: 'new-reader', severity: 'medium', what, numbers, evidence };
}

function isExplained({ base, introducedAt }: ReaderFacts, at: number): boolean {
  if (introducedAt !== undefined && at - introducedAt < INTRODUCED_MS) return true;
  return at - base.firstAt >= ESTABLISHED_MS && base.reads >= ESTABLISHED_READS;
}
