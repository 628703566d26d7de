// `npm run soak`: three servers on one PostgreSQL under a mixed load with rotations, while things go wrong around them; then everything
// that a client was told is held against the vault, its log, the provider and every byte on the disks. Ends with 1 where anything
// did not hold.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { fixedNumbers } from '../fuzz/target.ts';
import { EmbeddedVault } from '../lib/vault/embedded-vault.ts';
import { setSecret } from '../lib/vault/write.ts';
import { folderHome } from '../test/support/folder-home.ts';
import { freePort, startPostgres, type TestPostgres } from '../test/support/postgres.ts';
import { openaiAnswers } from '../test/support/provider-answers.ts';
import { type ProviderServer, startProvider } from '../test/support/provider-server.ts';
import { type Check, checkAll } from './checker.ts';
import { drawFault, type FaultPlace, mend } from './faults.ts';
import { Load } from './load.ts';
import { judgeMemory, type MemorySample } from './memory.ts';
import { searchPlain } from './plain-search.ts';
import { PLAIN_MARK, SoakRecord } from './record.ts';
import { clocksCanJump, SoakServer } from './servers.ts';

const AT = { project: 'default', environment: 'development' };
const OWNER = { email: 'owner@example.com', name: 'Olive Owner', password: 'a long enough passphrase' };
const DAY_MS = 86_400_000;
const SERVERS = 3;
const CLIENTS = 12;
/** What PostgreSQL has: small enough to be filled in a moment. */
const DISK_MIB = 2048;
/** Longer than a key of a lost call is waited for. */
const SETTLE_MS = 180_000;

const HELP = `npm run soak -- [--minutes N] [--seed N] [--keep]

  --minutes N   how long things go wrong (10)
  --seed N      of what goes wrong, and when; another one each time where not given
  --keep        leave the servers' folders and output where they are
`;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A file system of its own, where this user may make one. */
function mountDisk(folder: string): boolean {
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m,mode=755`, 'tmpfs', folder]).status === 0;
}

/** A vault with secrets that are long overdue, so that servers turn them by themselves from the first minute. */
function makeVault(folder: string, env: Record<string, string>, openaiKey: string, adminKey: string): void {
  const { vault } = EmbeddedVault.create({ home: folderHome(folder), env, clock: () => Date.now() - 100 * DAY_MS });
  const set = (name: string, value: string, intervalDays: number) =>
    vault.run(setSecret(vault.context, { at: AT, name, value: Buffer.from(value), intervalDays }));
  for (let n = 0; n < 20; n += 1) set(`S${n}_JWT_SECRET`, `${PLAIN_MARK}-${randomBytes(24).toString('base64url')}`, 90);
  set('JWT_SECRET', `${PLAIN_MARK}-${randomBytes(24).toString('base64url')}`, 3650);
  set('OPENAI_API_KEY', openaiKey, 3650);
  set('ADMIN_KEY', adminKey, 3650);
  vault.close();
}

interface Credentials {
  readonly token: string;
  readonly session: string;
}

/** The first owner, by the link that the first server prints; and a token for the load. */
async function credentials(server: SoakServer): Promise<Credentials> {
  // It is printed once the server listens.
  let link: string | undefined;
  for (let left = 100; link === undefined && left > 0; left -= 1) {
    link = /\/join#(\S+)/.exec(readFileSync(server.log, 'utf8'))?.[1];
    await wait(100);
  }
  const post = async (path: string, body: unknown, cookie?: string) => {
    const headers = { 'content-type': 'application/json', origin: server.url, ...(cookie && { cookie }) };
    const response = await fetch(server.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} was answered by ${response.status}`);
    return response;
  };
  await post('/v1/join', { link, ...OWNER });
  const signed = await post('/api/auth/sign-in/email', { email: OWNER.email, password: OWNER.password });
  const session = signed.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
  const permissions = ['read', 'write', 'list', 'rotate'];
  const made = await post('/v1/tokens', { name: 'load', ...AT, permissions }, session);
  return { session, token: ((await made.json()) as { token: string }).token };
}

interface Running {
  readonly at: FaultPlace;
  readonly record: SoakRecord;
  readonly samples: MemorySample[];
  readonly faults: Map<string, number>;
}

/** Draws faults until the time is over; shows how it goes. */
async function makeTrouble({ at, record, samples, faults }: Running, minutes: number): Promise<void> {
  const started = performance.now();
  const until = started + minutes * 60_000;
  const watch = setInterval(() => {
    const mebibytes = at.servers.at(-1)?.memory;
    if (mebibytes !== undefined) samples.push({ at: performance.now() - started, mebibytes });
    if (!process.stdout.isTTY) return;
    const { writes, reads, rotations } = record.counts;
    const left = Math.max(0, Math.round((until - performance.now()) / 1000));
    process.stdout.write(
      `\r${left} s left  ${writes} writes  ${reads} reads  ${rotations} rotations  ${record.violations.length} violations `,
    );
  }, 1000);
  try {
    while (performance.now() < until) {
      await wait(2000 + at.random(4000));
      const fault = drawFault(at);
      const second = Math.round((performance.now() - started) / 1000);
      await fault.run(at);
      const mended = await mend(at, () => at.postgres.start());
      faults.set(fault.name, (faults.get(fault.name) ?? 0) + 1);
      const { writes, reads, rotations } = record.counts;
      const also = mended.length > 0 ? `; started again: ${mended.join(', ')}` : '';
      say(
        `${String(second).padStart(5)} s  ${fault.name}${also}  (${writes} writes, ${reads} reads, ${rotations} rotations)`,
      );
    }
  } finally {
    clearInterval(watch);
  }
}

/** Rotations that are under way come to their end once nothing is wrong any more. */
async function settle(
  folder: string,
  env: Record<string, string>,
  record: SoakRecord,
  provider: ProviderServer,
): Promise<Check[]> {
  const until = performance.now() + SETTLE_MS;
  for (;;) {
    const vault = EmbeddedVault.open({ home: folderHome(folder), env });
    const checks = checkAll(vault, record, provider);
    vault.close();
    const pending = checks.some((one) => one.wrong.length > 0);
    if (!pending || performance.now() > until) return checks;
    await wait(5000);
  }
}

function coresBelow(folders: readonly string[]): string[] {
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /^core(\.|$)/.test(name))
      .map((name) => join(folder, name)),
  );
}

/** Everything that this run may have written: its own folders, and what is new in the folder for temporary files. */
function writtenSince(began: number, own: readonly string[]): string[] {
  const temporary = readdirSync(tmpdir())
    .map((name) => join(tmpdir(), name))
    .filter((path) => !own.some((one) => path === one))
    .filter((path) => /keyturn|^core|node/i.test(path.slice(tmpdir().length + 1)))
    .filter((path) => (statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0) >= began);
  return [...own, ...temporary];
}

function plainCheck(folders: readonly string[], provider: ProviderServer): Check {
  const texts = [PLAIN_MARK, ...provider.keys.map((one) => one.value).slice(-60)];
  const searched = searchPlain(folders, texts);
  const wrong = searched.found.map(({ path, how, needle }) => `${path} has planted value ${needle} ${how}`);
  const looked = `${searched.files} files, ${Math.round(searched.bytes / 2 ** 20)} MiB, ${texts.length} values in six forms each`;
  return { what: 'no plain value in any file, log, core or write-ahead log', wrong, looked };
}

function show(checks: readonly Check[]): boolean {
  for (const { what, wrong, looked } of checks) {
    say(`${wrong.length === 0 ? '✓' : '✗'} ${what} (${looked})`);
    for (const one of wrong.slice(0, 10)) say(`    ${one}`);
    if (wrong.length > 10) say(`    … and ${wrong.length - 10} more`);
  }
  return checks.every((one) => one.wrong.length === 0);
}

interface SoakOptions {
  readonly minutes: number;
  readonly seed: number;
  /** Leaves the folders of the servers, with all that they wrote. */
  readonly keep: boolean;
}

async function soak({ minutes, seed, keep }: SoakOptions): Promise<boolean> {
  const began = Date.now();
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-soak-'));
  const disk = mkdtempSync(join(tmpdir(), 'keyturn-soak-disk-'));
  chmodSync(disk, 0o755);
  const mounted = mountDisk(disk);
  if (!mounted) say('A disk of its own cannot be mounted by this user: it is not filled in this run.');
  if (!clocksCanJump) say('libfaketime is not there (Debian: faketime): no clock is moved in this run.');
  const { provider, stop: stopProvider } = await startProvider(openaiAnswers);
  let postgres: TestPostgres | undefined;
  const servers: SoakServer[] = [];
  try {
    postgres = await startPostgres(disk, ['-c', 'max_wal_size=256MB', '-c', 'log_parameter_max_length_on_error=-1']);
    const env = { KEYTURN_DATABASE_URL: postgres.url, SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const openai = provider.addKey('sk-proj-firstT3BlbkFJfirst0123456789').value;
    const admin = provider.addKey('sk-admin-xT3BlbkFJadmin0123456789').value;
    makeVault(folder, env, openai, admin);
    const config = {
      providers: { openai: { baseUrl: provider.url, admin: 'ADMIN_KEY', project: 'p', serviceAccount: 's' } },
    };
    for (let n = 0; n < SERVERS; n += 1) {
      const server = new SoakServer(`server ${n + 1}`, join(folder, `server-${n + 1}`), await freePort(), env);
      writeFileSync(join(server.folder, 'keyturn.config.json'), JSON.stringify(config));
      servers.push(server);
    }
    const [first] = servers;
    await first?.start();
    if (!first?.running) throw new Error(`the first server did not start: ${first && readFileSync(first.log, 'utf8')}`);
    // Each server that starts without an owner prints a link of its own, which takes the place of the one before.
    const known = await credentials(first);
    for (const server of servers.slice(1)) await server.start();
    const record = new SoakRecord();
    const load = new Load({ servers, ...known, record, clients: CLIENTS });
    const numbers = fixedNumbers(seed);
    const at: FaultPlace = {
      servers,
      postgres,
      provider,
      disk: mounted ? disk : undefined,
      random: (below) => numbers() % below,
    };
    const running: Running = { at, record, samples: [], faults: new Map() };
    say(`${SERVERS} servers, PostgreSQL and ${CLIENTS + 3} clients run for ${minutes} minutes; seed ${seed}.`);
    await makeTrouble(running, minutes);
    await load.end();
    provider.faults.length = 0;
    say('Waiting for rotations to end, and checking …');
    const checks = await settle(folder, env, record, provider);
    for (const server of servers) await server.kill('SIGTERM');
    const memory = judgeMemory(running.samples);
    checks.push({
      what: 'the memory of the server that was never ended is flat',
      wrong: memory.flat ? [] : [`${memory.early.toFixed(0)} MiB early, ${memory.late.toFixed(0)} MiB late`],
      looked: `${memory.early.toFixed(0)} MiB in the second quarter, ${memory.late.toFixed(0)} in the last`,
    });
    writeFileSync(join(folder, 'postgres.log'), postgres.log());
    const cores = coresBelow([folder, ...servers.map((one) => one.folder)]);
    checks.push({
      what: 'no server left a core',
      wrong: cores,
      looked: `${servers.reduce((sum, one) => sum + one.lives, 0)} lives of servers`,
    });
    checks.push(plainCheck(writtenSince(began, [folder, disk]), provider));
    say('');
    for (const [name, count] of running.faults) say(`${String(count).padStart(4)} × ${name}`);
    const { counts } = record;
    say(`${counts.lost} calls got no answer, ${counts.refused} were told to come again.`);
    say('');
    return show(checks);
  } finally {
    for (const server of servers) await server.kill('SIGKILL');
    if (postgres?.running()) await postgres.stop();
    stopProvider();
    if (mounted) spawnSync('umount', [disk]);
    if (!keep) rmSync(folder, { recursive: true, force: true });
    else say(`Kept: ${folder}`);
    rmSync(disk, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (values.help || !(minutes > 0) || !Number.isInteger(seed)) {
  process.stdout.write(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  process.exitCode = (await soak({ minutes, seed, keep: values.keep })) ? 0 : 1;
}
