// Finds known values in bytes, by their prints alone: one look at every fourth byte, and at every place where a line
// break could part a window. Pure, and the hot path of the leak guard: `node bench/bench.ts leaks` measures it.
import { endBeforeBreak, gatherBackward, gatherForward, startAfterBreak } from '../crypto/joined-text.ts';
import {
  base64Length,
  FORMS,
  type FormNumber,
  type LeakKey,
  type LeakPrint,
  LONGEST_BYTES,
  STRIDE,
  WINDOW_BYTES,
} from '../crypto/leak-print.ts';

const NEWLINE = 10;
const BACKSLASH = 92;
/** A window that is parted by a line break has this many bytes on either side at most. */
const SIDE = WINDOW_BYTES - 1;
/** Bits of the filter for one anchor: few enough candidates, and a filter that stays in the cache. */
const FILTER_BITS_EACH = 64;
/** Places of the table of whole hashes for one anchor: most look-ups of what is not there end at the first. */
const TABLE_PLACES_EACH = 4;
const SMALLEST_FILTER = 15;
const LARGEST_FILTER = 24;
/** A text that is cut into pieces has to overlap by so many bytes, so that no value is parted: hex takes two for one, URLs three. */
export const OVERLAP_BYTES = 3 * LONGEST_BYTES + 1024;

const FORM_WORDS: Readonly<Record<FormNumber, KnownForm>> = {
  [FORMS.plain]: 'plain',
  [FORMS.base64]: 'base64',
  [FORMS.base64At1]: 'base64',
  [FORMS.base64At2]: 'base64',
  [FORMS.base64url]: 'base64',
  [FORMS.base64urlAt1]: 'base64',
  [FORMS.base64urlAt2]: 'base64',
  [FORMS.hex]: 'hex',
  [FORMS.hexUpper]: 'hex',
  [FORMS.url]: 'URL-encoded',
  [FORMS.urlLower]: 'URL-encoded',
  [FORMS.urlLoose]: 'URL-encoded',
  [FORMS.urlLooseLower]: 'URL-encoded',
};

export type KnownForm = 'plain' | 'base64' | 'hex' | 'URL-encoded';

export interface KnownHit {
  /** Which of the prints that the scanner was given. */
  readonly index: number;
  readonly form: KnownForm;
  /** Bytes from the beginning of the text. */
  readonly start: number;
  readonly end: number;
  /** True where line breaks part it. */
  readonly split: boolean;
}

interface Target {
  readonly index: number;
  readonly form: FormNumber;
  readonly after: number;
}

/** Bytes that are looked through as words of four: their memory begins at a multiple of four and has room at the end. */
export interface ScanText {
  readonly bytes: Buffer;
  readonly words: Int32Array;
  /** How many of the bytes are text. */
  length: number;
}

/** Room for a text of up to so many bytes. */
export function newScanText(size: number): ScanText {
  const memory = new ArrayBuffer((size + STRIDE - 1) & ~(STRIDE - 1));
  return { bytes: Buffer.from(memory), words: new Int32Array(memory), length: 0 };
}

export function scanTextOf(bytes: Uint8Array): ScanText {
  const text = newScanText(bytes.length);
  text.bytes.set(bytes);
  text.length = bytes.length;
  return text;
}

export class KnownScanner {
  readonly #key: LeakKey;
  readonly #prints: readonly LeakPrint[];
  readonly #filter: Int32Array;
  readonly #shift: number;
  readonly #hashShift: number;
  /** The hashes themselves, each at the first free place from its own on; 0 is an empty place. */
  readonly #table: Int32Array;
  readonly #targets = new Map<number, Target[]>();
  readonly #around = Buffer.alloc(2 * SIDE);
  readonly #right = this.#around.subarray(SIDE);
  readonly #gathered = Buffer.alloc(OVERLAP_BYTES);
  readonly #candidates: number[] = [];

  /**
   * @param hashBits how many of an anchor's 32 bits the prints have: fewer in an index that is carried along
   */
  constructor(key: LeakKey, prints: readonly LeakPrint[], hashBits = 32) {
    this.#key = key;
    this.#prints = prints;
    this.#hashShift = 32 - hashBits;
    const anchors = prints.reduce((sum, one) => sum + one.anchors.length, 0);
    const wanted = Math.ceil(Math.log2(Math.max(1, anchors * FILTER_BITS_EACH)));
    const bits = Math.min(LARGEST_FILTER, hashBits, Math.max(SMALLEST_FILTER, wanted));
    this.#shift = 32 - bits;
    this.#filter = new Int32Array(1 << (bits - 5));
    this.#table = new Int32Array(2 ** Math.ceil(Math.log2(Math.max(16, anchors * TABLE_PLACES_EACH))));
    prints.forEach((print, index) => {
      for (const { form, after, hash } of print.anchors) this.#add(hash >>> this.#hashShift, { index, form, after });
    });
  }

  #add(hash: number, target: Target): void {
    const known = this.#targets.get(hash);
    if (known) known.push(target);
    else this.#targets.set(hash, [target]);
    const slot = (hash << this.#hashShift) >>> this.#shift;
    const word = slot >>> 5;
    this.#filter[word] = (this.#filter[word] ?? 0) | (1 << (slot & 31));
    if (known) return;
    const last = this.#table.length - 1;
    let place = hash & last;
    while (this.#table[place] !== 0) place = (place + 1) & last;
    // A hash of 0 would be an empty place: it is looked for as 1, and the targets are asked in any case.
    this.#table[place] = hash === 0 ? 1 : hash;
  }

  #isAnchor(hash: number): boolean {
    const wanted = hash === 0 ? 1 : hash | 0;
    const last = this.#table.length - 1;
    for (let place = hash & last; ; place = (place + 1) & last) {
      const found = this.#table[place];
      if (found === wanted) return true;
      if (found === 0) return false;
    }
  }

  /** What has passed the filter. */
  #consider(end: number, windowHash: number): void {
    const hash = windowHash >>> this.#hashShift;
    if (this.#isAnchor(hash)) this.#candidates.push(end, hash);
  }

  /** How many prints it looks for. */
  get size(): number {
    return this.#prints.length;
  }

  /** Every place in the text where a known value stands, in order; a value is found once at one place. */
  scan(text: ScanText): KnownHit[] {
    if (this.#prints.length === 0) return [];
    // Beyond the text there may be the rest of one that was there before.
    text.bytes.fill(0, text.length, Math.min(text.bytes.length, text.length + STRIDE));
    this.#candidates.length = 0;
    this.#pass(text);
    if (this.#candidates.length === 0) return [];
    const hits: KnownHit[] = [];
    const seen = new Set<string>();
    for (let at = 0; at < this.#candidates.length; at += 2) {
      const end = this.#candidates[at] ?? 0;
      for (const target of this.#targets.get(this.#candidates[at + 1] ?? 0) ?? []) {
        const hit = this.#verify(text, end, target);
        const key = hit && `${hit.index}:${hit.start}`;
        if (!hit || !key || seen.has(key)) continue;
        seen.add(key);
        hits.push(hit);
      }
    }
    return hits.sort((a, b) => a.start - b.start || a.index - b.index);
  }

  /** The pass over all words. Its state is in locals, and nothing is called for the plain ones: it runs for every fourth byte. */
  #pass(text: ScanText): void {
    const { words } = text;
    const { first, second, add, mix } = this.#key.window;
    const filter = this.#filter;
    const shift = this.#shift;
    const count = (text.length + STRIDE - 1) >>> 2;
    let before = 0;
    for (let at = 0; at < count; at += 1) {
      const word = words[at] as number;
      // As windowHash: written out, since this is the loop.
      const sum = (Math.imul(before, first) + Math.imul(word, second) + add) | 0;
      const hash = Math.imul(sum ^ (sum >>> 15), mix);
      const slot = hash >>> shift;
      if (((filter[slot >>> 5] as number) & (1 << (slot & 31))) !== 0) this.#consider(at * STRIDE + STRIDE, hash);
      // A zero byte in `differs` is a newline in the word (Hacker's Delight, 6-1).
      const differs = word ^ 0x0a0a0a0a;
      if (((differs - 0x01010101) & ~differs & 0x80808080) !== 0) this.#lookAround(text, at * STRIDE);
      before = word;
    }
  }

  /** The windows that a line break in these four bytes parts. */
  #lookAround({ bytes, length }: ScanText, from: number): void {
    for (let at = from; at < from + STRIDE; at += 1) {
      if (bytes[at] !== NEWLINE || at >= length || ENDS_LINE[bytes[at - 1] ?? 0] === 1) continue;
      const end = endBeforeBreak(bytes, at);
      if (OF_VALUE[bytes[end - 1] ?? 0] === 0) continue;
      const start = startAfterBreak(bytes, at + 1, length);
      if (OF_VALUE[bytes[start] ?? 0] === 0) continue;
      this.#partedWindows(bytes, end, start, length);
    }
  }

  #partedWindows(bytes: Buffer, end: number, start: number, length: number): void {
    const around = this.#around;
    const left = gatherSide(bytes, end, around);
    const right = gatherForward(bytes, start, length, this.#right, SIDE);
    const { first, second, add, mix } = this.#key.window;
    // One byte before the seven: the first step shifts it out.
    let low = wordAt(around, -1);
    let high = wordAt(around, 3);
    for (let taken = 1; taken <= right; taken += 1) {
      low = (low >>> 8) | (high << 24);
      high = (high >>> 8) | ((around[SIDE + taken - 1] ?? 0) << 24);
      if (taken < WINDOW_BYTES - left) continue;
      const sum = (Math.imul(low, first) + Math.imul(high, second) + add) | 0;
      const hash = Math.imul(sum ^ (sum >>> 15), mix);
      const slot = hash >>> this.#shift;
      if (((this.#filter[slot >>> 5] ?? 0) & (1 << (slot & 31))) === 0) continue;
      this.#consider(offsetAfter(bytes, start, length, taken), hash);
    }
  }

  /** Whether a target's value really stands where one of its windows ends. */
  #verify({ bytes, length }: ScanText, end: number, target: Target): KnownHit | undefined {
    const print = this.#prints[target.index];
    if (!print) return undefined;
    const { before, after, exactly } = extent(print, target);
    const room = this.#gathered.subarray(0, before + after);
    const back = gatherBackward(bytes, end, room.subarray(0, before), before);
    if (exactly && back.count !== before) return undefined;
    if (gatherForward(bytes, end, length, room.subarray(before), after) !== after) return undefined;
    const read = decoded(print, target.form, room.subarray(before - back.count));
    if (!read || !this.#key.fits(print, read.value)) return undefined;
    read.value.fill(0);
    // Where it begins is known once it is known how many characters it has.
    const { start } = gatherBackward(bytes, end, room.subarray(0, read.characters - after), read.characters - after);
    const stop = after === 0 ? end : offsetAfter(bytes, end, length, after);
    const split = stop - start > read.characters;
    return { index: target.index, form: FORM_WORDS[target.form], start, end: stop, split };
  }
}

/** Four bytes as a little-endian word. */
function wordAt(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
}

/** The seven joined characters before `end`, at the beginning of `into`. @returns how many there were */
function gatherSide(bytes: Buffer, end: number, into: Buffer): number {
  for (let back = 1; back <= SIDE; back += 1) {
    const byte = bytes[end - back];
    // Another break, or the beginning of the text: the careful way.
    if (byte === undefined || byte === NEWLINE || byte === BACKSLASH)
      return gatherBackward(bytes, end, into.subarray(0, SIDE), SIDE).count;
    into[SIDE - back] = byte;
  }
  return SIDE;
}

/** How many characters of the form stand before the window's end, and after it; in a URL, how many at most. */
function extent(print: LeakPrint, { form, after }: Target): { before: number; after: number; exactly: boolean } {
  const offset = base64Offset(form);
  if (offset !== undefined) {
    const { all, certain } = base64Length(print.length, offset);
    return { before: certain - after, after: after + (all - certain), exactly: true };
  }
  if (form === FORMS.plain) return { before: print.length - after, after, exactly: true };
  if (form === FORMS.hex || form === FORMS.hexUpper) return { before: 2 * print.length - after, after, exactly: true };
  return { before: 3 * print.length - after, after, exactly: false };
}

function base64Offset(form: FormNumber): number | undefined {
  if (form < FORMS.base64 || form > FORMS.base64urlAt2) return undefined;
  return (form - FORMS.base64) % 3;
}

interface Read {
  readonly value: Buffer;
  /** How many characters of the text say it. */
  readonly characters: number;
}

/** The value that a text ends with. */
function decoded(print: LeakPrint, form: FormNumber, text: Buffer): Read | undefined {
  const characters = text.length;
  const offset = base64Offset(form);
  if (offset !== undefined) {
    const bytes = Buffer.from(text.toString('latin1'), 'base64');
    if (bytes.length < offset + print.length) return undefined;
    return { value: bytes.subarray(offset, offset + print.length), characters };
  }
  // A copy: the room that it was gathered in is used again.
  if (form === FORMS.plain) return { value: Buffer.from(text), characters };
  if (form === FORMS.hex || form === FORMS.hexUpper)
    return { value: Buffer.from(text.toString('latin1'), 'hex'), characters };
  return fromUrl(text, print.length);
}

const PERCENT = 37;

/** The last `count` bytes that percent-encoded text says, read backwards: how a URL is encoded is up to who wrote it. */
function fromUrl(text: Buffer, count: number): Read | undefined {
  const value = Buffer.alloc(count);
  let at = text.length;
  for (let left = count; left > 0; left -= 1) {
    const code = at >= 3 && text[at - 3] === PERCENT ? text.toString('latin1', at - 2, at) : '';
    if (/^[0-9a-fA-F]{2}$/.test(code)) {
      value[left - 1] = Number.parseInt(code, 16);
      at -= 3;
    } else if (at > 0) {
      value[left - 1] = text[at - 1] ?? 0;
      at -= 1;
    } else return undefined;
  }
  return { value, characters: text.length - at };
}

/** What keys are made of, and base64 and URLs: not the ends of statements, where nearly all lines of a program end. */
const OF_VALUE = new Uint8Array(256);
/** Most lines of programs end with one of these, and hold no part of a value that goes on. */
const ENDS_LINE = new Uint8Array(256);
for (const character of ';{}()[]<>:\n') ENDS_LINE[character.charCodeAt(0)] = 1;
for (let byte = 33; byte < 127; byte += 1) {
  const character = String.fromCharCode(byte);
  if (!';{}()[]<>,.:'.includes(character)) OF_VALUE[byte] = 1;
}

/** Where in the text the joined character number `count` after `from` ends. */
function offsetAfter(bytes: Buffer, from: number, length: number, count: number): number {
  const room = Buffer.alloc(count);
  // Grows line by line: most are on this one.
  for (let stop = from + count; ; stop = Math.min(length, stop + STRIDE)) {
    if (gatherForward(bytes, from, stop, room, count) === count || stop >= length) return stop;
  }
}
