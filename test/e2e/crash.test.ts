// Power cuts: a real process is killed with -9 at every statement of every kind of write. Whatever the moment, the vault
// opens, nothing acknowledged is lost, nothing is half there, the log is whole, and the next command works.

import { spawn } from 'node:child_process';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { verifyStore } from '../../lib/audit/read.ts';
import { backupOf, rotatorOf } from '../../lib/rotation/rotator.ts';
import { all } from '../../lib/store/operation.ts';
import { selectUnfinishedRotations } from '../../lib/store/statements/rotations.ts';
import { DataKeyRotation, listKeys } from '../../lib/vault/data-keys.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { listSecrets, secretHistory } from '../../lib/vault/list.ts';
import { readAll, readSecret } from '../../lib/vault/read.ts';
import { keyturn, runProgram } from '../support/command.ts';
import { sideBySide } from '../support/side-by-side.ts';
import { DEVELOPMENT, put, temporaryFolder, testVault, validVersions } from '../support/vault.ts';

const CHILD = fileURLToPath(new URL('./vault.child.ts', import.meta.url));
const OLD = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';
const NEW = 'Bn4-Ty8_Qe2Mw6Xs1Vd9Kr5Hc7Zg3Lp0Fa';

const child = (folder: string, operation: string, killAt: number, argument = '') =>
  runProgram(process.execPath, [CHILD, folder, operation, String(killAt), argument], { cwd: folder });

const openAt = (folder: string) =>
  EmbeddedVault.open({
    home: {
      folder: join(folder, '.keyturn'),
      database: join(folder, '.keyturn', 'keyturn.db'),
      rootKeyFile: join(folder, '.keyturn', 'root.key'),
      root: folder,
      backups: join(folder, 'backups', 'secrets'),
    },
    env: {},
  });

const get = (vault: EmbeddedVault, name: string) =>
  vault.run(readSecret(vault.context, DEVELOPMENT, name)).value.toString();

/** A vault to start each death from. */
function template() {
  const { vault, folder } = testVault({ clock: Date.now });
  put(vault, 'JWT_SECRET', OLD);
  for (let n = 0; n < 6; n += 1) put(vault, `NAME_${n}`, `value ${n}`);
  const backup = vault.run(backupOf(vault, 'asked')).path;
  put(vault, 'NAME_0', 'changed after the backup');
  put(vault, 'NAME_1', 'changed after the backup');
  vault.close();
  return { folder, backup };
}

/** Holds for every vault after every death. */
function soundness(vault: EmbeddedVault): void {
  expect(vault.run(verifyStore(vault.context.audit))).toMatchObject({ intact: true, complete: true });
  expect(vault.store.integrity()).toEqual(['ok']);
  for (const one of vault.run(readAll(vault.context, DEVELOPMENT))) expect(one.value.length).toBeGreaterThan(0);
  for (const { name, version } of vault.run(listSecrets(vault.context, DEVELOPMENT))) {
    const { versions } = vault.run(secretHistory(vault.context, DEVELOPMENT, name));
    expect(versions.map((one) => one.number)).toEqual(versions.map((_, index) => versions.length - index));
    expect(versions.find((one) => one.state === 'current')?.number).toBe(version);
  }
}

/** Kills the operation at each of its statements in turn; `check` sees what is left, then the operation is tried again. */
async function killEverywhere(
  operation: string,
  argument: (at: { backup: string }) => string,
  check: (vault: EmbeddedVault) => void,
) {
  const start = template();
  const whole = temporaryFolder();
  cpSync(start.folder, whole, { recursive: true });
  const { stdout } = await child(whole, operation, 0, argument(start));
  const statements = Number(/statements (\d+)/.exec(stdout)?.[1]);
  expect(statements).toBeGreaterThan(5);
  await sideBySide(statements, async (at) => {
    const folder = temporaryFolder();
    cpSync(start.folder, folder, { recursive: true });
    const died = await child(folder, operation, at, argument(start));
    expect(died.signal, `statement ${at}`).toBe('SIGKILL');
    const vault = openAt(folder);
    soundness(vault);
    check(vault);
    vault.close();
    const again = await child(folder, operation, 0, argument(start));
    expect(again.code, `statement ${at}: ${again.stdout}${again.stderr}`).toBe(0);
    const after = openAt(folder);
    soundness(after);
    after.close();
  });
  return statements;
}

describe('kill -9 at every statement of', () => {
  it('set, of a secret that is there: the old value or the new', async () => {
    await killEverywhere(
      'set',
      () => NEW,
      (vault) => expect([OLD, NEW]).toContain(get(vault, 'JWT_SECRET')),
    );
  });

  it('set, of a new one: not there, or whole', async () => {
    await killEverywhere(
      'add',
      () => NEW,
      (vault) => {
        const there = vault.run(listSecrets(vault.context, DEVELOPMENT)).some((one) => one.name === 'ADDED');
        if (there) expect(get(vault, 'ADDED')).toBe(NEW);
      },
    );
  });

  it('rotate: a valid value all along, and the rotation ends when it is taken up', async () => {
    await killEverywhere(
      'rotate',
      () => '',
      (vault) => {
        const versions = validVersions(vault, 'JWT_SECRET');
        expect(versions.map((one) => one.version)).toEqual(versions.length === 1 ? [1] : [2, 1]);
        expect(versions.at(-1)?.value.toString()).toBe(OLD);
        vault.run(rotatorOf(vault).settle());
        for (const one of vault.run(all(selectUnfinishedRotations, {}))) expect(one.state).toBe('grace');
      },
    );
  });

  it('keys rotate-data: everything opens, and going on ends it', async () => {
    await killEverywhere(
      'rotate-data',
      () => '',
      (vault) => {
        expect(get(vault, 'NAME_0')).toBe('changed after the backup');
        const rotation = new DataKeyRotation(vault.context, DEVELOPMENT);
        vault.run(rotation.begin());
        while (vault.run(rotation.step()));
        vault.run(rotation.finish());
        const states = vault
          .run(listKeys(vault.context))
          .keys.filter((one) => one.environment === 'default/development')
          .map((one) => one.state);
        expect(states.filter((state) => state === 'active')).toHaveLength(1);
        expect(states).not.toContain('retiring');
        expect(get(vault, 'NAME_0')).toBe('changed after the backup');
      },
    );
  });

  it('backup restore: all of it, or nothing', async () => {
    await killEverywhere(
      'restore',
      ({ backup }) => backup,
      (vault) => {
        const values = [get(vault, 'NAME_0'), get(vault, 'NAME_1')];
        expect([
          ['value 0', 'value 1'],
          ['changed after the backup', 'changed after the backup'],
        ]).toContainEqual(values);
      },
    );
  });
});

it('kill -9 at every statement of making a vault: making it again finishes it', async () => {
  const whole = temporaryFolder();
  const statements = Number(/statements (\d+)/.exec((await child(whole, 'init', 0)).stdout)?.[1]);
  expect(statements).toBeGreaterThan(40);
  await sideBySide(statements, async (at) => {
    const folder = temporaryFolder();
    expect((await child(folder, 'init', at)).signal, `statement ${at}`).toBe('SIGKILL');
    const made = await keyturn(['init'], { cwd: folder, env: { KEYTURN_HOME: join(folder, '.keyturn') } });
    expect(made.code, `statement ${at}: ${made.stderr}`).toBe(0);
    const vault = openAt(folder);
    expect([...vault.context.environments.values()].map((one) => one.name).sort()).toEqual([
      'development',
      'production',
      'staging',
    ]);
    put(vault, 'A', 'x');
    expect(get(vault, 'A')).toBe('x');
    expect(vault.run(verifyStore(vault.context.audit))).toMatchObject({ intact: true, complete: true });
    vault.close();
  });
});

it('kill -9 at any time at all, file work included: fifteen deaths of a rotation', async () => {
  const start = template();
  for (let n = 0; n < 15; n += 1) {
    const folder = temporaryFolder();
    cpSync(start.folder, folder, { recursive: true });
    await new Promise<void>((resolve) => {
      const running = spawn(process.execPath, [CHILD, folder, 'rotate', '0'], { stdio: ['ignore', 'pipe', 'ignore'] });
      running.stdout.once('data', () => setTimeout(() => running.kill('SIGKILL'), n / 2));
      running.on('close', () => resolve());
    });
    const vault = openAt(folder);
    soundness(vault);
    vault.run(rotatorOf(vault).settle());
    expect(vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' })).state).toBe('grace');
    soundness(vault);
    vault.close();
    // What a cut file work may leave is a sealed temporary file; a whole backup is never half of one.
    for (const file of readdirSync(join(folder, 'backups', 'secrets')))
      expect(file).toMatch(/^secrets-backup-[\d-]+\.json(\.\d+\.tmp)?$/);
  }
});
