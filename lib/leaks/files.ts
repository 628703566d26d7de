// Files to examine: those of a folder that git would take (tracked, or new and not ignored), and their text in pieces of
// bounded size.
import { execFile } from 'node:child_process';
import { closeSync, fstatSync, lstatSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { promisify } from 'node:util';
import ignore from 'ignore';
import { FileError } from '../errors.ts';
import { examine, linesOf, type Scanners } from './examine.ts';
import type { LeakFinding } from './finding.ts';
import { newScanText, OVERLAP_BYTES, type ScanText } from './known-scanner.ts';

const PIECE_BYTES = 4 * 1024 * 1024;
const NEWLINE = 10;
/** The list of a repository's files can be long. */
const LIST_BYTES = 512 * 1024 * 1024;

/**
 * The files below a folder, relative to it; the file itself where it is one.
 * In a git repository: what is tracked, and what is new and not ignored. Elsewhere .gitignore files are followed all the
 * same.
 */
export async function filesBelow(root: string): Promise<string[]> {
  const kind = lstatIfThere(root);
  if (!kind) {
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `There is no file or folder ${root}.`,
      left: 'Nothing was scanned.',
    });
  }
  if (!kind.isDirectory()) return [''];
  return (await filesOfGit(root)) ?? filesOfFolder(root);
}

function lstatIfThere(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}

async function filesOfGit(root: string): Promise<string[] | undefined> {
  const args = ['-C', root, 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  try {
    const { stdout } = await promisify(execFile)('git', args, { maxBuffer: LIST_BYTES, encoding: 'buffer' });
    // A tracked file may be gone, and a submodule is a folder.
    return stdout
      .toString('utf8')
      .split('\0')
      .filter((path) => path !== '' && lstatIfThere(join(root, path))?.isFile());
  } catch {
    // No git, or no repository: the folder is walked instead.
    return undefined;
  }
}

function filesOfFolder(root: string): string[] {
  const found: string[] = [];
  walk(root, root, [], found);
  return found;
}

interface Rules {
  readonly folder: string;
  readonly matcher: ReturnType<typeof ignore>;
}

function walk(root: string, folder: string, above: readonly Rules[], found: string[]): void {
  const own = join(folder, '.gitignore');
  const rules = lstatIfThere(own)?.isFile()
    ? [...above, { folder, matcher: ignore().add(readFileSync(own, 'utf8')) }]
    : above;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name === '.git' || isIgnored(rules, path, entry.isDirectory())) continue;
    if (entry.isDirectory()) walk(root, path, rules, found);
    else if (entry.isFile()) found.push(relative(root, path));
  }
}

function isIgnored(rules: readonly Rules[], path: string, isFolder: boolean): boolean {
  return rules.some(({ folder, matcher }) => {
    const inside = relative(folder, path).replaceAll(sep, '/');
    return matcher.ignores(isFolder ? `${inside}/` : inside);
  });
}

/** Room that is used for one file after the other. */
export function newFileRoom(): ScanText {
  return newScanText(PIECE_BYTES + OVERLAP_BYTES);
}

export interface ExaminedFile {
  readonly findings: readonly LeakFinding[];
  readonly bytes: number;
}

/** Examines a file, in pieces that overlap where it is large. @param shown the path that findings name */
export function examineFile(path: string, shown: string, room: ScanText, scanners: Scanners): ExaminedFile {
  const file = openSync(path, 'r');
  try {
    const read: Read = (into, from) => readSync(file, into, from, into.length - from, null);
    return fstatSync(file).isFile() ? examineStream(read, shown, room, scanners) : { findings: [], bytes: 0 };
  } finally {
    closeSync(file);
  }
}

/** Reads more bytes into a buffer, from an offset on. @returns how many; 0 at the end */
type Read = (into: Buffer, from: number) => number;

function examineStream(read: Read, path: string, room: ScanText, scanners: Scanners): ExaminedFile {
  const findings: LeakFinding[] = [];
  let bytes = 0;
  let seen = 0;
  let firstLine = 1;
  for (;;) {
    let length = seen;
    // A read may give less than there is room for.
    for (let got = read(room.bytes, length); got > 0; got = read(room.bytes, length)) {
      length += got;
      bytes += got;
      if (length === room.bytes.length) break;
    }
    room.length = length;
    if (length > seen)
      findings.push(...examine({ path, text: room, seen, lineAt: linesOf(room, firstLine) }, scanners));
    if (length < room.bytes.length) return { findings, bytes };
    const kept = length - OVERLAP_BYTES;
    firstLine += countLines(room.bytes, kept);
    room.bytes.copyWithin(0, kept, length);
    seen = OVERLAP_BYTES;
  }
}

function countLines(bytes: Buffer, end: number): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < end; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

/** Examines what comes in a stream, such as standard input. */
export async function examineInput(
  input: AsyncIterable<Uint8Array>,
  path: string,
  scanners: Scanners,
): Promise<ExaminedFile> {
  const room = newFileRoom();
  const findings: LeakFinding[] = [];
  let bytes = 0;
  let seen = 0;
  let firstLine = 1;
  room.length = 0;
  const flush = () => {
    findings.push(...examine({ path, text: room, seen, lineAt: linesOf(room, firstLine) }, scanners));
    const kept = Math.max(0, room.length - OVERLAP_BYTES);
    firstLine += countLines(room.bytes, kept);
    room.bytes.copyWithin(0, kept, room.length);
    room.length -= kept;
    seen = room.length;
  };
  for await (const chunk of input) {
    for (let at = 0; at < chunk.length; ) {
      const taken = Math.min(chunk.length - at, room.bytes.length - room.length);
      room.bytes.set(chunk.subarray(at, at + taken), room.length);
      room.length += taken;
      bytes += taken;
      at += taken;
      if (room.length === room.bytes.length) flush();
    }
  }
  if (room.length > seen || bytes === 0) flush();
  return { findings, bytes };
}
