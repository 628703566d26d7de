// Changes an input a little: bits, bytes, numbers, copies, cuts, words that the parser knows, and parts of another input.

/** A whole number from 0 to below `bound`. */
export type Random = (bound: number) => number;

type Mutation = (input: Buffer, other: Buffer, words: readonly Buffer[], random: Random) => Buffer;

const INTERESTING = [0, 1, 0x0a, 0x0d, 0x20, 0x22, 0x27, 0x2c, 0x3a, 0x5c, 0x60, 0x7b, 0x7d, 0x7f, 0x80, 0xff];

function replaced(input: Buffer, at: number, remove: number, insert: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, at), insert, input.subarray(at + remove)]);
}

function changedByte(input: Buffer, random: Random, change: (byte: number) => number): Buffer {
  if (input.length === 0) return Buffer.from([random(256)]);
  const copy = Buffer.from(input);
  const at = random(copy.length);
  copy[at] = change(copy[at] ?? 0) & 0xff;
  return copy;
}

function part(input: Buffer, random: Random): Buffer {
  const from = random(input.length + 1);
  return input.subarray(from, from + random(Math.min(64, input.length - from) + 1));
}

const MUTATIONS: readonly Mutation[] = [
  (input, _other, _words, random) => changedByte(input, random, (byte) => byte ^ (1 << random(8))),
  (input, _other, _words, random) => changedByte(input, random, () => random(256)),
  (input, _other, _words, random) => changedByte(input, random, () => INTERESTING[random(INTERESTING.length)] ?? 0),
  (input, _other, _words, random) => changedByte(input, random, (byte) => byte + random(17) - 8),
  // A part goes.
  (input, _other, _words, random) => replaced(input, random(input.length + 1), 1 + random(16), Buffer.alloc(0)),
  // A part comes twice.
  (input, _other, _words, random) => replaced(input, random(input.length + 1), 0, part(input, random)),
  // One byte many times: what grows.
  (input, _other, _words, random) =>
    replaced(
      input,
      random(input.length + 1),
      0,
      Buffer.alloc(1 + random(64), input[random(input.length || 1)] ?? 0x41),
    ),
  (input, _other, words, random) =>
    replaced(
      input,
      random(input.length + 1),
      random(2) * random(8),
      words[random(words.length || 1)] ?? Buffer.alloc(0),
    ),
  (input, _other, words, random) =>
    replaced(input, random(input.length + 1), 0, words[random(words.length || 1)] ?? Buffer.alloc(0)),
  // A part of another input.
  (input, other, _words, random) =>
    replaced(input, random(input.length + 1), random(2) * random(32), part(other, random)),
  // The beginning of one, the end of another.
  (input, other, _words, random) =>
    Buffer.concat([input.subarray(0, random(input.length + 1)), other.subarray(random(other.length + 1))]),
  // Digits: lengths, dates and counts.
  (input, _other, _words, random) => {
    const digits = [...input.keys()].filter((at) => (input[at] ?? 0) >= 0x30 && (input[at] ?? 0) <= 0x39);
    const at = digits[random(digits.length || 1)];
    if (at === undefined) return Buffer.from(input);
    const number = ['0', '-1', '9007199254740993', '1e309', '4294967296', '0.1'][random(6)] ?? '0';
    return replaced(input, at, 1, Buffer.from(number));
  },
];

/** One to eight changes, one on the other. The input itself is left as it is. */
export function mutate(input: Buffer, other: Buffer, words: readonly Buffer[], random: Random): Buffer {
  let changed = input;
  const count = 1 << random(4);
  for (let n = 0; n < count; n += 1) {
    changed = MUTATIONS[random(MUTATIONS.length)]?.(changed, other, words, random) ?? changed;
  }
  return changed;
}
