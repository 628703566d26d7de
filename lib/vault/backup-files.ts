// Where backup files go: names that are never taken twice, in the vault's backup folder.
import { join } from 'node:path';
import { createFile } from './files.ts';
import type { VaultHome } from './home.ts';

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
