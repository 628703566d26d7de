// keyturn.config.ts (or .json): what a project says of itself, checked with zod.
import { Cron } from 'croner';
import { z } from 'zod';
import type { KeyturnConfig } from './keyturn-config.ts';

const name = z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'use lower-case letters, digits and underscores');
const days = z.int().min(1).max(3650);
const graceHours = z
  .number()
  .min(0)
  .max(24 * 90);
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
  graceHours: graceHours.default(24),
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
  graceHours: graceHours.optional(),
  secret: z.boolean().optional(),
  mayEqual: z.string().optional(),
});

const from = z.strictObject({ project: z.string().min(1).optional(), environment: z.string().min(1).optional() });
const secretName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/, 'is not the name of a secret');
const names = z.array(z.string().min(1).max(200)).min(1);
const address = z.url({ protocol: /^https?$/ });

const statuses = z.array(z.int().min(100).max(599)).min(1);
const provider = z.looseObject({
  kind: z.literal('http').optional(),
  baseUrl: address.optional(),
  admin: secretName.optional(),
  in: z.record(z.string().min(1), z.looseObject({ admin: secretName.optional() })).optional(),
});

/** What a provider of the project's own has to say. */
export const httpProvider = z.strictObject({
  kind: z.literal('http'),
  title: z.string().min(1).optional(),
  url: address,
  header: z
    .strictObject({
      name: z.string().regex(/^[A-Za-z0-9-]+$/, 'is not the name of a header'),
      value: z.string().includes('{value}', { error: 'has no {value} in it' }),
    })
    .optional(),
  valid: statuses.optional(),
  refused: statuses.optional(),
  restricted: statuses.optional(),
  page: z.url().optional(),
});

const probe = z.strictObject({ url: address, key: secretName });
const anyDestination = {
  from: from.optional(),
  secrets: names,
  rename: z.record(z.string().min(1), z.string().min(1)).optional(),
  probe: probe.optional(),
};
const destination = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('vercel'),
    project: z.string().min(1),
    team: z.string().min(1).optional(),
    targets: z
      .array(z.enum(['production', 'preview']))
      .min(1)
      .optional(),
    token: secretName,
    redeploy: z.boolean().optional(),
    baseUrl: address.optional(),
    ...anyDestination,
  }),
  z.strictObject({
    kind: z.literal('github'),
    owner: z.string().min(1),
    repository: z.string().min(1).optional(),
    githubEnvironment: z.string().min(1).optional(),
    visibility: z.enum(['all', 'private']).optional(),
    token: secretName,
    baseUrl: address.optional(),
    ...anyDestination,
  }),
  z.strictObject({ kind: z.literal('dotenv'), path: z.string().min(1), ...anyDestination }),
  z.strictObject({
    kind: z.literal('keyturn'),
    url: address,
    token: secretName,
    project: z.string().min(1),
    environment: z.string().min(1),
    ...anyDestination,
  }),
]);

const timeoutMs = z.int().min(100).max(600_000).optional();
const service = z.strictObject({
  from: from.optional(),
  uses: names,
  verify: z.union([
    z.strictObject({ url: address, probe: secretName.optional(), timeoutMs }),
    z.strictObject({ command: z.array(z.string()).min(1), timeoutMs }),
  ]),
});

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is no time of day: write 02:00');
const timing = {
  timeZone: z
    .string()
    .refine((zone) => {
      try {
        new Intl.DateTimeFormat('en', { timeZone: zone });
        return true;
      } catch {
        return false;
      }
    }, 'is no time zone: write Europe/Berlin')
    .optional(),
  windows: z
    .array(
      z.strictObject({
        days: z
          .array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']))
          .min(1)
          .optional(),
        from: clockTime,
        to: clockTime,
      }),
    )
    .min(1)
    .optional(),
  jitterMinutes: z
    .int()
    .min(0)
    .max(7 * 24 * 60)
    .optional(),
  automatic: z.boolean().optional(),
};
const scheduleRule = z
  .strictObject({
    days: days.optional(),
    cron: z
      .string()
      .refine((text) => {
        try {
          return new Cron(text, { mode: '5-part', paused: true }).nextRun() !== null;
        } catch {
          return false;
        }
      }, 'is no cron expression of five fields that ever comes')
      .optional(),
    ...timing,
  })
  .refine((rule) => rule.days === undefined || rule.cron === undefined, 'has days and cron: give one of them');
const schedule = z.strictObject({
  ...timing,
  types: z.record(name, scheduleRule).optional(),
  secrets: z.record(z.string().min(1), scheduleRule).optional(),
});

const anyChannel = { from: z.enum(['critical', 'high', 'medium', 'low', 'info']).optional() };
const receivers = z.array(z.email()).min(1);
const channel = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('slack'), url: secretName, ...anyChannel }),
  z.strictObject({ kind: z.literal('webhook'), url: address, secret: secretName, ...anyChannel }),
  z.strictObject({
    kind: z.literal('smtp'),
    host: z.string().min(1),
    port: z.int().min(1).max(65_535),
    secure: z.boolean().optional(),
    user: z.string().optional(),
    password: secretName.optional(),
    sender: z.string().min(3),
    to: receivers,
    ...anyChannel,
  }),
  z.strictObject({
    kind: z.literal('resend'),
    key: secretName,
    sender: z.string().min(3),
    to: receivers,
    baseUrl: address.optional(),
    ...anyChannel,
  }),
  z.strictObject({ kind: z.literal('pagerduty'), key: secretName, baseUrl: address.optional(), ...anyChannel }),
  z.strictObject({ kind: z.literal('stdout'), ...anyChannel }),
]);
const ageDays = z.int().min(1).max(3650).optional();
const alerts = z.strictObject({
  secretsIn: from.optional(),
  channels: z
    .record(z.string().regex(/^[a-z0-9_-]{1,40}$/, 'use lower-case letters, digits, - and _'), channel)
    .optional(),
  againHours: z.number().min(0).max(8760).optional(),
  backupDays: ageDays,
  rootKeyDays: ageDays,
  unusedDays: ageDays,
  link: address.optional(),
});

const reports = z.strictObject({
  daily: z.boolean().optional(),
  weekly: z.boolean().optional(),
  monthly: z.boolean().optional(),
  to: z.array(z.string().min(1)).optional(),
});

const thing = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'use lower-case letters, digits, - and _');

export const configSchema = z.strictObject({
  $schema: z.string().optional(),
  /** Which project and environment commands mean when nobody says. */
  project: z.string().min(1).optional(),
  environment: z.string().min(1).optional(),
  /** The suite for new versions. */
  suite: z.enum(['A256CBC-HS512', 'A256GCM']).optional(),
  types: z.record(name, type).optional(),
  secrets: z.record(z.string().min(1), secret).optional(),
  live: z.boolean().optional(),
  providers: z.record(thing, provider).optional(),
  destinations: z.record(thing, destination).optional(),
  services: z.record(thing, service).optional(),
  schedule: schedule.optional(),
  alerts: alerts.optional(),
  reports: reports.optional(),
});

/** Fails to compile where what the schema takes and what the type says differ. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
true satisfies Same<z.input<typeof configSchema>, KeyturnConfig>;

export type CheckedConfig = z.output<typeof configSchema>;
