// The root key: the one key that comes from outside. It wraps the vault's other keys and seals nothing else.
import { createSecretKey } from 'node:crypto';
import { openEnvelope, sealEnvelope } from './envelope.ts';
import { deriveBytes } from './kdf.ts';
import type { RandomSource } from './random.ts';
import { KEY_BYTES, KEY_ID_BYTES, SealingKey } from './sealing-key.ts';
import { DEFAULT_SUITE } from './suites/registry.ts';

/** What the wrapped key is for and where it belongs, bound to the wrapping. */
export interface WrappedKeyPlace {
  /** The key's own id, 32 hexadecimal digits. */
  readonly keyId: string;
  readonly purpose: string;
  /** The environment's project and name for data keys; empty for the vault's own keys. */
  readonly scope: string;
}

function wrapContext(place: WrappedKeyPlace): string[] {
  return ['keyturn/v1/wrapped-key', place.purpose, place.scope, place.keyId];
}

export class RootKey {
  /** Names the key without telling anything of it: 16 bytes derived by HKDF, in hexadecimal. */
  readonly id: string;
  readonly #wrapping: SealingKey;

  /** @param bytes 32 bytes of key; the caller zeroes its copy. */
  constructor(bytes: Uint8Array) {
    const root = createSecretKey(bytes);
    const id = deriveBytes(root, 'keyturn/v1/root/id', KEY_ID_BYTES);
    const wrapping = deriveBytes(root, 'keyturn/v1/root/wrap', KEY_BYTES);
    this.id = id.toString('hex');
    this.#wrapping = new SealingKey(id, wrapping);
    wrapping.fill(0);
  }

  wrap(place: WrappedKeyPlace, keyBytes: Uint8Array, random: RandomSource): Buffer {
    return sealEnvelope(this.#wrapping, DEFAULT_SUITE, wrapContext(place), keyBytes, random);
  }

  /** @throws DecryptionError when it was wrapped by another root key, for another place, or was changed. */
  unwrap(place: WrappedKeyPlace, wrapped: Buffer): Buffer {
    return openEnvelope(this.#wrapping, wrapContext(place), wrapped);
  }
}
