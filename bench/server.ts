// The server's numbers: autocannon from this process against servers of their own, each beside its floor, in turn.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { fill, median, newVault, record, temporaryFolder, timed } from './support.ts';

const CHILD = fileURLToPath(new URL('server.child.ts', import.meta.url));
const CONNECTIONS = 64;
const SECONDS = 4;
const ROUNDS = 3;
const BASE = '/v1/projects/default/environments/development';

interface BenchServer {
  readonly url: string;
  readonly token: string;
  readonly child: ChildProcess;
  /** CPU time (ms) and memory (MiB) so far. */
  usage(): Promise<{ cpuMs: number; rssMiB: number }>;
  stop(): Promise<void>;
}

function nextLine(lines: Interface): Promise<string> {
  return new Promise((resolve) => lines.once('line', resolve));
}

async function startServer(
  kind: 'bare' | 'keyturn',
  folder = '',
  env: Record<string, string> = {},
): Promise<BenchServer> {
  const child = spawn(process.execPath, [CHILD, kind, folder], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const url = await nextLine(lines);
  const token = kind === 'bare' ? '' : await nextLine(lines);
  return {
    url,
    token,
    child,
    async usage() {
      const line = nextLine(lines);
      child.kill('SIGUSR2');
      return JSON.parse(await line) as { cpuMs: number; rssMiB: number };
    },
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    },
  };
}

interface Load {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server for each request, in µs. */
  readonly cpuUs: number;
}

/** Drives a server. @param paths asked for in turn */
async function drive(server: BenchServer, requests: readonly autocannon.Request[], seconds = SECONDS): Promise<Load> {
  const before = await server.usage();
  const result = await autocannon({
    url: server.url,
    connections: CONNECTIONS,
    duration: seconds,
    requests: [...requests],
    headers: { authorization: `Bearer ${server.token}` },
  });
  const after = await server.usage();
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} answers were no success, ${result.errors} failed`);
  const total = result.requests.total;
  return {
    requestsPerSecond: total / result.duration,
    p99Ms: result.latency.p99,
    cpuUs: ((after.cpuMs - before.cpuMs) * 1000) / total,
  };
}

function reads(count: number): autocannon.Request[] {
  return Array.from({ length: Math.min(count, 1000) }, (_, n) => ({
    method: 'GET' as const,
    path: `${BASE}/secrets/SECRET_${String(Math.floor((n * count) / Math.min(count, 1000))).padStart(7, '0')}`,
  }));
}

/** Medians of several rounds, the servers in turn. */
async function inTurn(
  servers: readonly { server: BenchServer; requests: readonly autocannon.Request[] }[],
): Promise<Load[]> {
  const rounds: Load[][] = servers.map(() => []);
  for (const { server, requests } of servers) await drive(server, requests, 1);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, { server, requests }] of servers.entries()) rounds[index]?.push(await drive(server, requests));
  }
  return rounds.map((loads) => ({
    requestsPerSecond: median(loads.map((one) => one.requestsPerSecond)),
    p99Ms: median(loads.map((one) => one.p99Ms)),
    cpuUs: median(loads.map((one) => one.cpuUs)),
  }));
}

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
