// Hard times: two writers, a full disk, a folder that cannot be written. A clear error or a completed operation.

import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verifyStore } from '../../lib/audit/read.ts';
import { listSecrets, secretHistory } from '../../lib/vault/list.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { keyturn, ROOT, runProgram } from '../support/command.ts';
import { DEVELOPMENT, put, temporaryFolder, testVault } from '../support/vault.ts';

const CHILD = fileURLToPath(new URL('./vault.child.ts', import.meta.url));
const child = (folder: string, operation: string, argument = '') =>
  runProgram(process.execPath, [CHILD, folder, operation, '0', argument], { cwd: folder });

describe('four processes that write at once', () => {
  it('all succeed: every version has its number, every value is there, one whole log', async () => {
    const { vault, folder } = testVault({ clock: Date.now });
    const ended = await Promise.all(['a', 'b', 'c', 'd'].map((name) => child(folder, 'contend', name)));
    for (const one of ended) expect(one.code, one.stderr + one.stdout).toBe(0);
    const { versions } = vault.run(secretHistory(vault.context, DEVELOPMENT, 'SHARED'));
    expect(versions.map((one) => one.number)).toEqual(Array.from({ length: 160 }, (_, index) => 160 - index));
    expect(vault.run(listSecrets(vault.context, DEVELOPMENT))).toHaveLength(161);
    expect(vault.run(readSecret(vault.context, DEVELOPMENT, 'OWN_c_39')).value.toString()).toBe('c 39');
    expect(vault.run(verifyStore(vault.context.audit))).toMatchObject({ intact: true, complete: true });
  });
});

describe('four processes that make the same vault at once', () => {
  it('make one: one root key, one set of keys, one whole log', async () => {
    const cwd = temporaryFolder();
    const ended = await Promise.all(Array.from({ length: 4 }, () => keyturn(['init'], { cwd })));
    for (const one of ended) expect(one.code, one.stderr).toBe(0);
    expect((await keyturn(['set', 'A'], { cwd, input: 'x' })).code).toBe(0);
    const { keys } = JSON.parse((await keyturn(['keys', 'list', '--json'], { cwd })).stdout);
    expect(keys.map((one: { purpose: string; environment: string }) => one.environment ?? one.purpose).sort()).toEqual([
      'audit',
      'checkpoint',
      'default/development',
      'default/production',
      'default/staging',
      'fingerprint',
    ]);
    expect((await keyturn(['audit', 'verify'], { cwd })).code).toBe(0);
    expect(readdirSync(join(cwd, '.keyturn')).filter((file) => file.startsWith('root.key'))).toEqual(['root.key']);
  });
});

describe('a full disk', () => {
  /** What was acknowledged is there; what was not is not; the log is whole; there is room for the next command. */
  async function survives(folder: string, stdout: string) {
    const acknowledged = [...stdout.matchAll(/FILL_\d+/g)].map(([name]) => name);
    expect(acknowledged.length).toBeGreaterThan(2);
    const { stdout: listed } = await keyturn(['list', '--names'], { cwd: folder });
    expect(
      listed
        .trim()
        .split('\n')
        .filter((name) => name.startsWith('FILL_'))
        .sort(),
    ).toEqual([...acknowledged].sort());
    const verified = await keyturn(['audit', 'verify'], { cwd: folder });
    expect(verified.code, verified.stdout).toBe(0);
    const last = acknowledged.at(-1) ?? '';
    expect((await keyturn(['get', last], { cwd: folder })).stdout).toHaveLength(16_384);
    expect((await keyturn(['set', 'AFTER'], { cwd: folder, input: 'x' })).code).toBe(0);
  }

  it('by a limit on file sizes: a clear error, and all that was acknowledged is there', async () => {
    const { vault, folder } = testVault({ clock: Date.now });
    vault.close();
    const limited = await runProgram(
      'bash',
      ['-c', `ulimit -f 1500; exec "${process.execPath}" "${CHILD}" "${folder}" fill 0`],
      { cwd: folder },
    );
    expect(limited.code, limited.stderr).toBe(1);
    expect(limited.stdout).toMatch(/error KT_STORE_(FULL|UNUSABLE)/);
    await survives(folder, limited.stdout);
  });

  it('by a small file system: a clear error, and all that was acknowledged is there once there is room', async () => {
    const mount = temporaryFolder();
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', mount]);
    // Only root may mount, and not in every container: then the test above stands alone.
    if (mounted.status !== 0) return;
    onTestFinished(() => void spawnSync('umount', [mount]));
    const { vault, folder } = testVault({ clock: Date.now }, mount);
    vault.close();
    const full = await child(folder, 'fill');
    expect(full.code, full.stderr).toBe(1);
    expect(full.stdout).toContain('error KT_STORE_FULL');
    spawnSync('mount', ['-o', 'remount,size=20m', mount]);
    await survives(folder, full.stdout);
  });
});

describe('a folder that cannot be written', () => {
  it.runIf(process.getuid?.() === 0)('gives a clear error, and no value without its entry in the log', async () => {
    const { vault, folder } = testVault({ env: { SECRETS_ENCRYPTION_KEY: 'a'.repeat(64) } });
    put(vault, 'A', 'one');
    vault.close();
    for (const path of [folder, vault.home.folder]) chmodSync(path, 0o755);
    for (const file of readdirSync(vault.home.folder)) {
      chownSync(join(vault.home.folder, file), 0, 0);
      chmodSync(join(vault.home.folder, file), 0o644);
    }
    const ended = await runProgram(process.execPath, [CHILD, folder, 'read-only', '0'], {
      cwd: ROOT,
      env: { CHILD_KEY: 'a'.repeat(64) },
    });
    expect(ended.stdout, ended.stderr).toContain('error KT_STORE_READ_ONLY');
    expect(ended.code).toBe(1);
  });
});

describe('a damaged vault', () => {
  const damaged = async (damage: (path: string) => void, args = ['get', 'A']) => {
    const { vault, folder } = testVault();
    for (let n = 0; n < 200; n += 1) put(vault, `NAME_${n}`, `value ${n}`);
    put(vault, 'A', 'one');
    vault.close();
    damage(vault.home.database);
    const before = readFileSync(vault.home.database);
    const ended = await keyturn(args, { cwd: folder });
    expect(readFileSync(vault.home.database).equals(before)).toBe(true);
    return ended;
  };

  it('cut short says so, exits 3, and is left as it is', async () => {
    const ended = await damaged((path) => truncateSync(path, 20_000));
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain('KT_STORE_CORRUPT');
    expect(ended.stderr).not.toMatch(/\n\s+at /);
  });

  it('that is no database at all says so, and exits 3', async () => {
    const ended = await damaged((path) => writeFileSync(path, 'nonsense '.repeat(2000)));
    expect(ended).toMatchObject({ code: 3, stdout: '' });
    expect(ended.stderr).toContain('KT_STORE_CORRUPT');
  });

  it('without its key file says which key it wants', async () => {
    const { vault, folder } = testVault();
    vault.close();
    rmSync(vault.home.rootKeyFile);
    const ended = await keyturn(['list'], { cwd: folder });
    expect(ended.code).toBe(3);
    expect(ended.stderr).toContain(vault.context.rootKey.id);
    expect(ended.stderr).toContain('KT_ROOT_KEY_MISSING');
  });
});

it('no plain value is anywhere on the disk after all kinds of work: every byte of every file is searched', async () => {
  const cwd = temporaryFolder();
  const run = (args: string[], input?: string) => keyturn(args, { cwd, ...(input !== undefined && { input }) });
  const planted = ['planted-alpha-4711', 'planted-beta-4712', 'planted-gamma-4713'];
  await run(['init']);
  await run(['set', 'DB_PASSWORD'], planted[0]);
  await run(['set', 'DB_PASSWORD'], planted[1]);
  await run(['rotate', 'DB_PASSWORD', '--stdin'], planted[2]);
  for (const args of [
    ['backup', 'create'],
    ['validate'],
    ['report'],
    ['monitor'],
    ['keys', 'rotate-data'],
    ['keys', 'rotate-root'],
    ['run', '--', 'true'],
    ['audit', 'export', '-o', 'log.jsonl'],
    ['rotate', 'DB_PASSWORD'],
    ['rollback', 'DB_PASSWORD'],
  ]) {
    await run(args);
  }
  const files = readdirSync(cwd, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    const bytes = readFileSync(join(file.parentPath, file.name));
    for (const value of planted) {
      for (const form of [
        value,
        Buffer.from(value).toString('base64').slice(0, 22),
        Buffer.from(value).toString('hex'),
      ]) {
        expect(bytes.includes(form), `${file.name} holds ${form}`).toBe(false);
      }
    }
  }
});
