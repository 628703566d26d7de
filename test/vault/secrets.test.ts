// Secrets in the vault: setting, reading, listing, history, deleting, restoring, differences, scopes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newestEntries } from '../../lib/audit/read.ts';
import { AccessDeniedError, ConflictError, NotFoundError, UsageError } from '../../lib/errors.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { type AccessScope, scopedAccess } from '../../lib/vault/access.ts';
import { createBackup } from '../../lib/vault/backups.ts';
import { ensureEnvironment } from '../../lib/vault/create.ts';
import type { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { diffEnvironments, listSecrets, secretHistory } from '../../lib/vault/list.ts';
import { readAll, readSecret, readVersion } from '../../lib/vault/read.ts';
import { deleteSecret, describeSecret, restoreDeleted, setSecrets } from '../../lib/vault/write.ts';
import { RawDatabase } from '../support/raw.ts';
import { codeOf, DEVELOPMENT, PRODUCTION, put, testVault } from '../support/vault.ts';

const get = (vault: EmbeddedVault, name: string, at = DEVELOPMENT) =>
  vault.run(readSecret(vault.context, at, name)).value.toString();

describe('setting and reading', () => {
  it('keeps every byte string from 1 B to 64 KiB', () => {
    const { vault } = testVault();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 65_536, size: 'max' }), (value) => {
        put(vault, 'BINARY', '', { value });
        expect(vault.run(readSecret(vault.context, DEVELOPMENT, 'binary')).value.equals(value)).toBe(true);
      }),
      { numRuns: 40, examples: [[new Uint8Array(65_536).fill(7)]] },
    );
  });

  it('keeps a PEM with its line breaks, byte for byte', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\r\nMIIB\n\nAAAA=\n-----END PRIVATE KEY-----\n';
    const { vault } = testVault();
    put(vault, 'TLS_KEY', pem);
    expect(get(vault, 'TLS_KEY')).toBe(pem);
  });

  it('refuses an empty value, and one of more than 64 KiB, and keeps what was there', () => {
    const { vault } = testVault();
    put(vault, 'NAME', 'before');
    expect(() => put(vault, 'NAME', '')).toThrow(UsageError);
    expect(() => put(vault, 'NAME', 'x'.repeat(65_537))).toThrow(/65537 bytes/);
    expect(get(vault, 'NAME')).toBe('before');
  });

  it('compares names without case: one secret, the name as it was first written', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', 'one');
    expect(put(vault, 'jwt_secret', 'two')).toMatchObject({ name: 'JWT_SECRET', version: 2, outcome: 'updated' });
    expect(get(vault, 'Jwt_Secret')).toBe('two');
    expect(vault.run(listSecrets(vault.context, DEVELOPMENT))).toHaveLength(1);
  });

  it('refuses what cannot be a name, without repeating it: it may be a value', () => {
    const { vault } = testVault();
    for (const name of ['', '1A', 'a b', 'sk_live_x=y', 'ä', 'A'.repeat(201)]) {
      expect(() => put(vault, name, 'x'), name).toThrow(UsageError);
      if (name) expect(() => put(vault, name, 'x')).not.toThrow(new RegExp(`\\b${name.slice(0, 8)}`));
    }
  });

  it('makes no new version of the value that is in use', () => {
    const { vault } = testVault();
    put(vault, 'NAME', 'same');
    expect(put(vault, 'NAME', 'same')).toMatchObject({ version: 1, outcome: 'unchanged' });
    expect(put(vault, 'NAME', 'same', { owner: 'ann' })).toMatchObject({ version: 1, outcome: 'described' });
  });

  it('keeps type, interval, owner and labels until they are changed', () => {
    const { vault } = testVault();
    put(vault, 'NAME', 'one', { type: 'api_key', intervalDays: 30, owner: 'ann', labels: { team: 'pay' } });
    put(vault, 'NAME', 'two');
    vault.run(describeSecret(vault.context, DEVELOPMENT, 'name', { intervalDays: 60 }));
    expect(vault.run(listSecrets(vault.context, DEVELOPMENT))[0]).toMatchObject({
      type: 'api_key',
      intervalDays: 60,
      owner: 'ann',
      labels: { team: 'pay' },
      version: 2,
    });
    expect(() => put(vault, 'NAME', 'x', { type: 'nonsense' })).toThrow(/no secret type/);
    expect(() => put(vault, 'NAME', 'x', { intervalDays: 0 })).toThrow(UsageError);
    expect(() => put(vault, 'NAME', 'x', { owner: 'ann\u001b[2J' })).toThrow(UsageError);
    expect(() => put(vault, 'NAME', 'x', { labels: { team: 'a\nb' } })).toThrow(UsageError);
  });

  it('sets many in one transaction: all or none', () => {
    const { vault } = testVault();
    const input = (name: string, text: string) => ({ at: DEVELOPMENT, name, value: Buffer.from(text) });
    expect(() => vault.run(setSecrets(vault.context, [input('A', '1'), input('B', '')]))).toThrow(UsageError);
    expect(codeOf(() => get(vault, 'A'))).toBe('KT_SECRET_NOT_FOUND');
    vault.run(setSecrets(vault.context, [input('A', '1'), input('B', '2')]));
    expect(get(vault, 'B')).toBe('2');
  });

  it('lets only one of two writers win who both saw the same version', () => {
    const { vault, reopen } = testVault();
    const other = reopen();
    put(vault, 'NAME', 'first', { expectVersion: 0 });
    put(other, 'NAME', 'second', { expectVersion: 1 });
    expect(() => put(vault, 'NAME', 'third', { expectVersion: 1 })).toThrow(ConflictError);
    expect(get(vault, 'NAME')).toBe('second');
  });

  it('names the environments that there are when one is not', () => {
    const { vault } = testVault();
    expect(() => put(vault, 'A', 'x', { at: { project: 'default', environment: 'prod' } })).toThrow(
      /development, staging, production/,
    );
    expect(() => put(vault, 'A', 'x', { at: { project: 'other', environment: 'production' } })).toThrow(NotFoundError);
    vault.run(ensureEnvironment(vault.context, { project: 'other', environment: 'qa' }));
    put(vault, 'A', 'x', { at: { project: 'OTHER', environment: 'QA' } });
    expect(get(vault, 'A', { project: 'other', environment: 'qa' })).toBe('x');
  });
});

describe('a row that was tampered with', () => {
  it.each([
    [
      'an envelope moved from another secret',
      'UPDATE versions SET envelope = (SELECT envelope FROM versions WHERE secret_id = 2) WHERE secret_id = 1',
    ],
    [
      'an older version put in place of the newer',
      'UPDATE versions SET envelope = (SELECT envelope FROM versions WHERE secret_id = 1 AND number = 1) WHERE secret_id = 1 AND number = 2',
    ],
    [
      'a secret moved to another environment',
      "UPDATE secrets SET name_key = 'X' WHERE id = 3; UPDATE secrets SET environment_id = 3 WHERE id = 1; UPDATE secrets SET environment_id = 1, name_key = 'A' WHERE id = 3",
    ],
    ['a shortened envelope', 'UPDATE versions SET envelope = substr(envelope, 1, 40) WHERE secret_id = 1'],
    [
      'a changed name',
      "UPDATE secrets SET name_key = 'C' WHERE id = 2; UPDATE secrets SET name_key = 'B' WHERE id = 1; UPDATE secrets SET name_key = 'A' WHERE id = 2",
    ],
  ])('does not open: %s', (_, sql) => {
    const { vault, reopen } = testVault();
    put(vault, 'A', 'first');
    put(vault, 'A', 'second');
    put(vault, 'B', 'other');
    put(vault, 'A', 'production value', { at: PRODUCTION });
    new RawDatabase(vault.store).exec(sql);
    vault.close();
    const again = reopen();
    expect(codeOf(() => get(again, 'A'))).toBe('KT_DECRYPTION_FAILED');
    expect(again.run(newestEntries({ outcome: 'failed' }, 5))[0]?.details).toContain('KT_DECRYPTION_FAILED');
  });
});

describe('deleting', () => {
  it('hides a secret and keeps its versions; restoring brings it back', () => {
    const { vault } = testVault();
    put(vault, 'NAME', 'one');
    put(vault, 'NAME', 'two');
    vault.run(deleteSecret(vault.context, DEVELOPMENT, 'name'));
    expect(() => get(vault, 'NAME')).toThrow(/deleted 2026-01-01.*keyturn restore/);
    expect(vault.run(listSecrets(vault.context, DEVELOPMENT))).toHaveLength(0);
    expect(vault.run(listSecrets(vault.context, DEVELOPMENT, { deleted: true }))).toHaveLength(1);
    expect(vault.run(restoreDeleted(vault.context, DEVELOPMENT, 'NAME'))).toEqual({ name: 'NAME', version: 2 });
    expect(get(vault, 'NAME')).toBe('two');
    expect(() => vault.run(restoreDeleted(vault.context, DEVELOPMENT, 'NAME'))).toThrow(ConflictError);
  });

  it('then setting goes on with the numbers: history is never rewritten', () => {
    const { vault } = testVault();
    put(vault, 'NAME', 'one');
    vault.run(deleteSecret(vault.context, DEVELOPMENT, 'NAME'));
    expect(put(vault, 'NAME', 'two')).toMatchObject({ version: 2, outcome: 'added' });
    expect(vault.run(readVersion(vault.context, DEVELOPMENT, 'NAME', 1)).value.toString()).toBe('one');
  });
});

describe('looking without opening', () => {
  it('pages through names in order', () => {
    const { vault } = testVault();
    for (const name of ['C', 'A', 'D', 'B', 'E']) put(vault, name, name);
    const page = (after: string) =>
      vault.run(listSecrets(vault.context, DEVELOPMENT, { after, limit: 2 })).map((one) => one.name);
    expect([page(''), page('B'), page('D')]).toEqual([['A', 'B'], ['C', 'D'], ['E']]);
  });

  it('tells versions apart by fingerprint', () => {
    const { vault } = testVault();
    for (const text of ['one', 'two', 'one']) put(vault, 'NAME', text);
    const { versions } = vault.run(secretHistory(vault.context, DEVELOPMENT, 'NAME'));
    expect(versions.map((one) => one.state)).toEqual(['current', 'retired', 'retired']);
    expect(versions[0]?.fingerprint).toBe(versions[2]?.fingerprint);
    expect(versions[0]?.fingerprint).not.toBe(versions[1]?.fingerprint);
  });

  it('compares environments by fingerprint', () => {
    const { vault } = testVault();
    put(vault, 'SAME', 'x');
    put(vault, 'SAME', 'x', { at: PRODUCTION });
    put(vault, 'DIFFERENT', 'x');
    put(vault, 'DIFFERENT', 'y', { at: PRODUCTION });
    put(vault, 'LEFT', 'x');
    put(vault, 'RIGHT', 'x', { at: PRODUCTION });
    expect(vault.run(diffEnvironments(vault.context, DEVELOPMENT, PRODUCTION))).toEqual([
      { name: 'DIFFERENT', state: 'different' },
      { name: 'LEFT', state: 'only-left' },
      { name: 'RIGHT', state: 'only-right' },
      { name: 'SAME', state: 'same' },
    ]);
  });
});

describe('a scope', () => {
  const denial = (scope: AccessScope, ...asked: Parameters<ReturnType<typeof scopedAccess>['denial']>) =>
    scopedAccess(scope).denial(...asked);

  it('lets through what it names and nothing else', () => {
    const scope = { operations: ['read'], names: ['STRIPE_*', 'jwt_secret'], environments: ['production'] } as const;
    expect(denial(scope, 'read', { environment: 'production', name: 'stripe_secret_key' })).toBeUndefined();
    expect(denial(scope, 'read', { environment: 'Production', name: 'JWT_SECRET' })).toBeUndefined();
    expect(denial(scope, 'read', { environment: 'production', name: 'XSTRIPE_KEY' })).toMatch(/name/);
    expect(denial(scope, 'read', { environment: 'staging', name: 'JWT_SECRET' })).toMatch(/environment/);
    expect(denial(scope, 'write', { environment: 'production', name: 'JWT_SECRET' })).toMatch(/write/);
    expect(denial({ names: ['A.B'] }, 'read', { name: 'AXB' })).toBeDefined();
  });

  it('is kept, and each attempt beyond it is in the log', () => {
    const { vault, reopen } = testVault();
    put(vault, 'STRIPE_KEY', 'a');
    put(vault, 'JWT_SECRET', 'b');
    const narrow = reopen({ scope: { operations: ['read', 'list'], names: ['STRIPE_*'] }, principal: 'payments' });
    expect(get(narrow, 'STRIPE_KEY')).toBe('a');
    expect(() => get(narrow, 'JWT_SECRET')).toThrow(AccessDeniedError);
    expect(() => put(narrow, 'STRIPE_KEY', 'c')).toThrow(AccessDeniedError);
    expect(narrow.run(listSecrets(narrow.context, DEVELOPMENT)).map((one) => one.name)).toEqual(['STRIPE_KEY']);
    expect(narrow.run(readAll(narrow.context, DEVELOPMENT)).map((one) => one.name)).toEqual(['STRIPE_KEY']);
    const rotator = reopen({ scope: { operations: ['rotate'] } });
    expect(rotator.run(rotatorOf(rotator).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' })).state).toBe('grace');
    expect(() => rotator.run(createBackup(rotator.context, 'asked'))).toThrow(AccessDeniedError);
    const denied = vault.run(newestEntries({ outcome: 'denied', principal: 'payments' }, 5));
    expect(denied.map((entry) => [entry.principal, entry.action, entry.secret])).toEqual([
      ['payments', 'secret.set', 'STRIPE_KEY'],
      ['payments', 'secret.read', 'JWT_SECRET'],
    ]);
  });
});
