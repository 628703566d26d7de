// The Next.js example, built and run with the packed package: on a server, and on a vault of its own; through a rotation.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Http } from '../../lib/providers/http.ts';
import { seenBy } from '../../lib/sync/probe.ts';
import { keyturn, ROOT } from '../support/command.ts';
import { joinAsOwner, type ServeProcess, serve } from '../support/serve.ts';
import { BASE, call } from '../support/server.ts';
import { temporaryFolder } from '../support/vault.ts';

const EXAMPLE = join(ROOT, 'examples', 'nextjs');
const NEXT = join(ROOT, 'node_modules', 'next', 'dist', 'bin', 'next');

/** Puts the package where npm would put it. */
function installPackage(): void {
  const installed = join(EXAMPLE, 'node_modules', 'keyturn');
  rmSync(join(EXAMPLE, 'node_modules'), { recursive: true, force: true });
  rmSync(join(EXAMPLE, '.next'), { recursive: true, force: true });
  mkdirSync(installed, { recursive: true });
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', installed], { cwd: ROOT });
  const [archive = ''] = readdirSync(installed);
  execFileSync('tar', ['xzf', archive, '--strip-components=1'], { cwd: installed });
}

async function start(env: Record<string, string>): Promise<{ url: string; child: ChildProcess }> {
  const child = spawn(process.execPath, [NEXT, 'start', '--port', '0', '--hostname', '127.0.0.1'], {
    cwd: EXAMPLE,
    env: { PATH: process.env.PATH, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text += chunk;
  });
  const url = await vi.waitFor(
    () => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0];
      expect(found, text).toBeDefined();
      expect(text).toMatch(/Ready in/);
      return found ?? '';
    },
    { timeout: 30_000, interval: 100 },
  );
  return { url, child };
}

beforeAll(() => {
  installPackage();
  execFileSync(process.execPath, [NEXT, 'build'], {
    cwd: EXAMPLE,
    env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1', NODE_ENV: 'production' },
    stdio: 'pipe',
  });
}, 240_000);

const stripe = (url: string, secret: string, body: string, at = Math.floor(Date.now() / 1000)) =>
  fetch(`${url}/api/webhooks/stripe`, {
    method: 'POST',
    body,
    headers: { 'stripe-signature': `t=${at},v1=${createHmac('sha256', secret).update(`${at}.${body}`).digest('hex')}` },
  });

/** A server with an owner and a token for the application. */
async function servedVault(folder: string): Promise<{ server: ServeProcess; token: string }> {
  const server = await serve(folder, {});
  const as = await joinAsOwner(server);
  const body = {
    name: 'shop',
    project: 'default',
    environment: 'development',
    permissions: ['read', 'write', 'rotate'],
  };
  const token = (await call(server.url, 'POST', '/v1/tokens', { as, body })).body.token;
  return { server, token };
}

/** Users who sign in at one instance and go on at another, and a provider that sends webhooks; all of the time. */
class Load {
  readonly #urls: readonly string[];
  readonly #hook: () => string;
  readonly #clients: Promise<void>[];
  readonly #refused: string[] = [];
  #accepted = 0;
  #stop = false;

  constructor(urls: readonly string[], hook: () => string) {
    this.#urls = urls;
    this.#hook = hook;
    this.#clients = Array.from({ length: 4 }, (_, n) => this.#client(n));
  }

  /** Waits until so many more requests were accepted. */
  async until(count: number): Promise<void> {
    const target = this.#accepted + count;
    await vi.waitFor(() => expect(this.#accepted + this.#refused.length * 1000).toBeGreaterThan(target), {
      timeout: 60_000,
      interval: 20,
    });
  }

  async stop(): Promise<{ refused: string[]; accepted: number }> {
    this.#stop = true;
    await Promise.all(this.#clients);
    return { refused: this.#refused, accepted: this.#accepted };
  }

  async #client(n: number): Promise<void> {
    const at = (offset: number) => this.#urls[(n + offset) % this.#urls.length] ?? '';
    while (!this.#stop) {
      const signed = await fetch(`${at(0)}/api/session`, { method: 'POST' });
      this.#note('sign in', signed.status);
      const { token } = (await signed.json()) as { token: string };
      const who = await fetch(`${at(1)}/api/session`, { headers: { authorization: `Bearer ${token}` } });
      this.#note('session', who.status);
      this.#note('webhook', (await stripe(at(1), this.#hook(), '{"id":"evt_1"}')).status);
    }
  }

  #note(what: string, status: number): void {
    if (status === 200) this.#accepted += 1;
    else this.#refused.push(`${what}: ${status}`);
  }
}

describe('the Next.js example', () => {
  it('on a server: sessions and webhooks go on through a rotation, with the version before and the new one', async () => {
    const folder = temporaryFolder();
    const { server, token } = await servedVault(folder);
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const telnyxKey = publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64');
    const webhook = `whsec_${randomBytes(24).toString('base64url')}`;
    const values = {
      JWT_SECRET: randomBytes(32).toString('base64url'),
      STRIPE_WEBHOOK_SECRET: webhook,
      TELNYX_WEBHOOK_SECRET: telnyxKey,
    };
    for (const [name, value] of Object.entries(values)) {
      await call(server.url, 'PUT', `${BASE}/secrets/${name}`, { as: token, body: { value } });
    }
    const app = await start({ KEYTURN_URL: server.url, KEYTURN_TOKEN: token });
    const session = async () =>
      (await (await fetch(`${app.url}/api/session`, { method: 'POST' })).json()) as { token: string };
    const who = async (jwt: string) =>
      (await fetch(`${app.url}/api/session`, { headers: { authorization: `Bearer ${jwt}` } })).status;
    const before = (await session()).token;
    expect(await who(before)).toBe(200);
    expect(await who(`${before}x`)).toBe(401);
    expect((await stripe(app.url, webhook, '{"id":"evt_1"}')).status).toBe(200);
    expect((await stripe(app.url, 'whsec_wrong', '{"id":"evt_1"}')).status).toBe(400);
    expect((await stripe(app.url, webhook, '{}', Math.floor(Date.now() / 1000) - 3600)).status).toBe(400);
    const at = String(Math.floor(Date.now() / 1000));
    const telnyx = (text: string) =>
      fetch(`${app.url}/api/webhooks/telnyx`, {
        method: 'POST',
        body: text,
        headers: {
          'telnyx-timestamp': at,
          'telnyx-signature-ed25519': sign(null, Buffer.from(`${at}|{"a":1}`), privateKey).toString('base64'),
        },
      });
    expect([(await telnyx('{"a":1}')).status, (await telnyx('{"a":2}')).status]).toEqual([200, 400]);
    const turned = `whsec_${randomBytes(24).toString('base64url')}`;
    const rotate = (name: string, value?: string) =>
      call(server.url, 'POST', `${BASE}/secrets/${name}/rotate`, { as: token, body: value ? { value } : {} });
    expect((await rotate('JWT_SECRET')).body.state).toBe('grace');
    expect((await rotate('STRIPE_WEBHOOK_SECRET', turned)).body.state).toBe('grace');
    await app.child.kill('SIGTERM');
    // What a deployment does; a running process would have the new set within a minute.
    const deployed = await start({ KEYTURN_URL: server.url, KEYTURN_TOKEN: token });
    const still = await fetch(`${deployed.url}/api/session`, { headers: { authorization: `Bearer ${before}` } });
    expect(still.status).toBe(200);
    for (const secret of [webhook, turned])
      expect((await stripe(deployed.url, secret, '{"id":"evt_2"}')).status).toBe(200);
  });

  it('refuses no request in a rotation under load: two instances on a server, each verifies what the other signs', async () => {
    const folder = temporaryFolder();
    const { server, token } = await servedVault(folder);
    const secrets = { hook: `whsec_${randomBytes(24).toString('base64url')}` };
    const set = (name: string, value: string) =>
      call(server.url, 'PUT', `${BASE}/secrets/${name}`, { as: token, body: { value } });
    await set('JWT_SECRET', randomBytes(32).toString('base64url'));
    await set('STRIPE_WEBHOOK_SECRET', secrets.hook);
    const key = randomBytes(32).toString('base64url');
    const env = { KEYTURN_URL: server.url, KEYTURN_TOKEN: token, KEYTURN_PROBE_KEY: key };
    const apps = await Promise.all([start(env), start(env)]);
    const [one = '', other = ''] = apps.map((app) => app.url);
    const load = new Load([one, other], () => secrets.hook);
    await load.until(150);
    for (let turn = 0; turn < 2; turn += 1) {
      const rotated = await call(server.url, 'POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as: token, body: {} });
      expect(rotated.body).toMatchObject({ state: 'grace', version: turn + 2 });
      // Stripe delivers with the new secret from the moment at which there is one.
      const fresh = `whsec_${randomBytes(24).toString('base64url')}`;
      const body = { value: fresh };
      expect(
        (await call(server.url, 'POST', `${BASE}/secrets/STRIPE_WEBHOOK_SECRET/rotate`, { as: token, body })).status,
      ).toBe(200);
      secrets.hook = fresh;
      await load.until(150);
    }
    const { refused, accepted } = await load.stop();
    expect(refused).toEqual([]);
    expect(accepted).toBeGreaterThan(450);
    // And both say that they use the newest version, without showing it.
    const current = (await call(server.url, 'GET', `${BASE}/secrets/JWT_SECRET`, { as: token })).body.value;
    for (const url of [one, other]) {
      const question = {
        url: `${url}/api/keyturn`,
        key,
        name: 'JWT_SECRET',
        value: current,
        now: Date.now(),
        nonce: randomBytes(16).toString('base64url'),
      };
      expect(await seenBy(new Http(), question)).toBe('new');
      expect(await seenBy(new Http(), { ...question, key: `${key}x` })).toBe('silent');
    }
  });

  it('refuses no request in a rotation under load: on a vault of its own, turned by another process', async () => {
    const folder = temporaryFolder();
    const env = { KEYTURN_HOME: `${folder}/.keyturn` };
    await keyturn(['init'], { cwd: folder, env });
    const hook = `whsec_${randomBytes(24).toString('base64url')}`;
    await keyturn(['set', 'JWT_SECRET'], { cwd: folder, env, input: randomBytes(32).toString('base64url') });
    await keyturn(['set', 'STRIPE_WEBHOOK_SECRET'], { cwd: folder, env, input: hook });
    const app = await start(env);
    const load = new Load([app.url], () => hook);
    await load.until(100);
    for (let turn = 0; turn < 3; turn += 1) {
      const ended = await keyturn(['rotate', 'JWT_SECRET'], { cwd: folder, env });
      expect(ended.code, ended.stderr).toBe(0);
      await load.until(100);
    }
    const { refused, accepted } = await load.stop();
    expect(refused).toEqual([]);
    expect(accepted).toBeGreaterThan(400);
  });

  it('on a vault of its own: the same code', async () => {
    const folder = temporaryFolder();
    const env = { KEYTURN_HOME: `${folder}/.keyturn` };
    await keyturn(['init'], { cwd: folder, env });
    await keyturn(['set', 'JWT_SECRET'], { cwd: folder, env, input: randomBytes(32).toString('base64url') });
    const app = await start(env);
    const { token } = (await (await fetch(`${app.url}/api/session`, { method: 'POST' })).json()) as { token: string };
    const answer = await fetch(`${app.url}/api/session`, { headers: { authorization: `Bearer ${token}` } });
    expect(await answer.json()).toEqual({ user: 'user-1' });
  });
});
