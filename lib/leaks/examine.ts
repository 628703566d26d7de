// Examines one text: known values, then what only looks like one. Says where in lines, and drops what is said twice.
import { createHash } from 'node:crypto';
import { KNOWN_RULE, type KnownSecretFound, type LeakCommit, type LeakFinding } from './finding.ts';
import type { KnownHit, KnownScanner, ScanText } from './known-scanner.ts';
import { type LikelyHit, scanLikely } from './likely-scanner.ts';

/** A text with a NUL byte so early is no text (as git decides it). */
const BINARY_BYTES = 8_000;
const NEWLINE = 10;
const PRINT_DIGITS = 16;

/** A secret that can be found, beside its print. */
export interface KnownSecret extends Omit<KnownSecretFound, 'form'> {
  /** 16 hexadecimal digits. */
  readonly print: string;
}

export interface Scanners {
  readonly known: KnownScanner;
  /** By the index of its print. */
  readonly secrets: readonly KnownSecret[];
  /** False to look for known values only. */
  readonly likely: boolean;
}

/** A text and where it is from. */
export interface Piece {
  readonly path: string;
  readonly text: ScanText;
  readonly commit?: LeakCommit;
  /** Bytes at the beginning that were examined with the piece before. */
  readonly seen?: number;
  /** The line on which an offset is. */
  readonly lineAt: (offset: number) => number;
}

/** Lines of a text that is whole, or goes on from others. @param first the number of its first line */
export function linesOf({ bytes }: ScanText, first = 1): (offset: number) => number {
  return (offset) => {
    let line = first;
    for (let at = bytes.indexOf(NEWLINE); at >= 0 && at < offset; at = bytes.indexOf(NEWLINE, at + 1)) line += 1;
    return line;
  };
}

export function examine(piece: Piece, scanners: Scanners): LeakFinding[] {
  const { text, seen = 0 } = piece;
  const known = scanners.known.scan(text).filter((hit) => hit.end > seen);
  const findings = known.map((hit) => knownFinding(piece, hit, scanners.secrets));
  if (!scanners.likely || isBinary(text)) return findings;
  for (const hit of scanLikely(text.bytes, text.length)) {
    if (hit.end <= seen || known.some((one) => one.start < hit.end && one.end > hit.start)) continue;
    findings.push(likelyFinding(piece, hit));
  }
  return findings;
}

function isBinary({ bytes, length }: ScanText): boolean {
  return bytes.subarray(0, Math.min(length, BINARY_BYTES)).includes(0);
}

function where({ path, text, commit, lineAt }: Piece, start: number, end: number) {
  const column = start - text.bytes.lastIndexOf(NEWLINE, Math.max(0, start - 1));
  return {
    path,
    line: lineAt(start),
    column: start === 0 ? 1 : column,
    endLine: lineAt(end - 1),
    ...(commit && { commit }),
  };
}

function knownFinding(piece: Piece, hit: KnownHit, secrets: readonly KnownSecret[]): LeakFinding {
  const secret = secrets[hit.index];
  if (!secret) throw new RangeError('a scanner has a print of no secret');
  const { print, ...found } = secret;
  const how = [hit.form === 'plain' ? '' : `in ${hit.form}`, hit.split ? 'split over lines' : ''].filter(Boolean);
  const state = found.valid ? 'in use' : 'a former one';
  const what = `${found.name} of ${found.project}/${found.environment}, version ${found.version} (${state})${how.length > 0 ? `, ${how.join(', ')}` : ''}`;
  return {
    rule: KNOWN_RULE,
    severity: found.valid ? 'critical' : 'high',
    what,
    print,
    secret: { ...found, form: hit.form },
    ...where(piece, hit.start, hit.end),
  };
}

function likelyFinding(piece: Piece, hit: LikelyHit): LeakFinding {
  const { rule, severity, words, page } = hit;
  const print = createHash('sha256').update(`${rule}\0${hit.value}`).digest('hex').slice(0, PRINT_DIGITS);
  return { rule, severity, what: words, print, ...(page && { page }), ...where(piece, hit.start, hit.end) };
}
