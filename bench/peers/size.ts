// What Keyturn costs as it grows: secrets from a hundred to a million, audit entries from a thousand to ten million, servers from one to
// four on one PostgreSQL.
import { randomBytes } from 'node:crypto';
import { newestEntries, verifyStore } from '../../lib/audit/read.ts';
import { transaction } from '../../lib/store/operation.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { listSecrets } from '../../lib/vault/list.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { setSecret } from '../../lib/vault/write.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import { type BenchServer, drive, reads, startServer } from '../drive.ts';
import { AT, fill, median, newVault, options, temporaryFolder, timed } from '../support.ts';
import type { Panel } from './plot.ts';

const REPEATS = 200;
const ENTRIES_AT_ONCE = 1000;
const MOST_SERVERS = 4;

function show(text: string): void {
  process.stdout.write(`${text}\n`);
}

function tens(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => 10 ** (from + index));
}

/** The median of some work, in µs. */
function cost(work: (n: number) => void, repeats = REPEATS): number {
  return median(Array.from({ length: repeats }, (_, n) => timed(() => work(n)) * 1000));
}

function bySecrets(most: number): Panel {
  const open: [number, number][] = [];
  const read: [number, number][] = [];
  const write: [number, number][] = [];
  const page: [number, number][] = [];
  for (const count of tens(2, most)) {
    const folder = temporaryFolder();
    let vault = newVault(folder);
    fill(vault, count);
    vault.close();
    open.push([count, cost(() => EmbeddedVault.open(options(folder)).close(), 9)]);
    vault = EmbeddedVault.open(options(folder));
    const name = (n: number) => `SECRET_${String((n * 7919) % count).padStart(7, '0')}`;
    read.push([count, cost((n) => void vault.run(readSecret(vault.context, AT, name(n))))]);
    write.push([
      count,
      cost((n) => void vault.run(setSecret(vault.context, { at: AT, name: name(n), value: randomBytes(30) }))),
    ]);
    const after = `SECRET_${String(count - 51).padStart(7, '0')}`;
    page.push([count, cost(() => void vault.run(listSecrets(vault.context, AT, { after, limit: 50 })))]);
    vault.close();
    show(
      `${String(count).padStart(9)} secrets: open ${open.at(-1)?.[1].toFixed(0)} µs, read ${read.at(-1)?.[1].toFixed(0)}, write ${write.at(-1)?.[1].toFixed(0)}, page ${page.at(-1)?.[1].toFixed(0)}`,
    );
  }
  const curves = [
    { name: 'open the vault', points: open },
    { name: 'read one, from the disk', points: read },
    { name: 'write one, durable', points: write },
    { name: 'the last page of 50', points: page },
  ];
  return { title: 'Secrets', x: 'secrets in the vault', y: 'µs', curves, logarithmic: true };
}

/** One vault that grows: each size is measured on the way. */
function byEntries(most: number): Panel {
  const append: [number, number][] = [];
  const newest: [number, number][] = [];
  const verify: [number, number][] = [];
  const vault = newVault(temporaryFolder());
  const event = (n: number) => ({ action: 'secret.read', ...AT, secret: `SECRET_${n % 100}`, version: 1 }) as const;
  let there = 0;
  for (const count of tens(3, most)) {
    for (; there < count; there += ENTRIES_AT_ONCE) {
      const events = Array.from({ length: ENTRIES_AT_ONCE }, (_, n) => event(there + n));
      vault.run(transaction(vault.context.log(events)));
    }
    append.push([count, cost((n) => void vault.run(transaction(vault.context.log([event(n)]))))]);
    newest.push([count, cost(() => void vault.run(newestEntries({}, 50)))]);
    const ms = timed(() => {
      const { intact } = vault.run(verifyStore(vault.context.audit));
      if (!intact) throw new Error('the log does not verify');
    });
    verify.push([count, (ms * 1000) / count]);
    show(
      `${String(count).padStart(9)} entries: append ${append.at(-1)?.[1].toFixed(0)} µs, newest 50 ${newest.at(-1)?.[1].toFixed(0)}, verify ${verify.at(-1)?.[1].toFixed(1)} each`,
    );
  }
  vault.close();
  const curves = [
    { name: 'append one, durable', points: append },
    { name: 'the newest 50', points: newest },
    { name: 'verify, for each entry', points: verify },
  ];
  return { title: 'Audit entries', x: 'entries in the log', y: 'µs', curves, logarithmic: true };
}

async function byServers(): Promise<Panel> {
  const postgres = await startPostgres();
  const folder = temporaryFolder();
  const env = { KEYTURN_DATABASE_URL: postgres.url, SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
  const { vault } = EmbeddedVault.create({ ...options(folder), env });
  fill(vault, 100);
  vault.close();
  const perSecond: [number, number][] = [];
  const cpu: [number, number][] = [];
  const servers: BenchServer[] = [];
  for (let count = 1; count <= MOST_SERVERS; count += 1) {
    servers.push(await startServer('keyturn', folder, env));
    const token = servers[0]?.token ?? '';
    const all = (seconds: number) => Promise.all(servers.map((one) => drive({ ...one, token }, reads(100), seconds)));
    await all(3);
    const loads = await all(4);
    perSecond.push([count, loads.reduce((sum, one) => sum + one.requestsPerSecond, 0)]);
    cpu.push([count, median(loads.map((one) => one.cpuUs))]);
    show(`${count} servers: ${perSecond.at(-1)?.[1].toFixed(0)} reads/s, ${cpu.at(-1)?.[1].toFixed(0)} µs of CPU each`);
  }
  for (const one of servers) await one.stop();
  await postgres.stop();
  const curves = [
    { name: 'reads a second, all of them', points: perSecond },
    { name: 'CPU a read, µs', points: cpu },
  ];
  return {
    title: 'Servers on one PostgreSQL (two cores in all)',
    x: 'servers',
    y: 'reads/s, µs',
    curves,
    logarithmic: false,
  };
}

export type SizePart = 'by-secrets' | 'by-entries' | 'by-servers';

/** @param most the exponent of ten up to which it goes */
export function measureSize(part: SizePart, most: number): Panel | Promise<Panel> {
  if (part === 'by-secrets') return bySecrets(most);
  return part === 'by-entries' ? byEntries(most) : byServers();
}
