// The facade, as the guide uses it.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SecretsManager, type SecretsManagerOptions, secretsManager } from '@/lib/secrets-manager';
import { newestEntries } from '../lib/audit/read.ts';
import { codeOf, DAY, put, storeVariables, testVault, validVersions } from './support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

function manager(options: SecretsManagerOptions = {}) {
  const made = testVault();
  const open = (more: SecretsManagerOptions = {}) => {
    const one = new SecretsManager({
      directory: made.folder,
      principal: 'tester',
      clock: made.clock.read,
      ...options,
      ...more,
      env: { ...made.variables, ...options.env, ...more.env },
    });
    onTestFinished(() => one.close());
    return one;
  };
  const reads = () =>
    made.vault
      .run(newestEntries({ action: 'secret' }, 100))
      .filter((one) => ['secret.read', 'secret.use'].includes(one.action));
  return { ...made, secrets: open(), open, reads };
}

describe("the guide's calls", () => {
  it('work as written', async () => {
    const { secrets } = manager();
    secrets.setSecret('jwt_secret', STRONG, 'jwt_secret', 90);
    const jwtSecret = secrets.getSecret('jwt_secret');
    expect(jwtSecret).toBe(STRONG);
    secrets.setSecret('new_secret', 'value', 'api_key', 90);
    expect(secrets.getSecret('new_secret')).toBe('value');
    const { warnings } = await secrets.rotateSecret('jwt_secret', 'new_value');
    expect(secrets.getSecret('JWT_SECRET')).toBe('new_value');
    expect(warnings).toEqual(['It has 9 characters; a JWT signing secret has 32 or more.']);
    expect(secrets.listSecrets().map((one) => [one.name, one.type, one.intervalDays])).toEqual([
      ['jwt_secret', 'jwt_secret', 90],
      ['new_secret', 'api_key', 90],
    ]);
    secrets.deleteSecret('new_secret');
    expect(codeOf(() => secrets.getSecret('new_secret'))).toBe('KT_SECRET_NOT_FOUND');
  });

  it('have a singleton that opens nothing until it is used', () => {
    expect(secretsManager).toBeInstanceOf(SecretsManager);
    expect(inspect(secretsManager)).not.toContain('vault');
  });
});

describe('getSecret', () => {
  it('makes the first opening of each version durable before it returns, and counts the rest', () => {
    const { secrets, vault, reads } = manager();
    put(vault, 'A', 'one');
    for (let n = 0; n < 100; n += 1) expect(secrets.getSecret('A')).toBe('one');
    expect(reads()).toMatchObject([{ action: 'secret.read', secret: 'A', version: 1 }]);
    secrets.close();
    expect(reads()[0]).toMatchObject({ action: 'secret.use', details: '{"A@1":99}' });
    // The same process opens it again: it is a repeat, and counted like one.
    expect(secrets.getSecret('a')).toBe('one');
    secrets.close();
    expect(secrets.listSecrets()[0]?.reads).toBe(101);
  });

  it('flushes the counts every few seconds', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const { secrets, vault, reads } = manager();
    put(vault, 'A', 'one');
    secrets.getSecret('A');
    secrets.getSecret('A');
    vi.advanceTimersByTime(4_999);
    expect(reads()).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(reads()).toHaveLength(2);
  });

  it('flushes at the exit of the process', () => {
    const { vault, folder, reads, variables } = manager();
    put(vault, 'A', 'one');
    const script = `import { secretsManager } from '${new URL('../lib/secrets-manager.ts', import.meta.url).href}';
      for (let n = 0; n < 5; n += 1) secretsManager.getSecret('A');`;
    const ended = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
      cwd: folder,
      env: { ...variables },
      encoding: 'utf8',
    });
    expect(ended.stderr).toBe('');
    expect(reads().map((one) => one.details ?? one.action)).toEqual(['{"A@1":4}', 'secret.read']);
  });

  it.each([0, 256])(
    'with %i values kept opened, sees what another process changed within 100 ms',
    async (cachedValues) => {
      const { secrets, vault } = manager({ cachedValues });
      put(vault, 'A', 'one');
      expect(secrets.getSecret('A')).toBe('one');
      put(vault, 'A', 'two');
      await wait(110);
      expect(secrets.getSecret('A')).toBe('two');
      // Its own changes it sees at once.
      secrets.setSecret('A', 'three');
      expect(secrets.getSecret('A')).toBe('three');
    },
  );

  it('keeps many more secrets than it keeps open', () => {
    const { secrets, vault } = manager({ cachedValues: 3 });
    for (let n = 0; n < 10; n += 1) put(vault, `NAME_${n}`, `value ${n}`);
    for (let round = 0; round < 3; round += 1) {
      for (let n = 0; n < 10; n += 1) expect(secrets.getSecret(`name_${n}`)).toBe(`value ${n}`);
    }
  });

  it('says where it looked', () => {
    const { secrets, folder, reads } = manager();
    const call = () => secrets.getSecret('NOTHING');
    expect(call).toThrow(/Secret not found: NOTHING is not in default\/development/);
    expect(call).toThrow(`${folder}/.keyturn`);
    expect(call).toThrow(/environment variables were not looked at/);
    expect(reads()[0]).toMatchObject({ outcome: 'failed', secret: 'NOTHING' });
  });

  it('falls back to the environment only where the caller allows it and the vault has none', () => {
    const { open, vault, reads } = manager({ env: { ONLY_ENV: 'from env', BOTH: 'from env' } });
    put(vault, 'BOTH', 'from vault');
    const secrets = open();
    expect(codeOf(() => secrets.getSecret('only_env'))).toBe('KT_SECRET_NOT_FOUND');
    expect(secrets.getSecret('only_env', { fallbackToEnvironment: true })).toBe('from env');
    expect(reads()[0]).toMatchObject({ outcome: 'ok', details: '{"from":"environment variable"}' });
    const lenient = open({ fallbackToEnvironment: true });
    expect(lenient.getSecret('both')).toBe('from vault');
    expect(lenient.getSecretValue('only_env').reveal()).toBe('from env');
    expect(() => lenient.getSecret('neither')).toThrow(/Looked in: .*the environment variable NEITHER/);
  });

  it('never falls back when the vault cannot be opened', () => {
    const { open, vault } = manager();
    rmSync(vault.home.rootKeyFile);
    const secrets = open({ fallbackToEnvironment: true, env: { A: 'from env' } });
    expect(codeOf(() => secrets.getSecret('A'))).toBe('KT_ROOT_KEY_MISSING');
  });

  it('without a vault says how to make one, or falls back where that is allowed', () => {
    const { open, vault } = manager();
    vault.close();
    rmSync(vault.home.folder, { recursive: true });
    const empty = storeVariables();
    expect(codeOf(() => open({ env: empty }).getSecret('A'))).toBe('KT_VAULT_NOT_FOUND');
    const lenient = open({ fallbackToEnvironment: true, env: { ...empty, A: 'from env' } });
    expect(lenient.getSecret('A')).toBe('from env');
    expect(() => lenient.getSecret('B')).toThrow(/There is no vault/);
  });

  it('tells binary from text', () => {
    const { secrets } = manager();
    secrets.setSecret('BINARY', Buffer.from([0xff, 0, 1]));
    expect(() => secrets.getSecret('BINARY')).toThrow(/binary/);
    expect(secrets.getSecretValue('BINARY').bytes()).toEqual(Buffer.from([0xff, 0, 1]));
  });

  it('keeps to its scope', () => {
    const { open, vault } = manager();
    put(vault, 'STRIPE_KEY', 'a');
    put(vault, 'JWT_SECRET', 'b');
    const secrets = open({ scope: { operations: ['read'], names: ['STRIPE_*'] } });
    expect(secrets.getSecret('stripe_key')).toBe('a');
    expect(codeOf(() => secrets.getSecret('jwt_secret'))).toBe('KT_ACCESS_DENIED');
    expect(codeOf(() => secrets.setSecret('stripe_key', 'c'))).toBe('KT_ACCESS_DENIED');
    expect(codeOf(() => secrets.getSecretVersions('jwt_secret'))).toBe('KT_ACCESS_DENIED');
  });
});

describe('readSecret', () => {
  it('gives values that do not show themselves, many at once', async () => {
    const { secrets, vault, reads } = manager();
    for (let n = 0; n < 20; n += 1) put(vault, `NAME_${n}`, `value ${n}`);
    const values = await Promise.all(Array.from({ length: 20 }, (_, n) => secrets.readSecret(`NAME_${n}`)));
    expect(values.map((one) => one.reveal())).toEqual(Array.from({ length: 20 }, (_, n) => `value ${n}`));
    expect(inspect(values)).not.toContain('value 1');
    expect(reads()).toHaveLength(20);
  });

  it('gives nobody a value before its entry is durable, however many ask at once', async () => {
    const { secrets, vault, reads } = manager({ cachedValues: 0 });
    put(vault, 'A', 'one');
    let entries = 0;
    await Promise.all(
      Array.from({ length: 5 }, async () => {
        await secrets.readSecret('A');
        entries = reads().length;
        expect(entries).toBe(1);
      }),
    );
    await secrets.readSecret('A');
    secrets.close();
    expect(reads()[0]).toMatchObject({ action: 'secret.use', details: '{"A@1":5}' });
  });
});

describe('getSecretVersions', () => {
  it('gives the version in use, then the one before while its grace lasts', async () => {
    const { secrets, clock, reads } = manager();
    secrets.setSecret('jwt_secret', STRONG);
    await secrets.rotateSecret('jwt_secret');
    const versions = secrets.getSecretVersions('jwt_secret');
    expect(versions.map((one) => [one.version, one.validUntil])).toEqual([
      [2, undefined],
      [1, clock.now + DAY],
    ]);
    expect(versions[1]?.value).toBe(STRONG);
    expect(versions[0]?.value).toBe(secrets.getSecret('jwt_secret'));
    for (let n = 0; n < 10; n += 1) secrets.getSecretVersions('jwt_secret');
    // Asked for on every request of a server: only the first opening of each version costs an entry.
    expect(reads()).toHaveLength(2);
    clock.forward(DAY);
    expect(secrets.getSecretVersions('jwt_secret').map((one) => one.version)).toEqual([2]);
    expect(codeOf(() => secrets.getSecretVersions('nothing'))).toBe('KT_SECRET_NOT_FOUND');
  });
});

describe('rotateSecret', () => {
  it('makes a value where it can, and says what was done', async () => {
    const { secrets, vault } = manager();
    secrets.setSecret('jwt_secret', STRONG);
    const result = await secrets.rotateSecret('jwt_secret', undefined, { graceMs: 1000 });
    expect(result).toMatchObject({ state: 'grace', fromVersion: 1, version: 2 });
    expect(validVersions(vault, 'jwt_secret')).toHaveLength(2);
  });

  it('rejects what cannot be, and leaves the value in use', async () => {
    const { secrets } = manager();
    secrets.setSecret('stripe_secret_key', 'sk_test_Made4Up51Hx9Qw3Zr');
    await expect(secrets.rotateSecret('stripe_secret_key')).rejects.toMatchObject({ code: 'KT_NEEDS_PERSON' });
    await expect(secrets.rotateSecret('stripe_secret_key', 'nonsense')).rejects.toMatchObject({
      code: 'KT_ROTATION_FAILED',
    });
    await expect(secrets.rotateSecret('nothing')).rejects.toMatchObject({ code: 'KT_SECRET_NOT_FOUND' });
    expect(secrets.getSecret('stripe_secret_key')).toBe('sk_test_Made4Up51Hx9Qw3Zr');
  });
});

describe('onRotated', () => {
  it('tells of rotations by this process at once and by others soon, until it is ended', async () => {
    const { secrets, open } = manager();
    secrets.setSecret('jwt_secret', STRONG);
    const events: string[] = [];
    const end = secrets.onRotated((event) => events.push(`${event.name}@${event.version}`));
    await secrets.rotateSecret('jwt_secret');
    expect(events).toEqual(['jwt_secret@2']);
    await open().rotateSecret('jwt_secret');
    await vi.waitFor(() => expect(events).toEqual(['jwt_secret@2', 'jwt_secret@3']), { timeout: 5000 });
    end();
    await secrets.rotateSecret('jwt_secret');
    expect(events).toHaveLength(2);
  });
});

describe('a manager that keeps the schedule', () => {
  it('turns by itself what is due in its process, and tells; closed, it ends', async () => {
    const { secrets, open, clock } = manager();
    secrets.setSecret('jwt_secret', STRONG, 'jwt_secret', 90);
    secrets.close();
    clock.forward(91 * DAY);
    const scheduled = open({ schedule: true });
    const told: string[] = [];
    scheduled.onRotated((event) => told.push(`${event.name} ${event.version}`));
    await scheduled.load();
    await vi.waitFor(() => expect(told).toEqual(['jwt_secret 2']), { timeout: 10_000 });
    expect(scheduled.getSecret('jwt_secret')).not.toBe(STRONG);
    expect(scheduled.getSecretVersions('jwt_secret').map((one) => one.version)).toEqual([2, 1]);
    scheduled.close();
  });

  it('closed while it begins, stays closed: nothing turns after that, and nothing is told as an error', async () => {
    const { secrets, open, clock, vault } = manager();
    secrets.setSecret('jwt_secret', STRONG, 'jwt_secret', 90);
    const errors: unknown[] = [];
    for (let turns = 0; turns < 8; turns += 1) {
      clock.forward(91 * DAY);
      const one = open({ schedule: true, onError: (error) => errors.push(error) });
      await one.load();
      await wait(0);
      for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      one.close();
      const atClose = validVersions(vault, 'jwt_secret')[0]?.version;
      await wait(100);
      expect(validVersions(vault, 'jwt_secret')[0]?.version).toBe(atClose);
    }
    expect(errors).toEqual([]);
  });

  it('two at once turn it once', async () => {
    const { secrets, open, clock, vault } = manager();
    secrets.setSecret('jwt_secret', STRONG, 'jwt_secret', 90);
    clock.forward(91 * DAY);
    const both = [open({ schedule: true }), open({ schedule: true })];
    await Promise.all(both.map((one) => one.load()));
    await vi.waitFor(() => expect(both[0]?.getSecretVersions('jwt_secret')[0]?.version).toBe(2), { timeout: 10_000 });
    await wait(300);
    expect(validVersions(vault, 'jwt_secret').map((one) => one.version)).toEqual([2, 1]);
    for (const one of both) one.close();
  });
});
