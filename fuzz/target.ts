// What a fuzz target is: a parser of bytes that came from somewhere else, valid inputs to start from, and what has to hold for
// every input.
import { KeyturnError } from '../lib/errors.ts';

export interface FuzzTarget {
  readonly name: string;
  /** Valid inputs; every other one is made from these. The same in every process: they are part of the test. */
  readonly seeds: () => Buffer[];
  /** Throws where something does not hold. An error of Keyturn's own hierarchy is an answer, not a finding. */
  readonly run: (input: Buffer) => void;
}

/** Runs a parser on one input: it may refuse, but only in Keyturn's own words. */
export function answers<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof KeyturnError) return undefined;
    throw error;
  }
}

export function holds(condition: boolean, what: string): void {
  if (!condition) throw new Error(`does not hold: ${what}`);
}

/** Numbers below 2³² that are the same in every process: mulberry32 (Tommy Ettinger, public domain). Nothing secret comes of it. */
export function fixedNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

/** Bytes that are the same in every process, for keys and initialisation vectors of seeds only. */
export function fixedRandom(seed: number): (length: number) => Buffer {
  const next = fixedNumbers(seed);
  return (length) => Buffer.from(Array.from({ length }, () => next() & 0xff));
}
