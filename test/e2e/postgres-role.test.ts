// A PostgreSQL login that turns, on a real PostgreSQL, with a client that is connected all through: there is no moment
// without a valid login, and the password is in no log of the database.
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { startPostgres } from '../support/postgres.ts';
import { DEVELOPMENT, HOUR, put, testVault } from '../support/vault.ts';
import { testWorld } from '../support/world.ts';

async function canConnect(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  try {
    await client.connect();
    const { rows } = await client.query('select current_user as name');
    return rows[0].name;
  } catch (error) {
    return (error as { code?: string }).code ?? 'error';
  } finally {
    await client.end().catch(() => undefined);
  }
}

it('turns between two roles, proven by a client that connects all the time and one that stays connected', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  onTestFinished(() => admin.end());
  await admin.query("alter system set log_statement = 'all'");
  await admin.query('select pg_reload_conf()');
  await admin.query("create role readers; create role app_a login password 'first-Password-1'; grant readers to app_a");
  const { vault } = testVault({ clock: Date.now });
  const address = (user: string, password: string) => postgres.url.replace('keyturn:keyturn@', `${user}:${password}@`);
  put(vault, 'DATABASE_URL', address('app_a', 'first-Password-1'));
  put(vault, 'POSTGRES_ADMIN_URL', postgres.url);
  const settings = { postgres: { admin: 'POSTGRES_ADMIN_URL', roles: ['app_a', 'app_b'], memberOf: 'readers' } };
  const world = testWorld({ providers: settings }, { clock: Date.now });
  const current = () => vault.run(readSecret(vault.context, DEVELOPMENT, 'DATABASE_URL')).value.toString();

  const connected = new pg.Client({ connectionString: current() });
  await connected.connect();
  onTestFinished(() => connected.end());
  const seen: string[] = [];
  let stop = false;
  const watcher = (async () => {
    while (!stop) {
      seen.push(await canConnect(current()));
      expect((await connected.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
    }
  })();

  const passwords: string[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    const before = current();
    const rotator = rotatorOf(vault, world);
    const result = await vault.perform(rotator.rotate({ at: DEVELOPMENT, name: 'DATABASE_URL', graceMs: 300 }));
    expect(result).toMatchObject({ state: 'grace', version: turn + 2 });
    passwords.push(decodeURIComponent(new URL(current()).password));
    // In grace both are good.
    expect([await canConnect(before), await canConnect(current())].sort()).toEqual(['app_a', 'app_b']);
    await wait(350);
    expect(await vault.perform(rotator.settle())).toMatchObject([{ state: 'revoked', death: 'dead' }]);
    expect(await canConnect(before)).toBe('28P01');
  }
  stop = true;
  await watcher;
  expect(seen.length).toBeGreaterThan(20);
  expect(new Set(seen)).toEqual(new Set(['app_a', 'app_b']));
  // What the database logged has verifiers, and no password.
  expect(postgres.log()).toContain('SCRAM-SHA-256$4096:');
  for (const password of passwords) expect(postgres.log()).not.toContain(password);
});

it('turned twice within one grace, the end of the first one leaves the login in use alone', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  onTestFinished(() => admin.end());
  await admin.query("create role app_a login password 'first'");
  const { vault, clock } = testVault();
  const address = postgres.url.replace('keyturn:keyturn@', 'app_a:first@');
  put(vault, 'DATABASE_URL', address);
  put(vault, 'POSTGRES_ADMIN_URL', postgres.url);
  const settings = { postgres: { admin: 'POSTGRES_ADMIN_URL' } };
  const rotator = rotatorOf(vault, testWorld({ providers: settings }, { clock: clock.read }));
  const current = () => vault.run(readSecret(vault.context, DEVELOPMENT, 'DATABASE_URL')).value.toString();
  const rotate = () => vault.perform(rotator.rotate({ at: DEVELOPMENT, name: 'DATABASE_URL', graceMs: HOUR }));
  expect(await rotate()).toMatchObject({ state: 'grace' });
  const second = current();
  clock.forward(HOUR / 2);
  expect(await rotate()).toMatchObject({ state: 'grace' });
  // The first role again, with another password: the first address is dead before its time, and the second one good.
  expect([await canConnect(second), await canConnect(current())]).toEqual(['app_b', 'app_a']);
  clock.forward(HOUR / 2 + 1_000);
  expect(await vault.perform(rotator.settle())).toMatchObject([{ state: 'revoked', death: 'dead' }]);
  expect([await canConnect(second), await canConnect(current())]).toEqual(['app_b', 'app_a']);
  clock.forward(HOUR);
  await vault.perform(rotator.settle());
  expect([await canConnect(second), await canConnect(current())]).toEqual(['28P01', 'app_a']);
});

it('says what is wrong where the admin may not, and leaves the login as it is', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const admin = new pg.Client({ connectionString: postgres.url });
  await admin.connect();
  onTestFinished(() => admin.end());
  await admin.query("create role app_a login password 'first'; create role weak login password 'weak'");
  const { vault } = testVault({ clock: Date.now });
  const address = (user: string, password: string) => postgres.url.replace('keyturn:keyturn@', `${user}:${password}@`);
  put(vault, 'DATABASE_URL', address('app_a', 'first'));
  put(vault, 'POSTGRES_ADMIN_URL', address('weak', 'weak'));
  const world = testWorld({ providers: { postgres: { admin: 'POSTGRES_ADMIN_URL' } } }, { clock: Date.now });
  const rotate = vault.perform(rotatorOf(vault, world).rotate({ at: DEVELOPMENT, name: 'DATABASE_URL' }));
  await expect(rotate).rejects.toThrow(/PostgreSQL refused a new password \(42501\)/);
  expect(await canConnect(address('app_a', 'first'))).toBe('app_a');
});
