// Machine tokens as text: `kt_<environment>_<256 random bits><checksum>`, in letters and digits only, so that a double
// click takes all of it. The checksum lets a scanner tell a token from what only looks like one, with no look-up (the
// form is GitHub's, "Behind GitHub's new authentication token formats", 2021).
import { createHmac, type KeyObject } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { RandomSource } from '../crypto/random.ts';

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_BYTES = 32;
/** 256 bits take 43 digits of base 62, 32 bits take 6. */
const RANDOM_DIGITS = 43;
const CHECKSUM_DIGITS = 6;

const TOKEN_PATTERN = /^kt_([a-z0-9]{1,24})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

function base62(number: bigint, digits: number): string {
  let left = number;
  let text = '';
  for (let n = 0; n < digits; n += 1) {
    text = DIGITS[Number(left % 62n)] + text;
    left /= 62n;
  }
  return text;
}

/** The environment's name as far as it can be part of a token. */
function label(environment: string): string {
  return (
    environment
      .toLowerCase()
      .replaceAll(/[^a-z0-9]/g, '')
      .slice(0, 24) || 'env'
  );
}

function checksum(body: string): string {
  return base62(BigInt(crc32(body)), CHECKSUM_DIGITS);
}

/** Makes a new token. @param environment its environment's name, or `all` */
export function newToken(environment: string, random: RandomSource): string {
  const bytes = random(RANDOM_BYTES);
  const body = `kt_${label(environment)}_${base62(BigInt(`0x${bytes.toString('hex')}`), RANDOM_DIGITS)}`;
  bytes.fill(0);
  return body + checksum(body);
}

/** Whether a text has a token's form and the checksum that fits. Says nothing about whether anybody gave it out. */
export function isToken(text: string): boolean {
  if (!TOKEN_PATTERN.test(text)) return false;
  const body = text.slice(0, -CHECKSUM_DIGITS);
  return checksum(body) === text.slice(-CHECKSUM_DIGITS);
}

/** What is kept of a token: an HMAC-SHA-256 under the vault's own key, which tells nothing to who has not that key. */
export function tokenHash(key: KeyObject, token: string): Buffer {
  return createHmac('sha256', key).update(token).digest();
}
