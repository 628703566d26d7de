// What turning costs: local rotations in one run, the schedule's tick over very many secrets, live checks side by side.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemRandom } from '../lib/crypto/random.ts';
import { checkEnvironment } from '../lib/rotation/checks.ts';
import { rotatorOf } from '../lib/rotation/rotator.ts';
import { Ticker } from '../lib/rotation/tick.ts';
import { worldOf } from '../lib/rotation/world-of.ts';
import { SqliteStore } from '../lib/store/sqlite.ts';
import type { EmbeddedVault } from '../lib/vault/embedded-vault.ts';
import { setSecrets } from '../lib/vault/write.ts';
import { RawDatabase } from '../test/support/raw.ts';
import { AT, median, newVault, options, record, temporaryFolder } from './support.ts';

const DAY = 24 * 60 * 60_000;

function world(operations = {}, clock: () => number = Date.now) {
  return worldOf({ operations, root: '/', at: AT, env: {}, random: systemRandom, clock });
}

function fillNamed(
  vault: EmbeddedVault,
  count: number,
  name: (n: number) => string,
  value: (n: number) => string,
): void {
  for (let from = 0; from < count; from += 1000) {
    const inputs = Array.from({ length: Math.min(1000, count - from) }, (_, index) => ({
      at: AT,
      name: name(from + index),
      value: Buffer.from(value(from + index)),
      intervalDays: 90,
    }));
    vault.run(setSecrets(vault.context, inputs));
  }
}

const random = () => systemRandom(32).toString('base64url');

/** 1,000 rotations of what is made here, each durable state by state; one backup for all. */
export async function rotations(): Promise<void> {
  const vault = newVault();
  const count = 1_000;
  fillNamed(vault, count, (n) => `S${n}_JWT_SECRET`, random);
  const rotator = rotatorOf(vault, world());
  const floor = await floorOf(count * 7);
  const started = performance.now();
  for (let n = 0; n < count; n += 1) {
    await vault.perform(rotator.rotate({ at: AT, name: `S${n}_JWT_SECRET` }));
  }
  const seconds = (performance.now() - started) / 1000;
  record({
    name: '1,000 rotations of local types in one run',
    unit: '/s',
    value: count / seconds,
    against: 'bare durable inserts, seven a rotation',
    ratio: count / seconds / (floor / 7),
    target: '≥ 150 /s',
    met: count / seconds >= 150,
  });
  vault.close();
}

/** Durable inserts a second on the same disk, a transaction each: a rotation has seven (its states, one after the other). */
async function floorOf(count: number): Promise<number> {
  const store = SqliteStore.create(`${temporaryFolder()}/floor.db`);
  const raw = new RawDatabase(store);
  raw.exec('create table floor (id integer primary key, body text not null)');
  const insert = raw.prepare('insert into floor (body) values (?)');
  const body = 'x'.repeat(300);
  const started = performance.now();
  for (let n = 0; n < count; n += 1) insert.run(body);
  const rate = count / ((performance.now() - started) / 1000);
  store.close();
  return rate;
}

/** The tick over 100,000 scheduled secrets: what it costs when nothing is due, and that it finds exactly what is. */
export async function tick(): Promise<void> {
  const folder = temporaryFolder();
  const count = 100_000;
  let now = Date.now();
  const { EmbeddedVault } = await import('../lib/vault/embedded-vault.ts');
  const { vault } = EmbeddedVault.create({ ...options(folder), clock: () => now });
  fillNamed(vault, count, (n) => `S${n}_JWT_SECRET`, random);
  const clock = () => now;
  const outside = world({}, clock);
  const ticker = new Ticker(vault.context, outside);
  const one = async () => vault.perform(ticker.tick(rotatorOf(vault, outside)));
  const dating: number[] = [];
  for (;;) {
    const started = performance.now();
    const { dated } = await one();
    if (dated === 0) break;
    dating.push(performance.now() - started);
  }
  record({
    name: 'tick over 100,000 secrets while due times are worked out, 500 each',
    unit: 'ms',
    value: median(dating),
    target: '< 20 ms',
    met: median(dating) < 20,
  });
  const idle: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const started = performance.now();
    await one();
    idle.push(performance.now() - started);
  }
  record({
    name: 'tick over 100,000 scheduled secrets, nothing due',
    unit: 'ms',
    value: median(idle),
    target: '< 20 ms',
    met: median(idle) < 20,
  });
  // Twenty of them are due, and nothing else.
  const raw = new RawDatabase(vault.store);
  raw.exec(`update secrets set due_at = ${now - 1} where id in (select id from secrets order by id limit 20)`);
  const started = performance.now();
  const { turned } = await one();
  const ms = performance.now() - started;
  if (turned.length !== 20) throw new Error(`${turned.length} turned, 20 were due`);
  record({ name: 'tick with 20 of 100,000 due, which it turns (with a backup of all)', unit: 'ms', value: ms });
  now += DAY;
  vault.close();
}

/** Live checks of 500 secrets against a provider that takes 20 ms to answer. */
export async function liveChecks(): Promise<void> {
  const latencyMs = 20;
  let most = 0;
  let open = 0;
  const server = createServer((_, response) => {
    open += 1;
    most = Math.max(most, open);
    setTimeout(() => {
      open -= 1;
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"object":"list","data":[]}');
    }, latencyMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const vault = newVault();
  const count = 500;
  const kinds = ['openai', 'stripe', 'telnyx', 'retell', 'github'];
  const declared = Object.fromEntries(kinds.map((kind) => [kind, { kind: 'http', title: kind, url }]));
  const { Catalog } = await import('../lib/catalog/catalog.ts');
  const secrets = Array.from({ length: count }, (_, n) => ({
    name: `KEY_${n}`,
    type: 'api_key',
    group: 'optional' as const,
    purpose: 'bench',
    provider: `p-${kinds[n % kinds.length]}`,
  }));
  vault.close();
  const { EmbeddedVault } = await import('../lib/vault/embedded-vault.ts');
  const folder = temporaryFolder();
  const made = EmbeddedVault.create({ ...options(folder), catalog: new Catalog({ secrets }) }).vault;
  fillNamed(made, count, (n) => `KEY_${n}`, random);
  const renamed = Object.fromEntries(Object.entries(declared).map(([id, one]) => [`p-${id}`, one]));
  let ticks = 0;
  made.context.onProgress = () => {
    ticks += 1;
  };
  const started = performance.now();
  const checks = await made.perform(checkEnvironment(made.context, world({ providers: renamed }), AT));
  const ms = performance.now() - started;
  const valid = checks.filter((one) => one.status === 'valid').length;
  if (valid !== count || ticks < count) throw new Error(`${valid} valid, ${ticks} told`);
  record({
    name: `live checks of 500 secrets of 5 providers (${latencyMs} ms each; ${most} at a time at most)`,
    unit: 'ms',
    value: ms,
    against: 'one after the other',
    ratio: ms / (count * latencyMs),
  });
  made.close();
  server.close();
}
