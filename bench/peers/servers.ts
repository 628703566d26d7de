// Servers: one secret read and written by HTTP with everything audited and durable, beside OpenBao (or Vault) with KV v2 and a file audit
// device; Transit beside the envelope that Keyturn seals by itself; bare Fastify and bare SQLite as the floors.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import autocannon from 'autocannon';
import { sealEnvelope } from '../../lib/crypto/envelope.ts';
import { systemRandom } from '../../lib/crypto/random.ts';
import { SealingKey } from '../../lib/crypto/sealing-key.ts';
import { DEFAULT_SUITE } from '../../lib/crypto/suites/registry.ts';
import { BASE, reads, startServer } from '../drive.ts';
import { fill, median, newVault, temporaryFolder, timed } from '../support.ts';
import { type Bao, baoEncrypts, baoReads, baoWrites, fillBao, startBao } from './bao.ts';
import { report } from './peer.ts';

const CONNECTIONS = 64;
const SECONDS = 4;
const ROUNDS = 3;
const NAMES = 100;
const WRITTEN = 1000;
/** Of CLK_TCK, which is 100 on every Linux that Node runs on. */
const TICK_MS = 10;

interface Contender {
  readonly who: string;
  readonly url: string;
  readonly pid: number;
  readonly headers: Record<string, string>;
  readonly requests: readonly autocannon.Request[];
}

interface Driven {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly cpuUs: number;
}

/** CPU time of a process so far, in ms: the fields utime and stime (proc_pid_stat(5)). */
function cpuMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

async function drive({ url, pid, headers, requests }: Contender, seconds: number): Promise<Driven> {
  const before = cpuMs(pid);
  const result = await autocannon({
    url,
    connections: CONNECTIONS,
    duration: seconds,
    headers,
    requests: [...requests],
  });
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} were no success, ${result.errors} failed`);
  const total = result.requests.total;
  return {
    perSecond: total / result.duration,
    p99Ms: result.latency.p99,
    cpuUs: ((cpuMs(pid) - before) * 1000) / total,
  };
}

async function compareServers(work: string, contenders: readonly Contender[]): Promise<void> {
  const rounds = contenders.map(() => [] as Driven[]);
  for (const one of contenders) await drive(one, 1);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [index, one] of contenders.entries()) rounds[index]?.push(await drive(one, SECONDS));
  }
  const medians = rounds.map((all) => ({
    perSecond: median(all.map((one) => one.perSecond)),
    p99Ms: median(all.map((one) => one.p99Ms)),
    cpuUs: median(all.map((one) => one.cpuUs)),
  }));
  for (const [index, { who }] of contenders.entries()) {
    const { perSecond = 0, p99Ms = 0, cpuUs = 0 } = medians[index] ?? {};
    const ratio = index === 0 ? undefined : perSecond / (medians[0]?.perSecond ?? 1);
    report({
      work,
      who,
      value: perSecond,
      unit: '/s',
      ratio,
      note: `p99 ${p99Ms} ms, ${cpuUs.toFixed(0)} µs CPU each`,
    });
  }
}

function baoContender(bao: Bao, requests: readonly autocannon.Request[]): Contender {
  return { who: bao.who, url: bao.url, pid: bao.child.pid ?? 0, headers: { 'x-vault-token': bao.token }, requests };
}

/** One value sealed, in this process: what Transit does for whoever has no key. */
function sealing(bao: Driven | undefined, who: string): void {
  const value = randomBytes(64);
  const key = new SealingKey(randomBytes(16), randomBytes(32));
  const context = ['bench', 'a', 'b'];
  const count = 20_000;
  const work = 'seal 64 bytes';
  const rate = (ms: number) => count / (ms / 1000);
  const times: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    times.push(
      timed(() => {
        for (let n = 0; n < count; n += 1) sealEnvelope(key, DEFAULT_SUITE, context, value, systemRandom);
      }),
    );
    const keys = DEFAULT_SUITE.importKeys(randomBytes(DEFAULT_SUITE.keyBytes));
    const iv = randomBytes(DEFAULT_SUITE.ivBytes);
    bare.push(
      timed(() => {
        for (let n = 0; n < count; n += 1) DEFAULT_SUITE.seal(keys, iv, value, iv);
      }),
    );
  }
  const ours = rate(median(times));
  report({
    work,
    who: 'Keyturn, in the process',
    value: ours,
    unit: '/s',
    ratio: undefined,
    note: 'A256CBC-HS512, one core',
  });
  report({
    work,
    who: 'floor: node:crypto alone',
    value: rate(median(bare)),
    unit: '/s',
    ratio: rate(median(bare)) / ours,
  });
  const note = bao ? `Transit over HTTP, 64 connections, ${bao.cpuUs.toFixed(0)} µs CPU each` : 'Transit';
  report({ work, who, value: bao?.perSecond, unit: '/s', ratio: bao && bao.perSecond / ours, note });
}

export async function servers(): Promise<void> {
  const folder = temporaryFolder();
  const vault = newVault(folder);
  fill(vault, NAMES);
  vault.close();
  const keyturn = await startServer('keyturn', folder);
  const bare = await startServer('bare');
  const bao = await startBao();
  const names = Array.from({ length: NAMES }, (_, n) => `SECRET_${String(n).padStart(7, '0')}`);
  if (bao) await fillBao(bao, names);
  const as = { authorization: `Bearer ${keyturn.token}` };
  const ours = { who: 'Keyturn on SQLite', url: keyturn.url, pid: keyturn.child.pid ?? 0 };
  const missing = (work: string) =>
    report({ work, who: 'OpenBao or Vault', value: undefined, unit: '/s', ratio: undefined });

  const reading = 'read one secret by HTTP, 64 connections';
  await compareServers(reading, [
    { ...ours, headers: as, requests: reads(NAMES) },
    ...(bao ? [baoContender(bao, baoReads(names))] : []),
    { who: 'floor: bare Fastify', url: bare.url, pid: bare.child.pid ?? 0, headers: {}, requests: reads(NAMES) },
  ]);
  if (!bao) missing(reading);

  let written = 0;
  const writing = 'write one secret by HTTP, 64 connections';
  await compareServers(writing, [
    {
      ...ours,
      headers: { ...as, 'content-type': 'application/json', 'if-match': '*' },
      requests: Array.from({ length: WRITTEN }, (_, n) => ({
        method: 'PUT' as const,
        path: `${BASE}/secrets/WRITTEN_${n}`,
        // Another value each time: the same one again would be no new version.
        setupRequest: (request: autocannon.Request) => {
          written += 1;
          return { ...request, body: `{"value":"a value of a usual length, number ${written}"}` };
        },
      })),
    },
    ...(bao ? [baoContender(bao, baoWrites(WRITTEN))] : []),
  ]);
  if (!bao) missing(writing);
  bareInserts(writing);

  const encrypt = bao && (await drive(baoContender(bao, baoEncrypts(randomBytes(64))), SECONDS));
  sealing(encrypt, bao?.who ?? 'OpenBao or Vault');
  await keyturn.stop();
  await bare.stop();
  await bao?.stop();
}

/** The floor of a write that is durable by itself. */
function bareInserts(work: string): void {
  const db = new DatabaseSync(join(temporaryFolder(), 'bare.db'));
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, value BLOB)');
  const insert = db.prepare('INSERT INTO t (value) VALUES (?)');
  const value = Buffer.alloc(200, 7);
  const count = 10_000;
  const rates = Array.from(
    { length: ROUNDS },
    () =>
      count /
      (timed(() => {
        for (let n = 0; n < count; n += 1) insert.run(value);
      }) /
        1000),
  );
  report({
    work,
    who: 'floor: bare SQLite inserts',
    value: median(rates),
    unit: '/s',
    ratio: undefined,
    note: 'each synced, one after the other',
  });
  db.close();
}
