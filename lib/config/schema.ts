// keyturn.config.ts (or .json): what a project says of itself, checked with zod.
import { z } from 'zod';
import type { KeyturnConfig } from './keyturn-config.ts';

const name = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'use lower-case letters, digits and underscores');
const days = z.int().min(1).max(3650);
const risk = z.enum(['critical', 'high', 'medium', 'low']);

const expression = z.string().refine((text) => {
  try {
    new RegExp(text, 'su');
    return true;
  } catch {
    return false;
  }
}, 'is not a regular expression');

const type = z.strictObject({
  title: z.string().min(1).optional(),
  intervalDays: days.optional(),
  risk: risk.default('medium'),
  minLength: z.int().min(1).max(65_536).optional(),
  strength: z.boolean().default(true),
  url: z.boolean().optional(),
  /** A regular expression over the whole value, and what it is in words. */
  pattern: z.strictObject({ expression, words: z.string().min(1) }).optional(),
  generate: z
    .strictObject({
      bytes: z.int().min(16).max(1024),
      notation: z.enum(['base64url', 'password']).default('base64url'),
      prefix: z.string().max(64).optional(),
    })
    .optional(),
  graceHours: z
    .number()
    .min(0)
    .max(24 * 90)
    .default(24),
});

const format = z.strictObject({
  expression,
  words: z.string().min(1),
  mode: z.enum(['test', 'live']).optional(),
  retiring: z.string().optional(),
});

const secret = z.strictObject({
  type: z.string().min(1).optional(),
  /** "critical" must be there; "optional" may. */
  group: z.enum(['critical', 'webhook', 'optional', 'monitoring', 'setting']).optional(),
  purpose: z.string().optional(),
  provider: z.string().optional(),
  page: z.url().optional(),
  formats: z.array(format).optional(),
  risk: risk.optional(),
  intervalDays: days.optional(),
  secret: z.boolean().optional(),
  mayEqual: z.string().optional(),
});

export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Which project and environment commands mean when nobody says. */
  project: z.string().min(1).optional(),
  environment: z.string().min(1).optional(),
  /** The suite for new versions. */
  suite: z.enum(['A256CBC-HS512', 'A256GCM']).optional(),
  types: z.record(name, type).optional(),
  secrets: z.record(z.string().min(1), secret).optional(),
});

/** Fails to compile where what the schema takes and what the type says differ. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
true satisfies Same<z.input<typeof configSchema>, KeyturnConfig>;

export type CheckedConfig = z.output<typeof configSchema>;
