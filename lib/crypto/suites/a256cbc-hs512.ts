// A256CBC-HS512: AES-256-CBC with HMAC-SHA-512, encrypt-then-MAC (RFC 7518, section 5.2.5). The default at rest:
// the guide asks for AES-256-CBC with a unique IV, and CBC alone can be bent by whoever may write the ciphertext.
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { DecryptionError } from '../../errors.ts';
import { equalBytes } from '../bytes.ts';
import type { Sealed, Suite, SuiteKeys } from './suite.ts';

const TAG_BYTES = 32;

/** RFC 7518, 5.2.2.1: HMAC over A ‖ IV ‖ E ‖ AL, cut to 32 bytes; AL is the length of A in bits, 64-bit big-endian. */
function authenticate(mac: KeyObject, iv: Buffer, ciphertext: Buffer, associatedData: Buffer): Buffer {
  const bitLength = Buffer.allocUnsafe(8);
  bitLength.writeBigUInt64BE(BigInt(associatedData.length) * 8n);
  return createHmac('sha512', mac)
    .update(associatedData)
    .update(iv)
    .update(ciphertext)
    .update(bitLength)
    .digest()
    .subarray(0, TAG_BYTES);
}

function macKey(keys: SuiteKeys): KeyObject {
  if (!keys.mac) throw new TypeError('A256CBC-HS512 needs a MAC key; import its keys with importKeys()');
  return keys.mac;
}

export const a256cbcHs512: Suite = {
  name: 'A256CBC-HS512',
  id: 1,
  keyBytes: 64,
  ivBytes: 16,
  tagBytes: TAG_BYTES,

  // RFC 7518, 5.2.2.1, step 1: the first half is the MAC key, the second the encryption key.
  importKeys(material) {
    return {
      mac: createSecretKey(material.subarray(0, 32)),
      encryption: createSecretKey(material.subarray(32, 64)),
    };
  },

  seal(keys, iv, plaintext, associatedData): Sealed {
    const cipher = createCipheriv('aes-256-cbc', keys.encryption, iv);
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return { ciphertext, tag: authenticate(macKey(keys), iv, ciphertext, associatedData) };
  },

  open(keys, iv, sealed, associatedData): Buffer {
    const expected = authenticate(macKey(keys), iv, sealed.ciphertext, associatedData);
    if (!equalBytes(expected, sealed.tag)) throw new DecryptionError();
    const decipher = createDecipheriv('aes-256-cbc', keys.encryption, iv);
    const head = decipher.update(sealed.ciphertext);
    const tail = decipher.final();
    const plaintext = Buffer.concat([head, tail]);
    head.fill(0);
    tail.fill(0);
    return plaintext;
  },
};
