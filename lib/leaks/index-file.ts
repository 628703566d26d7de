// The index that is carried along: what it takes to find a vault's values where there is no vault, in CI or on a
// colleague's machine. It reveals no value, and holds only those that stay out of reach even of somebody who has it and
// all the time in the world (docs/formats.md, Leak index).
import { z } from 'zod';
import { decodePrint, encodePrint, type LeakPrint } from '../crypto/leak-print.ts';
import { FileError } from '../errors.ts';
import type { PrintedVersion } from '../vault/leak-prints.ts';
import type { PlannedSecret, ScanPlan } from './plan.ts';

const FORMAT = 1;
/** Bits of each anchor that go along: enough to find with, and no more than needed. */
const HASH_BITS = 24;
/**
 * So many bits have to be left to guess for whoever knows the last eleven bytes and the quick hash's 32 bits: 96 then
 * stand between the index and the value.
 */
const FEWEST_BITS_LEFT = 128;
const PRINT_DIGITS = 16;

const fileSchema = z.strictObject({
  keyturn: z.literal('leak-index'),
  format: z.literal(FORMAT),
  vault: z.string(),
  createdAt: z.iso.datetime(),
  /** 32 bytes, base64url. */
  key: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  hashBits: z.literal(HASH_BITS),
  /** Versions that were left out: they could be guessed by whoever has the index. */
  left: z.number().int().nonnegative(),
  secrets: z.array(
    z.strictObject({
      name: z.string(),
      project: z.string(),
      environment: z.string(),
      version: z.number().int().positive(),
      valid: z.boolean(),
      print: z.base64url(),
    }),
  ),
});

export type LeakIndex = z.infer<typeof fileSchema>;

export interface IndexInput {
  readonly vault: string;
  /** 32 bytes. */
  readonly key: Buffer;
  readonly versions: readonly PrintedVersion[];
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function buildIndex({ vault, key, versions, now }: IndexInput): LeakIndex {
  const carried = versions.filter((one) => one.print.bitsLeft >= FEWEST_BITS_LEFT);
  return {
    keyturn: 'leak-index',
    format: FORMAT,
    vault,
    createdAt: new Date(now).toISOString(),
    key: key.toString('base64url'),
    hashBits: HASH_BITS,
    left: versions.length - carried.length,
    secrets: carried.map(({ name, project, environment, version, valid, print }) => ({
      name,
      project,
      environment,
      version,
      valid,
      print: encodePrint(shortened(print)).toString('base64url'),
    })),
  };
}

function shortened(print: LeakPrint): LeakPrint {
  const shift = 32 - HASH_BITS;
  return {
    ...print,
    anchors: print.anchors.map((one) => ({ ...one, hash: ((one.hash >>> shift) << shift) >>> 0 })),
  };
}

/** @throws FileError KT_FILE_UNUSABLE */
export function parseIndex(path: string, text: string): LeakIndex {
  const parsed = fileSchema.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new FileError('KT_FILE_UNUSABLE', {
    what: `${path} is not a leak index that this version reads.`,
    left: 'Nothing was scanned.',
    next: 'Make it anew with `keyturn scan index`.',
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is not JSON is no index either: the schema says so.
    return undefined;
  }
}

/** What to scan with, of an index. */
export function planOfIndex(index: LeakIndex, likely: boolean): ScanPlan {
  const secrets: PlannedSecret[] = [];
  for (const { print: text, ...secret } of index.secrets) {
    const bytes = Buffer.from(text, 'base64url');
    const print = decodePrint(bytes);
    if (print) secrets.push({ ...secret, print: printName(print), bytes });
  }
  return { key: Buffer.from(index.key, 'base64url'), hashBits: HASH_BITS, secrets, likely };
}

/** What to scan with, of the vault itself. @param key 32 bytes */
export function planOfVault(key: Uint8Array, versions: readonly PrintedVersion[], likely: boolean): ScanPlan {
  const secrets = versions.map(({ name, project, environment, version, valid, print }) => {
    return { name, project, environment, version, valid, print: printName(print), bytes: encodePrint(print) };
  });
  return { key, hashBits: 32, secrets, likely };
}

/** Names the value in allow files; keyed, so it tells nothing. */
function printName(print: LeakPrint): string {
  return print.mac.toString('hex').slice(0, PRINT_DIGITS);
}
