// How the SDK keeps values in memory, so that a dump of a heap does not show them as they are. `getSecret` is synchronous:
// in Node that is AES-256-GCM under a key of the process's own; Web Crypto has no synchronous cipher, so elsewhere each
// value lies in two random parts, of which neither tells anything. Either keeps values from whoever greps a heap, not
// from whoever controls the process.

export interface MemorySeal {
  seal(bytes: Uint8Array): Uint8Array;
  open(sealed: Uint8Array): Uint8Array;
}

type NodeCrypto = typeof import('node:crypto');

const IV_BYTES = 12;
const TAG_BYTES = 16;

function nodeCrypto(): NodeCrypto | undefined {
  const { process } = globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } };
  return process?.getBuiltinModule?.('node:crypto') as NodeCrypto | undefined;
}

function byCipher({ createCipheriv, createDecipheriv, createSecretKey, randomBytes }: NodeCrypto): MemorySeal {
  const key = createSecretKey(randomBytes(32));
  return {
    seal(bytes) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, iv);
      const sealed = cipher.update(bytes);
      cipher.final();
      return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
    },
    open(sealed) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_BYTES));
      decipher.setAuthTag(sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      const bytes = decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES));
      decipher.final();
      return bytes;
    },
  };
}

/** One part is random, the other is the value combined with it. */
function byParts(): MemorySeal {
  const combine = (a: Uint8Array, b: Uint8Array) => a.map((byte, index) => byte ^ (b[index] ?? 0));
  return {
    seal(bytes) {
      const random = crypto.getRandomValues(new Uint8Array(bytes.length));
      const both = new Uint8Array(bytes.length * 2);
      both.set(random);
      both.set(combine(bytes, random), bytes.length);
      return both;
    },
    open: (sealed) => combine(sealed.subarray(0, sealed.length / 2), sealed.subarray(sealed.length / 2)),
  };
}

export function memorySeal(node = nodeCrypto()): MemorySeal {
  return node ? byCipher(node) : byParts();
}
