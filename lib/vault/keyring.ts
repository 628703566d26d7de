// The keyring: the vault's wrapped keys, unwrapped when first needed and then held for the life of the process.
import type { KeyObject } from 'node:crypto';
import { asBuffer } from '../crypto/bytes.ts';
import type { RootKey, WrappedKeyPlace } from '../crypto/root-key.ts';
import { SealingKey } from '../crypto/sealing-key.ts';
import { type SigningKey, signingKeyFromSeed } from '../crypto/signing.ts';
import { DecryptionError } from '../errors.ts';
import type { KeyPurpose, KeyTable } from '../store/schema.ts';
import { type Environment, environmentScope } from './places.ts';

export type KeyRow = { readonly [Column in keyof Omit<KeyTable, 'id'>]: KeyTable[Column] } & { readonly id: number };

/** A data key with the number of its row. */
export interface DataKey {
  readonly row: number;
  readonly key: SealingKey;
}

/** What a key's wrapping is bound to. */
export function placeOfKey(row: KeyRow, environments: ReadonlyMap<number, Environment>): WrappedKeyPlace {
  const environment = row.environment_id === null ? undefined : environments.get(row.environment_id);
  return { keyId: row.key_id, purpose: row.purpose, scope: environment ? environmentScope(environment) : '' };
}

export class Keyring {
  readonly generation: number;
  readonly rows: readonly KeyRow[];
  readonly #root: RootKey;
  readonly #environments: ReadonlyMap<number, Environment>;
  readonly #opened: Map<string, SealingKey>;

  /** @param opened keys that an older keyring had opened: they need no root key again. */
  constructor(
    root: RootKey,
    rows: readonly KeyRow[],
    environments: ReadonlyMap<number, Environment>,
    generation: number,
    opened: ReadonlyMap<string, SealingKey> = new Map(),
  ) {
    this.#root = root;
    this.rows = rows;
    this.#environments = environments;
    this.generation = generation;
    this.#opened = new Map(opened);
  }

  /** The keys opened so far, for a newer keyring to take over. */
  get opened(): ReadonlyMap<string, SealingKey> {
    return this.#opened;
  }

  /** The data key that new versions of an environment are sealed under. */
  activeDataKey(environmentId: number): DataKey {
    const row = this.rows.find((one) => one.environment_id === environmentId && one.state === 'active');
    if (!row) throw new DecryptionError('This environment has no data key.');
    return { row: row.id, key: this.#open(row) };
  }

  /** The key that an envelope names, or undefined where the keyring does not have it (any longer). */
  byKeyId(keyId: Buffer): SealingKey | undefined {
    const hex = keyId.toString('hex');
    const known = this.#opened.get(hex);
    if (known) return known;
    const row = this.rows.find((one) => one.key_id === hex && one.wrapped !== null);
    return row && this.#open(row);
  }

  get fingerprintKey(): KeyObject {
    return this.#vaultKey('fingerprint').deriveKey('keyturn/v1/fingerprint');
  }

  /** What leak prints are made and found with, as 32 bytes: it goes into an index that is carried along. */
  get leakKey(): KeyObject {
    return this.#vaultKey('fingerprint').deriveKey('keyturn/v1/leak');
  }

  /** What leak prints are sealed under in the store. */
  get printSealingKey(): SealingKey {
    return this.#vaultKey('fingerprint');
  }

  get auditKey(): KeyObject {
    return this.#vaultKey('audit').deriveKey('keyturn/v1/audit-mac');
  }

  /** What a server derives its own keys from; undefined in a vault that none has opened yet. */
  get serverKey(): SealingKey | undefined {
    const row = this.rows.find((one) => one.purpose === 'server' && one.state === 'active');
    return row && this.#open(row);
  }

  /** The keys that browsers seal values to: the one in use, and those before it while they still open. */
  get intakeRows(): readonly KeyRow[] {
    return this.rows.filter((one) => one.purpose === 'intake' && one.wrapped !== null);
  }

  /** An intake key's 32 bytes. The caller zeroes them. */
  intakeBytes(row: KeyRow): Buffer {
    return this.#open(row).exportBytes();
  }

  signingKey(): SigningKey {
    const seed = this.#vaultKey('checkpoint').exportBytes();
    const key = signingKeyFromSeed(seed);
    seed.fill(0);
    return key;
  }

  #vaultKey(purpose: KeyPurpose): SealingKey {
    const row = this.rows.find((one) => one.purpose === purpose && one.state === 'active');
    if (!row) throw new DecryptionError(`The vault has no ${purpose} key.`);
    return this.#open(row);
  }

  #open(row: KeyRow): SealingKey {
    const known = this.#opened.get(row.key_id);
    if (known) return known;
    if (row.wrapped === null) throw new DecryptionError(`Data key ${row.key_id} was destroyed.`);
    const bytes = this.#root.unwrap(placeOfKey(row, this.#environments), asBuffer(row.wrapped));
    const key = new SealingKey(Buffer.from(row.key_id, 'hex'), bytes);
    bytes.fill(0);
    this.#opened.set(row.key_id, key);
    return key;
  }
}
