// Servers as processes of their own, and autocannon against them from this one, in turn.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { median } from './support.ts';

const CHILD = fileURLToPath(new URL('server.child.ts', import.meta.url));
const CONNECTIONS = 64;
export const SECONDS = 4;
export const ROUNDS = 3;
/** How many different secrets are asked for. */
const NAMES = 100;
export const BASE = '/v1/projects/default/environments/development';

export interface BenchServer {
  readonly url: string;
  readonly token: string;
  readonly child: ChildProcess;
  /** CPU time (ms) and memory (MiB) so far. */
  usage(): Promise<{ cpuMs: number; rssMiB: number }>;
  stop(): Promise<void>;
}

/** Lines one by one, none lost between two askings. */
function lineReader(input: Readable): () => Promise<string> {
  const lines = createInterface({ input })[Symbol.asyncIterator]();
  return async () => String((await lines.next()).value);
}

export async function startServer(
  kind: 'bare' | 'keyturn',
  folder = '',
  env: Record<string, string> = {},
): Promise<BenchServer> {
  const child = spawn(process.execPath, [CHILD, kind, folder], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const nextLine = lineReader(child.stdout);
  const url = await nextLine();
  const token = kind === 'bare' ? '' : await nextLine();
  return {
    url,
    token,
    child,
    async usage() {
      const line = nextLine();
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

export interface Load {
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** CPU time of the server for each request, in µs. */
  readonly cpuUs: number;
}

/** Drives a server. @param paths asked for in turn */
export async function drive(
  server: BenchServer,
  requests: readonly autocannon.Request[],
  seconds = SECONDS,
): Promise<Load> {
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

export function reads(count: number): autocannon.Request[] {
  // As many names however many there are: what a read costs is compared, not how many answers are kept in memory.
  return Array.from({ length: NAMES }, (_, n) => ({
    method: 'GET' as const,
    path: `${BASE}/secrets/SECRET_${String(Math.floor((n * count) / NAMES)).padStart(7, '0')}`,
  }));
}

/** Medians of several rounds, the servers in turn. */
export async function inTurn(
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
