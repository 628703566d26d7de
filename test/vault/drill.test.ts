// The restore drill: proves a backup by bringing it back, and says which of it is not what the vault has.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { listAlerts } from '../../lib/monitoring/alert-book.ts';
import { alertRun, updateAlerts } from '../../lib/monitoring/alert-run.ts';
import { Http } from '../../lib/providers/http.ts';
import { backupOf } from '../../lib/rotation/rotator.ts';
import { drill, listDrills } from '../../lib/vault/drill.ts';
import { deleteSecret } from '../../lib/vault/write.ts';
import { DAY, DEVELOPMENT, PRODUCTION, put, testVault } from '../support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

function scene() {
  const at = testVault();
  put(at.vault, 'JWT_SECRET', STRONG);
  put(at.vault, 'OTHER', `${STRONG}other`, { at: PRODUCTION });
  const run = () => at.vault.run(drill(at.vault.context, { home: at.vault.home, env: at.variables }));
  const scratch = () => readdirSync(tmpdir()).filter((one) => one.startsWith('keyturn-drill-'));
  return { ...at, run, scratch };
}

describe('a restore drill', () => {
  it('restores the newest backup, opens all of it, and finds it the same', () => {
    const { vault, run, scratch } = scene();
    const { path } = vault.run(backupOf(vault, 'asked'));
    const before = scratch();
    const result = run();
    expect(result).toMatchObject({ passed: true, secrets: 2, same: 2, gone: 0, wrong: [] });
    expect(path).toContain(result.backup);
    expect(scratch()).toEqual(before);
    expect(vault.run(listDrills(vault.context, 0, 10))).toEqual([result]);
  });

  it('compares with the version that was backed up, not with the one in use', () => {
    const { vault, run } = scene();
    vault.run(backupOf(vault, 'asked'));
    put(vault, 'JWT_SECRET', `${STRONG}newer`);
    vault.run(deleteSecret(vault.context, PRODUCTION, 'OTHER'));
    expect(run()).toMatchObject({ passed: true, same: 2 });
  });

  it('fails where a fingerprint does not agree, keeps that, and an alert says so until one passes', async () => {
    const { vault, clock, run } = scene();
    vault.run(backupOf(vault, 'asked'));
    // Version 1 of another vault's making under the same name: the backup is not of this value.
    const other = testVault();
    put(other.vault, 'JWT_SECRET', `${STRONG}changed`);
    const { fingerprint } = other.vault.context;
    vault.context.fingerprint = (value) => fingerprint.call(vault.context, Buffer.concat([value, Buffer.from('x')]));
    const failed = run();
    expect(failed).toMatchObject({
      passed: false,
      same: 0,
      wrong: ['default/development/JWT_SECRET', 'default/production/OTHER'],
    });
    const alerts = alertRun({
      config: {},
      http: new Http(),
      at: DEVELOPMENT,
      home: vault.home,
      destinations: [],
      print: () => undefined,
    });
    const open = async () => {
      await vault.perform(updateAlerts(vault.context, alerts));
      return vault
        .run(listAlerts(vault.context))
        .filter((one) => one.kind === 'drill')
        .map((one) => one.severity);
    };
    expect(await open()).toEqual(['high']);
    vault.context.fingerprint = fingerprint;
    clock.forward(1000);
    run();
    expect(await open()).toEqual([]);
    clock.forward(46 * DAY);
    expect(await open()).toEqual(['medium']);
  });

  it('says so where there is no backup, and where it is damaged; neither counts as a drill', () => {
    const { vault, run, scratch } = scene();
    expect(run).toThrow(/There is no backup/);
    const { path } = vault.run(backupOf(vault, 'asked'));
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/"payload": "(.{40})./, '"payload": "$1A'));
    const before = scratch();
    expect(run).toThrow();
    expect(scratch()).toEqual(before);
    expect(vault.run(listDrills(vault.context, 0, 10))).toEqual([]);
  });
});
