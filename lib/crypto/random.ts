// Randomness as a value that is handed in, so that callers above stay pure and tests can seed it.
import { randomFillSync } from 'node:crypto';

/** Gives `length` bytes that nobody can foresee. */
export type RandomSource = (length: number) => Buffer;

const POOL_BYTES = 4096;
/** Larger requests are drawn on their own. */
const POOLED_BYTES = 32;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/**
 * The operating system's generator, by node:crypto. Small requests (initialisation vectors, ids, keys) come from a pool
 * that is drawn in one go: a draw of its own costs as much as sealing a value. What is given out is zeroed in the pool.
 */
export const systemRandom: RandomSource = (length) => {
  if (length > POOLED_BYTES) return randomFillSync(Buffer.allocUnsafeSlow(length));
  if (used + length > POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const part = pool.subarray(used, used + length);
  const given = Buffer.from(part);
  part.fill(0);
  used += length;
  return given;
};
