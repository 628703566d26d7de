// Servers turn what is due by themselves: one on SQLite, several on PostgreSQL, each secret once, whoever is killed.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { all } from '../../lib/store/operation.ts';
import { selectRotationsSince } from '../../lib/store/statements/rotations.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { setSecret } from '../../lib/vault/write.ts';
import { folderHome } from '../support/folder-home.ts';
import { startPostgres } from '../support/postgres.ts';
import { openaiAnswers } from '../support/provider-answers.ts';
import { type Asked, providerServer } from '../support/provider-server.ts';
import { serve } from '../support/serve.ts';
import { DAY, DEVELOPMENT, temporaryFolder } from '../support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

/** A vault whose secrets were set a hundred days ago. */
function oldVault(folder: string, env: Record<string, string>, secrets: Record<string, string>): void {
  const { vault } = EmbeddedVault.create({ home: folderHome(folder), env, clock: () => Date.now() - 100 * DAY });
  for (const [name, value] of Object.entries(secrets)) {
    const intervalDays = name === 'ADMIN_KEY' ? 3650 : 90;
    vault.run(setSecret(vault.context, { at: DEVELOPMENT, name, value: Buffer.from(value), intervalDays }));
  }
  vault.close();
}

function rotationsOf(folder: string, env: Record<string, string>) {
  const vault = EmbeddedVault.open({ home: folderHome(folder), env });
  const found = vault.run(all(selectRotationsSince, { since: 0, limit: 1000 }));
  vault.close();
  return found.map(({ name, state, reason, to_version }) => ({ name, state, reason, version: to_version }));
}

it('on SQLite: what became due while no server ran turns as soon as one does, and the channels are told what needs a person', async () => {
  const folder = temporaryFolder();
  const provider = await providerServer(openaiAnswers);
  provider.addKey('sk-proj-firstT3BlbkFJfirst0123456789');
  provider.addKey('sk-admin-xT3BlbkFJadmin');
  const told: Asked[] = [];
  const hook = await providerServer((asked) => {
    told.push(asked);
    return { status: 204 };
  });
  const config = {
    providers: { openai: { baseUrl: provider.url, admin: 'ADMIN_KEY', project: 'p', serviceAccount: 's' } },
    alerts: { channels: { ops: { kind: 'webhook', url: hook.url, secret: 'JWT_SECRET' } }, backupDays: 3650 },
  };
  writeFileSync(join(folder, 'keyturn.config.json'), JSON.stringify(config));
  oldVault(
    folder,
    {},
    {
      JWT_SECRET: STRONG,
      OPENAI_API_KEY: 'sk-proj-firstT3BlbkFJfirst0123456789',
      TELNYX_API_KEY: 'KEY0123456789ABCDEF0123456789',
      ADMIN_KEY: 'sk-admin-xT3BlbkFJadmin',
    },
  );
  await serve(folder, { KEYTURN_LIVE: 'on' });
  await vi.waitFor(
    () =>
      expect(rotationsOf(folder, {})).toEqual(
        expect.arrayContaining([
          { name: 'JWT_SECRET', state: 'grace', reason: 'schedule', version: 2 },
          { name: 'OPENAI_API_KEY', state: 'grace', reason: 'schedule', version: 2 },
          { name: 'TELNYX_API_KEY', state: 'planned', reason: 'schedule', version: null },
        ]),
      ),
    { timeout: 30_000, interval: 200 },
  );
  expect(provider.liveValues()).toHaveLength(2);
  await vi.waitFor(
    () =>
      expect(told.map((one) => JSON.parse(one.body).data.kind)).toEqual(expect.arrayContaining(['rotation-waiting'])),
    { timeout: 90_000, interval: 500 },
  );
});

it('on PostgreSQL: two servers turn thirty due secrets, each once, though one of them is killed', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const folder = temporaryFolder();
  const env = { KEYTURN_DATABASE_URL: postgres.url };
  const names = Array.from({ length: 30 }, (_, n) => `S${n}_JWT_SECRET`);
  oldVault(folder, env, Object.fromEntries(names.map((name) => [name, STRONG + name])));
  const [first] = await Promise.all([serve(folder, env), serve(folder, env)]);
  await vi.waitFor(() => expect(rotationsOf(folder, env).length).toBeGreaterThan(3), { timeout: 30_000, interval: 50 });
  await first?.kill('SIGKILL');
  await vi.waitFor(
    () => {
      const done = rotationsOf(folder, env);
      expect(
        done
          .filter((one) => one.state === 'grace')
          .map((one) => one.name)
          .sort(),
      ).toEqual([...names].sort());
    },
    // The job of the one that was killed is taken over once it has not been heard of for a while.
    { timeout: 120_000, interval: 500 },
  );
  expect(rotationsOf(folder, env).every((one) => one.version === 2 && one.reason === 'schedule')).toBe(true);
});

it('on PostgreSQL: a server that comes after one that was killed at work goes on where that was', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const folder = temporaryFolder();
  const env = { KEYTURN_DATABASE_URL: postgres.url };
  const names = Array.from({ length: 30 }, (_, n) => `S${n}_JWT_SECRET`);
  oldVault(folder, env, Object.fromEntries(names.map((name) => [name, STRONG + name])));
  const killed = await serve(folder, env);
  await vi.waitFor(() => expect(rotationsOf(folder, env).length).toBeGreaterThan(3), { timeout: 30_000, interval: 50 });
  await killed.kill('SIGKILL');
  const left = rotationsOf(folder, env).filter((one) => one.state === 'grace').length;
  // It was killed at work: its job is nobody else's yet.
  expect(left).toBeLessThan(30);
  await serve(folder, env);
  await vi.waitFor(
    () => expect(rotationsOf(folder, env).filter((one) => one.state === 'grace')).toHaveLength(names.length),
    { timeout: 120_000, interval: 500 },
  );
});
