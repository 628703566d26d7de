// Makes new values: random bytes from the source that is handed in, written as their type's rule says.

import type { GenerateRule } from '../catalog/types.ts';
import type { RandomSource } from '../crypto/random.ts';

const CLASSES = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnpqrstuvwxyz', '23456789', '!#%*+-=?@^_'] as const;
const ALPHABET = CLASSES.join('');

/** A whole number below `limit`, every one equally likely: bytes that would favour some are thrown away. */
function below(limit: number, random: RandomSource): number {
  const ceiling = 256 - (256 % limit);
  for (;;) {
    const byte = random(1)[0] ?? 0;
    if (byte < ceiling) return byte % limit;
  }
}

/** Characters that a person can type, without look-alikes, at least one of every class (drawn again until it is so). */
function password(length: number, random: RandomSource): string {
  for (;;) {
    const text = Array.from({ length }, () => ALPHABET[below(ALPHABET.length, random)]).join('');
    if (CLASSES.every((characters) => [...text].some((one) => characters.includes(one)))) return text;
  }
}

/** @returns the new value as UTF-8 bytes; the caller zeroes them */
export function generateValue(rule: GenerateRule, random: RandomSource): Buffer {
  const prefix = rule.prefix ?? '';
  if (rule.notation === 'password') return Buffer.from(prefix + password(rule.bytes, random), 'utf8');
  const bytes = random(rule.bytes);
  const value = Buffer.from(prefix + bytes.toString('base64url'), 'utf8');
  bytes.fill(0);
  return value;
}
