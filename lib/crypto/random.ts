// Randomness as a value that is handed in, so that callers above stay pure and tests can seed it.
import { randomBytes } from 'node:crypto';

/** Gives `length` bytes that nobody can foresee. */
export type RandomSource = (length: number) => Buffer;

/** The operating system's generator, by node:crypto. */
export const systemRandom: RandomSource = (length) => randomBytes(length);
