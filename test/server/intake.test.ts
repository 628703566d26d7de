// The intake key over the API: what a browser seals opens in the vault and nowhere else; the key is signed, changes every
// week, and is forgotten a day later. Reveals are sealed to the page's own key, for people who have just signed in.
import { createPublicKey, hash, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  fingerprintWords,
  fromBase64url,
  intakeKeyText,
  isSigned,
  makeRevealKey,
  open,
  type SealedFor,
  type SignedIntakeKey,
  seal,
} from '../../lib/client/sealed-value.ts';
import { fingerprintOfKey } from '../../lib/crypto/signing.ts';
import { BASE, colleague, owner, type TestServer, testServer, token } from '../support/server.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const VALUE = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

interface Scene {
  readonly at: TestServer;
  readonly as: string;
  readonly key: SignedIntakeKey;
}

async function scene(): Promise<Scene> {
  const at = await testServer();
  const as = await owner(at);
  return { at, as, key: (await at.call('GET', '/v1/intake-key', { as })).body };
}

const place = { project: 'default', environment: 'development' };

async function sealed(key: SignedIntakeKey, name: string, value = VALUE, more: Partial<SealedFor> = {}) {
  const context = { use: 'set', vault: key.vault, ...place, name, ...more } as const;
  return { keyId: key.keyId, ...(await seal(fromBase64url(key.publicKey), new TextEncoder().encode(value), context)) };
}

const put = ({ at, as }: Scene, name: string, body: object) =>
  at.call('PUT', `${BASE}/secrets/${name}`, { as, body, headers: { 'if-match': '*', origin: at.url } });

describe('the intake key', () => {
  it('is signed by the vault, whose fingerprint is the same for the command and for the console', async () => {
    const { key } = await scene();
    expect(await isSigned(key)).toBe(true);
    expect(await isSigned({ ...key, notAfter: key.notAfter + 1 })).toBe(false);
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.signedBy };
    const signer = createPublicKey({ key: jwk, format: 'jwk' });
    expect(verify(null, intakeKeyText(key), signer, Buffer.from(key.signature, 'base64url'))).toBe(true);
    const words = await fingerprintWords(key.signedBy);
    expect(words).toMatch(/^([0-9a-f]{4} ){7}[0-9a-f]{4}$/);
    expect(fingerprintOfKey(Buffer.from(key.signedBy, 'base64url'))).toBe(words);
    expect(words.replaceAll(' ', '')).toBe(hash('sha256', Buffer.from(key.signedBy, 'base64url'), 'hex').slice(0, 32));
  });

  it('opens a value for the name and place that it was sealed for, in any case of letters', async () => {
    const it = await scene();
    const made = await put(it, 'jwt_secret', { sealed: await sealed(it.key, 'JWT_SECRET') });
    expect(made.body).toMatchObject({ name: 'jwt_secret', version: 1, outcome: 'added' });
    const program = await token(it.at, it.as);
    const read = await it.at.call('GET', `${BASE}/secrets/JWT_SECRET`, { as: program });
    expect(read.body.value).toBe(VALUE);
  });

  it.each([
    ['another name', async (key: SignedIntakeKey) => sealed(key, 'OTHER')],
    ['another environment', async (key: SignedIntakeKey) => sealed(key, 'NAME', VALUE, { environment: 'production' })],
    ['another vault', async (key: SignedIntakeKey) => sealed(key, 'NAME', VALUE, { vault: '0'.repeat(32) })],
    ['a reveal', async (key: SignedIntakeKey) => sealed(key, 'NAME', VALUE, { use: 'reveal' })],
    [
      'a changed ciphertext',
      async (key: SignedIntakeKey) => {
        const whole = await sealed(key, 'NAME');
        const [first = ''] = whole.ciphertext;
        return { ...whole, ciphertext: (first === 'A' ? 'B' : 'A') + whole.ciphertext.slice(1) };
      },
    ],
    ['no HPKE at all', async (key: SignedIntakeKey) => ({ keyId: key.keyId, enc: 'AAAA', ciphertext: 'AAAA' })],
  ])('does not open what was sealed for %s, and changes nothing', async (_, make) => {
    const it = await scene();
    const answer = await put(it, 'NAME', { sealed: await make(it.key) });
    expect(answer.body).toMatchObject({ status: 400, code: 'KT_INPUT_INVALID' });
    const program = await token(it.at, it.as);
    expect((await it.at.call('GET', `${BASE}/secrets/NAME`, { as: program })).status).toBe(404);
  });

  it('takes exactly one of value, base64 and sealed', async () => {
    const it = await scene();
    const both = await put(it, 'NAME', { value: VALUE, sealed: await sealed(it.key, 'NAME') });
    expect(both.body).toMatchObject({ status: 400, code: 'KT_USAGE' });
    expect((await put(it, 'NAME', {})).body).toMatchObject({ status: 400, code: 'KT_USAGE' });
  });

  it('takes many at once, each sealed for its own name', async () => {
    const { at, as, key } = await scene();
    const secrets = await Promise.all(['A', 'B', 'C'].map(async (name) => ({ name, sealed: await sealed(key, name) })));
    const put = (body: object) => at.call('PUT', `${BASE}/secrets`, { as, body, headers: { origin: at.url } });
    expect((await put({ secrets })).body.secrets).toHaveLength(3);
    // Two that were exchanged on the way: none is set.
    const [a, b] = secrets;
    const exchanged = [
      { name: 'D', sealed: a?.sealed },
      { name: 'E', sealed: b?.sealed },
    ];
    expect((await put({ secrets: exchanged })).status).toBe(400);
    const listed = await at.call('GET', `${BASE}/secrets`, { as });
    expect(listed.body.secrets.map((one: { name: string }) => one.name)).toEqual(['A', 'B', 'C']);
  });

  it('is a new one after a week; the old one still opens for a day, and its bytes are gone then', async () => {
    const { at, as, key } = await scene();
    const old = await sealed(key, 'OLD');
    at.clock.now += 7 * DAY_MS + 1;
    await at.server.stop();
    const again = await testServer({ clock: () => at.clock.now, env: at.variables }, at.folder);
    const next = (await again.call('GET', '/v1/intake-key', { as })).body;
    expect(next.keyId).not.toBe(key.keyId);
    expect(await isSigned(next)).toBe(true);
    const base = { at: again, as, key: next };
    expect((await put(base, 'OLD', { sealed: old })).status).toBe(201);
    at.clock.now += DAY_MS;
    const late = await put(base, 'LATE', { sealed: await sealed(key, 'LATE') });
    expect(late.body).toMatchObject({ status: 409, code: 'KT_INTAKE_KEY_GONE' });
    await again.server.stop();
    const third = await testServer({ clock: () => at.clock.now, env: at.variables }, at.folder);
    const { keys } = (await third.call('GET', '/v1/keys', { as })).body;
    const intake = keys.filter((one: { purpose: string }) => one.purpose === 'intake');
    expect(intake.map((one: { state: string }) => one.state)).toEqual(['destroyed', 'active']);
  });
});

describe('revealing', () => {
  const ask = async ({ at, as }: Pick<Scene, 'at' | 'as'>, body: object, name = 'JWT_SECRET') =>
    at.call('POST', `${BASE}/secrets/${name}/reveal`, { as, body, headers: { origin: at.url } });

  it('seals the value to the key of the one who asks, and keeps the reason in the log', async () => {
    const it = await scene();
    await put(it, 'JWT_SECRET', { value: VALUE });
    const { privateKey, publicKey } = await makeRevealKey();
    const answer = await ask(it, { recipient: publicKey, reason: 'Comparing with the dashboard' });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain(VALUE);
    const { vault, project, environment, name } = answer.body;
    const context = { use: 'reveal', vault, project, environment, name } as const;
    expect(new TextDecoder().decode(await open(privateKey, answer.body, context))).toBe(VALUE);
    const log = await it.at.call('GET', '/v1/audit?action=secret.read', { as: it.as });
    expect(log.body.entries[0]).toMatchObject({
      secret: 'JWT_SECRET',
      version: 1,
      details: { purpose: 'reveal', reason: 'Comparing with the dashboard' },
    });
  });

  it('wants a sign-in of the last five minutes, as every reading by a person does; each attempt is in the log', async () => {
    const it = await scene();
    const { at, as } = it;
    await put(it, 'JWT_SECRET', { value: VALUE });
    at.clock.now = Date.now() + 5 * 60_000 + 1_000;
    const { publicKey } = await makeRevealKey();
    const late = await ask(it, { recipient: publicKey, reason: 'too late' });
    expect(late.body).toMatchObject({ status: 403, code: 'KT_REAUTHENTICATION_REQUIRED' });
    for (const path of ['/secrets/JWT_SECRET', '/secrets/JWT_SECRET/versions', '/values'])
      expect((await at.call('GET', BASE + path, { as })).body.code, path).toBe('KT_REAUTHENTICATION_REQUIRED');
    const log = await at.call('GET', '/v1/audit?outcome=denied', { as });
    expect(log.body.entries).toHaveLength(4);
    expect(log.body.entries[0]).toMatchObject({ action: 'secret.read', details: { reason: 'signed in too long ago' } });
  });

  it('is for people, with a reason, and with a key that is one', async () => {
    const it = await scene();
    await put(it, 'JWT_SECRET', { value: VALUE });
    const { publicKey } = await makeRevealKey();
    const program = await token(it.at, it.as);
    expect((await ask({ at: it.at, as: program }, { recipient: publicKey, reason: 'a program' })).status).toBe(400);
    expect((await ask(it, { recipient: publicKey, reason: ' x ' })).status).toBe(400);
    expect((await ask(it, { recipient: 'A'.repeat(42), reason: 'no key' })).status).toBe(400);
    const auditor = await colleague(it.at, it.as, 'a@example.com', { role: 'auditor', project: 'default' });
    expect((await ask({ at: it.at, as: auditor }, { recipient: publicKey, reason: 'curious' })).body.code).toBe(
      'KT_ACCESS_DENIED',
    );
  });

  it('who signs in again has one session, not two', async () => {
    const { at, as } = await scene();
    const again = await at.call('POST', '/api/auth/sign-in/email', {
      as,
      body: { email: 'owner@example.com', password: 'a long enough passphrase' },
      headers: { origin: at.url },
    });
    expect(again.status).toBe(200);
    expect((await at.call('GET', '/v1/whoami', { as })).status).toBe(401);
    const cookie = again.headers
      .getSetCookie()
      .map((one) => one.split(';')[0])
      .join('; ');
    expect((await at.call('GET', '/v1/sessions', { as: cookie })).body.sessions).toHaveLength(1);
  });
});
