// A key that seals and opens envelopes: 32 random bytes with an id, held as KeyObjects (a raw Buffer key costs 7 µs a
// call on Node 24, and would be in reach of `inspect` and JSON).
import { createSecretKey, type KeyObject } from 'node:crypto';
import { deriveBytes } from './kdf.ts';
import type { Suite, SuiteKeys } from './suites/suite.ts';

export const KEY_BYTES = 32;
export const KEY_ID_BYTES = 16;

/** The keys of each suite are derived from the one key, so that no key ever serves two ciphers. */
export class SealingKey {
  /** 16 bytes that name the key in envelopes. */
  readonly id: Buffer;
  readonly #key: KeyObject;
  readonly #suites = new Map<string, SuiteKeys>();

  /** @param bytes 32 bytes; the caller zeroes its copy. */
  constructor(id: Buffer, bytes: Uint8Array) {
    if (id.length !== KEY_ID_BYTES) throw new RangeError(`a key id has ${KEY_ID_BYTES} bytes`);
    if (bytes.length !== KEY_BYTES) throw new RangeError(`a key has ${KEY_BYTES} bytes`);
    this.id = Buffer.from(id);
    this.#key = createSecretKey(bytes);
  }

  /** The key's id in lower-case hexadecimal. */
  get idHex(): string {
    return this.id.toString('hex');
  }

  keysFor(suite: Suite): SuiteKeys {
    const known = this.#suites.get(suite.name);
    if (known) return known;
    const material = deriveBytes(this.#key, `keyturn/v1/suite/${suite.name}`, suite.keyBytes);
    const keys = suite.importKeys(material);
    material.fill(0);
    this.#suites.set(suite.name, keys);
    return keys;
  }

  /** A key for another job than sealing (a MAC, a fingerprint), derived under its own label. */
  deriveKey(label: string): KeyObject {
    const bytes = deriveBytes(this.#key, label, KEY_BYTES);
    const key = createSecretKey(bytes);
    bytes.fill(0);
    return key;
  }

  /** The bytes themselves, to wrap them under another key. The caller zeroes them. */
  exportBytes(): Buffer {
    return this.#key.export();
  }
}
