// A256GCM: AES-256 in Galois/Counter Mode (NIST SP 800-38D) with a random 96-bit IV. At most 2^32 seals under one key
// keep the chance of a repeated IV below 2^-32 (SP 800-38D, 8.3); `keys rotate-data` starts a new key.
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { DecryptionError } from '../../errors.ts';
import type { Sealed, Suite } from './suite.ts';

const TAG_BYTES = 16;

export const a256gcm: Suite = {
  name: 'A256GCM',
  id: 2,
  keyBytes: 32,
  ivBytes: 12,
  tagBytes: TAG_BYTES,

  importKeys(material) {
    return { encryption: createSecretKey(material.subarray(0, 32)) };
  },

  seal(keys, iv, plaintext, associatedData): Sealed {
    const cipher = createCipheriv('aes-256-gcm', keys.encryption, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(associatedData);
    const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
    return { ciphertext, tag: cipher.getAuthTag() };
  },

  open(keys, iv, sealed, associatedData): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', keys.encryption, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData);
    decipher.setAuthTag(sealed.tag);
    const plaintext = decipher.update(sealed.ciphertext);
    try {
      decipher.final();
    } catch {
      // GCM gives plaintext before it has checked the tag: what came out is not to be seen by anyone.
      plaintext.fill(0);
      throw new DecryptionError();
    }
    return plaintext;
  },
};
