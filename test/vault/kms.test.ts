// Root keys that a key management service wraps: each service by its protocol, and what happens when it is slow, throttles,
// is gone, or says no.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseWrapped, wrappedText } from '../../lib/crypto/wrapped-root-key.ts';
import { KmsError } from '../../lib/errors.ts';
import { rotateRootKey } from '../../lib/vault/data-keys.ts';
import type { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { KmsLease } from '../../lib/vault/kms/lease.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { beginRootKeyFileChange, finishRootKeyFileChange } from '../../lib/vault/root-key-files.ts';
import { KMS_KEYS, type KmsServer, kmsServer } from '../support/kms-server.ts';
import { BASE, owner, testServer, token } from '../support/server.ts';
import { DEVELOPMENT, HOUR, put, testVault } from '../support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

function read(vault: EmbeddedVault): string {
  const { value } = vault.run(readSecret(vault.context, DEVELOPMENT, 'JWT_SECRET'));
  return value.toString('utf8');
}

/** A vault whose root key the service wraps. */
function wrappedVault(kms: KmsServer, key: string = KMS_KEYS['AWS KMS'], more: Record<string, string> = {}) {
  const at = testVault({ env: { ...kms.env, KEYTURN_KMS: key, ...more } });
  put(at.vault, 'JWT_SECRET', STRONG);
  return at;
}

describe.each(Object.entries(KMS_KEYS))('%s', (title, key) => {
  it('wraps the root key: the file opens nothing without it, and the vault opens with it', async () => {
    const kms = await kmsServer();
    const at = wrappedVault(kms, key);
    const text = readFileSync(at.vault.home.rootKeyFile, 'utf8').trim();
    expect(text.startsWith(`kms1:${key}:`)).toBe(true);
    expect(at.vault.rootKeySource.wrapped?.key).toBeDefined();
    const again = at.reopen();
    expect(read(again)).toBe(STRONG);
    again.close();
    // The same text in the environment, as another machine has it.
    expect(read(at.reopen({ env: { ...kms.env, ...at.variables, SECRETS_ENCRYPTION_KEY: text } }))).toBe(STRONG);
    expect(() => at.reopen({ env: { ...at.variables } })).toThrow(/is not set/);
  });

  it('is asked again where it throttles or is away for a moment', async () => {
    const kms = await kmsServer();
    const at = wrappedVault(kms, key);
    for (const mode of ['throttle', 'away'] as const) {
      await kms.behave(mode, 2);
      expect(read(at.reopen()), mode).toBe(STRONG);
    }
  });

  it.each([
    ['throttle', 'KT_KMS_UNAVAILABLE', /throttles/],
    ['away', 'KT_KMS_UNAVAILABLE', /answers 50/],
    ['refuse', 'KT_KMS_REFUSED', /refuses: it answers 40/],
    ['html', 'KT_KMS_UNAVAILABLE', /another form/],
  ] as const)('that stays in the state "%s" is a clear error, and nothing is lost', async (mode, code, message) => {
    const kms = await kmsServer();
    const at = wrappedVault(kms, key);
    await kms.behave(mode);
    // Google's own token comes first, and fails first.
    expect(() => at.reopen()).toThrow(expect.objectContaining({ code }));
    if (title !== 'Google Cloud KMS') expect(() => at.reopen()).toThrow(message);
    await kms.behave('ok');
    expect(read(at.reopen())).toBe(STRONG);
  });

  it('does not unwrap what was wrapped for something else, or changed', async () => {
    const kms = await kmsServer();
    const at = wrappedVault(kms, key);
    const wrapped = parseWrapped(readFileSync(at.vault.home.rootKeyFile, 'utf8').trim());
    if (!wrapped) throw new Error('the file holds a wrapped key');
    const ciphertext = Buffer.from(wrapped.ciphertext);
    const place = ciphertext.length - 3;
    ciphertext[place] = ciphertext[place] === 65 ? 66 : 65;
    writeFileSync(at.vault.home.rootKeyFile, wrappedText({ key: wrapped.key, ciphertext }));
    expect(() => at.reopen()).toThrow(expect.objectContaining({ code: 'KT_KMS_REFUSED' }));
  });
});

describe('a root key file', () => {
  it('goes from plain to wrapped and back by rotating the root key, and a cut in between leaves a vault that opens', async () => {
    const kms = await kmsServer();
    const at = testVault({ env: kms.env });
    put(at.vault, 'JWT_SECRET', STRONG);
    const { home, context } = at.vault;
    const wrapped = beginRootKeyFileChange(home, context.random, kms.env, KMS_KEYS.Transit);
    // Cut off here: the vault is under the key before.
    expect(read(at.reopen())).toBe(STRONG);
    at.vault.run(rotateRootKey(context, wrapped.rootKey(undefined), undefined));
    // And here: it is under the new one, whose file is not in its place yet.
    expect(read(at.reopen())).toBe(STRONG);
    finishRootKeyFileChange(home);
    expect(readFileSync(home.rootKeyFile, 'utf8')).toContain('kms1:transit:');
    expect(read(at.reopen())).toBe(STRONG);
  });

  it('that was cut, or names no service, says so', async () => {
    const kms = await kmsServer();
    const at = wrappedVault(kms);
    for (const text of ['kms1:', 'kms1:awskms:arn', 'kms1:other:key:AAAAAAAAAAAAAAAAAAAAAAAA']) {
      writeFileSync(at.vault.home.rootKeyFile, text);
      expect(() => at.reopen(), text).toThrow(expect.objectContaining({ code: 'KT_ROOT_KEY_INVALID' }));
    }
    expect(() => testVault({ env: { ...kms.env, KEYTURN_KMS: 'nothing' } })).toThrow(/names no key/);
  });
});

describe('the lease', () => {
  it('serves reads for its time while the service is away, refuses writes at once, and everything after', async () => {
    const kms = await kmsServer();
    const at = wrappedVault(kms, KMS_KEYS['AWS KMS'], { KEYTURN_KMS_CACHE_MINUTES: '30' });
    const { lease } = at.vault.context.state;
    if (!lease) throw new Error('a wrapped root key has a lease');
    await kms.behave('away');
    await lease.check();
    expect(read(at.vault)).toBe(STRONG);
    expect(() => put(at.vault, 'JWT_SECRET', `${STRONG}2`)).toThrow(/Until it answers, nothing is changed/);
    at.clock.forward(0.6 * HOUR);
    expect(() => read(at.vault)).toThrow(expect.objectContaining({ code: 'KT_KMS_UNAVAILABLE' }));
    await kms.behave('ok');
    await lease.check();
    expect(read(at.vault)).toBe(STRONG);
    put(at.vault, 'JWT_SECRET', `${STRONG}2`);
    expect(read(at.vault)).toBe(`${STRONG}2`);
  });

  it('ends at once where the service says no: the key was disabled, or the access taken', async () => {
    const kms = await kmsServer();
    const at = wrappedVault(kms);
    const { lease } = at.vault.context.state;
    await kms.behave('refuse');
    await lease?.check();
    expect(() => read(at.vault)).toThrow(expect.objectContaining({ code: 'KT_KMS_REFUSED' }));
    expect(() => put(at.vault, 'OTHER', STRONG)).toThrow(expect.objectContaining({ code: 'KT_KMS_REFUSED' }));
  });

  it('waits for a service that is slow, and goes on with it', async () => {
    const kms = await kmsServer();
    const at = wrappedVault(kms, KMS_KEYS.Transit);
    const { lease } = at.vault.context.state;
    await kms.behave('hang');
    const checking = lease?.check();
    await expect.poll(() => kms.asked.filter((one) => one.includes('decrypt')).length).toBeGreaterThan(1);
    // Its first question is never answered; the second one, after five seconds, is.
    await kms.behave('ok');
    await checking;
    expect(read(at.vault)).toBe(STRONG);
    put(at.vault, 'JWT_SECRET', `${STRONG}2`);
  });

  it('asks by itself, one question at a time, and stops when it is told to', async () => {
    let asked = 0;
    let slow: (() => void) | undefined;
    const check = () => {
      asked += 1;
      return new Promise<void>((resolve) => {
        slow = resolve;
      });
    };
    const lease = new KmsLease({ check, clock: () => 0, everyMs: 5 });
    await expect.poll(() => asked).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(asked).toBe(1);
    slow?.();
    await expect.poll(() => asked).toBe(2);
    lease.stop();
    slow?.();
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(asked).toBe(2);
    const broken = new KmsLease({ check: () => Promise.reject(new Error('a defect')), clock: () => 0 });
    await broken.check();
    expect(() => broken.beforeChange()).toThrow(KmsError);
    broken.stop();
  });
});

describe('a server on a wrapped root key', () => {
  it('reads on while the service is away, answers writes with 503, and starts sealed until it is there', async () => {
    const kms = await kmsServer();
    const env = { ...kms.env, KEYTURN_KMS: KMS_KEYS['Google Cloud KMS'], KEYTURN_KMS_CHECK_SECONDS: '0.3' };
    const at = await testServer({ env });
    const as = await owner(at);
    const program = await token(at, as);
    const set = (value: string) =>
      at.call('PUT', `${BASE}/secrets/API_KEY`, { as: program, body: { value }, headers: { 'if-match': '*' } });
    const get = () => at.call('GET', `${BASE}/secrets/API_KEY`, { as: program });
    expect((await set(STRONG)).status).toBe(201);
    await kms.behave('away');
    let n = 2;
    const setNext = () => {
      n += 1;
      return set(`${STRONG}${n}`);
    };
    await expect.poll(async () => (await setNext()).body.code, { timeout: 30_000 }).toBe('KT_KMS_UNAVAILABLE');
    expect((await setNext()).status).toBe(503);
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(answer.body.value).toContain(STRONG);
    const second = await testServer({ env: { ...env, ...at.variables } }, at.folder);
    expect(second.server.sealed?.code).toBe('KT_KMS_UNAVAILABLE');
    await kms.behave('ok');
    await expect.poll(() => second.server.sealed, { timeout: 30_000 }).toBeUndefined();
    await expect.poll(async () => (await setNext()).status, { timeout: 30_000 }).toBe(200);
  });
});
