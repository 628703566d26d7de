// Key derivation: HKDF-SHA-512 (RFC 5869) to part one key into several with different jobs, and Argon2id (RFC 9106)
// to make a key from a passphrase.
import { hkdfSync, type KeyObject } from 'node:crypto';
import { createRequire } from 'node:module';

/** Not imported by its name: a Node 24 before 24.7 does not have it, and would refuse the import. */
const { argon2, argon2Sync } = process.getBuiltinModule('node:crypto');

/**
 * Derives `length` bytes for one job from a key.
 * @param label names the job; two jobs never share a label.
 */
export function deriveBytes(key: KeyObject, label: string, length: number): Buffer {
  return Buffer.from(hkdfSync('sha512', key, Buffer.alloc(0), label, length));
}

/** What Argon2id costs. Kept beside the vault, so that it can grow without locking anyone out. */
export interface Argon2Cost {
  /** Memory in KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** RFC 9106, section 4: the second recommended option (64 MiB), for machines that cannot spare 2 GiB at each start. */
export const DEFAULT_ARGON2_COST: Argon2Cost = { memory: 64 * 1024, passes: 3, parallelism: 4 };

export interface Argon2Input extends Argon2Cost {
  readonly password: Buffer;
  /** At least 8 bytes; 16 are recommended (RFC 9106, section 3.1). */
  readonly salt: Buffer;
  /** How many bytes to give. */
  readonly length: number;
  readonly secret?: Buffer;
  readonly associatedData?: Buffer;
}

/** Argon2id by node:crypto, which has it from Node 24.7 on. */
export function argon2idByNode(input: Argon2Input): Buffer {
  return argon2Sync('argon2id', nodeOptions(input));
}

function nodeOptions(input: Argon2Input) {
  return {
    message: input.password,
    nonce: input.salt,
    parallelism: input.parallelism,
    tagLength: input.length,
    memory: input.memory,
    passes: input.passes,
    ...(input.secret && { secret: input.secret }),
    ...(input.associatedData && { associatedData: input.associatedData }),
  };
}

/** Argon2id by `@node-rs/argon2`, for a Node 24 before 24.7. Takes no associated data. */
export function argon2idByPackage(input: Argon2Input): Buffer {
  return argon2Package().hashRawSync(input.password, packageOptions(input));
}

function argon2Package() {
  // Loaded when needed only: it is a native binary, and most vaults have a raw key.
  return createRequire(import.meta.url)('@node-rs/argon2') as typeof import('@node-rs/argon2');
}

function packageOptions(input: Argon2Input) {
  return {
    // 2 is Argon2id; the package declares a const enum, which has no value at run time.
    algorithm: 2,
    memoryCost: input.memory,
    timeCost: input.passes,
    parallelism: input.parallelism,
    outputLen: input.length,
    salt: input.salt,
    ...(input.secret && { secret: input.secret }),
  };
}

/** Argon2id (RFC 9106) by whichever implementation this Node has. */
export const argon2id: (input: Argon2Input) => Buffer =
  typeof argon2Sync === 'function' ? argon2idByNode : argon2idByPackage;

/** The same in a thread of its own, for a server: it takes some 100 ms, in which nobody else would be answered. */
export function argon2idAside(input: Argon2Input): Promise<Buffer> {
  if (typeof argon2 !== 'function') return argon2Package().hashRaw(input.password, packageOptions(input));
  return new Promise((resolve, reject) => {
    argon2('argon2id', nodeOptions(input), (error, key) => (error ? reject(error) : resolve(key)));
  });
}
