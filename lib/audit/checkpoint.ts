// Checkpoints: a signed statement of how far every chain had come. Anyone with the public key can check one off this
// machine, and one that was kept elsewhere shows a tail that was cut off here.
import { createHash } from 'node:crypto';
import type { SigningKey } from '../crypto/signing.ts';
import { verifySignature } from '../crypto/signing.ts';

const LABEL = 'keyturn/v1/checkpoint\n';

/** How far one chain had come. */
export interface ChainHead {
  readonly chain: string;
  readonly seq: number;
  /** Hash of the entry `seq`, base64url. */
  readonly hash: string;
}

export interface CheckpointBody {
  readonly format: 1;
  readonly vault: string;
  /** Counts from 1. */
  readonly number: number;
  readonly time: number;
  readonly heads: readonly ChainHead[];
  /** SHA-256 of the body of the checkpoint before, base64url; null for the first. */
  readonly previous: string | null;
}

export interface Checkpoint {
  /** The signed text. */
  readonly body: string;
  readonly signature: Uint8Array;
}

export function signCheckpoint(key: SigningKey, body: CheckpointBody): Checkpoint {
  // Written out field by field: the order is part of the format.
  const text = JSON.stringify({
    format: body.format,
    vault: body.vault,
    number: body.number,
    time: body.time,
    heads: body.heads.map(({ chain, seq, hash }) => ({ chain, seq, hash })),
    previous: body.previous,
  });
  return { body: text, signature: key.sign(Buffer.from(LABEL + text, 'utf8')) };
}

/** True when the vault's own key signed exactly this text. */
export function checkpointSigned(publicKey: Uint8Array, checkpoint: Checkpoint): boolean {
  return verifySignature(publicKey, Buffer.from(LABEL + checkpoint.body, 'utf8'), checkpoint.signature);
}

/** Reads a body whose signature was checked. */
export function parseCheckpoint(checkpoint: Checkpoint): CheckpointBody {
  return JSON.parse(checkpoint.body) as CheckpointBody;
}

export function checkpointHash(body: string): Buffer {
  return createHash('sha256').update(body).digest();
}

/** One line that names a checkpoint, short enough for a notebook: `kta1-<number>-<SHA-256 of its body>`. */
export function anchorOf(checkpoint: Checkpoint): string {
  return `kta1-${parseCheckpoint(checkpoint).number}-${checkpointHash(checkpoint.body).toString('hex')}`;
}

/** Reads an anchor; undefined where it is none. */
export function parseAnchor(text: string): { number: number; hash: Buffer } | undefined {
  const match = /^kta1-([1-9]\d{0,9})-([0-9a-f]{64})$/.exec(text.trim().toLowerCase());
  if (!match?.[1] || !match[2]) return undefined;
  return { number: Number(match[1]), hash: Buffer.from(match[2], 'hex') };
}
