// Backup files as commands use them: read, open under the right root key, restore.
import { readdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { FileError } from '../errors.ts';
import { backupOf } from '../rotation/rotator.ts';
import { type BackupFile, type BackupRecord, openBackup, parseBackup } from '../vault/backup-format.ts';
import { planRestore, type RestoreLine, restoreRecords, selectRecords } from '../vault/backups.ts';
import { ensureEnvironment } from '../vault/create.ts';
import { readTextIfThere } from '../vault/files.ts';
import type { VaultHome } from '../vault/home.ts';
import { findRootKey } from '../vault/root-key-files.ts';
import type { Session } from './session.ts';
import { plural } from './words.ts';

export function readBackupFile(path: string): BackupFile {
  const text = readTextIfThere(resolve(path));
  if (text !== undefined) return parseBackup(path, text);
  throw new FileError('KT_BACKUP_INVALID', {
    what: `There is no file ${path}.`,
    left: 'The vault was not changed.',
    next: '`keyturn backup list` shows the backups that there are.',
  });
}

/** Opens a backup with whichever of the root keys at hand it is under. */
export function openBackupFile(home: VaultHome, path: string, file: BackupFile): BackupRecord[] {
  const { rootKey } = findRootKey(home, process.env, file.header.rootKeyId, file.header.passphrase ?? undefined);
  return openBackup(path, file, rootKey);
}

export interface ListedBackup {
  readonly path: string;
  readonly size: number;
  readonly createdAt: string;
  readonly secrets: number;
  readonly rootKeyId: string;
}

/** The backups in the project's folder, newest first. Files that are none are left out. */
export function listBackups(home: VaultHome): ListedBackup[] {
  const found: ListedBackup[] = [];
  for (const file of backupFileNames(home)) {
    const path = join(home.backups, file);
    try {
      const { createdAt, secrets, rootKeyId } = readBackupFile(path).header;
      found.push({ path, size: statSync(path).size, createdAt, secrets, rootKeyId });
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
    }
  }
  return found.sort((a, b) => b.createdAt.localeCompare(a.createdAt));
}

function backupFileNames(home: VaultHome): string[] {
  try {
    return readdirSync(home.backups).filter((file) => /^secrets-backup-.*\.json$/.test(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const WORDS: Readonly<Record<RestoreLine['outcome'], string>> = {
  unchanged: 'unchanged',
  'new-version': 'new version',
  added: 'added',
};

/** Restores from a backup, all secrets or named ones; a dry run says what would change. A backup of now is made first. */
export function restoreFromFile(session: Session, path: string, names: readonly string[], dryRun: boolean): void {
  const { vault, out, home } = session;
  const records = openBackupFile(home, path, readBackupFile(path));
  try {
    const chosen = selectRecords(records, names);
    if (chosen.length === 0) {
      throw new FileError('KT_BACKUP_INVALID', {
        what: `${basename(path)} has no secret of ${names.length > 1 ? 'those names' : 'that name'}.`,
        left: 'The vault was not changed.',
      });
    }
    if (!dryRun) for (const record of chosen) vault.run(ensureEnvironment(vault.context, record));
    const lines = dryRun ? vault.run(planRestore(vault.context, chosen)) : restoreWithBackup(session, chosen, path);
    out.data({ file: path, dryRun, secrets: lines });
    const changed = lines.filter((one) => one.outcome !== 'unchanged');
    if (changed.length > 0) {
      out.table(
        ['name', 'environment', dryRun ? 'would be' : 'is', 'version'],
        changed.map((one) => [one.name, one.environment, WORDS[one.outcome], String(one.version)]),
      );
      out.line();
    }
    const verb = dryRun ? 'would change' : 'changed';
    out.line(`${plural(changed.length, 'secret')} of ${lines.length} ${verb}; history is kept.`);
  } finally {
    for (const record of records) record.value.fill(0);
  }
}

function restoreWithBackup(session: Session, records: readonly BackupRecord[], path: string): RestoreLine[] {
  const { vault, out } = session;
  const plan = vault.run(planRestore(vault.context, records));
  if (plan.every((one) => one.outcome === 'unchanged')) return plan;
  const before = vault.run(backupOf(vault, 'restore'));
  out.note(`A backup of before is at ${before.path}.`);
  return vault.run(restoreRecords(vault.context, records, basename(path)));
}
