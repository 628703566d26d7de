// Backup files as commands use them: read, open under the right root key, restore.
import { basename } from 'node:path';
import { FileError } from '../errors.ts';
import { backupOf } from '../rotation/rotator.ts';
import { openBackupFile, readBackupFile } from '../vault/backup-files.ts';
import type { BackupRecord } from '../vault/backup-format.ts';
import { planRestore, type RestoreLine, restoreRecords, selectRecords } from '../vault/backups.ts';
import { ensureEnvironment } from '../vault/create.ts';
import type { Session } from './session.ts';
import { plural } from './words.ts';

const WORDS: Readonly<Record<RestoreLine['outcome'], string>> = {
  unchanged: 'unchanged',
  'new-version': 'new version',
  added: 'added',
};

/** Restores from a backup, all secrets or named ones; a dry run says what would change. A backup of now is made first. */
export function restoreFromFile(session: Session, path: string, names: readonly string[], dryRun: boolean): void {
  const { vault, out, home } = session;
  const records = openBackupFile(home, process.env, path, readBackupFile(path));
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
