// A realistic vault for demonstrations: four months of a small team, made up anew each time. No value is real; each has its
// provider's form.
import { keepRun } from '../monitoring/journeys/kept-runs.ts';
import { backupOf, Rotator } from '../rotation/rotator.ts';
import { backupSink } from '../vault/backup-files.ts';
import { ensureEnvironment } from '../vault/create.ts';
import { drill } from '../vault/drill.ts';
import { EmbeddedVault, type VaultOptions } from '../vault/embedded-vault.ts';
import { readSecret } from '../vault/read.ts';
import { setSecret } from '../vault/write.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
const DAYS = 120;
const PROJECT = 'default';

/** Text of random letters and digits. */
function letters(vault: EmbeddedVault, count: number): string {
  const bytes = vault.context.random(count * 2);
  return bytes.toString('base64').replace(/[+/=]/g, '').slice(0, count);
}

type Make = (vault: EmbeddedVault) => string;

/** Name, how many days ago it was set, who looks after it, and how a value is made. */
const SECRETS: readonly (readonly [name: string, daysAgo: number, owner: string, make: Make])[] = [
  ['JWT_SECRET', 118, 'platform', (v) => v.context.random(48).toString('base64url')],
  ['SUPABASE_SERVICE_ROLE_KEY', 100, 'platform', (v) => `sb_secret_${letters(v, 32)}`],
  ['OPENAI_API_KEY', 60, 'ai', (v) => `sk-proj-${letters(v, 40)}T3BlbkFJ${letters(v, 40)}`],
  ['RETELL_API_KEY', 90, 'voice', (v) => `key_${v.context.random(14).toString('hex')}`],
  ['TELNYX_API_KEY', 115, 'voice', (v) => `KEY0${letters(v, 24)}_${letters(v, 22)}`],
  ['STRIPE_SECRET_KEY', 119, 'payments', (v) => `sk_test_${letters(v, 40)}`],
  ['RESEND_API_KEY', 30, 'growth', (v) => `re_${letters(v, 8)}_${letters(v, 24)}`],
  ['RETELL_WEBHOOK_SECRET', 85, 'voice', (v) => letters(v, 40)],
  ['TELNYX_WEBHOOK_SECRET', 40, 'voice', (v) => v.context.random(32).toString('base64')],
  ['STRIPE_WEBHOOK_SECRET', 95, 'payments', (v) => `whsec_${letters(v, 32)}`],
  [
    'SLACK_WEBHOOK_URL',
    110,
    'platform',
    (v) => `https://hooks.slack.com/services/T${letters(v, 8)}/B${letters(v, 8)}/${letters(v, 24)}`,
  ],
  ['GOOGLE_CLIENT_SECRET', 70, 'growth', (v) => `GOCSPX-${letters(v, 28)}`],
  ['SESSION_PASSWORD', 100, 'platform', (v) => v.context.random(24).toString('base64url')],
];
const ENVIRONMENTS = ['development', 'staging', 'production'] as const;
const TURNED = ['JWT_SECRET', 'SESSION_PASSWORD'];

export interface DemoResult {
  readonly secrets: number;
  readonly reads: number;
  readonly rotations: number;
  readonly journeys: number;
}

/**
 * Makes the vault as if it had been in use for four months: its clock is turned through them.
 * @param options where; there is no vault there yet
 */
export function makeDemo(options: VaultOptions): DemoResult {
  const now = Date.now();
  const clock = { now: now - DAYS * DAY_MS };
  const { vault } = EmbeddedVault.create({ ...options, clock: () => clock.now, principal: 'ann@cloudgreet.example' });
  const rotator = new Rotator(
    vault.context,
    backupSink(vault.home, () => clock.now),
  );
  const counts = { secrets: 0, reads: 0, rotations: 0, journeys: 0 };
  try {
    for (const environment of ENVIRONMENTS)
      vault.run(ensureEnvironment(vault.context, { project: PROJECT, environment }));
    for (let day = DAYS; day >= 0; day -= 1) {
      clock.now = now - day * DAY_MS;
      setOn(vault, day, counts);
      readOn(options, day, clock, counts);
      if (day % 30 === 15) turn(vault, rotator, counts);
      if (day === 20) vault.run(backupOf(vault, 'asked'));
    }
    clock.now = now - 2 * HOUR_MS;
    vault.run(backupOf(vault, 'asked'));
    vault.run(drill(vault.context, { home: vault.home, env: options.env }));
    journeys(vault, now, counts);
  } finally {
    clock.now = now;
    vault.close();
  }
  return counts;
}

interface Counts {
  secrets: number;
  reads: number;
  rotations: number;
  journeys: number;
}

function setOn(vault: EmbeddedVault, day: number, counts: Counts): void {
  for (const [name, daysAgo, owner, make] of SECRETS) {
    if (daysAgo !== day) continue;
    for (const environment of ENVIRONMENTS) {
      const value = Buffer.from(make(vault), 'utf8');
      vault.run(setSecret(vault.context, { at: { project: PROJECT, environment }, name, value, owner }));
      value.fill(0);
      counts.secrets += 1;
    }
  }
}

const READERS = ['token:web', 'token:worker', 'token:ci'] as const;

/** Programs read on every day, people on working days. */
function readOn(options: VaultOptions, day: number, clock: { now: number }, counts: Counts): void {
  const weekday = new Date(clock.now).getUTCDay();
  const there = SECRETS.filter(([, daysAgo]) => daysAgo >= day).map(([name]) => name);
  const people = weekday === 0 || weekday === 6 ? [] : ['ben@cloudgreet.example'];
  for (const principal of [...READERS, ...people]) {
    // The same keys and clock, another name: as another program opens it.
    const reader = EmbeddedVault.open({ ...options, clock: () => clock.now, principal, source: 'demo' });
    const names = principal === 'token:ci' ? there.slice(0, 3) : there;
    for (const name of names) {
      clock.now += 1_000;
      const at = { project: PROJECT, environment: principal.startsWith('token') ? 'production' : 'development' };
      reader.run(readSecret(reader.context, at, name)).value.fill(0);
      counts.reads += 1;
    }
    reader.close();
  }
}

function turn(vault: EmbeddedVault, rotator: Rotator, counts: Counts): void {
  for (const name of TURNED) {
    for (const environment of ENVIRONMENTS) {
      const at = { project: PROJECT, environment };
      if (!isThere(vault, at, name)) continue;
      vault.run(rotator.rotate({ at, name, graceMs: 0 }));
      counts.rotations += 1;
    }
  }
}

function isThere(vault: EmbeddedVault, at: { project: string; environment: string }, name: string): boolean {
  const found = SECRETS.find((one) => one[0] === name);
  const setAt = found ? Date.now() - found[1] * DAY_MS : Number.POSITIVE_INFINITY;
  return vault.context.clock() > setAt && at.project === PROJECT;
}

/** Two days of the hourly journey, with one that failed. */
function journeys(vault: EmbeddedVault, now: number, counts: Counts): void {
  const names = ['the server is ready', 'register', 'sign in', 'store a value', 'read it back', 'take the user away'];
  for (let hour = 47; hour >= 0; hour -= 1) {
    const failed = hour === 19 ? 3 : undefined;
    const steps = names.map((name, index) => {
      const ms = 30 + (vault.context.random(1)[0] ?? 0) + (index === 1 ? 200 : 0);
      if (failed === index) return { name, outcome: 'failed' as const, ms: 10_000, tries: 3, error: 'PUT answers 503' };
      if (failed !== undefined && index > failed && index < names.length - 1)
        return { name, outcome: 'skipped' as const, ms: 0, tries: 0, error: null };
      return { name, outcome: 'passed' as const, ms, tries: 1, error: null };
    });
    const run = {
      id: `run-demo-${String(47 - hour).padStart(2, '0')}-${vault.context.random(4).toString('hex')}`,
      journey: 'registration',
      target: 'https://cloudgreet.example',
      startedAt: now - hour * HOUR_MS - 120_000,
      tookMs: steps.reduce((sum, one) => sum + one.ms, 0),
      passed: failed === undefined,
      error: failed === undefined ? null : 'store a value: PUT answers 503',
      steps,
    };
    vault.run(keepRun(vault.context, run));
    counts.journeys += 1;
  }
}
