// People: the first owner, invitations, sign-in by every means, sessions, locks, recovery, and two people for what is
// dangerous.
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { recoveryLink } from '../../lib/identity/people.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { vaultHome } from '../../lib/vault/home.ts';
import { SoftwareAuthenticator } from '../support/authenticator.ts';
import { testIssuer } from '../support/issuer.ts';
import {
  BASE,
  colleague,
  cookieOf,
  OWNER,
  owner,
  redeemLink,
  signIn,
  type TestServer,
  testServer,
  token,
} from '../support/server.ts';

const post = (at: TestServer, path: string, body: unknown, as?: string) =>
  at.call('POST', `/api/auth${path}`, { body, as, headers: { origin: at.url } });

/** A time-based one-time password (RFC 6238: SHA-1, 30 s, 6 digits) of a base32 secret. */
function totp(secret: string, time: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...secret.replace(/=+$/, '')].map((one) => alphabet.indexOf(one).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(time / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

describe('the first owner', () => {
  it('comes from a one-time link that works once; after that, people are invited', async () => {
    const at = await testServer();
    const stale = (await at.server.ownerLink()) ?? '';
    const link = (await at.server.ownerLink()) ?? '';
    const make = (with_: string) => redeemLink(at, with_, OWNER);
    expect((await make(stale)).status).toBe(404);
    expect((await at.call('POST', '/v1/join/look', { body: { link: link.split('#')[1] } })).body).toMatchObject({
      kind: 'owner',
    });
    const both = await Promise.all([make(link), make(link)]);
    expect(both.map((one) => one.status).sort()[0]).toBe(201);
    expect((await make(link)).status).toBe(404);
    expect(await at.server.ownerLink()).toBeUndefined();
    const as = await signIn(at, OWNER.email, OWNER.password);
    expect((await at.call('GET', '/v1/whoami', { as })).body.vaultWide).toContain('owners');
    // Nobody signs up.
    expect(
      (await post(at, '/sign-up/email', { email: 'eve@example.com', name: 'Eve', password: OWNER.password })).status,
    ).toBe(400);
  });

  it('needs a password of twelve characters', async () => {
    const at = await testServer();
    const link = (await at.server.ownerLink()) ?? '';
    expect((await redeemLink(at, link, { ...OWNER, password: 'short' })).status).toBe(400);
    expect((await redeemLink(at, link, OWNER)).status).toBe(201);
  });
});

describe('an invitation', () => {
  it('gives its role to whoever has its link, once, and is of no use against an account that is there', async () => {
    const at = await testServer();
    const as = await owner(at);
    const cookie = await colleague(at, as, 'ann@example.com', {
      role: 'reader',
      project: 'default',
      environment: 'staging',
    });
    const me = (await at.call('GET', '/v1/whoami', { as: cookie })).body;
    expect(me.environments).toEqual([{ project: 'default', environment: 'staging', permissions: ['list', 'read'] }]);
    const again = await at.call('POST', '/v1/invitations', { as, body: { email: OWNER.email, role: 'reader' } });
    const taken = await redeemLink(at, again.body.link, { name: 'x', password: 'another long passphrase' });
    expect(taken.body.code).toBe('KT_CONFLICT');
    expect(await signIn(at, OWNER.email, OWNER.password)).toContain('session');
    expect((await at.call('DELETE', `/v1/invitations/${again.body.id}`, { as })).status).toBe(204);
    expect((await at.call('POST', '/v1/join/look', { body: { link: again.body.link.split('#')[1] } })).status).toBe(
      404,
    );
  });

  it('of the past is of no use', async () => {
    const at = await testServer();
    const as = await owner(at);
    const invited = await at.call('POST', '/v1/invitations', {
      as,
      body: { email: 'late@example.com', role: 'reader' },
    });
    at.clock.now += 8 * 24 * 3_600_000;
    expect((await redeemLink(at, invited.body.link, { name: 'x', password: OWNER.password })).status).toBe(404);
  });
});

describe('signing in', () => {
  it('with a wrong password, and as nobody, is refused in the same words and much the same time', async () => {
    const at = await testServer();
    await owner(at);
    const attempt = async (email: string) => {
      const started = performance.now();
      const answer = await post(at, '/sign-in/email', { email, password: 'a wrong passphrase' });
      return { answer, ms: performance.now() - started };
    };
    const known = await attempt(OWNER.email);
    const unknown = await attempt('nobody@example.com');
    expect(known.answer).toMatchObject({ status: 401, text: unknown.answer.text });
    expect(unknown.answer.status).toBe(401);
    // Argon2id runs for either: without it, one of them would take a hundredth of the other.
    const [less = 0, more = 0] = [known.ms, unknown.ms].sort((a, b) => a - b);
    expect(more / less).toBeLessThan(10);
  });

  it('that fails often is delayed, for the address and the person; success, time or the host ends it', async () => {
    const at = await testServer();
    await owner(at);
    const attempt = (password: string) => post(at, '/sign-in/email', { email: OWNER.email, password });
    for (let n = 0; n < 6; n += 1) expect((await attempt('wrong passphrase')).status).toBe(401);
    const locked = await attempt(OWNER.password);
    expect(locked.body).toMatchObject({ status: 429, code: 'KT_RATE_LIMITED' });
    expect(Number(locked.headers.get('retry-after'))).toBeLessThanOrEqual(2);
    at.clock.now += 2000;
    expect((await attempt(OWNER.password)).status).toBe(200);
    for (let n = 0; n < 40; n += 1) {
      await attempt('wrong passphrase');
      at.clock.now += 1_000_000;
    }
    // However often somebody has failed in the owner's name, a quarter of an hour is the most.
    at.clock.now += 15 * 60_000;
    expect((await attempt(OWNER.password)).status).toBe(200);
  }, 60_000);

  it('takes a second factor where there is one', async () => {
    const at = await testServer();
    const as = await owner(at);
    const enabled = await post(at, '/two-factor/enable', { password: OWNER.password }, as);
    const secret = new URL(enabled.body.totpURI).searchParams.get('secret') ?? '';
    const confirmed = await post(at, '/two-factor/verify-totp', { code: totp(secret, Date.now()) }, as);
    expect(confirmed.status).toBe(200);
    const first = await post(at, '/sign-in/email', { email: OWNER.email, password: OWNER.password });
    expect(first.body).toMatchObject({ twoFactorRedirect: true });
    const half = cookieOf(first);
    expect((await at.call('GET', '/v1/whoami', { as: half })).status).toBe(401);
    expect((await post(at, '/two-factor/verify-totp', { code: '000000' }, half)).status).toBe(401);
    const second = await post(at, '/two-factor/verify-totp', { code: totp(secret, Date.now()) }, half);
    expect(second.status).toBe(200);
    expect((await at.call('GET', '/v1/whoami', { as: cookieOf(second) })).body.person.email).toBe(OWNER.email);
  });

  it('works with a passkey', async () => {
    const at = await testServer();
    const origin = at.url.replace('127.0.0.1', 'localhost');
    const local = await testServer({ publicUrl: origin.replace(/:\d+$/, ':4780') });
    const as = await owner(local);
    const publicOrigin = origin.replace(/:\d+$/, ':4780');
    const ask = (method: string, path: string, more: { body?: unknown; as?: string } = {}) =>
      local.call(method, `/api/auth${path}`, { ...more, headers: { origin: publicOrigin } });
    const key = new SoftwareAuthenticator(publicOrigin);
    const options = await ask('GET', '/passkey/generate-register-options?name=laptop', { as });
    const challenge = `${as}; ${cookieOf(options)}`;
    const registered = await ask('POST', '/passkey/verify-registration', {
      as: challenge,
      body: { response: key.register(options.body), name: 'laptop' },
    });
    expect(registered.status, registered.text).toBe(200);
    const wanted = await ask('GET', '/passkey/generate-authenticate-options');
    const proof = { response: key.authenticate(wanted.body) };
    const signed = await ask('POST', '/passkey/verify-authentication', { as: cookieOf(wanted), body: proof });
    expect(signed.status, signed.text).toBe(200);
    expect((await local.call('GET', '/v1/whoami', { as: cookieOf(signed) })).body.person.email).toBe(OWNER.email);
    const stranger = new SoftwareAuthenticator(publicOrigin);
    const again = await ask('GET', '/passkey/generate-authenticate-options');
    const refused = await ask('POST', '/passkey/verify-authentication', {
      as: cookieOf(again),
      body: { response: stranger.authenticate(again.body) },
    });
    expect(refused.status).toBeGreaterThanOrEqual(400);
  });

  it('works by OpenID Connect, for people who are invited, and makes no accounts', async () => {
    const issuer = await testIssuer();
    const at = await testServer({
      oidc: { issuer: issuer.url, clientId: 'keyturn', clientSecret: 'made up client secret' },
    });
    const as = await owner(at);
    const invited = await at.call('POST', '/v1/invitations', {
      as,
      body: { email: 'sso@example.com', role: 'reader', project: 'default' },
    });
    expect(
      (await at.call('POST', '/v1/join', { body: { link: invited.body.link.split('#')[1], name: 'Sam' } })).status,
    ).toBe(201);
    const browse = async () => {
      const begun = await post(at, '/sign-in/social', { provider: 'oidc', callbackURL: '/' });
      expect(begun.status, begun.text).toBe(200);
      const atProvider = await fetch(begun.body.url, { redirect: 'manual' });
      const back = new URL(atProvider.headers.get('location') ?? '');
      return at.call('GET', back.pathname + back.search, { as: cookieOf(begun) });
    };
    const ended = await browse();
    expect(ended.status, ended.text).toBe(302);
    expect((await at.call('GET', '/v1/whoami', { as: cookieOf(ended) })).body.person.email).toBe('sso@example.com');
    issuer.person = { sub: 'p2', email: 'stranger@example.com', name: 'Eve' };
    const stranger = await browse();
    expect(stranger.headers.get('location') ?? '').toContain('error');
    expect((await at.call('GET', '/v1/whoami', { as: cookieOf(stranger) })).status).toBe(401);
  });

  it('is in the log, and so is each refusal', async () => {
    const at = await testServer();
    const as = await owner(at);
    await post(at, '/sign-in/email', { email: OWNER.email, password: 'a wrong passphrase' });
    await post(at, '/sign-out', {}, as);
    const again = await signIn(at, OWNER.email, OWNER.password);
    const log = await at.call('GET', '/v1/audit?action=auth', { as: again });
    const actions = log.body.entries.map((one: { action: string; outcome: string }) => `${one.action} ${one.outcome}`);
    expect(actions).toEqual(['auth.sign_in ok', 'auth.sign_out ok', 'auth.denied denied', 'auth.sign_in ok']);
    expect(log.text).not.toContain('wrong passphrase');
  });
});

describe('a session', () => {
  it('is listed and ended, by its person and by an administrator', async () => {
    const at = await testServer();
    const as = await owner(at);
    const other = await signIn(at, OWNER.email, OWNER.password);
    const { sessions } = (await at.call('GET', '/v1/sessions', { as })).body;
    expect(sessions).toHaveLength(2);
    const theirs = sessions.find((one: { current: boolean }) => !one.current);
    expect((await at.call('DELETE', `/v1/sessions/${theirs.id}`, { as })).status).toBe(204);
    expect((await at.call('GET', '/v1/whoami', { as: other })).status).toBe(401);
    const ann = await colleague(at, as, 'ann@example.com', { role: 'reader' });
    const { id } = (await at.call('GET', '/v1/whoami', { as: ann })).body.person;
    expect((await at.call('DELETE', `/v1/people/${id}/sessions`, { as })).status).toBe(204);
    expect((await at.call('GET', '/v1/whoami', { as: ann })).status).toBe(401);
  });

  it('is not used by a page of another site', async () => {
    const at = await testServer();
    const as = await owner(at);
    const make = (headers: Record<string, string>) => at.call('POST', '/v1/backups', { as, body: {}, headers });
    expect((await make({ origin: 'https://evil.example' })).status).toBe(401);
    expect((await make({ 'sec-fetch-site': 'cross-site' })).status).toBe(401);
    expect((await make({ origin: at.url })).status).toBe(201);
  });
});

describe('somebody who cannot sign in any more', () => {
  it('gets a link from the host: a new password; second factors and sessions go', async () => {
    const at = await testServer();
    const as = await owner(at);
    await post(at, '/two-factor/enable', { password: OWNER.password }, as);
    const home = vaultHome(at.folder, { KEYTURN_HOME: `${at.folder}/.keyturn` });
    const host = EmbeddedVault.open({ home, env: at.variables });
    const secret = host.run(recoveryLink(host.context, OWNER.email));
    host.close();
    const joined = await redeemLink(at, `x#${secret}`, { name: 'x', password: 'an even longer passphrase' });
    expect(joined.status, joined.text).toBe(201);
    expect((await at.call('GET', '/v1/whoami', { as })).status).toBe(401);
    const again = await signIn(at, OWNER.email, 'an even longer passphrase');
    expect((await at.call('GET', '/v1/whoami', { as: again })).status).toBe(200);
  });
});

describe('where two people are demanded', () => {
  async function guarded() {
    const at = await testServer();
    const as = await owner(at);
    const program = await token(at, as);
    await at.call('PUT', `${BASE}/secrets/JWT_SECRET`, {
      as: program,
      body: { value: 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf' },
    });
    const ann = await colleague(at, as, 'ann@example.com', { role: 'admin', project: 'default' });
    await at.call('PATCH', BASE, { as, body: { twoPeople: true } });
    return { ...at, as, program, ann };
  }

  it('revealing waits for another person, and is done once', async () => {
    const { call, as, ann } = await guarded();
    const path = `${BASE}/secrets/JWT_SECRET`;
    const asked = await call('GET', path, { as: ann, headers: { 'keyturn-reason': 'incident 7' } });
    expect(asked.body).toMatchObject({ status: 403, code: 'KT_APPROVAL_REQUIRED' });
    const id = asked.body.approval;
    const reveal = () => call('GET', path, { as: ann, headers: { 'keyturn-approval': id } });
    expect((await reveal()).status).toBe(409);
    expect((await call('POST', `/v1/approvals/${id}`, { as: ann, body: { decision: 'approved' } })).status).toBe(403);
    expect((await call('GET', '/v1/approvals', { as })).body.approvals).toMatchObject([
      { id, reason: 'incident 7', requestedBy: 'ann@example.com' },
    ]);
    expect((await call('POST', `/v1/approvals/${id}`, { as, body: { decision: 'approved' } })).status).toBe(200);
    // It is hers alone.
    expect((await call('GET', path, { as, headers: { 'keyturn-approval': id } })).status).toBe(404);
    expect((await reveal()).status).toBe(200);
    expect((await reveal()).status).toBe(409);
  });

  it('so do rotating and deleting, of programs too; programs read without', async () => {
    const { call, as, program } = await guarded();
    expect((await call('GET', `${BASE}/secrets/JWT_SECRET`, { as: program })).status).toBe(200);
    const asked = await call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as: program, body: {} });
    expect(asked.body.code).toBe('KT_APPROVAL_REQUIRED');
    expect((await call('DELETE', `${BASE}/secrets/JWT_SECRET`, { as: program })).body.code).toBe(
      'KT_APPROVAL_REQUIRED',
    );
    await call('POST', `/v1/approvals/${asked.body.approval}`, { as, body: { decision: 'approved' } });
    const headers = { 'keyturn-approval': asked.body.approval };
    // For what it was asked for, and nothing else.
    expect((await call('DELETE', `${BASE}/secrets/JWT_SECRET`, { as: program, headers })).status).toBe(404);
    expect(
      (await call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as: program, body: {}, headers })).body.state,
    ).toBe('grace');
  });

  it('what was refused, or is too old, is not done', async () => {
    const { call, as, ann, clock } = await guarded();
    const ask = async () => (await call('DELETE', `${BASE}/secrets/JWT_SECRET`, { as: ann })).body.approval;
    const remove = (approval: string) =>
      call('DELETE', `${BASE}/secrets/JWT_SECRET`, { as: ann, headers: { 'keyturn-approval': approval } });
    const refused = await ask();
    await call('POST', `/v1/approvals/${refused}`, { as, body: { decision: 'refused' } });
    expect((await remove(refused)).body.detail).toContain('refused');
    const old = await ask();
    await call('POST', `/v1/approvals/${old}`, { as, body: { decision: 'approved' } });
    clock.now += 61 * 60_000;
    expect((await remove(old)).body.detail).toContain('too old');
  });
});
