// Backup files in the vault's backup folder: names that are never taken twice, reading, listing.
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { FileError } from '../errors.ts';
import { type BackupFile, type BackupRecord, openBackup, parseBackup } from './backup-format.ts';
import { createFile, readTextIfThere } from './files.ts';
import type { VaultHome } from './home.ts';
import { type Env, findRootKey } from './root-key-files.ts';

/** Makes a backup's text durable under a new name. @returns its path */
export type BackupSink = (text: string) => string;

/** `secrets-backup-YYYY-MM-DD.json`; a second one on a day gets `-HHMMSS`, more in that second a count besides. */
export function* backupNames(folder: string, now: number): Generator<string> {
  const iso = new Date(now).toISOString();
  const day = join(folder, `secrets-backup-${iso.slice(0, 10)}`);
  const second = `${day}-${iso.slice(11, 19).replaceAll(':', '')}`;
  yield `${day}.json`;
  yield `${second}.json`;
  for (let count = 2; count < 1000; count += 1) yield `${second}-${count}.json`;
}

export function backupSink(home: VaultHome, clock: () => number): BackupSink {
  return (text) => createFile(backupNames(home.backups, clock()), text);
}

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
export function openBackupFile(home: VaultHome, env: Env, path: string, file: BackupFile): BackupRecord[] {
  const { rootKey } = findRootKey(home, env, file.header.rootKeyId, file.header.passphrase ?? undefined);
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
