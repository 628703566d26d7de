// kill -9 in a rotation at a provider: after every durable step, and in the middle of every call. Started again, it ends in
// `revoked` or `rolled_back`; the provider has one live key (two in grace), none orphaned; and the application, which reads
// the vault all the time, never sees a key that does not work.
import { type ChildProcess, spawn } from 'node:child_process';
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
import { ROOT } from '../support/command.ts';
import { folderHome } from '../support/folder-home.ts';
import { openaiAnswers } from '../support/provider-answers.ts';
import { type ProviderServer, providerServer } from '../support/provider-server.ts';
import { DEVELOPMENT, temporaryFolder } from '../support/vault.ts';

const NAME = 'OPENAI_API_KEY';
const FIRST = 'sk-proj-firstT3BlbkFJfirst0123456789';
const ADMIN = 'sk-admin-xT3BlbkFJadmin';

interface Scene {
  readonly folder: string;
  readonly provider: ProviderServer;
  readonly vault: EmbeddedVault;
  readonly operations: OperationsConfig;
}

async function scene(): Promise<Scene> {
  const folder = temporaryFolder();
  const provider = await providerServer(openaiAnswers);
  provider.addKey(FIRST);
  provider.addKey(ADMIN);
  const { vault } = EmbeddedVault.create({ home: folderHome(folder), env: {} });
  for (const [name, value] of [
    [NAME, FIRST],
    ['OPENAI_ADMIN_KEY', ADMIN],
  ] as const) {
    vault.run(setSecret(vault.context, { at: DEVELOPMENT, name, value: Buffer.from(value) }));
  }
  const operations: OperationsConfig = {
    providers: {
      openai: { baseUrl: provider.url, admin: 'OPENAI_ADMIN_KEY', project: 'proj_1', serviceAccount: 'user-1' },
    },
    destinations: { file: { kind: 'dotenv', path: 'app.env', secrets: [NAME] } },
  };
  return { folder, provider, vault, operations };
}

function start({ folder, operations }: Scene, graceMs: number, killAfter = 0): ChildProcess {
  const child = `${ROOT}/test/e2e/turning.child.ts`;
  const args = [child, folder, JSON.stringify(operations), NAME, String(graceMs), String(killAfter)];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { PATH: process.env.PATH ?? '' } });
}

function ended(child: ChildProcess): Promise<{ signal: NodeJS.Signals | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve) => child.once('close', (_, signal) => resolve({ signal, output })));
}

const read = ({ vault }: Scene) => vault.run(readSecret(vault.context, DEVELOPMENT, NAME)).value.toString();

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
  expect(rotations.length).toBeLessThanOrEqual(1);
  const [rotation] = rotations;
  const value = read(at);
  const live = at.provider.liveValues();
  expect(live).toContain(value);
  if (rotation) expect(['revoked', 'rolled_back', 'grace']).toContain(rotation.state);
  const inGrace = rotation?.state === 'grace';
  expect(inGrace).toBe(graceMs > 0 && rotation !== undefined);
  expect(live).toHaveLength(inGrace ? 2 : 1);
  // The destination has what the vault has, if it has been sent anything.
  if (rotation) expect(readFileSync(join(at.folder, 'app.env'), 'utf8')).toBe(`${NAME}=${value}\n`);
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
    for (let killAfter = 1; killAfter <= commits; killAfter += 1) {
      const at = await scene();
      const app = application(at);
      const { signal } = await ended(start(at, graceMs, killAfter));
      if (signal === 'SIGKILL') kills += 1;
      await startAgain(at, graceMs);
      expectOrder(at, graceMs);
      app.stop();
      at.vault.close();
    }
    expect(kills).toBeGreaterThan(commits - 3);
  });

  it('in the middle of every call: before the provider has worked, and before its answer is read', async () => {
    const whole = await scene();
    await ended(start(whole, graceMs));
    const calls = whole.provider.requests.length;
    expect(calls).toBeGreaterThanOrEqual(graceMs > 0 ? 3 : 5);
    for (const when of ['before', 'after'] as const) {
      for (let nth = 1; nth <= calls; nth += 1) {
        const at = await scene();
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
      }
    }
  });
});
