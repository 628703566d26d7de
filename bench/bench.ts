// The numbers that the project wants to reach, each beside its floor in the same run.
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { verifyStore } from '../lib/audit/read.ts';
import { a256cbcHs512 } from '../lib/crypto/suites/a256cbc-hs512.ts';
import { a256gcm } from '../lib/crypto/suites/a256gcm.ts';
import { SecretsManager } from '../lib/secrets-manager.ts';
import { validate } from '../lib/validation/validate.ts';
import { DataKeyRotation, rotateRootKey } from '../lib/vault/data-keys.ts';
import { EmbeddedVault } from '../lib/vault/embedded-vault.ts';
import { listSecrets } from '../lib/vault/list.ts';
import { readSecret } from '../lib/vault/read.ts';
import { beginRootKeyFileChange, finishRootKeyFileChange } from '../lib/vault/root-key-files.ts';
import { setSecret } from '../lib/vault/write.ts';
import { anomalies } from './anomalies.ts';
import { consoleInBrowser } from './console.ts';
import { leaks } from './leaks.ts';
import { serverFlat, serverMemory, serverPostgres, serverReads, serverWrites } from './server.ts';
import {
  AT,
  fill,
  median,
  medians,
  newVault,
  options,
  record,
  temporaryFolder,
  timed,
  writeResults,
} from './support.ts';

import { liveChecks, rotations, tick } from './turning.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CHECK_MEMORY = join(ROOT, 'bench', 'open.child.ts');

async function ciphers(): Promise<void> {
  const value = randomBytes(64);
  const context = Buffer.from('associated data of a usual length, some sixty bytes of it');
  for (const suite of [a256cbcHs512, a256gcm]) {
    const keys = suite.importKeys(randomBytes(64));
    const iv = randomBytes(suite.ivBytes);
    const sealed = suite.seal(keys, iv, value, context);
    const result = await medians({
      seal: () => void suite.seal(keys, iv, value, context),
      open: () => void suite.open(keys, iv, sealed, context),
    });
    record({ name: `${suite.name}: seal 64 B`, unit: 'µs', value: result.seal ?? 0 });
    record({ name: `${suite.name}: open 64 B`, unit: 'µs', value: result.open ?? 0 });
  }
}

async function reads(): Promise<void> {
  const folder = temporaryFolder();
  const vault = newVault(folder);
  fill(vault, 100);
  const base = { directory: folder, env: {} };
  const cached = new SecretsManager(base);
  const uncached = new SecretsManager({ ...base, cachedValues: 0 });
  const names = Array.from({ length: 100 }, (_, n) => `SECRET_${String(n).padStart(7, '0')}`);
  for (const name of names) for (const manager of [cached, uncached]) manager.getSecret(name);
  const plain = new Map(names.map((name) => [name, Buffer.from('a value of a usual length, 40 bytes long')]));
  let n = 0;
  const name = () => {
    n = (n + 1) % 100;
    return names[n] ?? '';
  };
  const result = await medians({
    floor: () => void plain.get(name().toUpperCase())?.toString('utf8'),
    cached: () => void cached.getSecret(name()),
    uncached: () => void uncached.getSecret(name()),
  });
  const { floor = 0, cached: warm = 0, uncached: sealed = 0 } = result;
  record({ name: 'floor: Map look-up and UTF-8 decoding', unit: 'µs', value: floor });
  record({
    name: 'getSecret, warm',
    unit: 'µs',
    value: warm,
    against: 'floor',
    ratio: warm / floor,
    target: '≤ 2 µs',
    met: warm <= 2,
  });
  record({
    name: 'getSecret, no value kept open',
    unit: 'µs',
    value: sealed,
    against: 'floor',
    ratio: sealed / floor,
    target: '≤ 25 µs',
    met: sealed <= 25,
  });
  cached.close();
  uncached.close();
  vault.close();
}

/** The floor: one row into a table with one index-less blob, committed with a full sync. */
function bareInsert(): { insert: () => void; close: () => void } {
  const db = new DatabaseSync(join(temporaryFolder(), 'bare.db'));
  db.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t (id INTEGER PRIMARY KEY, value BLOB)');
  const statement = db.prepare('INSERT INTO t (value) VALUES (?)');
  const value = randomBytes(120);
  return { insert: () => void statement.run(value), close: () => db.close() };
}

function writes(): void {
  const vault = newVault();
  const bare = bareInsert();
  const floors: number[] = [];
  const sets: number[] = [];
  // In turn, so that a slow moment of the disk meets both.
  for (let n = 0; n < 2000; n += 1) {
    floors.push(timed(bare.insert) * 1000);
    const value = randomBytes(32).toString('base64url');
    sets.push(
      timed(() => vault.run(setSecret(vault.context, { at: AT, name: 'JWT_SECRET', value: Buffer.from(value) }))) *
        1000,
    );
  }
  const floor = median(floors);
  const set = median(sets);
  record({ name: 'floor: one bare SQLite insert, FULL sync', unit: 'µs', value: floor });
  record({
    name: 'setSecret, durable, with its audit entry',
    unit: 'µs',
    value: set,
    against: 'floor',
    ratio: set / floor,
    target: '≤ 1.5 ×',
    met: set / floor <= 1.5,
  });
  bare.close();
  vault.close();
}

function validation(): void {
  const vault = newVault();
  fill(vault, 10_000);
  const environment = vault.context.environment(AT);
  const ms = timed(() => vault.run(validate(vault.context, [environment])));
  record({
    name: 'validate 10,000 secrets (1 in 10 chosen by a person)',
    unit: 'ms',
    value: ms,
    target: '< 5,000 ms',
    met: ms < 5000,
  });
  vault.close();
}

function large(): void {
  const folder = temporaryFolder();
  const count = 100_000;
  let vault = newVault(folder);
  const filling = timed(() => fill(vault, count));
  record({ name: '100,000 secrets: set, 1,000 a transaction', unit: 'ms', value: filling });
  vault.close();
  const opens = Array.from({ length: 5 }, () => {
    let opened: EmbeddedVault | undefined;
    const ms = timed(() => {
      opened = EmbeddedVault.open(options(folder));
      opened.run(readSecret(opened.context, AT, 'SECRET_0050000'));
    });
    opened?.close();
    return ms;
  });
  record({
    name: '100,000 secrets: open, and read one',
    unit: 'ms',
    value: median(opens),
    target: '< 300 ms',
    met: median(opens) < 300,
  });
  const child = JSON.parse(execFileSync(process.execPath, [CHECK_MEMORY, folder], { encoding: 'utf8' }));
  record({
    name: '100,000 secrets: memory of a process that has it open',
    unit: 'MiB',
    value: child.rssMiB,
    target: '< 150 MiB',
    met: child.rssMiB < 150,
  });
  vault = EmbeddedVault.open(options(folder));
  const page = (after: string) =>
    median(
      Array.from({ length: 50 }, () => timed(() => vault.run(listSecrets(vault.context, AT, { after, limit: 50 })))),
    );
  const [first, last] = [page(''), page('SECRET_0099940')];
  record({ name: 'list: first page of 50', unit: 'ms', value: first });
  record({
    name: 'list: last page of 50',
    unit: 'ms',
    value: last,
    against: 'first page',
    ratio: last / first,
    target: 'flat',
    met: last / first < 1.5,
  });
  const root = timed(() => {
    const next = beginRootKeyFileChange(vault.home, vault.context.random);
    vault.run(rotateRootKey(vault.context, next.rootKey(undefined), undefined));
    finishRootKeyFileChange(vault.home);
  });
  record({
    name: '100,000 secrets: rotate the root key',
    unit: 'ms',
    value: root,
    target: '< 1,000 ms',
    met: root < 1000,
  });
  reseal(vault, folder);
  vault.close();
}

/** Re-seals everything while another opening of the vault reads between batches. */
function reseal(vault: EmbeddedVault, folder: string): void {
  const reader = EmbeddedVault.open(options(folder));
  const rotation = new DataKeyRotation(vault.context, AT);
  const waits: number[] = [];
  let reading = 0;
  const ms = timed(() => {
    vault.run(rotation.begin());
    while (vault.run(rotation.step())) {
      const one = timed(() =>
        reader.run(readSecret(reader.context, AT, `SECRET_00${10_000 + ((waits.length * 97) % 80_000)}`)).value.fill(0),
      );
      waits.push(one);
      reading += one;
    }
    vault.run(rotation.finish());
  });
  record({
    name: '100,000 secrets: re-seal all under a new data key',
    unit: 'ms',
    value: ms - reading,
    target: '< 60,000 ms',
    met: ms < 60_000,
  });
  record({ name: '… a read of another process meanwhile', unit: 'ms', value: median(waits) });
  reader.close();
}

function startUp(): void {
  const folder = temporaryFolder();
  const vault = newVault(folder);
  fill(vault, 20);
  vault.close();
  const command = join(ROOT, 'bin', 'keyturn.cjs');
  const run = (args: string[]) => timed(() => void spawnSync(process.execPath, args, { cwd: folder, stdio: 'ignore' }));
  for (let n = 0; n < 3; n += 1) run([command, 'run', '--', 'true']);
  const floors: number[] = [];
  const runs: number[] = [];
  for (let n = 0; n < 40; n += 1) {
    floors.push(run(['-e', '0']));
    runs.push(run([command, 'run', '--', 'true']));
  }
  const floor = median(floors);
  const ms = median(runs);
  record({ name: 'floor: node -e 0', unit: 'ms', value: floor });
  record({
    name: 'keyturn run -- true (20 secrets)',
    unit: 'ms',
    value: ms,
    against: 'node -e 0',
    ratio: ms / floor,
    target: '≤ 1.6 ×',
    met: ms / floor <= 1.6,
  });
  const checks = Array.from({ length: 15 }, () => run([command, 'check']));
  record({
    name: 'keyturn check (20 secrets)',
    unit: 'ms',
    value: median(checks),
    target: '< 300 ms',
    met: median(checks) < 300,
  });
}

function auditLog(): void {
  const vault = newVault();
  fill(vault, 20_000);
  let entries = 0;
  const ms = timed(() => {
    entries = vault.run(verifyStore(vault.context.audit)).entries;
  });
  record({ name: 'audit verify, with MACs', unit: '/s', value: (entries / ms) * 1000 });
  vault.close();
}

/** Starts first: a parent with a large heap starts children more slowly. */
const PARTS: Readonly<Record<string, () => void | Promise<void>>> = {
  startUp,
  serverReads,
  serverWrites,
  serverPostgres,
  serverFlat,
  serverMemory,
  ciphers,
  reads,
  writes,
  validation,
  large,
  auditLog,
  rotations,
  tick,
  liveChecks,
  consoleInBrowser,
  leaks,
  anomalies,
};
const wanted = process.argv.slice(2);
for (const [name, part] of Object.entries(PARTS)) if (wanted.length === 0 || wanted.includes(name)) await part();
if (wanted.length === 0) writeResults();
