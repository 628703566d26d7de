// The envelope: how one sealed value looks as bytes (docs/formats.md has the specification).
//
//   "KT" | format 0x01 | suite id | key id (16) | IV | ciphertext | tag
//
// The header (20 bytes) and the context (where the value belongs) are the associated data: an envelope that was moved
// to another secret, environment or version, or whose header was changed, does not open.
import { DecryptionError } from '../errors.ts';
import { encodeFields } from './bytes.ts';
import type { RandomSource } from './random.ts';
import { KEY_ID_BYTES, type SealingKey } from './sealing-key.ts';
import { suiteById } from './suites/registry.ts';
import type { Suite } from './suites/suite.ts';

const MAGIC = Buffer.from('KT', 'ascii');
const FORMAT = 1;
const HEADER_BYTES = 4 + KEY_ID_BYTES;

/** Where a value belongs: a purpose, then the names that find it. */
export type EnvelopeContext = readonly string[];

/** The context of one version of a secret. Names compare without case, so the folded name is bound. */
export function versionContext(project: string, environment: string, nameKey: string, version: number) {
  return ['keyturn/v1/version', project, environment, nameKey, String(version)];
}

/**
 * Seals bytes into an envelope.
 * @param context where the value belongs; the same is needed to open it.
 */
export function sealEnvelope(
  key: SealingKey,
  suite: Suite,
  context: EnvelopeContext,
  plaintext: Uint8Array,
  random: RandomSource,
): Buffer {
  const header = Buffer.concat([MAGIC, Buffer.from([FORMAT, suite.id]), key.id]);
  const iv = random(suite.ivBytes);
  const associatedData = Buffer.concat([header, encodeFields(context)]);
  const { ciphertext, tag } = suite.seal(key.keysFor(suite), iv, plaintext, associatedData);
  return Buffer.concat([header, iv, ciphertext, tag]);
}

/** The suite and key id that an envelope names, or undefined where it is not an envelope. Authenticates nothing. */
export function readEnvelopeHeader(envelope: Buffer): { suite: Suite; keyId: Buffer } | undefined {
  if (envelope.length < HEADER_BYTES || !envelope.subarray(0, 2).equals(MAGIC)) return undefined;
  if (envelope[2] !== FORMAT) return undefined;
  const suite = suiteById(envelope[3] ?? 0);
  if (!suite || envelope.length < HEADER_BYTES + suite.ivBytes + suite.tagBytes) return undefined;
  return { suite, keyId: envelope.subarray(4, HEADER_BYTES) };
}

/**
 * Opens an envelope.
 * @returns the plaintext; the caller zeroes it when done.
 * @throws DecryptionError for every reason: not an envelope, another key, changed, cut, or another context.
 */
export function openEnvelope(key: SealingKey, context: EnvelopeContext, envelope: Buffer): Buffer {
  const header = readEnvelopeHeader(envelope);
  if (!header?.keyId.equals(key.id)) throw new DecryptionError();
  const { suite } = header;
  const ivEnd = HEADER_BYTES + suite.ivBytes;
  const tagStart = envelope.length - suite.tagBytes;
  const associatedData = Buffer.concat([envelope.subarray(0, HEADER_BYTES), encodeFields(context)]);
  return suite.open(
    key.keysFor(suite),
    envelope.subarray(HEADER_BYTES, ivEnd),
    { ciphertext: envelope.subarray(ivEnd, tagStart), tag: envelope.subarray(tagStart) },
    associatedData,
  );
}
