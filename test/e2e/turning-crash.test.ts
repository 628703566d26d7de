// kill -9 in a rotation at a provider: after every durable step, and in the middle of every call. Started again, it ends in
// `revoked` or `rolled_back`; the provider has one live key (two in grace), none orphaned; and the application, which reads
// the vault all the time, never sees a key that does not work.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OperationsConfig } from '../../lib/config/operations.ts';
import { systemRandom } from '../../lib/crypto/random.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { worldOf } from '../../lib/rotation/world-of.ts';
import { all } from '../../lib/store/operation.ts';
import { selectRotationsSince } from '../../lib/store/statements/rotations.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { setSecret } from '../../lib/vault/write.ts';
import { ended, startChild } from '../support/child.ts';
import { ROOT } from '../support/command.ts';
import { folderHome } from '../support/folder-home.ts';
import {
  openaiAnswers,
  resendAnswers,
  stripeAnswers,
  supabaseAnswers,
  vercelAnswers,
} from '../support/provider-answers.ts';
import { type Handler, type ProviderServer, providerServer } from '../support/provider-server.ts';
import { sideBySide } from '../support/side-by-side.ts';
import { DEVELOPMENT, temporaryFolder } from '../support/vault.ts';

interface Case {
  readonly provider: string;
  readonly name: string;
  readonly answers: Handler;
  readonly first: string;
  readonly admin: string;
  readonly settings: object;
  /** True where the provider cannot tell which key a pasted one is: the key in use is one of Keyturn's own making. */
  readonly afterFirstTurn?: boolean;
}

const OPENAI: Case = {
  provider: 'openai',
  name: 'OPENAI_API_KEY',
  answers: openaiAnswers,
  first: 'sk-proj-firstT3BlbkFJfirst0123456789',
  admin: 'sk-admin-xT3BlbkFJadmin',
  settings: { project: 'proj_1', serviceAccount: 'user-1' },
};

/** All the others that renew by an API. */
const OTHERS: readonly Case[] = [
  {
    provider: 'supabase',
    name: 'SUPABASE_SERVICE_ROLE_KEY',
    answers: supabaseAnswers,
    first: 'sb_secret_first1234567890abcdef',
    admin: 'sbp_admin1234567890',
    settings: { ref: 'abcdefgh' },
  },
  {
    provider: 'vercel',
    name: 'VERCEL_TOKEN',
    answers: vercelAnswers,
    first: 'firstfirstfirstfirst1234',
    admin: 'vcp_admin012345678901234567890',
    settings: {},
  },
  {
    provider: 'stripe',
    name: 'STRIPE_WEBHOOK_SECRET',
    answers: stripeAnswers,
    first: 'whsec_first1234567890abcdef',
    admin: 'sk_test_admin1234567890',
    settings: { webhookUrl: 'https://app.example/hook' },
  },
  {
    provider: 'stripe',
    name: 'STRIPE_SECRET_KEY',
    answers: stripeAnswers,
    first: 'rk_test_first1234567890',
    admin: 'sk_test_admin1234567890',
    settings: { restrictedKeys: true },
    afterFirstTurn: true,
  },
  {
    provider: 'resend',
    name: 'RESEND_API_KEY',
    answers: resendAnswers,
    first: 're_first1234567890abcdef',
    admin: 're_admin1234567890abcdef',
    settings: {},
    afterFirstTurn: true,
  },
];

interface Scene {
  readonly one: Case;
  readonly folder: string;
  readonly provider: ProviderServer;
  readonly vault: EmbeddedVault;
  readonly operations: OperationsConfig;
  /** How often the secret had turned before. */
  readonly turned: number;
}

async function scene(one: Case = OPENAI): Promise<Scene> {
  const folder = temporaryFolder();
  const provider = await providerServer(one.answers);
  provider.addKey(one.first);
  provider.addKey(one.admin);
  const { vault } = EmbeddedVault.create({ home: folderHome(folder), env: {} });
  for (const [name, value] of [
    [one.name, one.first],
    ['ADMIN_KEY', one.admin],
  ] as const) {
    vault.run(setSecret(vault.context, { at: DEVELOPMENT, name, value: Buffer.from(value) }));
  }
  const operations: OperationsConfig = {
    providers: { [one.provider]: { url: provider.url, baseUrl: provider.url, admin: 'ADMIN_KEY', ...one.settings } },
    destinations: { file: { kind: 'dotenv', path: 'app.env', secrets: [one.name] } },
  };
  const at = { folder, provider, vault, operations, one, turned: one.afterFirstTurn ? 1 : 0 };
  if (one.afterFirstTurn) await turnOnce(at);
  provider.requests.length = 0;
  return at;
}

/** The first turn: a person ends the pasted key, which Keyturn then sees to be dead. */
async function turnOnce(at: Scene): Promise<void> {
  await ended(start(at, 0));
  at.provider.end(at.provider.find(at.one.first)?.id);
  await startAgain(at, 0);
  expect(at.provider.liveValues()).toEqual([read(at)]);
}

function start({ folder, operations, one }: Scene, graceMs: number, killAfter = 0): ChildProcess {
  const child = `${ROOT}/test/e2e/turning.child.ts`;
  return startChild(child, folder, JSON.stringify(operations), one.name, String(graceMs), String(killAfter));
}

const read = ({ vault, one }: Scene) => vault.run(readSecret(vault.context, DEVELOPMENT, one.name)).value.toString();

/** The application: reads the key in use again and again, and tries it. @returns how often it worked, when stopped */
function application(at: Scene): { stop(): number } {
  let good = 0;
  const bad: string[] = [];
  const timer = setInterval(() => {
    const value = read(at);
    if (at.provider.find(value)) good += 1;
    else bad.push(value.slice(0, 12));
  }, 5);
  return {
    stop() {
      clearInterval(timer);
      expect(bad).toEqual([]);
      return good;
    },
  };
}

/** What the next start of the program does. */
async function startAgain(at: Scene, graceMs: number): Promise<void> {
  const { vault, operations, folder } = at;
  let now = Date.now();
  const clock = () => now;
  const world = worldOf({ operations, root: folder, at: DEVELOPMENT, env: {}, random: systemRandom, clock });
  const reopened = EmbeddedVault.open({ home: folderHome(folder), env: {}, clock });
  for (let turn = 0; turn < 4; turn += 1) {
    await reopened.perform(rotatorOf(reopened, world).settle());
    now += 10 * 60_000;
  }
  if (graceMs > 0) expect(vault.context.clock()).toBeLessThan(now);
  reopened.close();
}

/** One rotation at most, ended well; the keys at the provider are those that the vault knows. */
function expectOrder(at: Scene, graceMs: number): void {
  const rotations = at.vault.run(all(selectRotationsSince, { since: 0, limit: 10 }));
  expect(rotations.length - at.turned).toBeLessThanOrEqual(1);
  const rotation = rotations.sort((a, b) => a.started_at - b.started_at)[at.turned];
  const value = read(at);
  const live = at.provider.liveValues();
  expect(live).toContain(value);
  if (rotation) expect(['revoked', 'rolled_back', 'grace']).toContain(rotation.state);
  const inGrace = rotation?.state === 'grace';
  expect(inGrace).toBe(graceMs > 0 && rotation !== undefined);
  expect(live).toHaveLength(inGrace ? 2 : 1);
  // The destination has what the vault has, if it has been sent anything.
  if (rotation) expect(readFileSync(join(at.folder, 'app.env'), 'utf8')).toBe(`${at.one.name}=${value}\n`);
}

describe.each([
  { graceMs: 0, words: 'without a grace' },
  { graceMs: 24 * 3_600_000, words: 'with a day of grace' },
])('kill -9 in a rotation at a provider, $words', ({ graceMs }) => {
  it('after every durable step', async () => {
    const whole = await scene();
    const { output } = await ended(start(whole, graceMs));
    const { commits } = JSON.parse(output) as { commits: number };
    expect(commits).toBeGreaterThan(15);
    expectOrder(whole, graceMs);
    let kills = 0;
    await sideBySide(commits, async (killAfter) => {
      const at = await scene();
      const app = application(at);
      const { signal } = await ended(start(at, graceMs, killAfter));
      if (signal === 'SIGKILL') kills += 1;
      await startAgain(at, graceMs);
      expectOrder(at, graceMs);
      app.stop();
      at.vault.close();
    });
    expect(kills).toBeGreaterThan(commits - 3);
  });

  it('in the middle of every call: before the provider has worked, and before its answer is read', async () => {
    await killInEveryCall(OPENAI, graceMs);
  });
});

/** Kills the process in each of the calls that a rotation makes, before the provider works on it and after. */
async function killInEveryCall(one: Case, graceMs: number): Promise<void> {
  const whole = await scene(one);
  await ended(start(whole, graceMs));
  const calls = whole.provider.requests.length;
  expect(calls).toBeGreaterThanOrEqual(graceMs > 0 ? 3 : 4);
  for (const when of ['before', 'after'] as const) {
    await sideBySide(calls, async (nth) => {
      const at = await scene(one);
      const app = application(at);
      const child = start(at, graceMs);
      let count = 0;
      at.provider.onRequest = (moment) => {
        if (moment !== when) return undefined;
        count += 1;
        if (count !== nth) return undefined;
        // Dead before the provider goes on: nobody reads the answer.
        const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
        child.kill('SIGKILL');
        return gone;
      };
      const { signal } = await ended(child);
      expect(signal).toBe('SIGKILL');
      at.provider.onRequest = undefined;
      await startAgain(at, graceMs);
      expectOrder(at, graceMs);
      app.stop();
      at.vault.close();
    });
  }
}

it.each(OTHERS)('kill -9 in the middle of every call of a rotation of $name', (one) => killInEveryCall(one, 0));
