// Server processes killed under load: what they have answered is on the disk, the log has it, and nothing is done twice.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Pool } from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { forEachEntry, verifyStore } from '../../lib/audit/read.ts';
import { all } from '../../lib/store/operation.ts';
import { poolConfig } from '../../lib/store/postgres/connection.ts';
import type { AuditEntryTable } from '../../lib/store/schema.ts';
import { selectRotationsSince } from '../../lib/store/statements/rotations.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { vaultHome } from '../../lib/vault/home.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { ROOT } from '../support/command.ts';
import { startPostgres } from '../support/postgres.ts';
import { joinAsOwner, ownerCookie, type ServeProcess, serve } from '../support/serve.ts';
import { type Answer, BASE, call } from '../support/server.ts';
import { DEVELOPMENT, temporaryFolder } from '../support/vault.ts';

/** Makes the owner by the server's link, and a token for the load. */
async function tokenOf(server: ServeProcess): Promise<string> {
  const { url } = server;
  const as = await joinAsOwner(server);
  const body = {
    name: 'load',
    project: 'default',
    environment: 'development',
    permissions: ['read', 'write', 'list', 'rotate'],
  };
  return (await call(url, 'POST', '/v1/tokens', { as, body })).body.token;
}

interface Acknowledged {
  /** What was answered last, by name. */
  readonly written: Map<string, { value: string; version: number }>;
  /** How often each version of a name was given out. */
  readonly reads: Map<string, number>;
  readonly rotations: Set<string>;
}

/** Clients that write, read and rotate until they are told to stop, whatever becomes of the servers. */
class Load {
  readonly acknowledged: Acknowledged = { written: new Map(), reads: new Map(), rotations: new Set() };
  errors = 0;
  #stop = false;
  readonly #clients: Promise<void>[];
  readonly #urls: () => readonly string[];
  readonly #token: string;

  constructor(urls: () => readonly string[], token: string, clients: number) {
    this.#urls = urls;
    this.#token = token;
    this.#clients = Array.from({ length: clients }, (_, index) => this.#client(index));
  }

  async end(): Promise<void> {
    this.#stop = true;
    await Promise.all(this.#clients);
  }

  async #client(index: number): Promise<void> {
    for (let n = 0; !this.#stop; n += 1) {
      const name = `C${index}_${n % 7}`;
      const value = `value-${index}-${n}-${'x'.repeat(n % 50)}`;
      // One client a name: what it was told last is what has to be there, or what it has asked for since.
      const set = await this.#ask(index + n, 'PUT', `${BASE}/secrets/${name}`, { value }, { 'if-match': '*' });
      if (set?.status === 200 || set?.status === 201)
        this.acknowledged.written.set(name, { value, version: set.body.version });
      else this.acknowledged.written.delete(name);
      const read = await this.#ask(index + n + 1, 'GET', `${BASE}/secrets/${name}`);
      if (read?.status === 200) {
        const key = `${name}@${read.body.version}`;
        this.acknowledged.reads.set(key, (this.acknowledged.reads.get(key) ?? 0) + 1);
      }
      if (n % 10 === 9) {
        const rotated = await this.#ask(index + n, 'POST', `${BASE}/secrets/JWT_SECRET/rotate`, { graceMs: 500 });
        if (rotated?.status === 200) this.acknowledged.rotations.add(rotated.body.id);
      }
    }
  }

  async #ask(
    turn: number,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer | undefined> {
    const urls = this.#urls();
    const url = urls[turn % urls.length];
    if (url === undefined) return undefined;
    try {
      return await call(url, method, path, { as: this.#token, body, ...(headers && { headers }) });
    } catch {
      // The server is gone: what it was asked may or may not be done.
      this.errors += 1;
      await wait(20);
      return undefined;
    }
  }
}

/** Compares what clients were told with what is there. */
function check(vault: EmbeddedVault, { written, reads, rotations }: Acknowledged): void {
  const entries: AuditEntryTable[] = [];
  vault.run(forEachEntry((entry) => entries.push(entry)));
  const logged = new Map<string, number>();
  for (const entry of entries.filter((one) => one.action === 'secret.read' && one.outcome === 'ok')) {
    const key = `${entry.secret}@${entry.version}`;
    logged.set(key, (logged.get(key) ?? 0) + 1);
  }
  const unlogged = [...reads].filter(([key, count]) => (logged.get(key) ?? 0) < count);
  expect(unlogged, 'reads that were answered and are not in the log').toEqual([]);
  const sets = new Set(
    entries.filter((one) => one.action === 'secret.set').map((one) => `${one.secret}@${one.version}`),
  );
  const lost: string[] = [];
  for (const [name, { value, version }] of written) {
    const opened = vault.run(readSecret(vault.context, DEVELOPMENT, name));
    if (opened.version !== version || opened.value.toString() !== value)
      lost.push(`${name}: ${opened.version} instead of ${version}`);
    if (!sets.has(`${name}@${version}`)) lost.push(`${name}@${version} is not in the log`);
  }
  expect(lost, 'writes that were acknowledged and are not there').toEqual([]);
  const rows = vault.run(all(selectRotationsSince, { since: 0, limit: 100_000 }));
  for (const id of rotations)
    expect(
      rows.some((row) => row.id === id),
      `rotation ${id}`,
    ).toBe(true);
  // Each step of each rotation was taken once, whichever servers were at it.
  const moves = entries
    .filter((one) => one.action === 'rotation.move')
    .map((one) => `${JSON.parse(one.details ?? '{}').rotation} ${JSON.parse(one.details ?? '{}').to}`);
  expect(moves.length).toBe(new Set(moves).size);
  expect(vault.run(verifyStore(vault.context.audit))).toMatchObject({ intact: true, complete: true });
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesBelow(path) : [path];
  });
}

describe('a server on SQLite', () => {
  it('killed under load has on the disk whatever it has answered', async () => {
    const folder = temporaryFolder();
    let server = await serve(folder, {});
    const token = await tokenOf(server);
    await call(server.url, 'PUT', `${BASE}/secrets/JWT_SECRET`, {
      as: token,
      body: { value: 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf' },
    });
    const load = new Load(() => [server.url], token, 16);
    for (let round = 0; round < 3; round += 1) {
      await wait(1_500);
      await server.kill('SIGKILL');
      server = await serve(folder, {});
    }
    // However busy the machine is: enough of it was answered after the last start.
    await expect.poll(() => load.acknowledged.written.size, { timeout: 60_000 }).toBeGreaterThan(50);
    await load.end();
    await server.kill('SIGTERM');
    expect(load.errors).toBeGreaterThan(0);
    expect(load.acknowledged.written.size).toBeGreaterThan(50);
    const vault = EmbeddedVault.open({ home: vaultHome(folder, { KEYTURN_HOME: `${folder}/.keyturn` }), env: {} });
    check(vault, load.acknowledged);
    vault.close();
    // And nothing of it is in the clear anywhere.
    for (const file of filesBelow(folder)) expect(readFileSync(file).includes('value-1-'), file).toBe(false);
  });
});

it('leaves no core, whatever whoever starts it allows: its memory holds values', async () => {
  const folder = temporaryFolder();
  const script = 'ulimit -c unlimited && exec "$0" "$@"';
  const args = ['-c', script, process.execPath, `${ROOT}/bin/keyturn.cjs`, 'serve', '--port', '0'];
  const env = { PATH: process.env.PATH ?? '', KEYTURN_HOME: `${folder}/.keyturn`, KEYTURN_LIVE: 'off' };
  const child = spawn('/bin/sh', args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'ignore'] });
  const gone = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await expect.poll(() => output).toContain('Keyturn serves at');
  // The same process still: whoever started it can end it.
  expect(readFileSync(`/proc/${child.pid}/limits`, 'utf8')).toMatch(/^Max core file size\s+0\s+/m);
  child.kill('SIGABRT');
  expect(await gone).toBe('SIGABRT');
  expect(readdirSync(folder).filter((name) => name.startsWith('core'))).toEqual([]);
});

describe('three servers on one PostgreSQL', () => {
  it('a connection that ends in the middle of a transaction fails what uses it, and not the process', async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.stop());
    const pool = new Pool(poolConfig(postgres.url, 2));
    pool.on('error', () => undefined);
    onTestFinished(() => pool.end());
    const client = await pool.connect();
    await client.query('begin');
    const { rows } = await client.query('select pg_backend_pid() as pid');
    const gone = new Promise((resolve) => client.once('end', resolve));
    await pool.query('select pg_terminate_backend($1)', [rows[0].pid]);
    await gone;
    // Nothing was asked when it broke: an error event that nobody hears would end this process (Vitest tells of it).
    await expect(client.query('commit')).rejects.toThrow();
    client.release(true);
    expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  it('killed in turn under load, PostgreSQL crashed once: nothing acknowledged is lost, and nothing is done twice', async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.stop());
    const folder = temporaryFolder();
    const env = { KEYTURN_DATABASE_URL: postgres.url, SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const servers = [await serve(folder, env)];
    const [first] = servers;
    if (!first) throw new Error('no server');
    const token = await tokenOf(first);
    await call(first.url, 'PUT', `${BASE}/secrets/JWT_SECRET`, {
      as: token,
      body: { value: 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf' },
    });
    servers.push(...(await Promise.all([serve(folder, env), serve(folder, env)])));
    const load = new Load(() => servers.map((one) => one.url), token, 12);
    for (let index = 0; index < 3; index += 1) {
      await wait(2_000);
      await servers[index]?.kill('SIGKILL');
      servers[index] = await serve(folder, env);
    }
    await wait(1_000);
    const start = await postgres.crash();
    await wait(500);
    await start();
    await wait(3_000);
    // They wait for it to come back.
    for (const one of servers) expect(one.child.exitCode, one.output()).toBe(null);
    const before = load.acknowledged.written.size;
    await wait(2_000);
    await load.end();
    expect(load.acknowledged.written.size).toBeGreaterThan(before / 2);
    // A rotation past its grace is ended by one of them.
    await wait(2_000);
    for (const one of servers) await one.kill('SIGTERM');
    const vault = EmbeddedVault.open({ home: vaultHome(folder, { KEYTURN_HOME: `${folder}/.keyturn` }), env });
    check(vault, load.acknowledged);
    vault.close();
    expect(load.acknowledged.rotations.size).toBeGreaterThan(0);
  });

  it('a token that one revokes is refused by the others within a second, and a value that one changes is the new one', async () => {
    const postgres = await startPostgres();
    onTestFinished(() => postgres.stop());
    const folder = temporaryFolder();
    const env = { KEYTURN_DATABASE_URL: postgres.url, SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const one = await serve(folder, env);
    const token = await tokenOf(one);
    const other = await serve(folder, env);
    const put = (value: string) =>
      call(one.url, 'PUT', `${BASE}/secrets/NAME`, { as: token, body: { value }, headers: { 'if-match': '*' } });
    const read = () => call(other.url, 'GET', `${BASE}/secrets/NAME`, { as: token });
    await put('first');
    expect((await read()).body.value).toBe('first');
    await put('second');
    await wait(100);
    expect((await read()).body.value).toBe('second');
    const as = await ownerCookie(one);
    const { tokens } = (await call(one.url, 'GET', '/v1/tokens', { as })).body;
    expect((await call(one.url, 'DELETE', `/v1/tokens/${tokens[0].id}`, { as })).status).toBe(200);
    await wait(900);
    expect((await read()).status).toBe(401);
  });
});
