// How hard a value is to guess. Random values are judged by their own statistics, human-chosen ones by zxcvbn, which
// knows words, names, dates, keyboard runs and how people disguise them.
import { createRequire } from 'node:module';
import type * as Guessing from './guessing.ts';

export interface Strength {
  /** 0 (a child guesses it) to 100 (128 bits or more). */
  readonly score: number;
  /** Estimated bits of entropy. */
  readonly bits: number;
  readonly method: 'statistics' | 'zxcvbn';
  /** Character classes present: lower, upper, digit, other. */
  readonly classes: number;
}

const FULL_BITS = 128;

export function characterClasses(text: string): number {
  return [/[a-z]/, /[A-Z]/, /[0-9]/, /[^A-Za-z0-9]/].filter((one) => one.test(text)).length;
}

/**
 * Shannon's estimate in bits: the text's own entropy a character, times its length. For a random text it falls short of
 * the truth (a short sample looks less even than its source), so what it calls strong is strong.
 */
export function shannonBits(text: string): number {
  const counts = new Map<string, number>();
  let length = 0;
  for (const character of text) {
    counts.set(character, (counts.get(character) ?? 0) + 1);
    length += 1;
  }
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / length);
  return bits;
}

/**
 * Whether a text looks like a generator's work rather than a person's: long, and with characters that change class
 * again and again instead of standing in words. Provider prefixes (`sk_live_`) do not count.
 */
export function looksRandom(text: string): boolean {
  const body = text.replace(/^([A-Za-z]{2,8}[_-]){1,3}/, '');
  if (body.length < 20 || /\s/.test(body)) return false;
  if (/^[0-9a-f]+$/i.test(body)) return /[0-9]/.test(body) && shannonBits(body) / body.length > 2.8;
  const classOf = (c: string) => (/[a-z]/.test(c) ? 0 : /[A-Z]/.test(c) ? 1 : /[0-9]/.test(c) ? 2 : 3);
  let changes = 0;
  for (let at = 1; at < body.length; at += 1) if (classOf(body[at] ?? '') !== classOf(body[at - 1] ?? '')) changes += 1;
  if (changes / body.length <= 0.3 || shannonBits(body) / body.length <= 3.2) return false;
  return partInWords(body) < MOST_IN_WORDS;
}

/**
 * Random text has hardly ever this much in what reads like words. (Measured: all tests here together miss 4 of 10,000
 * values of 32 random bytes, and 2 of 1,000 of 24; those go to zxcvbn, which finds them strong too.)
 */
const MOST_IN_WORDS = 0.4;

/** CamelCase changes class often too; but it stands in runs of small letters with vowels, as random text does not. */
function partInWords(text: string): number {
  const runs = text.match(/[a-z]{3,}/g) ?? [];
  const words = runs.filter((run) => (run.match(/[aeiou]/g)?.length ?? 0) / run.length >= 0.25);
  return words.reduce((sum, run) => sum + run.length, 0) / text.length;
}

/** Longer texts take zxcvbn longer than their strength is in doubt. */
const GUESSED_CHARACTERS = 72;

export function strengthOf(text: string): Strength {
  const classes = characterClasses(text);
  if (looksRandom(text)) {
    const bits = shannonBits(text);
    return { bits, score: score(bits), method: 'statistics', classes };
  }
  // Loaded on the first human-chosen value only: its dictionaries take a tenth of a second.
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const { guessBits } = createRequire(import.meta.url)(`./guessing${extension}`) as typeof Guessing;
  const bits = guessBits(text.slice(0, GUESSED_CHARACTERS));
  return { bits, score: score(bits), method: 'zxcvbn', classes };
}

function score(bits: number): number {
  return Math.round(Math.min(1, bits / FULL_BITS) * 100);
}
