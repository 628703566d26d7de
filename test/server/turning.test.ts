// Turning over the API: live checks that are kept, who uses a secret, plans, destinations; and that nobody is served an old
// value while a rotation waits for somebody.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openaiAnswers } from '../support/provider-answers.ts';
import { type ProviderServer, providerServer } from '../support/provider-server.ts';
import { BASE, owner, type TestServer, testServer, token } from '../support/server.ts';
import { temporaryFolder } from '../support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';
const FIRST = 'sk-proj-firstT3BlbkFJfirst0123456789';

interface Scene {
  readonly server: TestServer;
  readonly provider: ProviderServer;
  readonly as: string;
  readonly app: string;
}

async function scene(more: object = {}): Promise<Scene> {
  const folder = temporaryFolder();
  const provider = await providerServer(openaiAnswers);
  provider.addKey(FIRST);
  const config = { providers: { openai: { baseUrl: provider.url } }, ...more };
  writeFileSync(join(folder, 'keyturn.config.json'), JSON.stringify(config));
  const server = await testServer({ env: { KEYTURN_LIVE: 'on' } }, folder);
  const as = await owner(server);
  const app = await token(server, as);
  for (const [name, value] of [
    ['OPENAI_API_KEY', FIRST],
    ['JWT_SECRET', STRONG],
  ] as const) {
    await server.call('PUT', `${BASE}/secrets/${name}`, { as: app, body: { value } });
  }
  return { server, provider, as, app };
}

it('a check asks the provider; its status and time are kept and shown', async () => {
  const { server, provider, as } = await scene();
  const check = () => server.call('POST', `${BASE}/secrets/OPENAI_API_KEY/check`, { as, body: {} });
  expect((await check()).body).toMatchObject({
    status: 'valid',
    provider: 'OpenAI',
    checkedAt: server.clock.now,
    version: 1,
  });
  provider.end('key1');
  server.clock.now += 60_000;
  expect((await check()).body).toMatchObject({ status: 'refused', detail: 'OpenAI refuses it (401, invalid_api_key)' });
  const kept = await server.call('GET', `${BASE}/checks`, { as });
  expect(kept.body.checks).toMatchObject([{ name: 'OPENAI_API_KEY', status: 'refused', checkedAt: server.clock.now }]);
  const all = await server.call('POST', `${BASE}/checks`, { as, body: {} });
  expect(all.body.checks.map((one: { status: string }) => one.status)).toEqual(['unchecked', 'refused']);
  expect((await server.call('GET', `${BASE}/secrets/OPENAI_API_KEY/uses`, { as })).body.lastCheck).toMatchObject({
    status: 'refused',
  });
  expect(server.log.join('')).not.toContain(FIRST);
});

it('a value that its provider refuses does not come into use; the answer says so', async () => {
  const { server, app } = await scene();
  const body = { value: 'sk-proj-wrongT3BlbkFJwrong0123456789' };
  const answer = await server.call('POST', `${BASE}/secrets/OPENAI_API_KEY/rotate`, { as: app, body });
  expect(answer.status).toBe(422);
  expect(answer.body).toMatchObject({ code: 'KT_ROTATION_FAILED', left: 'Version 1 is in use, as before.' });
  expect((await server.call('GET', `${BASE}/secrets/OPENAI_API_KEY`, { as: app })).body.value).toBe(FIRST);
});

it('an emergency at a provider: under five seconds to the new key being served, and the old one dead', async () => {
  const provider = await providerServer(openaiAnswers);
  provider.addKey(FIRST);
  provider.addKey('sk-admin-xT3BlbkFJadmin');
  const settings = { baseUrl: provider.url, admin: 'OPENAI_ADMIN_KEY', project: 'p', serviceAccount: 's' };
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'keyturn.config.json'), JSON.stringify({ providers: { openai: settings } }));
  const other = await testServer({ env: { KEYTURN_LIVE: 'on' } }, folder);
  const owning = await owner(other);
  const reader = await token(other, owning);
  for (const [name, value] of [
    ['OPENAI_API_KEY', FIRST],
    ['OPENAI_ADMIN_KEY', 'sk-admin-xT3BlbkFJadmin'],
  ] as const) {
    await other.call('PUT', `${BASE}/secrets/${name}`, { as: reader, body: { value } });
  }
  const started = performance.now();
  const answer = await other.call('POST', `${BASE}/secrets/OPENAI_API_KEY/compromise`, { as: owning, body: {} });
  const { value } = (await other.call('GET', `${BASE}/secrets/OPENAI_API_KEY`, { as: reader })).body;
  expect(performance.now() - started).toBeLessThan(5_000);
  expect(provider.liveValues()).toEqual([value]);
  expect(answer.body.rotation).toMatchObject({ state: 'revoked', death: 'dead', version: 2 });
});

it('serves the new value while the rotation still waits for a service', async () => {
  const slow = await providerServer(() => ({ status: 200, text: 'well' }));
  const { server, app } = await scene({
    services: { web: { uses: ['JWT_SECRET'], verify: { url: `${slow.url}/health` } } },
  });
  const read = async () => (await server.call('GET', `${BASE}/secrets/JWT_SECRET`, { as: app })).body.value;
  expect(await read()).toBe(STRONG);
  let during: string | undefined;
  slow.onRequest = async (when) => {
    if (when === 'before') during = await read();
  };
  const rotated = await server.call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as: app, body: {} });
  expect(rotated.body).toMatchObject({ state: 'grace', trouble: null });
  expect(during).toBeDefined();
  expect(during).not.toBe(STRONG);
  expect(await read()).toBe(during);
});

it('shows destinations and sends, compares and prunes there', async () => {
  const { server, as } = await scene({ destinations: { file: { kind: 'dotenv', path: 'app.env', secrets: ['*'] } } });
  const at = `${BASE}/destinations`;
  expect((await server.call('GET', at, { as })).body.destinations).toMatchObject([
    {
      id: 'file',
      kind: 'dotenv',
      observed: false,
      secrets: [{ name: 'JWT_SECRET', state: 'not sent' }, { name: 'OPENAI_API_KEY' }],
    },
  ]);
  const pushed = await server.call('POST', `${at}/file/push`, { as, body: {} });
  expect(pushed.body.secrets).toMatchObject([
    { state: 'live', sent: 1 },
    { state: 'live', sent: 1 },
  ]);
  const path = join(server.folder, 'app.env');
  expect(readFileSync(path, 'utf8')).toContain(`JWT_SECRET=${STRONG}\n`);
  expect((await server.call('POST', `${at}/file/check`, { as, body: {} })).body.secrets).toMatchObject([
    { drift: 'same' },
    { drift: 'same' },
  ]);
  await server.call('DELETE', `${BASE}/secrets/OPENAI_API_KEY`, { as, headers: { 'if-match': '*' } });
  expect((await server.call('POST', `${at}/file/prune`, { as, body: { dryRun: true } })).body).toEqual({
    dryRun: true,
    removed: ['OPENAI_API_KEY'],
  });
  expect((await server.call('POST', `${at}/file/prune`, { as, body: {} })).body).toEqual({
    dryRun: false,
    removed: ['OPENAI_API_KEY'],
  });
  expect(readFileSync(path, 'utf8')).not.toContain('OPENAI_API_KEY');
  expect((await server.call('POST', `${at}/nowhere/push`, { as, body: {} })).status).toBe(404);
  const plan = await server.call('POST', `${BASE}/secrets/JWT_SECRET/rotate/plan`, { as, body: {} });
  expect(plan.body).toMatchObject({
    maker: 'Keyturn',
    byItself: true,
    fromVersion: 1,
    destinations: [expect.stringContaining('app.env')],
  });
  expect((await server.call('GET', `${BASE}/schedule?days=100`, { as })).body.turns).toMatchObject([
    { name: 'JWT_SECRET', byItself: true },
  ]);
  expect(
    (await server.call('GET', '/v1/providers', { as })).body.providers.map((one: { id: string }) => one.id),
  ).toContain('postgresql');
});
