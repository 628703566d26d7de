// Moving a vault between the file and PostgreSQL, and what a server's own role may do there: by the command, on a real
// database.
import { randomBytes } from 'node:crypto';
import { renameSync, rmSync } from 'node:fs';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyturn } from '../support/command.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { serve } from '../support/serve.ts';
import { call, OWNER } from '../support/server.ts';
import { temporaryFolder } from '../support/vault.ts';

let postgres: TestPostgres;
let count = 0;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** A schema of its own, as a database of its own. */
async function database(): Promise<{ url: string; schema: string; client: Client }> {
  count += 1;
  const schema = `vault_${count}`;
  const client = new Client(postgres.url);
  await client.connect();
  await client.query(`create schema ${schema}`);
  return { url: `${postgres.url}?options=-csearch_path%3D${schema}`, schema, client };
}

async function prepared() {
  const cwd = temporaryFolder();
  const { url, schema, client } = await database();
  const own = { KEYTURN_HOME: `${cwd}/.keyturn`, SECRETS_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
  const shared = { ...own, KEYTURN_DATABASE_URL: url };
  const on = (env: Record<string, string>, line: string, input?: string) =>
    keyturn(line.split(' '), { cwd, env, ...(input !== undefined && { input }) });
  return { cwd, url, schema, client, own, shared, on };
}

describe('keyturn migrate', () => {
  it('copies a vault that a server has used to PostgreSQL and back, row for row', async () => {
    const { cwd, own, shared, on, client } = await prepared();
    const server = await serve(cwd, own);
    await call(server.url, 'POST', '/v1/join', { body: { link: server.ownerLink?.split('#')[1], ...OWNER } });
    await call(server.url, 'POST', '/api/auth/sign-in/email', {
      body: { email: OWNER.email, password: OWNER.password },
      headers: { origin: server.url },
    });
    await server.kill('SIGTERM');
    await on(own, 'set JWT_SECRET', 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf');
    await on(own, 'rotate JWT_SECRET');
    const value = (await on(own, 'get JWT_SECRET')).stdout;
    const there = await on(shared, 'migrate --to postgres');
    expect(there, there.stderr).toMatchObject({ code: 0 });
    expect(there.stdout).toMatch(/rows copied from .*keyturn.db to postgres:\/\/keyturn@127/);
    expect(there.stdout + there.stderr).not.toContain(':keyturn@');
    renameSync(`${cwd}/.keyturn`, `${cwd}/old`);
    expect((await on(shared, 'get JWT_SECRET')).stdout).toBe(value);
    expect((await on(shared, 'audit verify')).code).toBe(0);
    expect((await on(shared, 'set NEW', 'x')).code).toBe(0);
    const again = await serve(cwd, shared);
    const signed = await call(again.url, 'POST', '/api/auth/sign-in/email', {
      body: { email: OWNER.email, password: OWNER.password },
      headers: { origin: again.url },
    });
    expect(signed.status).toBe(200);
    await again.kill('SIGTERM');
    const back = await on(shared, 'migrate --to sqlite');
    expect(back, back.stderr).toMatchObject({ code: 0 });
    expect((await on(own, 'get NEW')).stdout).toBe('x');
    expect((await on(own, 'audit verify')).code).toBe(0);
    await client.end();
  });

  it('into a place that has a vault already copies nothing, and says what to do', async () => {
    const { cwd, own, shared, on, client } = await prepared();
    await on(own, 'init');
    expect((await on(shared, 'migrate --to postgres')).code).toBe(0);
    const twice = await on(shared, 'migrate --to postgres');
    expect(twice.code).toBe(1);
    expect(twice.stderr).toContain('already');
    expect((await on(shared, 'migrate --to sqlite')).stderr).toContain('already');
    expect((await on(own, 'migrate --to postgres')).stderr).toContain('KEYTURN_DATABASE_URL');
    expect((await on(shared, 'migrate --to nowhere')).code).toBe(2);
    rmSync(`${cwd}/.keyturn`, { recursive: true });
    await client.end();
  });

  it('gives a server’s role all that it needs, and no way to change the audit log', async () => {
    const { cwd, shared, on, client, schema, url } = await prepared();
    expect((await on(shared, 'init')).code).toBe(0);
    await client.query(`create role app_${schema} login password 'made-up'`);
    const granted = await on(shared, `migrate --app-role app_${schema}`);
    expect(granted, granted.stderr).toMatchObject({ code: 0 });
    const asApp = url.replace('keyturn:keyturn@', `app_${schema}:made-up@`);
    const server = await serve(cwd, { ...shared, KEYTURN_DATABASE_URL: asApp });
    const joined = await call(server.url, 'POST', '/v1/join', {
      body: { link: server.ownerLink?.split('#')[1], ...OWNER },
    });
    expect(joined.status, joined.text).toBe(201);
    await server.kill('SIGTERM');
    expect(server.output()).not.toContain('a job failed');
    const app = new Client(asApp);
    await app.connect();
    for (const sql of [
      'update audit_entries set principal = $$x$$',
      'delete from audit_entries',
      'truncate audit_entries',
      'delete from audit_checkpoints',
      'drop table audit_entries',
    ]) {
      await expect(app.query(sql), sql).rejects.toMatchObject({ code: '42501' });
    }
    await app.end();
    await client.end();
  });
});
