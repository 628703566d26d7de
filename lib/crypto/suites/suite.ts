// What a suite is: an authenticated cipher with its name and number, and how it takes its keys from a data key.
import type { KeyObject } from 'node:crypto';

export type SuiteName = 'A256CBC-HS512' | 'A256GCM';

/** The keys that a suite works with, derived once from a data key. `mac` is there for composed suites only. */
export interface SuiteKeys {
  readonly encryption: KeyObject;
  readonly mac?: KeyObject;
}

export interface Sealed {
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** An authenticated cipher (AEAD): pure, the caller gives the initialisation vector. */
export interface Suite {
  readonly name: SuiteName;
  /** The number that names the suite in an envelope. Never reused. */
  readonly id: number;
  /** How many bytes of key material the suite needs. */
  readonly keyBytes: number;
  readonly ivBytes: number;
  readonly tagBytes: number;
  /** Splits key material of `keyBytes` bytes into the suite's keys. */
  importKeys(material: Buffer): SuiteKeys;
  seal(keys: SuiteKeys, iv: Buffer, plaintext: Uint8Array, associatedData: Buffer): Sealed;
  /** @throws DecryptionError when the tag does not fit, before any plaintext is given. */
  open(keys: SuiteKeys, iv: Buffer, sealed: Sealed, associatedData: Buffer): Buffer;
}
