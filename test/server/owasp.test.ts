// The OWASP API Security Top 10 of 2023, one by one: what each is here, and a test that it does not hold.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { testIssuer } from '../support/issuer.ts';
import { BASE, colleague, OWNER, owner, testServer, token } from '../support/server.ts';

async function tenants() {
  const at = await testServer();
  const as = await owner(at);
  for (const name of ['mine', 'theirs']) await at.call('POST', '/v1/projects', { as, body: { name } });
  const mine = await token(at, as, { project: 'mine' });
  const theirs = await token(at, as, { project: 'theirs' });
  const path = (project: string, rest: string) => `/v1/projects/${project}/environments/development${rest}`;
  await at.call('PUT', path('theirs', '/secrets/NAME'), { as: theirs, body: { value: 'of others' } });
  return { ...at, as, mine, theirs, path };
}

const trustIn = (issuer: string) => ({
  name: 'x',
  issuer,
  audience: 'a',
  claims: { sub: 'x' },
  project: 'mine',
  environment: 'development',
  permissions: ['list'],
});

describe('OWASP API 2023', () => {
  it('API1, broken object level authorisation: an id of another tenant gives nothing, not even that it is there', async () => {
    const { call, as, mine, path, server, ...rest } = await tenants();
    const there = await call('GET', path('theirs', '/secrets/NAME'), { as: mine });
    const nowhere = await call('GET', path('nobody', '/secrets/NAME'), { as: mine });
    expect([there.status, nowhere.status]).toEqual([404, 404]);
    expect(there.body.detail.replace('theirs', 'X')).toBe(nowhere.body.detail.replace('nobody', 'X'));
    const admin = await colleague({ call, server, ...rest }, as, 'a@example.com', { role: 'admin', project: 'mine' });
    const { tokens } = (await call('GET', '/v1/tokens', { as })).body;
    const other = tokens.find((one: { project: string }) => one.project === 'theirs');
    const wrong = await call('DELETE', `/v1/tokens/${other.id}`, { as: admin });
    const none = await call('DELETE', '/v1/tokens/0000000000000000', { as: admin });
    expect([wrong.status, wrong.body.detail]).toEqual([404, none.body.detail]);
    expect(
      (await call('GET', '/v1/tokens', { as: admin })).body.tokens.map((one: { project: string }) => one.project),
    ).toEqual(['mine']);
  });

  it('API2, broken authentication: no token, a part of one, one in the address or in another scheme is none', async () => {
    const { call, mine, path } = await tenants();
    const target = path('mine', '/secrets');
    const wrong: Record<string, string>[] = [
      {},
      { authorization: 'Bearer ' },
      { authorization: `Bearer ${mine.slice(0, -1)}` },
      { authorization: `Basic ${btoa(mine)}` },
      { authorization: mine },
    ];
    for (const headers of wrong) {
      expect((await call('GET', target, { headers })).status).toBe(401);
    }
    expect((await call('GET', `${target}?token=${mine}&access_token=${mine}`)).status).toBe(401);
    expect((await call('GET', target, { headers: { cookie: 'keyturn.session_token=forged.signature' } })).status).toBe(
      401,
    );
  });

  it('API3, broken object property level authorisation: what a caller must not set is not set, and no hash is given', async () => {
    const { call, as, mine, path } = await tenants();
    const body = { value: 'x', version: 99, createdBy: 'root', reads: 7, deletedAt: 1, id: 1, project: 'theirs' };
    expect((await call('PUT', path('mine', '/secrets/NAME'), { as: mine, body })).body.version).toBe(1);
    const made = await call('POST', '/v1/tokens', {
      as,
      body: {
        name: 'x',
        project: 'mine',
        permissions: ['list'],
        uses: -5,
        kind: 'oidc',
        createdBy: 'root',
        revokedAt: null,
      },
    });
    expect(made.body.summary).toMatchObject({ uses: 0, kind: 'machine', createdBy: OWNER.email });
    const listed = await call('GET', '/v1/tokens', { as });
    expect(listed.text).not.toContain('hash');
    expect((await call('GET', '/v1/people', { as })).text).not.toMatch(/password|argon2|secret/);
  });

  it('API4, unrestricted resource consumption: pages, bodies, sets and values have their limits', async () => {
    const { call, as, mine, path } = await tenants();
    expect((await call('GET', path('mine', '/secrets?limit=100000'), { as: mine })).status).toBe(400);
    const secrets = Array.from({ length: 1001 }, (_, n) => ({ name: `N${n}`, value: 'x' }));
    expect((await call('PUT', path('mine', '/secrets'), { as: mine, body: { secrets } })).status).toBe(400);
    expect(
      (await call('PUT', path('mine', '/secrets/BIG'), { as: mine, body: { value: 'x'.repeat(65_537) } })).status,
    ).toBe(400);
    expect((await call('GET', '/v1/audit?limit=5000', { as })).status).toBe(400);
    expect((await call('POST', '/v1/projects', { as, body: { name: 'x'.repeat(200_000) } })).status).toBe(413);
  });

  it('API5, broken function level authorisation: a reader reaches no function of an administrator, by whatever method', async () => {
    const { call, as, server, ...rest } = await tenants();
    const reader = await colleague({ call, server, ...rest }, as, 'r@example.com', { role: 'reader' });
    for (const [method, path, body] of [
      ['POST', '/v1/backups', {}],
      ['POST', '/v1/keys/rotate-root', {}],
      ['POST', '/v1/invitations', { email: 'x@example.com', role: 'owner' }],
      ['PUT', '/v1/roles/mine', { permissions: ['keys'] }],
      ['GET', '/v1/audit/export', undefined],
    ] as const) {
      expect((await call(method, path, { as: reader, body })).status, path).toBe(403);
    }
    // A method that a header names instead is not taken.
    const tunnelled = await call('GET', `${BASE}/secrets/X`, {
      as: reader,
      headers: { 'x-http-method-override': 'DELETE', 'x-method-override': 'DELETE' },
    });
    expect(tunnelled.body.code).toBe('KT_SECRET_NOT_FOUND');
  });

  it('API6, unrestricted access to sensitive flows: a link works once, a sign-in is delayed, an approval is another’s', async () => {
    const at = await testServer();
    await owner(at);
    const answers: number[] = [];
    for (let n = 0; n < 8; n += 1) {
      const body = { email: OWNER.email, password: 'a wrong passphrase' };
      answers.push((await at.call('POST', '/api/auth/sign-in/email', { body, headers: { origin: at.url } })).status);
    }
    expect(answers.filter((one) => one === 429).length).toBeGreaterThan(0);
    // One-time links and approvals: people.test.ts.
  });

  it('API7, server side request forgery: only whom an administrator trusts is asked, nothing of an answer is shown', async () => {
    const { call, as, mine } = await tenants();
    const asked: string[] = [];
    const inside = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('planted answer of an inner service');
    });
    await new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void inside.close());
    const url = `http://127.0.0.1:${(inside.address() as AddressInfo).port}`;
    const issuer = await testIssuer();
    // An identity token that names an issuer nobody trusts: it is not asked.
    expect(
      (await call('POST', '/v1/auth/exchange', { body: { token: await issuer.sign({ sub: 'x' }, { issuer: url }) } }))
        .status,
    ).toBe(401);
    expect(asked).toEqual([]);
    // Forwards and trusts are for those who administer.
    const target = { kind: 'webhook', url: `${url}/hook` };
    expect((await call('POST', '/v1/audit/forwards', { as: mine, body: { name: 'x', target } })).status).toBe(403);
    expect((await call('POST', '/v1/trusts', { as, body: trustIn(url) })).status).toBe(201);
    const answer = await call('POST', '/v1/auth/exchange', {
      body: { token: await issuer.sign({ sub: 'x' }, { issuer: url, audience: 'a' }) },
    });
    expect(answer.text).not.toContain('planted');
    expect(answer.status).toBeGreaterThanOrEqual(400);
  });

  it('API8, security misconfiguration: strict headers, no CORS, no stack, no version, nothing on other addresses', async () => {
    const { call, server } = await tenants();
    const answer = await call('OPTIONS', '/v1/projects', {
      headers: { origin: 'https://evil.example', 'access-control-request-method': 'GET' },
    });
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    for (const name of ['server', 'x-powered-by']) expect(answer.headers.get(name)).toBeNull();
    expect(new URL(server.url).hostname).toBe('127.0.0.1');
    const missing = await call('GET', '/nowhere');
    expect(Object.keys(missing.body).sort()).toEqual(['code', 'detail', 'instance', 'next', 'status', 'title', 'type']);
  });

  it('API9, improper inventory management: what is served is what the document says', async () => {
    const { call } = await tenants();
    const document = (await call('GET', '/openapi.json')).body;
    expect(document.openapi).toBe('3.1.0');
    for (const [path, methods] of Object.entries(document.paths as Record<string, object>)) {
      expect(path).toMatch(/^\/v1\//);
      for (const method of Object.keys(methods)) {
        // Without a caller everything but what is open says 401: it is there, and asks who it is.
        const answer = await call(
          method.toUpperCase(),
          path.replaceAll(/\{\w+\}/g, 'x'),
          ['get', 'delete'].includes(method) ? {} : { body: {} },
        );
        // How to sign in is the one thing that is told to everybody.
        const open = path === '/v1/sign-in';
        expect(open ? [200] : [400, 401], `${method} ${path}`).toContain(answer.status);
      }
    }
    for (const path of [
      '/v2/projects',
      '/v1/debug',
      '/v1/internal',
      '/console/../server.js',
      '/console/.env',
      '/.env',
      '/.git/config',
    ]) {
      expect((await call('GET', path)).status).toBe(404);
    }
  });

  it('API10, unsafe consumption of APIs: an issuer that lies, redirects or sends nonsense opens nothing', async () => {
    const { call, as } = await tenants();
    const trusted = await testIssuer();
    const kinds = [
      (response: import('node:http').ServerResponse) => response.end('<html>'),
      (response: import('node:http').ServerResponse) =>
        response.writeHead(302, { location: `${trusted.url}/.well-known/openid-configuration` }).end(),
      (response: import('node:http').ServerResponse) =>
        response.end(JSON.stringify({ issuer: trusted.url, jwks_uri: `${trusted.url}/keys` })),
      (response: import('node:http').ServerResponse) => response.end(JSON.stringify({ issuer: 'x', jwks_uri: 7 })),
      (response: import('node:http').ServerResponse) => response.destroy(),
    ];
    for (const kind of kinds) {
      const liar = createServer((_, response) => void kind(response));
      await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void liar.close());
      const url = `http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
      await call('POST', '/v1/trusts', { as, body: trustIn(url) });
      const answer = await call('POST', '/v1/auth/exchange', {
        body: { token: await trusted.sign({ sub: 'x' }, { issuer: url, audience: 'a' }) },
      });
      expect([401, 502]).toContain(answer.status);
    }
  });
});
