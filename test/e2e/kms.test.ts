// A wrapped root key as people use it: the built command, in processes of its own.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyturn } from '../support/command.ts';
import { KMS_KEYS, kmsServer } from '../support/kms-server.ts';
import { temporaryFolder } from '../support/vault.ts';

describe('the command with a key service', () => {
  it('makes a vault under a wrapped root key, changes the service, and opens nothing without it', async () => {
    const kms = await kmsServer();
    const cwd = temporaryFolder();
    const run = (args: string[], env: Record<string, string> = kms.env, input?: string) =>
      keyturn(args, { cwd, env, ...(input !== undefined && { input }) });
    expect((await run(['init', '--kms', KMS_KEYS.Transit])).code).toBe(0);
    const file = () => readFileSync(join(cwd, '.keyturn', 'root.key'), 'utf8');
    expect(file()).toMatch(/^kms1:transit:/);
    await run(['set', 'API_KEY'], kms.env, 'planted-4711-of-some-length');
    await run(['backup', 'create']);
    for (const key of [KMS_KEYS['AWS KMS'], KMS_KEYS['Google Cloud KMS']]) {
      expect((await run(['keys', 'rotate-root', '--kms', key])).code, key).toBe(0);
      expect(file().startsWith(`kms1:${key}:`)).toBe(true);
      expect((await run(['get', 'API_KEY'])).stdout).toBe('planted-4711-of-some-length');
      // A plain rotation stays with the service.
      expect((await run(['keys', 'rotate-root'])).code).toBe(0);
      expect(file().startsWith(`kms1:${key}:`)).toBe(true);
    }
    const without = await run(['get', 'API_KEY'], {});
    expect(without).toMatchObject({ code: 3, stdout: '' });
    expect(without.stderr).toContain('KT_KMS_REFUSED');
    await kms.behave('refuse');
    expect((await run(['get', 'API_KEY'])).code).toBe(3);
    await kms.behave('ok');
    expect((await run(['keys', 'rotate-root', '--no-kms'])).code).toBe(0);
    expect((await run(['get', 'API_KEY'], {})).stdout).toBe('planted-4711-of-some-length');
    expect((await run(['init', '--kms', 'nothing'])).code).toBe(0);
    expect((await keyturn(['init', '--kms', 'nothing'], { cwd: temporaryFolder() })).code).toBe(3);
  });
});
