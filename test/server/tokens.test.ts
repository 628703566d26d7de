// Programs: machine tokens with every kind of limit, and identity tokens of CI jobs exchanged for short ones.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../lib/crypto/random.ts';
import { isToken, newToken } from '../../lib/identity/token-format.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { vaultHome } from '../../lib/vault/home.ts';
import { testIssuer } from '../support/issuer.ts';
import { RawDatabase } from '../support/raw.ts';
import { BASE, OWNER, owner, signIn, testServer, token } from '../support/server.ts';

async function prepared() {
  const at = await testServer();
  const as = await owner(at);
  const writer = await token(at, as, { permissions: ['write', 'read', 'list'] });
  await at.call('PUT', `${BASE}/secrets/STRIPE_KEY`, { as: writer, body: { value: 'one' } });
  await at.call('PUT', `${BASE}/secrets/JWT_SECRET`, { as: writer, body: { value: 'two' } });
  const read = (name: string, by: string, headers = {}) =>
    at.call('GET', `${BASE}/secrets/${name}`, { as: by, headers });
  return { ...at, as, writer, read };
}

describe("a token's form", () => {
  it('names its environment, carries 256 bits and a checksum, and no other text passes', () => {
    const made = newToken('Production-EU', systemRandom);
    expect(made).toMatch(/^kt_productioneu_[0-9A-Za-z]{49}$/);
    expect(isToken(made)).toBe(true);
    fc.assert(
      fc.property(fc.nat({ max: made.length - 1 }), fc.constantFrom(...'09AZaz_-'), (place, character) => {
        const changed = made.slice(0, place) + character + made.slice(place + 1);
        expect(isToken(changed)).toBe(changed === made);
      }),
    );
    fc.assert(fc.property(fc.string(), (text) => !isToken(text)));
  });
});

type Ask = (method: string, path: string, body?: unknown) => Promise<{ status: number }>;

describe('a machine token', () => {
  it('is kept nowhere: neither it nor its random part is in any file or row', async () => {
    const { folder, variables, writer, server } = await prepared();
    const home = vaultHome(folder, { KEYTURN_HOME: `${folder}/.keyturn` });
    await server.stop();
    const vault = EmbeddedVault.open({ home, env: variables });
    const rows = new RawDatabase(vault.store).prepare('SELECT * FROM tokens').all();
    const text = JSON.stringify(rows, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
    vault.close();
    expect(rows.length).toBe(1);
    expect(text).not.toContain(writer.slice(4, 30));
  });

  it('reaches the names, operations and environment of its scope only', async () => {
    const { as, read, call } = await prepared();
    const narrow = await token({ call } as never, as, { permissions: ['read'], names: ['STRIPE_*'] });
    expect((await read('stripe_key', narrow)).status).toBe(200);
    expect((await read('JWT_SECRET', narrow)).body.code).toBe('KT_ACCESS_DENIED');
    expect((await call('GET', `${BASE}/secrets`, { as: narrow })).status).toBe(403);
    expect(
      (await call('GET', '/v1/projects/default/environments/production/secrets/STRIPE_KEY', { as: narrow })).status,
    ).toBe(403);
    expect((await call('GET', `${BASE}/values`, { as: narrow })).body.secrets).toMatchObject([{ name: 'STRIPE_KEY' }]);
  });

  it('ends at its expiry, comes from its addresses, and is good for its number of uses', async () => {
    const { as, read, call, clock } = await prepared();
    const short = await token({ call } as never, as, { expiresAt: clock.now + 1000 });
    expect((await read('JWT_SECRET', short)).status).toBe(200);
    clock.now += 1000;
    expect((await read('JWT_SECRET', short)).status).toBe(401);
    const elsewhere = await token({ call } as never, as, { addresses: ['10.0.0.0/8', '2001:db8::/32'] });
    expect((await read('JWT_SECRET', elsewhere)).status).toBe(401);
    const here = await token({ call } as never, as, { addresses: ['127.0.0.0/8'] });
    expect((await read('JWT_SECRET', here)).status).toBe(200);
    const twice = await token({ call } as never, as, { maxUses: 2 });
    const uses = await Promise.all([1, 2, 3, 4].map(() => read('JWT_SECRET', twice)));
    expect(uses.map((one) => one.status).sort()).toEqual([200, 200, 401, 401]);
    const bad = { name: 'x', project: 'default', permissions: ['read'], addresses: ['10.0.0.0/33'] };
    expect((await call('POST', '/v1/tokens', { as, body: bad })).status).toBe(400);
  });

  it('is rotated: both are valid in grace, then the new one alone; revoked, it is refused at once', async () => {
    const { as, read, call, clock } = await prepared();
    const old = await token({ call } as never, as);
    const { tokens } = (await call('GET', '/v1/tokens', { as })).body;
    const { id } = tokens.find((one: { permissions: string[] }) => one.permissions.length === 5);
    const rotated = await call('POST', `/v1/tokens/${id}/rotate`, { as, body: { graceMs: 60_000 } });
    for (const one of [old, rotated.body.token]) expect((await read('JWT_SECRET', one)).status).toBe(200);
    clock.now += 60_000;
    expect((await read('JWT_SECRET', old)).status).toBe(401);
    expect((await read('JWT_SECRET', rotated.body.token)).status).toBe(200);
    expect((await call('DELETE', `/v1/tokens/${rotated.body.summary.id}`, { as })).status).toBe(200);
    expect((await read('JWT_SECRET', rotated.body.token)).status).toBe(401);
  });

  it.each([
    ['revoked', async (id: string, ask: Ask) => ask('DELETE', `/v1/tokens/${id}`)],
    ['rotated without a grace', async (id: string, ask: Ask) => ask('POST', `/v1/tokens/${id}/rotate`, { graceMs: 0 })],
  ] as const)(
    'that was %s by a server whose clock is ahead is refused at once, not when others come to that time',
    async (_, end) => {
      const { as, read, call, clock } = await prepared();
      const old = await token({ call } as never, as);
      const { tokens } = (await call('GET', '/v1/tokens', { as })).body;
      const { id } = tokens.find((one: { permissions: string[] }) => one.permissions.length === 5);
      clock.now += 600_000;
      const ended = await end(id, (method, path, body) =>
        call(method, path, { as, ...(body !== undefined && { body }) }),
      );
      expect(ended.status).toBeLessThan(300);
      clock.now -= 600_000;
      expect((await read('JWT_SECRET', old)).status).toBe(401);
    },
  );

  it('tells when, from where and how often it was used', async () => {
    const at = await prepared();
    for (let n = 0; n < 3; n += 1) await at.read('JWT_SECRET', at.writer);
    await at.server.stop();
    const again = await testServer({ env: at.variables }, at.folder);
    const { tokens } = (await again.call('GET', '/v1/tokens', { as: await signIn(again, OWNER.email, OWNER.password) }))
      .body;
    // Two writes and three reads.
    expect(tokens).toMatchObject([{ uses: 5, lastUsedFrom: '127.0.0.1' }]);
    expect(tokens[0].lastUsedAt).toBeGreaterThan(0);
  });

  it('cannot be made wider than its maker, nor by a program', async () => {
    const { as, call, writer } = await prepared();
    const body = { name: 'x', project: 'default', permissions: ['read'] };
    expect((await call('POST', '/v1/tokens', { as: writer, body })).status).toBe(403);
    for (const permission of ['keys', 'people', 'owners', 'tokens', 'nonsense']) {
      const wide = { ...body, permissions: [permission] };
      expect((await call('POST', '/v1/tokens', { as, body: wide })).status).toBe(400);
    }
  });

  it('that is wrong is refused in the same words whatever is wrong, logged, and counted into a delay', async () => {
    const { as, call, read, clock } = await prepared();
    const wrong = [newToken('development', systemRandom), 'kt_development_x', 'nonsense'];
    const answers = await Promise.all(
      wrong.map((one) => call('GET', `${BASE}/secrets`, { headers: { authorization: `Bearer ${one}` } })),
    );
    expect(new Set(answers.map((one) => `${one.status} ${one.body.detail} ${one.body.next}`)).size).toBe(1);
    for (let n = 0; n < 4; n += 1) await read('JWT_SECRET', newToken('development', systemRandom));
    const locked = await read('JWT_SECRET', newToken('development', systemRandom));
    expect(locked.body.code).toBe('KT_RATE_LIMITED');
    expect(Number(locked.headers.get('retry-after'))).toBeGreaterThan(0);
    // A good token is let in all the same, and the delay ends by itself.
    expect((await call('GET', '/v1/whoami', { as })).status).toBe(200);
    clock.now += 16 * 60_000;
    expect((await read('JWT_SECRET', newToken('development', systemRandom))).status).toBe(401);
    const log = await call('GET', '/v1/audit?action=auth&outcome=denied', { as });
    expect(log.body.entries.map((one: { action: string }) => one.action)).toContain('auth.limited');
    expect(log.body.entries.length).toBeGreaterThan(6);
  });
});

describe('an identity token of a CI job', () => {
  const CLAIMS = { sub: 'repo:acme/shop:ref:refs/heads/main', repository: 'acme/shop', ref: 'refs/heads/main' };

  async function trusted() {
    const at = await prepared();
    const issuer = await testIssuer();
    const body = {
      name: 'GitHub Actions',
      issuer: issuer.url,
      audience: 'keyturn',
      claims: { repository: 'acme/shop', ref: 'refs/heads/*' },
      project: 'default',
      environment: 'development',
      permissions: ['read'],
      seconds: 300,
    };
    expect((await at.call('POST', '/v1/trusts', { as: at.as, body })).status).toBe(201);
    const exchange = (text: string) => at.call('POST', '/v1/auth/exchange', { body: { token: text } });
    return { ...at, issuer, body, exchange };
  }

  it('is exchanged for a short token of the trust’s scope', async () => {
    const { issuer, exchange, read, clock, call, as } = await trusted();
    const given = await exchange(await issuer.sign(CLAIMS));
    expect(given).toMatchObject({ status: 201, body: { project: 'default', environment: 'development' } });
    expect((await read('JWT_SECRET', given.body.token)).body.value).toBe('two');
    expect((await call('PUT', `${BASE}/secrets/NEW`, { as: given.body.token, body: { value: 'x' } })).status).toBe(403);
    const log = await call('GET', '/v1/audit?action=token.exchange', { as });
    expect(log.body.entries[0].principal).toBe('oidc:repo:acme/shop:ref:refs/heads/main');
    clock.now += 301_000;
    expect((await read('JWT_SECRET', given.body.token)).status).toBe(401);
  });

  it('of another repository, audience, issuer, key or time is refused in the same words', async () => {
    const { issuer, exchange } = await trusted();
    const other = await testIssuer();
    const refused = await Promise.all([
      issuer.sign({ ...CLAIMS, repository: 'evil/shop' }).then(exchange),
      issuer.sign({ ...CLAIMS, ref: 'refs/tags/x' }).then(exchange),
      issuer.sign(CLAIMS, { audience: 'other' }).then(exchange),
      issuer.sign(CLAIMS, { foreignKey: true }).then(exchange),
      issuer.sign(CLAIMS, { expires: Math.floor(Date.now() / 1000) - 3600 }).then(exchange),
      other.sign(CLAIMS).then(exchange),
      other.sign(CLAIMS, { issuer: issuer.url }).then(exchange),
      exchange(
        `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify({ ...CLAIMS, iss: issuer.url })).toString('base64url')}.`,
      ),
      exchange('not a token at all'),
    ]);
    expect(refused.map((one) => one.status)).toEqual(refused.map(() => 401));
  });

  it('whose issuer is away is answered by 502, and works when it is back', async () => {
    const { exchange, issuer, call, as, body } = await trusted();
    const gone = await testIssuer();
    await call('POST', '/v1/trusts', { as, body: { ...body, issuer: gone.url } });
    const text = await gone.sign(CLAIMS);
    await gone.close();
    expect((await exchange(text)).body).toMatchObject({ status: 502, code: 'KT_REMOTE_FAILED' });
    expect((await exchange(await issuer.sign(CLAIMS))).status).toBe(201);
  });

  it('is not trusted without claims, or over plain HTTP elsewhere', async () => {
    const { call, as, body } = await trusted();
    for (const wrong of [
      { claims: {} },
      { claims: { sub: '*' } },
      { issuer: 'http://ci.example' },
      { issuer: 'no address' },
      { seconds: 5 },
    ]) {
      expect((await call('POST', '/v1/trusts', { as, body: { ...body, ...wrong } })).status).toBe(400);
    }
  });
});
