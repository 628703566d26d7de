// Where a vault is looked for.
import { chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { vaultHome } from '../../lib/vault/home.ts';
import { temporaryFolder } from '../support/vault.ts';

describe('the vault of a folder', () => {
  it('is the nearest one upwards', () => {
    const root = temporaryFolder();
    mkdirSync(join(root, '.keyturn'));
    mkdirSync(join(root, 'packages', 'web'), { recursive: true });
    writeFileSync(join(root, 'packages', 'web', 'package.json'), '{}');
    const home = vaultHome(join(root, 'packages', 'web'), {});
    expect(home.folder).toBe(join(root, '.keyturn'));
    expect(home.backups).toBe(join(root, 'backups', 'secrets'));
  });

  it('is to be at the nearest project where there is none yet', () => {
    const root = temporaryFolder();
    mkdirSync(join(root, 'src'));
    writeFileSync(join(root, 'package.json'), '{}');
    expect(vaultHome(join(root, 'src'), {}).folder).toBe(join(root, '.keyturn'));
  });

  it('is KEYTURN_HOME where that is set', () => {
    const root = temporaryFolder();
    expect(vaultHome(root, { KEYTURN_HOME: 'elsewhere' }).folder).toBe(join(root, 'elsewhere'));
    expect(vaultHome(root, { KEYTURN_HOME: '/srv/vault' }).database).toBe('/srv/vault/keyturn.db');
  });

  it.runIf(process.getuid?.() === 0)('is never one that another user put above it', () => {
    const shared = temporaryFolder();
    mkdirSync(join(shared, '.keyturn'));
    chownSync(join(shared, '.keyturn'), 65_534, 65_534);
    mkdirSync(join(shared, 'project'));
    writeFileSync(join(shared, 'project', 'package.json'), '{}');
    expect(vaultHome(join(shared, 'project'), {}).folder).toBe(join(shared, 'project', '.keyturn'));
  });
});
