// The remote SDK against a real server, and against one that misbehaves.
import { spawn } from 'node:child_process';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type ClientOptions, createClient } from '../../lib/client/client.ts';
import { memorySeal } from '../../lib/client/memory-seal.ts';
import { backoffMs, retryAfterMs } from '../../lib/client/retry.ts';
import { SecretsManager } from '../../lib/secrets-manager.ts';
import { BASE, owner, testServer, token } from '../support/server.ts';
import { codeOf } from '../support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

async function prepared(more: Partial<ClientOptions> = {}) {
  const at = await testServer();
  const as = await owner(at);
  const program = await token(at, as);
  const put = (name: string, value: string) =>
    at.call('PUT', `${BASE}/secrets/${name}`, { as: program, body: { value }, headers: { 'if-match': '*' } });
  await put('JWT_SECRET', STRONG);
  await put('OTHER', 'second value');
  const client = createClient({ url: at.url, token: program, refreshMs: 0, ...more });
  onTestFinished(() => client.close());
  return { ...at, as, program, put, client };
}

/** A server that answers as it is told. */
async function puppet(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: { code?: string; status?: number }) => error,
  );

describe('the client', () => {
  it('loads the set of the token’s one environment; after that getSecret is synchronous, in any case', async () => {
    const { client, call, as } = await prepared();
    expect(codeOf(() => client.getSecret('JWT_SECRET'))).toBe('KT_NOT_LOADED');
    await client.load();
    expect(client.getSecret('jwt_secret')).toBe(STRONG);
    expect(client.names()).toEqual(['JWT_SECRET', 'OTHER']);
    expect(() => client.getSecret('NOTHING')).toThrow('default/development');
    const log = await call('GET', '/v1/audit?secret=OTHER&action=secret.read', { as });
    expect(log.body.entries).toMatchObject([{ details: { JWT_SECRET: 1, OTHER: 1 } }]);
  });

  it('sees a new version with the next refresh, says so, and asks for nothing that has not changed', async () => {
    const { client, put, log } = await prepared();
    await client.load();
    const events: string[] = [];
    client.onRotated((event) => events.push(`${event.name}@${event.version}`));
    await client.load();
    expect(log.filter((line) => line.includes('"status":304'))).toHaveLength(1);
    await put('OTHER', 'third value');
    await client.load();
    expect(client.getSecret('OTHER')).toBe('third value');
    expect(events).toEqual(['OTHER@2']);
  });

  it('gives both versions while a rotation is in grace', async () => {
    const { client, call, program, clock } = await prepared();
    await call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as: program, body: { graceMs: 600_000 } });
    await client.load();
    expect(client.getSecretVersions('JWT_SECRET').map((one) => one.version)).toEqual([2, 1]);
    expect(client.getSecretVersions('JWT_SECRET')[1]?.value).toBe(STRONG);
    clock.now += 600_000;
    await client.load();
    expect(client.getSecretVersions('JWT_SECRET').map((one) => one.version)).toEqual([2]);
  });

  it('keeps the last good set while the server is away, and refreshes by itself', async () => {
    const errors: unknown[] = [];
    const { client, server, put } = await prepared({
      refreshMs: 50,
      attempts: 1,
      onError: (error) => errors.push(error),
    });
    await client.load();
    await put('OTHER', 'refreshed');
    await vi.waitFor(() => expect(client.getSecret('OTHER')).toBe('refreshed'), { timeout: 3000 });
    await server.stop();
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1), { timeout: 5000 });
    expect(client.getSecret('OTHER')).toBe('refreshed');
    expect(errors[0]).toMatchObject({ code: 'KT_UNREACHABLE' });
  });

  it('tries again what may pass, as long as the server says, and nothing else', async () => {
    let asked = 0;
    const flaky = await puppet((_, response) => {
      asked += 1;
      if (asked < 3) response.writeHead(503, { 'retry-after': '0' }).end();
      else
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end('{"secrets":[{"name":"A","version":1,"value":"x"}]}');
    });
    const client = createClient({ url: flaky, token: 't', environment: 'development', refreshMs: 0 });
    await client.load();
    expect([asked, client.getSecret('A')]).toEqual([3, 'x']);
    asked = 10;
    const refusing = await puppet((_, response) => {
      asked += 1;
      response
        .writeHead(401, { 'content-type': 'application/problem+json' })
        .end('{"code":"KT_UNAUTHENTICATED","detail":"No.","next":"Sign in."}');
    });
    const refused = createClient({ url: refusing, token: 't', environment: 'development', refreshMs: 0 });
    expect(await reasonOf(refused.load())).toMatchObject({
      code: 'KT_UNAUTHENTICATED',
      status: 401,
      message: 'No. Sign in.',
    });
    expect(asked).toBe(11);
  });

  it('meets a proxy’s page, a cut connection, a slow answer and half an answer with an error, not with a wrong value', async () => {
    const place = { token: 't', environment: 'development', refreshMs: 0, attempts: 2, timeoutMs: 200 };
    const kinds: RequestListener[] = [
      (_, response) => response.writeHead(502, { 'content-type': 'text/html' }).end('<html>'),
      (request) => request.socket.destroy(),
      () => undefined,
      (_, response) =>
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' }).end('{"secrets":['),
    ];
    for (const kind of kinds) {
      const client = createClient({ url: await puppet(kind), ...place });
      expect(await reasonOf(client.load())).toBeInstanceOf(Error);
      expect(client.loaded).toBe(false);
    }
  });

  it('follows no redirect with its token', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await puppet((request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    });
    const redirecting = await puppet((_, response) => response.writeHead(302, { location: elsewhere }).end());
    const client = createClient({
      url: redirecting,
      token: 'planted',
      environment: 'development',
      attempts: 1,
      refreshMs: 0,
    });
    expect(await reasonOf(client.load())).toBeInstanceOf(Error);
    expect(seen).toEqual([]);
  });
});

describe('values in memory', () => {
  it.each([
    ['in Node', undefined],
    ['elsewhere', null],
  ])('come back as they were, %s, and are not there as they are', (_, node) => {
    const seal = node === null ? memorySeal(null as never) : memorySeal();
    const bytes = new TextEncoder().encode('planted value');
    const sealed = seal.seal(bytes.slice());
    expect(Buffer.from(sealed).includes('planted')).toBe(false);
    expect(new TextDecoder().decode(seal.open(sealed))).toBe('planted value');
  });
});

it('waits longer each time, never as long as all others, and as long as it is told', () => {
  for (let attempt = 1; attempt < 12; attempt += 1) {
    const waits = Array.from({ length: 50 }, () => backoffMs(attempt));
    expect(Math.max(...waits)).toBeLessThanOrEqual(Math.min(250 * 2 ** attempt, 8000));
    expect(new Set(waits).size).toBeGreaterThan(40);
  }
  expect([retryAfterMs('2'), retryAfterMs('x'), retryAfterMs(null), retryAfterMs('9999')]).toEqual([
    2000,
    undefined,
    undefined,
    8000,
  ]);
});

describe('secretsManager on a server', () => {
  it('is used as on a vault of one’s own: the same calls, the same errors', async () => {
    const { url, program } = await prepared();
    // Another process: this one's event loop has to go on, so that the server in it can answer.
    const script = `
      import { secretsManager } from '${new URL('../../lib/secrets-manager.ts', import.meta.url).href}';
      const out = [];
      out.push(secretsManager.getSecret('jwt_secret'));
      out.push(secretsManager.setSecret('new_secret', 'value', 'api_key', 90).outcome);
      out.push(secretsManager.getSecret('new_secret'));
      out.push((await secretsManager.rotateSecret('jwt_secret')).state);
      out.push(secretsManager.getSecretVersions('jwt_secret').length);
      out.push(secretsManager.listSecrets().map((one) => one.name).join());
      secretsManager.deleteSecret('new_secret');
      try { secretsManager.getSecret('new_secret'); } catch (error) { out.push(error.code); }
      console.log(JSON.stringify(out));`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { PATH: process.env.PATH, KEYTURN_URL: url, KEYTURN_TOKEN: program },
    });
    let text = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    await new Promise((resolve) => child.once('close', resolve));
    expect(errors).toBe('');
    expect(JSON.parse(text)).toEqual([
      STRONG,
      'added',
      'value',
      'grace',
      2,
      'JWT_SECRET,new_secret,OTHER',
      'KT_SECRET_NOT_FOUND',
    ]);
  });

  it('loads asynchronously too, and falls back to the environment where that is allowed', async () => {
    const { url, program } = await prepared();
    const env = { KEYTURN_URL: url, KEYTURN_TOKEN: program, LOCAL: 'from env' };
    const manager = new SecretsManager({ env, fallbackToEnvironment: true });
    onTestFinished(() => manager.close());
    await manager.load();
    expect(manager.getSecret('JWT_SECRET')).toBe(STRONG);
    expect(manager.getSecret('local')).toBe('from env');
    expect(codeOf(() => manager.getSecret('nothing'))).toBe('KT_SECRET_NOT_FOUND');
  });
});

it('a process that has loaded ends when its own work does', async () => {
  const url = await puppet((_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"secrets":[]}'),
  );
  const script = `
    import { createClient } from '${new URL('../../lib/client/client.ts', import.meta.url).href}';
    const client = createClient({ url: '${url}', token: 't', environment: 'development' });
    await client.load();`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
  const ended = await Promise.race([new Promise((resolve) => child.once('exit', resolve)), wait(8000)]);
  child.kill();
  expect(ended).toBe(0);
});
