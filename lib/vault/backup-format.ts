// The backup file: a readable header and one envelope over all secrets, encrypted and authenticated as a whole
// (docs/formats.md, Backup). The key of a backup is its own and is wrapped by the root key: the file and the root key
// are all that a restore needs.
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { RootKey } from '../crypto/root-key.ts';
import type { PassphraseParameters } from '../crypto/root-key-source.ts';
import { KEY_BYTES, KEY_ID_BYTES, SealingKey } from '../crypto/sealing-key.ts';
import { DEFAULT_SUITE } from '../crypto/suites/registry.ts';
import { DecryptionError, FileError } from '../errors.ts';

interface BackupHeader {
  readonly keyturn: 'backup';
  readonly format: 1;
  readonly vault: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly secrets: number;
  readonly rootKeyId: string;
  /** Where the root key comes from a passphrase: what deriving it again needs. */
  readonly passphrase: PassphraseParameters | null;
  readonly keyId: string;
  /** The backup's key, wrapped by the root key; base64url. */
  readonly wrappedKey: string;
}

export interface BackupRecord {
  readonly project: string;
  readonly environment: string;
  readonly name: string;
  readonly type: string;
  readonly intervalDays: number | null;
  readonly owner: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: number;
  readonly rotatedAt: number;
  /** Zeroed by whoever holds the record. */
  readonly value: Buffer;
}

export interface BackupFile {
  readonly header: BackupHeader;
  readonly payload: Buffer;
}

/** Each record: a 32-bit big-endian length and its facts as JSON, a length and its value's bytes. */
function encodeRecords(records: readonly BackupRecord[]): Buffer {
  const parts: Buffer[] = [];
  for (const { value, ...facts } of records) {
    for (const bytes of [Buffer.from(JSON.stringify(facts), 'utf8'), value]) {
      const length = Buffer.allocUnsafe(4);
      length.writeUInt32BE(bytes.length);
      parts.push(length, bytes);
    }
  }
  return Buffer.concat(parts);
}

function decodeRecords(bytes: Buffer): BackupRecord[] {
  const records: BackupRecord[] = [];
  let at = 0;
  const take = (): Buffer => {
    const length = bytes.readUInt32BE(at);
    const part = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return part;
  };
  while (at < bytes.length) {
    const facts = JSON.parse(take().toString('utf8')) as Omit<BackupRecord, 'value'>;
    records.push({ ...facts, value: Buffer.from(take()) });
  }
  return records;
}

function headerText(h: BackupHeader): string {
  const { keyturn, format, vault, createdAt, secrets, rootKeyId, passphrase, keyId, wrappedKey } = h;
  return JSON.stringify({ keyturn, format, vault, createdAt, secrets, rootKeyId, passphrase, keyId, wrappedKey });
}

function payloadContext(header: BackupHeader): string[] {
  return ['keyturn/v1/backup', headerText(header)];
}

function keyPlace(header: Pick<BackupHeader, 'keyId' | 'vault'>) {
  return { keyId: header.keyId, purpose: 'backup', scope: header.vault };
}

export interface BackupFacts {
  readonly vault: string;
  readonly now: number;
  readonly passphrase: PassphraseParameters | undefined;
}

/** Seals records into the text of a backup file. */
export function sealBackup(
  root: RootKey,
  records: readonly BackupRecord[],
  facts: BackupFacts,
  random: RandomSource,
): string {
  const keyId = random(KEY_ID_BYTES);
  const bytes = random(KEY_BYTES);
  const key = new SealingKey(keyId, bytes);
  const at = { keyId: key.idHex, vault: facts.vault };
  const header: BackupHeader = {
    keyturn: 'backup',
    format: 1,
    vault: facts.vault,
    createdAt: new Date(facts.now).toISOString(),
    secrets: records.length,
    rootKeyId: root.id,
    passphrase: facts.passphrase ?? null,
    keyId: key.idHex,
    wrappedKey: root.wrap(keyPlace(at), bytes, random).toString('base64url'),
  };
  bytes.fill(0);
  const plaintext = encodeRecords(records);
  const payload = sealEnvelope(key, DEFAULT_SUITE, payloadContext(header), plaintext, random);
  plaintext.fill(0);
  return `${JSON.stringify({ ...header, payload: payload.toString('base64') }, undefined, 2)}\n`;
}

function invalid(path: string, why: string): FileError {
  return new FileError('KT_BACKUP_INVALID', {
    what: `${path} is not a backup that can be used: ${why}.`,
    left: 'The vault was not changed.',
    next: 'Use another backup; `keyturn backup list` shows them.',
  });
}

const HEX_ID = /^[0-9a-f]{32}$/;

/** Reads a backup file's text. Authenticates nothing: `openBackup` does. @throws FileError KT_BACKUP_INVALID */
export function parseBackup(path: string, text: string): BackupFile {
  let value: Partial<BackupHeader> & { payload?: unknown };
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(path, 'it is cut off or not JSON');
  }
  if (typeof value !== 'object' || value === null || value.keyturn !== 'backup') {
    throw invalid(path, 'it is not a Keyturn backup');
  }
  if (value.format !== 1) throw invalid(path, `its format ${String(value.format)} is newer than this Keyturn`);
  const texts = [value.vault, value.createdAt, value.rootKeyId, value.keyId, value.wrappedKey, value.payload];
  const complete = texts.every((one) => typeof one === 'string') && typeof value.secrets === 'number';
  if (!complete || !HEX_ID.test(String(value.keyId))) throw invalid(path, 'parts of it are missing');
  const { payload, ...header } = value;
  return { header: header as BackupHeader, payload: Buffer.from(String(payload), 'base64') };
}

/**
 * Opens a backup.
 * @throws FileError KT_BACKUP_INVALID where any part of it was changed or cut
 */
export function openBackup(path: string, file: BackupFile, root: RootKey): BackupRecord[] {
  const { header, payload } = file;
  try {
    const bytes = root.unwrap(keyPlace(header), Buffer.from(header.wrappedKey, 'base64url'));
    const key = new SealingKey(Buffer.from(header.keyId, 'hex'), bytes);
    bytes.fill(0);
    const plaintext = openEnvelope(key, payloadContext(header), payload);
    const records = decodeRecords(plaintext);
    plaintext.fill(0);
    return records;
  } catch (error) {
    if (!(error instanceof DecryptionError)) throw error;
    throw invalid(path, 'it was changed, cut or damaged after it was made');
  }
}
