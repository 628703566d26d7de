// A text with its line breaks taken out, and what programs put around one inside of a value: `"abc" +⏎  "def"`, a
// backslash at the end of a line, indentation, a written-out \n. One rule, read forwards and backwards, so that a value
// and a text that holds it on several lines become the same bytes.

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const BACKSLASH = 92;
const LETTER_N = 110;
const LETTER_R = 114;
/** What a byte can be around a line break: these are asked for each line of each file. */
const KIND = new Uint8Array(256);
const BLANK = 1;
const QUOTE = 2;
const BETWEEN = 4;
for (const byte of [TAB, RETURN, SPACE]) KIND[byte] = BLANK;
for (const character of '"\'`') KIND[character.charCodeAt(0)] = QUOTE;
// Between two quoted parts.
for (const character of '+,.') KIND[character.charCodeAt(0)] = BETWEEN;

function isKind(byte: number | undefined, kind: number): boolean {
  return byte !== undefined && KIND[byte] === kind;
}

/** The length of the line break that begins at `at`: 1 for a newline, 2 for a written-out one, 0 for none. */
function breakAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === NEWLINE) return 1;
  if (byte !== BACKSLASH) return 0;
  const next = bytes[at + 1];
  return next === LETTER_N || next === LETTER_R ? 2 : 0;
}

/** Where the text before a line break at `at` ends: blanks, a backslash, a closing quote with + or , are not of it. */
export function endBeforeBreak(bytes: Uint8Array, at: number): number {
  let end = at;
  while (end > 0 && isKind(bytes[end - 1], BLANK)) end -= 1;
  if (end > 0 && bytes[end - 1] === BACKSLASH) {
    end -= 1;
    while (end > 0 && isKind(bytes[end - 1], BLANK)) end -= 1;
  } else if (end > 0 && isKind(bytes[end - 1], BETWEEN)) {
    let before = end - 1;
    while (before > 0 && isKind(bytes[before - 1], BLANK)) before -= 1;
    if (before > 0 && isKind(bytes[before - 1], QUOTE)) end = before;
  }
  return end > 0 && isKind(bytes[end - 1], QUOTE) ? end - 1 : end;
}

/** Where the text after a line break begins, looking from the byte after the break. */
export function startAfterBreak(bytes: Uint8Array, from: number, length = bytes.length): number {
  let start = from;
  while (start < length && isKind(bytes[start], BLANK)) start += 1;
  if (start < length && isKind(bytes[start], BETWEEN)) {
    let after = start + 1;
    while (after < length && isKind(bytes[after], BLANK)) after += 1;
    if (after < length && isKind(bytes[after], QUOTE)) start = after;
  }
  return start < length && isKind(bytes[start], QUOTE) ? start + 1 : start;
}

/** The text without its line breaks. @returns new bytes; the caller zeroes them where they are a value */
export function joinText(bytes: Uint8Array): Buffer {
  const joined = Buffer.alloc(bytes.length);
  const length = gatherForward(bytes, 0, bytes.length, joined, bytes.length);
  return joined.subarray(0, length);
}

/**
 * Reads `count` bytes of joined text forwards.
 * @param length where the text ends
 * @returns how many there were
 */
export function gatherForward(
  bytes: Uint8Array,
  from: number,
  length: number,
  into: Uint8Array,
  count: number,
): number {
  let written = 0;
  let at = from;
  let lineStart = from;
  while (at < length && written < count) {
    const breaking = breakAt(bytes, at);
    if (breaking === 0) {
      into[written] = bytes[at] ?? 0;
      written += 1;
      at += 1;
      continue;
    }
    // What the break takes with it was written already.
    written -= at - Math.max(endBeforeBreak(bytes, at), lineStart);
    at = startAfterBreak(bytes, at + breaking, length);
    lineStart = at;
  }
  return written;
}

/** How far beyond what is wanted a line's beginning is looked for: it may be indented so far. */
const INDENTATION = 256;

/** The last line break in a part of a text: where it begins, and where the text goes on. */
function lastBreak(bytes: Uint8Array, low: number, end: number): { start: number; end: number } | undefined {
  for (let at = end - 1; at >= low; at -= 1) {
    const breaking = breakAt(bytes, at);
    if (breaking > 0 && at + breaking <= end) return { start: at, end: at + breaking };
  }
  return undefined;
}

export interface Gathered {
  /** Where in the text it begins. */
  readonly start: number;
  /** How many bytes there were. */
  readonly count: number;
}

/**
 * Reads `count` bytes of joined text backwards, so that they end with the byte before `end`. They are written in their
 * own order, at the end of `into`.
 */
export function gatherBackward(bytes: Uint8Array, end: number, into: Uint8Array, count: number): Gathered {
  let left = count;
  let at = end;
  let start = end;
  while (left > 0 && at > 0) {
    const low = Math.max(0, at - left - INDENTATION);
    const broken = lastBreak(bytes, low, at);
    const begin = broken ? Math.min(startAfterBreak(bytes, broken.end), at) : low;
    const taken = Math.min(left, at - begin);
    if (taken > 0) start = at - taken;
    left -= taken;
    into.set(bytes.subarray(at - taken, at), into.length - count + left);
    if (!broken) break;
    at = endBeforeBreak(bytes, broken.start);
  }
  // Nothing more is to be had: what there is stands at the very end.
  return { start, count: count - left };
}
