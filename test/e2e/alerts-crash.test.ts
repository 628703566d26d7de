// kill -9 while alerts are made and sent: after every durable step, and before and after the receiver has its message. Run
// again, each alert is there once and has arrived at least once; what arrives twice has the same id, so that a receiver
// can tell.
import type { ChildProcess } from 'node:child_process';
import { expect, it } from 'vitest';
import type { AlertsConfig } from '../../lib/config/operations.ts';
import { listAlerts } from '../../lib/monitoring/alert-book.ts';
import { listDeliveries } from '../../lib/monitoring/alert-delivery.ts';
import { alertRun, updateAlerts } from '../../lib/monitoring/alert-run.ts';
import { Http } from '../../lib/providers/http.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { setSecret } from '../../lib/vault/write.ts';
import { ended, startChild } from '../support/child.ts';
import { ROOT } from '../support/command.ts';
import { folderHome } from '../support/folder-home.ts';
import { type Asked, type ProviderServer, providerServer } from '../support/provider-server.ts';
import { sideBySide } from '../support/side-by-side.ts';
import { DAY, DEVELOPMENT, temporaryFolder } from '../support/vault.ts';

const VALUE = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

interface Scene {
  readonly folder: string;
  readonly receiver: ProviderServer;
  readonly given: Asked[];
  readonly config: AlertsConfig;
}

/** Two secrets that are nearly too old: two alerts to tell. */
async function scene(): Promise<Scene> {
  const folder = temporaryFolder();
  const given: Asked[] = [];
  const receiver = await providerServer((asked) => {
    given.push(asked);
    return { status: 204 };
  });
  const { vault } = EmbeddedVault.create({ home: folderHome(folder), env: {}, clock: () => Date.now() - 75 * DAY });
  const set = (name: string, intervalDays: number) =>
    vault.run(setSecret(vault.context, { at: DEVELOPMENT, name, value: Buffer.from(`${VALUE}${name}`), intervalDays }));
  set('JWT_SECRET', 90);
  set('SESSION_SECRET', 90);
  set('OPS_SECRET', 3650);
  vault.close();
  const config: AlertsConfig = {
    backupDays: 3650,
    unusedDays: 3650,
    channels: { ops: { kind: 'webhook', url: receiver.url, secret: 'OPS_SECRET' } },
  };
  return { folder, receiver, given, config };
}

function start({ folder, config }: Scene, killAfter = 0): ChildProcess {
  return startChild(`${ROOT}/test/e2e/alerts.child.ts`, folder, JSON.stringify(config), String(killAfter));
}

/** The next runs; the claim of the one that is gone lapses in between. @returns webhook ids of the messages, by arrival */
async function runAgain({ folder, given, config }: Scene): Promise<string[]> {
  let now = Date.now();
  const clock = () => now;
  const home = folderHome(folder);
  const vault = EmbeddedVault.open({ home, env: {}, clock });
  const http = new Http({ clock, retries: 0, timeoutMs: 2_000 });
  const run = alertRun({ config, http, at: DEVELOPMENT, home, destinations: [], print: () => undefined });
  for (let turn = 0; turn < 2; turn += 1) {
    await vault.perform(updateAlerts(vault.context, run));
    now += 2 * 60_000;
  }
  const alerts = vault.run(listAlerts(vault.context));
  expect(alerts.map((one) => one.secret).sort()).toEqual(['JWT_SECRET', 'SESSION_SECRET']);
  const deliveries = vault.run(listDeliveries(vault.context, 10));
  expect(deliveries.map((one) => one.state)).toEqual(['delivered', 'delivered']);
  vault.close();
  return given.map((one) => String(one.headers['webhook-id']));
}

it('after every durable step: each alert is there once, and has arrived once or, at one step, twice under one id', async () => {
  const { output } = await ended(start(await scene()));
  const { commits } = JSON.parse(output) as { commits: number };
  expect(commits).toBeGreaterThan(5);
  let kills = 0;
  await sideBySide(commits, async (killAfter) => {
    const at = await scene();
    const { signal } = await ended(start(at, killAfter));
    if (signal === 'SIGKILL') kills += 1;
    const ids = await runAgain(at);
    expect(new Set(ids).size).toBe(2);
    expect(ids.length).toBeLessThanOrEqual(3);
  });
  expect(kills).toBeGreaterThan(commits - 3);
});

it.each([
  { when: 'before', arrivals: 2 },
  { when: 'after', arrivals: 3 },
] as const)('$when the receiver has the message', async ({ when, arrivals }) => {
  await sideBySide(2, async (nth) => {
    const at = await scene();
    const child = start(at);
    let count = 0;
    at.receiver.onRequest = (moment) => {
      if (moment !== when) return undefined;
      count += 1;
      if (count !== nth) return undefined;
      const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
      child.kill('SIGKILL');
      // Before: the receiver never gets to see it, either.
      if (when === 'before') at.receiver.faults.push({ kind: 'cut-before' });
      return gone;
    };
    expect((await ended(child)).signal).toBe('SIGKILL');
    at.receiver.onRequest = undefined;
    const ids = await runAgain(at);
    expect(new Set(ids).size).toBe(2);
    expect(ids).toHaveLength(arrivals);
  });
});
