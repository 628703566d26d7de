// Ed25519 signatures (RFC 8032) for audit checkpoints: whoever has the public key can check them off this machine.
import { createPrivateKey, createPublicKey, hash, type KeyObject, sign, verify } from 'node:crypto';

/** The fixed DER prefix of an Ed25519 private key in PKCS #8 (RFC 8410, section 7); the 32-byte seed follows it. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PUBLIC_KEY_BYTES = 32;

export interface SigningKey {
  /** 32 bytes. */
  readonly publicKey: Buffer;
  sign(message: Uint8Array): Buffer;
}

/** @param seed 32 random bytes; the caller zeroes its copy. */
export function signingKeyFromSeed(seed: Uint8Array): SigningKey {
  const der = Buffer.concat([PKCS8_PREFIX, seed]);
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  const spki = createPublicKey(privateKey).export({
    format: 'der',
    type: 'spki',
  });
  return {
    publicKey: spki.subarray(SPKI_PREFIX.length),
    sign: (message) => sign(null, message, privateKey),
  };
}

function importPublicKey(bytes: Uint8Array): KeyObject | undefined {
  if (bytes.length !== PUBLIC_KEY_BYTES) return undefined;
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
}

/** True when `signature` is the key's own over `message`. False for anything else, malformed keys too. */
export function verifySignature(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  const key = importPublicKey(publicKey);
  return key !== undefined && verify(null, message, key, signature);
}

/**
 * A public key in a form that people can compare: eight groups of four hexadecimal digits of its SHA-256, the same that
 * the console shows (client/sealed-value.ts).
 * @param publicKey Ed25519, 32 bytes
 */
export function fingerprintOfKey(publicKey: Uint8Array): string {
  return hash('sha256', publicKey, 'hex').slice(0, 32).match(/.{4}/g)?.join(' ') ?? '';
}
