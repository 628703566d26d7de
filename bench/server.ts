// The server's numbers: autocannon from this process against servers of their own, each beside its floor, in turn.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type autocannon from 'autocannon';
import { EmbeddedVault } from '../lib/vault/embedded-vault.ts';
import { startPostgres } from '../test/support/postgres.ts';
import { BASE, type BenchServer, drive, inTurn, type Load, ROUNDS, reads, SECONDS, startServer } from './drive.ts';
import { fill, median, newVault, options, record, temporaryFolder, timed } from './support.ts';

function recordReads(name: string, ours: Load, floor: Load, wanted: number): void {
  record({
    name,
    unit: '/s',
    value: ours.requestsPerSecond,
    against: 'bare Fastify',
    ratio: ours.requestsPerSecond / floor.requestsPerSecond,
    target: `≥ ${wanted} ×`,
    met: ours.requestsPerSecond / floor.requestsPerSecond >= wanted,
  });
  record({ name: `${name}: p99`, unit: 'ms', value: ours.p99Ms, target: '< 10 ms', met: ours.p99Ms < 10 });
  record({
    name: `${name}: CPU a request`,
    unit: 'µs',
    value: ours.cpuUs,
    against: 'bare Fastify',
    ratio: ours.cpuUs / floor.cpuUs,
  });
}

/** One secret by name, with a machine token, audit on, everything durable. */
export async function serverReads(): Promise<void> {
  const folder = temporaryFolder();
  const vault = newVault(folder);
  fill(vault, 100);
  vault.close();
  const bare = await startServer('bare');
  const keyturn = await startServer('keyturn', folder);
  const requests = reads(100);
  const [floor, ours] = await inTurn([
    { server: bare, requests },
    { server: keyturn, requests },
  ]);
  if (!floor || !ours) throw new Error('no result');
  record({ name: 'floor: bare Fastify route, 64 connections', unit: '/s', value: floor.requestsPerSecond });
  recordReads('read one secret on SQLite', ours, floor, 0.5);
  const bulk = [
    {
      method: 'GET' as const,
      path: `${BASE}/values?names=${Array.from({ length: 50 }, (_, n) => `SECRET_${String(n).padStart(7, '0')}`).join(',')}`,
    },
  ];
  const [many] = await inTurn([{ server: keyturn, requests: bulk }]);
  const secrets = (many?.requestsPerSecond ?? 0) * 50;
  record({
    name: 'read 50 secrets at once: secrets',
    unit: '/s',
    value: secrets,
    target: '≥ 100,000',
    met: secrets >= 100_000,
  });
  await bare.stop();
  await keyturn.stop();
}

/** One secret written, durable, against a bare loop of inserts into SQLite with a full sync each. */
export async function serverWrites(): Promise<void> {
  const folder = temporaryFolder();
  newVault(folder).close();
  const keyturn = await startServer('keyturn', folder);
  const db = new DatabaseSync(join(temporaryFolder(), 'bare.db'));
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, value BLOB)');
  const insert = db.prepare('INSERT INTO t (value) VALUES (?)');
  const value = Buffer.alloc(200, 7);
  const floors: number[] = [];
  const loads: number[] = [];
  let n = 0;
  const requests = Array.from({ length: 1000 }, (_, index) => ({
    method: 'PUT' as const,
    path: `${BASE}/secrets/WRITTEN_${index}`,
    headers: { 'content-type': 'application/json', 'if-match': '*', authorization: `Bearer ${keyturn.token}` },
    setupRequest: (request: autocannon.Request) => {
      n += 1;
      return { ...request, body: `{"value":"a value of a usual length, number ${n}"}` };
    },
  }));
  for (let round = 0; round < ROUNDS; round += 1) {
    const ms = timed(() => {
      for (let count = 0; count < 20_000; count += 1) insert.run(value);
    });
    floors.push(20_000 / (ms / 1000));
    loads.push((await drive(keyturn, requests)).requestsPerSecond);
  }
  const floor = median(floors);
  const ours = median(loads);
  record({ name: 'floor: bare SQLite inserts, each synced', unit: '/s', value: floor });
  record({
    name: 'write one secret on SQLite, 64 connections',
    unit: '/s',
    value: ours,
    against: 'bare inserts',
    ratio: ours / floor,
    target: '≥ 1 ×',
    met: ours >= floor,
  });
  await keyturn.stop();
}

/** The same on PostgreSQL, and three servers on one: on two cores, CPU time a request is the honest figure. */
export async function serverPostgres(): Promise<void> {
  const postgres = await startPostgres();
  const folder = temporaryFolder();
  const env = { KEYTURN_DATABASE_URL: postgres.url, SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
  const vault = EmbeddedVault.create({ ...options(folder), env }).vault;
  fill(vault, 100);
  vault.close();
  const bare = await startServer('bare');
  const servers = [await startServer('keyturn', folder, env)];
  const requests = reads(100);
  const [one] = servers;
  if (!one) throw new Error('no server');
  const [floor, ours] = await inTurn([
    { server: bare, requests },
    { server: one, requests },
  ]);
  if (!floor || !ours) throw new Error('no result');
  recordReads('read one secret on PostgreSQL', ours, floor, 0.3);
  servers.push(await startServer('keyturn', folder, env), await startServer('keyturn', folder, env));
  const everywhere = (seconds: number) =>
    Promise.all(servers.map((server) => drive({ ...server, token: one.token }, requests, seconds)));
  // Code that has just been loaded is slow.
  await everywhere(6);
  const all = await everywhere(SECONDS);
  const together = all.reduce((sum, load) => sum + load.requestsPerSecond, 0);
  record({
    name: 'three servers on one PostgreSQL: reads',
    unit: '/s',
    value: together,
    against: 'one server',
    ratio: together / ours.requestsPerSecond,
    target: '≥ 1.5 × (with cores enough)',
    met: together / ours.requestsPerSecond >= 1.5,
  });
  const cpu = median(all.map((load) => load.cpuUs));
  record({
    name: 'three servers: CPU a request',
    unit: 'µs',
    value: cpu,
    against: 'one server',
    ratio: cpu / ours.cpuUs,
  });
  for (const server of [bare, ...servers]) await server.stop();
  await postgres.stop();
}

const FEW = 100;
const MANY = 1_000_000;

/** Whether a read costs the same however many secrets there are. */
export async function serverFlat(): Promise<void> {
  const servers: BenchServer[] = [];
  for (const count of [FEW, MANY]) {
    const folder = temporaryFolder();
    const vault = newVault(folder);
    fill(vault, count);
    vault.close();
    servers.push(await startServer('keyturn', folder));
  }
  const [few, many] = servers;
  if (!few || !many) throw new Error('no server');
  const [small, large] = await inTurn([
    { server: few, requests: reads(FEW) },
    { server: many, requests: reads(MANY) },
  ]);
  if (!small || !large) throw new Error('no result');
  record({ name: `read one of ${FEW} secrets`, unit: '/s', value: small.requestsPerSecond });
  record({
    name: `read one of ${MANY} secrets (100 of them, evenly spread)`,
    unit: '/s',
    value: large.requestsPerSecond,
    against: `one of ${FEW}`,
    ratio: large.requestsPerSecond / small.requestsPerSecond,
    target: '≥ 0.9 ×',
    met: large.requestsPerSecond / small.requestsPerSecond >= 0.9,
  });
  for (const server of servers) await server.stop();
}

/** Whether memory stays as it is, over many requests: KEYTURN_BENCH_REQUESTS, 1,000,000 where not given. */
export async function serverMemory(): Promise<void> {
  const wanted = Number(process.env.KEYTURN_BENCH_REQUESTS ?? 1_000_000);
  const folder = temporaryFolder();
  const vault = newVault(folder);
  fill(vault, 100);
  vault.close();
  const server = await startServer('keyturn', folder);
  const sizes: number[] = [];
  let done = 0;
  while (done < wanted) {
    const load = await drive(server, reads(100), 20);
    done += load.requestsPerSecond * 20;
    sizes.push((await server.usage()).rssMiB);
    process.stderr.write(`\r${Math.round(done)} requests, ${sizes.at(-1)?.toFixed(0)} MiB `);
  }
  process.stderr.write('\n');
  const first = sizes[1] ?? sizes[0] ?? 0;
  const last = sizes.at(-1) ?? 0;
  record({
    name: `memory after ${Math.round(done / 1e5) / 10} million requests`,
    unit: 'MiB',
    value: last,
    against: 'after the first 40 s',
    ratio: last / first,
    target: '≤ 1.1 ×',
    met: last / first <= 1.1,
  });
  await server.stop();
}
