// The shapes that several routes share, once: they check requests, type handlers and make the OpenAPI document.
import { z } from 'zod';
import type { RotationResult } from '../rotation/results.ts';
import { problemSchema } from './problems.ts';

export const name = z.string().min(1).max(200).describe('A secret’s name; names compare without case.');
export const place = z.string().min(1).max(64);
export const id = z.string().min(1).max(64);
export const when = z.int().describe('Milliseconds since 1970, UTC.');

export const inProject = z.object({ project: place });
export const inEnvironment = z.object({ project: place, environment: place });
export const ofSecret = z.object({ project: place, environment: place, name });

export const page = z.object({
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('At most so many.'),
  cursor: z.string().max(400).optional().describe('Where the page before ended: its `next`.'),
});

export const next = z.string().nullable().describe('The cursor of the next page; null on the last.');

/** What HPKE makes of a value (client/sealed-value.ts). */
const sealed = z
  .object({
    keyId: z.string().regex(/^[0-9a-f]{32}$/),
    enc: z.base64url().max(64),
    ciphertext: z.base64url().max(90_000),
  })
  .meta({ id: 'SealedValue' });

export const value = z
  .object({
    value: z.string().max(65_536).optional().describe('Text, UTF-8.'),
    base64: z.string().max(90_000).optional().describe('Bytes, base64; instead of `value`.'),
    sealed: sealed.optional().describe('Sealed to the vault’s intake key; instead of `value`.'),
  })
  .describe('Exactly one of the three.');

export const description = z.object({
  type: z.string().max(64).optional(),
  intervalDays: z.int().min(1).max(3650).nullable().optional(),
  owner: z.string().max(200).nullable().optional(),
  labels: z.record(z.string().max(200), z.string().max(200)).optional(),
});

export const secretSummary = z
  .object({
    name: z.string(),
    project: z.string(),
    environment: z.string(),
    type: z.string(),
    version: z.int(),
    owner: z.string().nullable(),
    labels: z.record(z.string(), z.string()),
    intervalDays: z.int().nullable(),
    createdAt: when,
    rotatedAt: when,
    deletedAt: when.nullable(),
    previousVersion: z.int().nullable(),
    previousValidUntil: when.nullable(),
    size: z.int(),
    reads: z.int(),
    lastReadAt: when.nullable(),
    lastReadBy: z.string().nullable(),
    setBy: z.string().nullable(),
    fingerprint: z.string(),
    tag: z.string().describe('The ETag, without its quotes.'),
  })
  .meta({ id: 'Secret' });

export const secretValue = z
  .object({
    name: z.string(),
    version: z.int(),
    value: z.string().optional(),
    base64: z.string().optional().describe('Instead of `value`, where it is not text.'),
    validUntil: when.optional(),
  })
  .meta({ id: 'Value' });

export const setResult = z.object({
  name: z.string(),
  version: z.int(),
  outcome: z.enum(['added', 'updated', 'unchanged', 'described']),
});

export const rotation = z
  .object({
    id: z.string(),
    name: z.string(),
    environment: z.string(),
    state: z.string(),
    fromVersion: z.int(),
    version: z.int(),
    previousValidUntil: when.nullable(),
    warnings: z.array(z.string()),
    trouble: z.string().nullable().describe('What the next state waits for; null where it waits for nothing.'),
    nextAt: when.nullable().describe('When that is tried again, by itself.'),
    death: z
      .enum(['dead', 'alive', 'unknown', 'local'])
      .nullable()
      .describe('Whether the revoked value was seen to be refused; `local`: nobody but your own services accepts it.'),
  })
  .meta({ id: 'Rotation' });

/** A rotation's result without what is only for the host itself. */
export function shownRotation({ backupFile: _, ...result }: RotationResult) {
  return { ...result, warnings: [...result.warnings] };
}

export const empty = z.null().describe('No content.');

/** Every answer that is an error is a problem. */
export const problems = { '4xx': problemSchema, '5xx': problemSchema };
