// Fingerprints: a keyed hash of a value, to see that two values are the same (or not) without opening either.
import { createHmac, type KeyObject } from 'node:crypto';

const FINGERPRINT_BYTES = 16;

/** HMAC-SHA-256 under the vault's own key, cut to 16 bytes. Without that key it tells nothing of the value. */
export function fingerprintOf(key: KeyObject, value: Uint8Array): Buffer {
  return createHmac('sha256', key).update(value).digest().subarray(0, FINGERPRINT_BYTES);
}
