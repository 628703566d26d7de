// Judges one event by all rules: those on what its principal usually does, and those on who reads the secret. Pure but for
// the state that it is handed, which learns from the event.
import { type Baseline, type Event, learn, newBaseline, type Unusual } from './baseline.ts';
import { isSettled, type KnownReader, unusualReading } from './unusual.ts';

const DAY_MS = 24 * 60 * 60_000;

/** A principal as it is watched; plain data, to be stored as JSON. */
export interface Watched {
  readonly base: Baseline;
  /** When it was given access, as far as the log has it; milliseconds since 1970. */
  introducedAt?: number;
}

export function newWatched(at: number): Watched {
  return { base: newBaseline(at) };
}

export interface WatchedReader extends KnownReader {
  /** Reads that are not stored yet. */
  readonly fresh: number;
}

/**
 * @param watched the event's principal; it learns
 * @param readers everybody who read the secret before, by name; the event is added
 */
export function judge(watched: Watched, readers: Map<string, WatchedReader>, event: Event): Unusual[] {
  const { base } = watched;
  const { secret, principal, at } = event;
  if (secret === undefined) return learn(base, event);
  const before = [...readers.values()];
  const fresh = !readers.has(principal) && isSettled(before, at);
  const ofSecret = unusualReading({ ...event, secret }, before, watched);
  noteReader(readers, event);
  const found = learn(base, { ...event, fresh });
  const day = Math.floor(at / DAY_MS);
  if (!ofSecret || base.told[ofSecret.kind] === day) return found;
  base.told[ofSecret.kind] = day;
  return [...found, ofSecret];
}

function noteReader(readers: Map<string, WatchedReader>, { principal, count, at }: Event): void {
  const known = readers.get(principal);
  readers.set(principal, {
    principal,
    reads: (known?.reads ?? 0) + count,
    firstAt: known?.firstAt ?? at,
    lastAt: Math.max(known?.lastAt ?? 0, at),
    fresh: (known?.fresh ?? 0) + count,
  });
}
