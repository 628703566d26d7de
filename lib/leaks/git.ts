// What git has: the lines that are staged, and those that any commit ever brought. Its output is read as a stream, line
// by line; what one file got in one commit is examined together, so that split values are found, and then forgotten.
import { spawn } from 'node:child_process';
import { FileError } from '../errors.ts';
import { examine, type Scanners } from './examine.ts';
import type { LeakCommit, LeakFinding } from './finding.ts';
import { newScanText, OVERLAP_BYTES, type ScanText } from './known-scanner.ts';

const PIECE_BYTES = 1024 * 1024;
const NEWLINE = 10;
/** No line of a diff begins with it: it begins a commit's own line. */
const MARK = '\u001e';

const DIFF = ['-c', 'core.quotePath=off', '-c', 'diff.noprefix=off', '-c', 'color.ui=off'];
const DIFF_OPTIONS = [
  '--no-ext-diff',
  '--no-textconv',
  '--no-renames',
  '--unified=0',
  '--src-prefix=a/',
  '--dst-prefix=b/',
];
const STAGED = [...DIFF, 'diff', '--cached', ...DIFF_OPTIONS];
const HISTORY = [
  ...DIFF,
  'log',
  '--all',
  '--patch',
  '--diff-merges=remerge',
  ...DIFF_OPTIONS,
  `--format=${MARK}%H%x1f%an%x1f%aI`,
];

export interface ExaminedGit {
  readonly findings: readonly LeakFinding[];
  readonly bytes: number;
  readonly commits: number;
}

/** @param onCommits told, now and then, how many commits were looked through */
export async function examineGit(
  folder: string,
  what: 'staged' | 'history',
  scanners: Scanners,
  onCommits: (commits: number) => void = () => undefined,
): Promise<ExaminedGit> {
  const reader = new DiffReader(scanners, onCommits);
  await streamGit(folder, what === 'staged' ? STAGED : HISTORY, (chunk) => reader.push(chunk));
  return reader.end();
}

/** @throws FileError where git says no */
async function streamGit(folder: string, args: readonly string[], push: (chunk: Buffer) => void): Promise<void> {
  const child = spawn('git', ['-C', folder, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, 500);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  // Without a handler from the start, a git that is missing would end the process.
  ended.catch(() => undefined);
  try {
    for await (const chunk of child.stdout) push(chunk as Buffer);
    const status = await ended;
    if (status === 0) return;
  } catch (error) {
    complaint = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'git is not installed' : String(error);
  } finally {
    if (child.exitCode === null) child.kill();
  }
  throw new FileError('KT_FILE_UNUSABLE', {
    what: `git could not be asked: ${complaint.trim().split('\n')[0] ?? 'it ended early'}.`,
    left: 'What it gave until then was scanned, the rest was not.',
    next: 'Run it inside of a git repository.',
  });
}

/** Reads a stream of diffs without context lines. */
export class DiffReader {
  readonly #scanners: Scanners;
  readonly #onCommits: (commits: number) => void;
  readonly #text: ScanText = newScanText(PIECE_BYTES + OVERLAP_BYTES);
  /** Pairs: from which byte of the text on lines count from which number. */
  #hunks: [offset: number, line: number][] = [];
  #seen = 0;
  #path = '';
  #commit: LeakCommit | undefined;
  #commits = 0;
  #bytes = 0;
  #findings: LeakFinding[] = [];
  /** Lines of the hunk that are still to come. */
  #removed = 0;
  #added = 0;
  /** The beginning of a line whose end has not come yet. */
  #rest: Buffer[] = [];

  constructor(scanners: Scanners, onCommits: (commits: number) => void) {
    this.#scanners = scanners;
    this.#onCommits = onCommits;
  }

  push(chunk: Buffer): void {
    this.#bytes += chunk.length;
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, at);
      if (this.#rest.length === 0) this.#line(part);
      else {
        const line = Buffer.concat([...this.#rest, part]);
        this.#rest = [];
        this.#line(line);
      }
      from = at + 1;
    }
    if (from < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(from)));
  }

  end(): ExaminedGit {
    if (this.#rest.length > 0) this.#line(Buffer.concat(this.#rest));
    this.#flush();
    return { findings: this.#findings, bytes: this.#bytes, commits: this.#commits };
  }

  #line(line: Buffer): void {
    // Inside of a hunk nothing is a header, whatever it looks like.
    if (this.#removed > 0 || this.#added > 0) {
      this.#hunkLine(line);
      return;
    }
    if (line[0] === MARK.charCodeAt(0)) this.#beginCommit(line.toString('utf8', 1));
    else if (line.length > 4 && line.toString('latin1', 0, 4) === '+++ ') this.#beginFile(line.toString('utf8', 4));
    else if (line.toString('latin1', 0, 3) === '@@ ') this.#beginHunk(line.toString('latin1'));
  }

  #hunkLine(line: Buffer): void {
    const sign = line[0];
    if (sign === 0x2d) this.#removed -= 1;
    else if (sign === 0x2b) {
      this.#added -= 1;
      this.#append(line.subarray(1));
    }
    // "\ No newline at end of file" is neither.
  }

  #append(line: Buffer): void {
    // A line of any length is taken in parts that overlap as other pieces do.
    for (let at = 0; ; ) {
      const taken = Math.min(line.length - at, this.#text.bytes.length - this.#text.length - 1);
      line.copy(this.#text.bytes, this.#text.length, at, at + taken);
      this.#text.length += taken;
      at += taken;
      if (at >= line.length) break;
      this.#examine(true);
    }
    this.#text.bytes[this.#text.length] = NEWLINE;
    this.#text.length += 1;
    if (this.#text.length >= PIECE_BYTES) this.#examine(true);
  }

  #beginCommit(text: string): void {
    this.#flush();
    const [id = '', author = '', date = ''] = text.split('\u001f');
    this.#commit = { id, author, date };
    this.#commits += 1;
    this.#onCommits(this.#commits);
  }

  #beginFile(text: string): void {
    this.#flush();
    // Git puts names with quotes or control characters into quotes, as C has them.
    const name = text.replace(/\t$/, '');
    const plain = name.startsWith('"') ? (JSON.parse(name.replace(/\\([0-7]{3})/g, '?')) as string) : name;
    this.#path = plain.replace(/^b\//, '');
  }

  #beginHunk(text: string): void {
    const match = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(text);
    if (!match) return;
    this.#removed = Number(match[1] ?? 1);
    this.#added = Number(match[3] ?? 1);
    if (this.#added === 0) return;
    // Two hunks are not one text: nothing joins over the end of a statement.
    if (this.#text.length > 0) this.#append(Buffer.from(';'));
    this.#hunks.push([this.#text.length, Number(match[2])]);
  }

  #flush(): void {
    this.#examine(false);
    this.#text.length = 0;
    this.#seen = 0;
    this.#hunks = [];
  }

  #examine(goesOn: boolean): void {
    const text = this.#text;
    if (text.length <= this.#seen) return;
    const hunks = this.#hunks;
    const piece = { path: this.#path, text, seen: this.#seen, lineAt: (offset: number) => lineIn(text, hunks, offset) };
    this.#findings.push(...examine(this.#commit ? { ...piece, commit: this.#commit } : piece, this.#scanners));
    if (!goesOn) return;
    const kept = Math.max(0, text.length - OVERLAP_BYTES);
    const line = lineIn(text, hunks, kept);
    this.#hunks = [[0, line], ...hunks.filter(([at]) => at > kept).map(([at, n]): [number, number] => [at - kept, n])];
    text.bytes.copyWithin(0, kept, text.length);
    text.length -= kept;
    this.#seen = text.length;
  }
}

function lineIn({ bytes }: ScanText, hunks: readonly [number, number][], offset: number): number {
  const [from, first] = hunks.findLast(([at]) => at <= offset) ?? [0, 1];
  let line = first;
  for (let at = bytes.indexOf(NEWLINE, from); at >= 0 && at < offset; at = bytes.indexOf(NEWLINE, at + 1)) line += 1;
  return line;
}
