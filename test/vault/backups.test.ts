// Backups: whole, sealed, and restorable from the file and the root key alone.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../lib/crypto/random.ts';
import { FileError } from '../../lib/errors.ts';
import { backupOf } from '../../lib/rotation/rotator.ts';
import { backupNames } from '../../lib/vault/backup-files.ts';
import { openBackup, parseBackup } from '../../lib/vault/backup-format.ts';
import { planRestore, restoreRecords, selectRecords } from '../../lib/vault/backups.ts';
import type { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { createFile, replaceFile } from '../../lib/vault/files.ts';
import { secretHistory } from '../../lib/vault/list.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { deleteSecret } from '../../lib/vault/write.ts';
import { DEVELOPMENT, PRODUCTION, put, temporaryFolder, testVault } from '../support/vault.ts';

const get = (vault: EmbeddedVault, name: string, at = DEVELOPMENT) =>
  vault.run(readSecret(vault.context, at, name)).value.toString();
const open = (vault: EmbeddedVault, path: string) =>
  openBackup(path, parseBackup(path, readFileSync(path, 'utf8')), vault.context.rootKey);

describe('a backup', () => {
  it('is named by its day; a second one on a day by its second, more in that second by a count', () => {
    const { vault, clock } = testVault();
    const names = Array.from({ length: 4 }, () => basename(vault.run(backupOf(vault, 'asked')).path));
    expect(names).toEqual([
      'secrets-backup-2026-01-01.json',
      'secrets-backup-2026-01-01-120000.json',
      'secrets-backup-2026-01-01-120000-2.json',
      'secrets-backup-2026-01-01-120000-3.json',
    ]);
    expect(basename([...backupNames('x', clock.now)][0] ?? '')).toBe('secrets-backup-2026-01-01.json');
  });

  it('holds no value, name or label in plain text, and can be read by its user only', () => {
    const { vault } = testVault();
    put(vault, 'PLANTED_NAME', 'planted-value-4711', { labels: { planted: 'label-4711' } });
    const { path } = vault.run(backupOf(vault, 'asked'));
    const text = readFileSync(path, 'utf8');
    for (const planted of [
      'planted-value-4711',
      'PLANTED_NAME',
      'label-4711',
      Buffer.from('planted-value-4711').toString('base64').slice(0, 20),
    ]) {
      expect(text).not.toContain(planted);
    }
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(vault.home.backups)).toEqual([basename(path)]);
  });

  it('gives back every value with what describes it, of all environments', () => {
    const { vault } = testVault();
    const binary = systemRandom(300);
    put(vault, 'BINARY', '', { value: binary, owner: 'ann', intervalDays: 12, labels: { a: 'b' }, type: 'api_key' });
    put(vault, 'TEXT', 'x', { at: PRODUCTION });
    const records = open(vault, vault.run(backupOf(vault, 'asked')).path);
    expect(records.map((one) => [one.name, one.environment])).toEqual([
      ['BINARY', 'development'],
      ['TEXT', 'production'],
    ]);
    expect(records[0]).toMatchObject({
      owner: 'ann',
      intervalDays: 12,
      labels: { a: 'b' },
      type: 'api_key',
      version: 1,
    });
    expect(records[0]?.value.equals(binary)).toBe(true);
  });

  it('with any one character changed, or cut anywhere, is refused with one kind of error', () => {
    const { vault } = testVault();
    put(vault, 'NAME', 'value');
    const text = readFileSync(vault.run(backupOf(vault, 'asked')).path, 'utf8');
    const read = (changed: string) => () => openBackup('x', parseBackup('x', changed), vault.context.rootKey);
    expect(read(text)).not.toThrow();
    fc.assert(
      fc.property(fc.nat(text.length - 4), fc.constantFrom('A', '0', 'z', '"', ' '), (at, character) => {
        const changed = text.slice(0, at) + character + text.slice(at + 1);
        // White space between JSON's parts, and unused bits of base64, say nothing: what is read is the same.
        const same = JSON.stringify(parseOrNothing(changed)) === JSON.stringify(parseOrNothing(text));
        if (!same) expect(read(changed)).toThrow(FileError);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.nat(text.length - 3), (at) => {
        expect(read(text.slice(0, at))).toThrow(FileError);
      }),
      { numRuns: 100 },
    );
  });

  it('of another vault, or none, is refused', () => {
    const one = testVault().vault;
    const other = testVault().vault;
    put(one, 'NAME', 'value');
    const { path } = one.run(backupOf(one, 'asked'));
    expect(() => open(other, path)).toThrow(FileError);
    for (const text of ['', '{}', '[]', 'null', '{"keyturn":"backup","format":2}', '{"keyturn":"backup","format":1}']) {
      expect(() => parseBackup('x', text), text).toThrow(FileError);
    }
  });
});

function parseOrNothing(text: string): unknown {
  try {
    const { payload, wrappedKey, ...rest } = JSON.parse(text);
    return { ...rest, payload: Buffer.from(payload, 'base64').toString('hex'), wrappedKey };
  } catch {
    return text;
  }
}

describe('restoring', () => {
  it('makes new versions of what differs, brings deleted ones back, and leaves the rest alone', () => {
    const { vault } = testVault();
    for (const name of ['CHANGED', 'SAME', 'DELETED']) put(vault, name, 'before');
    const records = open(vault, vault.run(backupOf(vault, 'asked')).path);
    put(vault, 'CHANGED', 'after');
    put(vault, 'LATER', 'not in the backup');
    vault.run(deleteSecret(vault.context, DEVELOPMENT, 'DELETED'));
    const plan = vault.run(planRestore(vault.context, records));
    expect(plan.map((one) => [one.name, one.outcome, one.version])).toEqual([
      ['CHANGED', 'new-version', 3],
      ['DELETED', 'added', 2],
      ['SAME', 'unchanged', 1],
    ]);
    expect(get(vault, 'CHANGED')).toBe('after');
    expect(vault.run(restoreRecords(vault.context, records, 'file'))).toEqual(plan);
    expect(['CHANGED', 'DELETED', 'SAME', 'LATER'].map((name) => get(vault, name))).toEqual([
      'before',
      'before',
      'before',
      'not in the backup',
    ]);
    const { versions } = vault.run(secretHistory(vault.context, DEVELOPMENT, 'CHANGED'));
    expect(versions.map((one) => [one.number, one.origin])).toEqual([
      [3, 'restore'],
      [2, 'set'],
      [1, 'set'],
    ]);
  });

  it('takes named secrets only, compared without case', () => {
    const { vault } = testVault();
    for (const name of ['A', 'B']) put(vault, name, 'before');
    const records = open(vault, vault.run(backupOf(vault, 'asked')).path);
    expect(selectRecords(records, ['b']).map((one) => one.name)).toEqual(['B']);
    expect(selectRecords(records, [])).toHaveLength(2);
  });

  it('needs the file and the root key only: a new vault takes it all', () => {
    const env = { SECRETS_ENCRYPTION_KEY: systemRandom(32).toString('base64') };
    const lost = testVault({ env }).vault;
    put(lost, 'NAME', 'value', { at: PRODUCTION });
    const { path } = lost.run(backupOf(lost, 'asked'));
    const fresh = testVault({ env }).vault;
    fresh.run(restoreRecords(fresh.context, open(fresh, path), 'file'));
    expect(get(fresh, 'NAME', PRODUCTION)).toBe('value');
  });
});

describe('a file that is put in place', () => {
  it('is whole or not there, and nothing else is left', () => {
    const folder = temporaryFolder();
    replaceFile(`${folder}/a/file`, 'one');
    replaceFile(`${folder}/a/file`, 'two');
    expect(readFileSync(`${folder}/a/file`, 'utf8')).toBe('two');
    expect(readdirSync(`${folder}/a`)).toEqual(['file']);
    expect(() => replaceFile(`${folder}/a/file/below`, 'x')).toThrow(FileError);
  });

  it('never takes the place of another when it is to be new', () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/1`, 'there');
    expect(createFile([`${folder}/1`, `${folder}/2`], 'new')).toBe(`${folder}/2`);
    expect(readFileSync(`${folder}/1`, 'utf8')).toBe('there');
    expect(() => createFile([`${folder}/1`], 'new')).toThrow(RangeError);
    expect(readdirSync(folder).sort()).toEqual(['1', '2']);
    expect(existsSync(`${folder}/3`)).toBe(false);
  });
});
