// The log as a file of JSON lines, and verifying such a file with no vault at hand (docs/formats.md, Audit export).
// Line 1 names the vault and its public key; then entries in order; checkpoints at the end.
import { FileError } from '../errors.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { SealedEntry } from './entry.ts';
import { checkCheckpoints, conclude, LogVerifier, type Verdict } from './verify.ts';

export interface ExportHeader {
  readonly keyturn: 'audit-export';
  readonly format: 1;
  readonly vault: string;
  /** Ed25519, 32 bytes, base64url. */
  readonly publicKey: string;
}

export function exportHeader(vault: string, publicKey: Uint8Array): string {
  const header: ExportHeader = {
    keyturn: 'audit-export',
    format: 1,
    vault,
    publicKey: Buffer.from(publicKey).toString('base64url'),
  };
  return JSON.stringify(header);
}

/** Field by field: the order is part of the format. */
export function exportEntry(e: SealedEntry): string {
  return JSON.stringify({
    chain: e.chain,
    seq: e.seq,
    time: e.time,
    principal: e.principal,
    action: e.action,
    outcome: e.outcome,
    project: e.project,
    environment: e.environment,
    secret: e.secret,
    version: e.version,
    source: e.source,
    details: e.details,
    hash: Buffer.from(e.hash).toString('base64url'),
    mac: Buffer.from(e.mac).toString('base64url'),
  });
}

export function exportCheckpoint(checkpoint: Checkpoint): string {
  return JSON.stringify({
    checkpoint: checkpoint.body,
    signature: Buffer.from(checkpoint.signature).toString('base64url'),
  });
}

const CSV_COLUMNS = [
  'chain',
  'seq',
  'time',
  'principal',
  'action',
  'outcome',
  'project',
  'environment',
  'secret',
  'version',
  'source',
  'details',
] as const;

/** RFC 4180; a field that a spreadsheet would run as a formula is kept from it by a leading apostrophe. */
function csvField(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export const CSV_HEADER = CSV_COLUMNS.join(',');

export function csvEntry(entry: SealedEntry): string {
  return CSV_COLUMNS.map((column) =>
    column === 'time' ? new Date(entry.time).toISOString() : csvField(entry[column]),
  ).join(',');
}

function notAnExport(line: number): FileError {
  return new FileError('KT_AUDIT_INVALID', {
    what: `Line ${line} is not a line of a Keyturn audit export.`,
    next: 'Export the log again with `keyturn audit export --format jsonl`.',
  });
}

function parseLine(text: string, line: number): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    throw notAnExport(line);
  }
  throw notAnExport(line);
}

/**
 * Verifies an exported log, line by line, by its hashes and signatures alone. MACs need the vault's audit key and are
 * not looked at. Entries come before checkpoints, so the hash of every entry that a checkpoint may name is kept.
 * @example
 * const verifier = new ExportVerifier(publicKey);
 * for await (const line of lines) verifier.push(line);
 * verifier.end().intact
 */
export class ExportVerifier {
  readonly #given: Uint8Array | undefined;
  readonly #checkpoints: Checkpoint[] = [];
  #header: ExportHeader | undefined;
  #entries: LogVerifier | undefined;
  #line = 0;

  /**
   * @param publicKey the vault's, from a place that whoever may have changed the file could not change; the file's own
   *   where not given, which shows accidents but not a forger with a key of his own.
   */
  constructor(publicKey?: Uint8Array) {
    this.#given = publicKey;
  }

  /** The public key that the file names, base64url. */
  get publicKey(): string {
    return this.#header?.publicKey ?? '';
  }

  /** @throws FileError KT_AUDIT_INVALID for a line that is none of an export */
  push(text: string): void {
    this.#line += 1;
    if (text === '') return;
    const value = parseLine(text, this.#line);
    if (!this.#header || !this.#entries) {
      if (value.keyturn !== 'audit-export' || value.format !== 1) throw notAnExport(this.#line);
      this.#header = value as unknown as ExportHeader;
      this.#entries = new LogVerifier(this.#header.vault, undefined, 'all');
    } else if (typeof value.checkpoint === 'string') {
      this.#checkpoints.push({ body: value.checkpoint, signature: Buffer.from(String(value.signature), 'base64url') });
    } else if (isWrittenEntry(value, text)) {
      this.#entries.push(importEntry(value));
    } else {
      throw notAnExport(this.#line);
    }
  }

  end(): Verdict {
    if (!this.#header || !this.#entries) throw notAnExport(1);
    const publicKey = this.#given ?? Buffer.from(this.#header.publicKey, 'base64url');
    return conclude({
      checked: checkCheckpoints(publicKey, this.#checkpoints),
      chains: this.#entries.chains,
      entries: this.#entries.entries,
      checkpoints: this.#checkpoints.length,
      macsChecked: false,
    });
  }
}

const ENTRY_FIELDS = [...CSV_COLUMNS, 'hash', 'mac'].join(',');

/**
 * Whether the line is an entry as `exportEntry` writes it, character for character. The hash covers what the fields say; a field that
 * is missing, one too many, or one that stands there twice would say something to a reader that no hash covers.
 */
function isWrittenEntry(value: Record<string, unknown>, text: string): boolean {
  return Object.keys(value).join(',') === ENTRY_FIELDS && JSON.stringify(value) === text;
}

/** MACs are not looked at without the vault's key. */
const NO_MAC = Buffer.alloc(0);

/** Takes the parsed line over as the entry: a copy of each would cost as much as its hash. */
function importEntry(value: Record<string, unknown>): SealedEntry {
  value.hash = Buffer.from(String(value.hash), 'base64url');
  value.mac = NO_MAC;
  return value as unknown as SealedEntry;
}
