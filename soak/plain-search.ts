// Looks through every byte of every file below some folders for planted values: as they are, and in the encodings that programs write
// without being asked (base64, hexadecimal, UTF-16).
import { closeSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';

const CHUNK = 4 << 20;

interface Needle {
  readonly bytes: Buffer;
  readonly how: string;
}

/** What of a text's base64 is the same whatever stands around it, for each of three alignments. */
function base64Cores(text: string): string[] {
  return [0, 1, 2].map((shift) => {
    const encoded = Buffer.from('\0'.repeat(shift) + text)
      .toString('base64')
      .replace(/=+$/, '');
    const from = Math.ceil((shift * 8) / 6);
    const whole = Math.floor(((shift + text.length) * 8) / 6);
    return encoded.slice(from, whole);
  });
}

function needlesFor(text: string): Needle[] {
  return [
    { bytes: Buffer.from(text), how: 'as it is' },
    { bytes: Buffer.from(text, 'utf16le'), how: 'as UTF-16' },
    { bytes: Buffer.from(Buffer.from(text).toString('hex')), how: 'in hexadecimal' },
    ...base64Cores(text).map((core) => ({ bytes: Buffer.from(core), how: 'as base64' })),
  ];
}

export interface Searched {
  readonly files: number;
  readonly bytes: number;
  readonly found: readonly { readonly path: string; readonly how: string; readonly needle: number }[];
}

/** @param texts what is looked for; in what is found, a text is named by its place in this list only */
export function searchPlain(folders: readonly string[], texts: readonly string[]): Searched {
  const needles = texts.flatMap((text, needle) => needlesFor(text).map((one) => ({ ...one, needle })));
  const longest = Math.max(...needles.map((one) => one.bytes.length));
  const found: { path: string; how: string; needle: number }[] = [];
  let files = 0;
  let bytes = 0;
  const look = (path: string): void => {
    const facts = lstatSync(path, { throwIfNoEntry: false });
    if (facts?.isDirectory()) for (const name of readdirSync(path)) look(join(path, name));
    if (!facts?.isFile()) return;
    files += 1;
    bytes += facts.size;
    for (const { how, needle } of inFile(path, needles, longest)) found.push({ path, how, needle });
  };
  for (const folder of folders) look(folder);
  return { files, bytes, found };
}

function inFile<T extends Needle>(path: string, needles: readonly T[], longest: number): Set<T> {
  const hits = new Set<T>();
  const buffer = Buffer.alloc(CHUNK + longest);
  const file = openSync(path, 'r');
  try {
    let kept = 0;
    for (;;) {
      const read = readSync(file, buffer, kept, CHUNK, null);
      if (read === 0) return hits;
      const filled = buffer.subarray(0, kept + read);
      for (const one of needles) if (!hits.has(one) && filled.includes(one.bytes)) hits.add(one);
      // What may have begun at the end of this piece.
      kept = Math.min(longest, filled.length);
      filled.copyWithin(0, filled.length - kept);
    }
  } finally {
    closeSync(file);
  }
}
