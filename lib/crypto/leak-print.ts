// Leak prints: what is kept of a value so that it can be found again in files without being opened. A print says nothing
// to whoever lacks the vault's leak key; whoever has it can test a guess, and learns of the value's last eleven bytes
// (docs/formats.md, Leak prints, has the bytes and the reckoning).
//
// A window of eight bytes is hashed under the key; the last four windows of a value, one for each alignment to four
// bytes, are its anchors, in plain and in every form that it is looked for in. A text is then looked at once every four
// bytes. What an anchor points at is certain only when the whole value's MAC agrees.
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { equalBytes } from './bytes.ts';
import { joinText } from './joined-text.ts';
import { deriveBytes } from './kdf.ts';

/** Of a longer value only so many of its last bytes are looked for. */
export const LONGEST_BYTES = 4096;
/** A shorter value has not all four anchors. */
const SHORTEST_BYTES = 11;
export const WINDOW_BYTES = 8;
/** Alignments: a text is looked at every so many bytes. */
export const STRIDE = 4;
const MAC_BYTES = 16;
const HEAD_BYTES = 1 + 4 + 4 + MAC_BYTES + 2;
const FORMAT = 1;
/** A value that could be guessed with fewer bits would be found where it only stands by chance. */
const FEWEST_BITS = 40;

/** How a value can stand in a text; the number is part of the format. */
export const FORMS = {
  plain: 0,
  base64: 1,
  base64At1: 2,
  base64At2: 3,
  base64url: 4,
  base64urlAt1: 5,
  base64urlAt2: 6,
  hex: 7,
  hexUpper: 8,
  url: 9,
  urlLower: 10,
  urlLoose: 11,
  urlLooseLower: 12,
} as const;
export type FormNumber = (typeof FORMS)[keyof typeof FORMS];

interface LeakAnchor {
  readonly form: FormNumber;
  /** How many characters of the form follow the window, 0 to 3. */
  readonly after: number;
  /** The window's hash, 32 bits, unsigned. */
  readonly hash: number;
}

export interface LeakPrint {
  /** Bytes of the joined value, `LONGEST_BYTES` at most. */
  readonly length: number;
  /** A quick keyed hash of the whole value, 32 bits: it spares most candidates the MAC. */
  readonly quick: number;
  /** HMAC-SHA-256 of the joined value, cut to 16 bytes. */
  readonly mac: Buffer;
  /** Bits that somebody who knows the last eleven bytes would still have to guess, estimated low. */
  readonly bitsLeft: number;
  readonly anchors: readonly LeakAnchor[];
}

/** The multipliers of the window hash: keyed, so that nobody without the key can aim at a collision. */
export interface WindowHash {
  readonly first: number;
  readonly second: number;
  readonly add: number;
  readonly mix: number;
}

/** The hash of one window of two little-endian words. @returns 32 bits, unsigned */
function windowHash({ first, second, add, mix }: WindowHash, low: number, high: number): number {
  const sum = (Math.imul(low, first) + Math.imul(high, second) + add) | 0;
  return Math.imul(sum ^ (sum >>> 15), mix) >>> 0;
}

/** The key that prints are made and found with. */
export class LeakKey {
  readonly window: WindowHash;
  readonly #quick: number;
  readonly #mac: KeyObject;

  /** @param key 32 bytes, from the vault's keyring or from an index that was made to be carried along */
  constructor(key: KeyObject) {
    const numbers = deriveBytes(key, 'keyturn/v1/leak/windows', 20);
    // Odd multipliers lose no bits.
    this.window = {
      first: numbers.readInt32LE(0) | 1,
      second: numbers.readInt32LE(4) | 1,
      add: numbers.readInt32LE(8),
      mix: numbers.readInt32LE(12) | 1,
    };
    this.#quick = numbers.readInt32LE(16) | 1;
    const mac = deriveBytes(key, 'keyturn/v1/leak/mac', 32);
    this.#mac = createSecretKey(mac);
    mac.fill(0);
  }

  quick(joined: Uint8Array): number {
    let hash = joined.length;
    for (const byte of joined) hash = (Math.imul(hash, this.#quick) + byte + 1) | 0;
    return hash >>> 0;
  }

  mac(joined: Uint8Array): Buffer {
    return createHmac('sha256', this.#mac).update(joined).digest().subarray(0, MAC_BYTES);
  }

  /** Whether joined bytes are the value of a print. */
  fits(print: LeakPrint, joined: Uint8Array): boolean {
    if (joined.length !== print.length || this.quick(joined) !== print.quick) return false;
    return equalBytes(this.mac(joined), print.mac);
  }
}

/** A low estimate of how many bits it takes to guess bytes: as if each were one of those that occur. */
function bitsOf(bytes: Uint8Array, length: number): number {
  const seen = new Uint8Array(256);
  let different = 0;
  for (let at = 0; at < length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (seen[byte] === 1) continue;
    seen[byte] = 1;
    different += 1;
  }
  return different === 0 ? 0 : Math.floor(length * Math.log2(different));
}

/**
 * The print of a value; undefined for one that is too short or too easily guessed to be looked for.
 * @param value as it is kept, any bytes
 */
export function leakPrintOf(key: LeakKey, value: Uint8Array): LeakPrint | undefined {
  const whole = joinText(value);
  const joined = whole.subarray(-LONGEST_BYTES);
  const { length } = joined;
  if (length < SHORTEST_BYTES || bitsOf(joined, length) < FEWEST_BITS) {
    whole.fill(0);
    return undefined;
  }
  const print = {
    length,
    quick: key.quick(joined),
    mac: key.mac(joined),
    bitsLeft: bitsOf(joined, length - SHORTEST_BYTES),
    anchors: anchorsOf(key.window, endsOfForms(joined)),
  };
  whole.fill(0);
  return print;
}

function anchorsOf(hash: WindowHash, ends: readonly [FormNumber, string][]): LeakAnchor[] {
  const anchors: LeakAnchor[] = [];
  for (const [form, end] of ends) {
    const text = Buffer.from(end, 'latin1');
    for (let after = 0; after < STRIDE; after += 1) {
      const start = text.length - after - WINDOW_BYTES;
      if (start < 0) break;
      anchors.push({ form, after, hash: windowHash(hash, text.readInt32LE(start), text.readInt32LE(start + 4)) });
    }
  }
  return anchors;
}

/** RFC 3986, section 2.3: what is written as it is; everything else is %XX. */
const UNRESERVED = bytesOf(/[A-Za-z0-9._~-]/);
/** What encodeURIComponent (ECMA-262, 19.2.6) writes as it is besides. */
const UNRESERVED_LOOSELY = bytesOf(/[A-Za-z0-9._~!*'()-]/);

function bytesOf(pattern: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (pattern.test(String.fromCharCode(byte)) ? 1 : 0));
}

function urlEnd(bytes: Uint8Array, plain: Uint8Array, lower = false): string {
  let text = '';
  for (const byte of bytes) {
    const code = byte.toString(16).padStart(2, '0');
    text += plain[byte] === 1 ? String.fromCharCode(byte) : `%${lower ? code : code.toUpperCase()}`;
  }
  return text.slice(-END_CHARACTERS);
}

/** How many characters of base64 say `length` bytes that come after `offset` others, and how many of them are certain. */
export function base64Length(length: number, offset: number): { readonly all: number; readonly certain: number } {
  const bits = 8 * (offset + length);
  return { all: Math.ceil(bits / 6), certain: Math.floor(bits / 6) };
}

const BASE64 = [FORMS.base64, FORMS.base64At1, FORMS.base64At2] as const;
const BASE64URL = [FORMS.base64url, FORMS.base64urlAt1, FORMS.base64urlAt2] as const;
/** All four windows are in so many characters. */
const END_CHARACTERS = WINDOW_BYTES + STRIDE - 1;

/**
 * How the value ends in each form, without the characters that depend on what stands before or after it. Two ways of
 * writing the same form that end the same are one: each is read in both.
 */
function endsOfForms(joined: Buffer): [FormNumber, string][] {
  const last = joined.subarray(-END_CHARACTERS);
  const ends: [FormNumber, string][] = [[FORMS.plain, last.toString('latin1')]];
  for (const offset of [0, 1, 2] as const) {
    const end = base64End(joined, offset);
    pushBoth(ends, [BASE64[offset], end], [BASE64URL[offset], end.replaceAll('+', '-').replaceAll('/', '_')]);
  }
  const hex = last.toString('hex').slice(-END_CHARACTERS);
  pushBoth(ends, [FORMS.hex, hex], [FORMS.hexUpper, hex.toUpperCase()]);
  // Nothing that is encoded: it stands in URLs as it is.
  if (joined.every((byte) => UNRESERVED[byte] === 1)) return ends;
  const url = urlEnd(last, UNRESERVED);
  pushBoth(ends, [FORMS.url, url], [FORMS.urlLower, urlEnd(last, UNRESERVED, true)]);
  const loose = urlEnd(last, UNRESERVED_LOOSELY);
  if (loose === url) return ends;
  pushBoth(ends, [FORMS.urlLoose, loose], [FORMS.urlLooseLower, urlEnd(last, UNRESERVED_LOOSELY, true)]);
  return ends;
}

function pushBoth(ends: [FormNumber, string][], one: [FormNumber, string], other: [FormNumber, string]): void {
  ends.push(one);
  if (other[1] !== one[1]) ends.push(other);
}

/** Three bytes are four characters: encoding may begin at any such group, with the value's bytes where they would be in it. */
function base64End(joined: Buffer, offset: number): string {
  const total = offset + joined.length;
  const group = Math.max(0, Math.floor((total - END_CHARACTERS - 3) / 3)) * 3;
  const leading = Math.max(0, offset - group);
  const tail = Buffer.concat([Buffer.alloc(leading), joined.subarray(Math.max(0, group - offset))]);
  const certain = base64Length(joined.length, offset).certain - (group / 3) * 4;
  const uncertain = group === 0 ? Math.ceil((8 * offset) / 6) : 0;
  return tail.toString('base64').slice(uncertain, certain).slice(-END_CHARACTERS);
}

/** A print as bytes; the empty ones stand for "not to be looked for". */
export function encodePrint(print: LeakPrint | undefined): Buffer {
  if (!print) return Buffer.alloc(0);
  const bytes = Buffer.alloc(HEAD_BYTES + print.anchors.length * 5);
  bytes.writeUInt8(FORMAT, 0);
  bytes.writeUInt32BE(print.length, 1);
  bytes.writeUInt32BE(print.quick, 5);
  print.mac.copy(bytes, 9);
  bytes.writeUInt16BE(Math.min(print.bitsLeft, 0xffff), 25);
  print.anchors.forEach((anchor, index) => {
    bytes.writeUInt8((anchor.form << 2) | anchor.after, HEAD_BYTES + index * 5);
    bytes.writeUInt32BE(anchor.hash, HEAD_BYTES + index * 5 + 1);
  });
  return bytes;
}

/** Undefined for the empty print, and for bytes that are none of ours. */
export function decodePrint(bytes: Buffer): LeakPrint | undefined {
  if (bytes.length < HEAD_BYTES || bytes[0] !== FORMAT || (bytes.length - HEAD_BYTES) % 5 !== 0) return undefined;
  const anchors: LeakAnchor[] = [];
  for (let at = HEAD_BYTES; at < bytes.length; at += 5) {
    const form = bytes.readUInt8(at) >> 2;
    if (form > FORMS.urlLooseLower) return undefined;
    anchors.push({ form: form as FormNumber, after: bytes.readUInt8(at) & 3, hash: bytes.readUInt32BE(at + 1) });
  }
  return {
    length: bytes.readUInt32BE(1),
    quick: bytes.readUInt32BE(5),
    mac: Buffer.from(bytes.subarray(9, 25)),
    bitsLeft: bytes.readUInt16BE(25),
    anchors,
  };
}
