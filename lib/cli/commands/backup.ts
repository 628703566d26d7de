// keyturn backup: create, list, verify and restore backup files.
import type { Command } from 'commander';
import { backupOf } from '../../rotation/rotator.ts';
import { transaction } from '../../store/operation.ts';
import { listBackups, openBackupFile, readBackupFile } from '../../vault/backup-files.ts';
import { restoreFromFile } from '../backup-files.ts';
import { type CommonOptions, surroundings, withJson, withSession } from '../session.ts';
import { plural } from '../words.ts';

export function register(program: Command): void {
  const backup = program.command('backup').description('backups: create, list, verify, restore');
  withJson(backup.command('create').description('write an encrypted backup of all secrets to backups/secrets/')).action(
    (options: CommonOptions) =>
      withSession('backup create', options, ({ vault, out }) => {
        const result = vault.run(backupOf(vault, 'asked'));
        out.data(result);
        out.line(`${plural(result.secrets, 'secret')} backed up to ${result.path}.`);
        out.line(`It opens with the root key ${vault.context.rootKey.id} only: keep that key elsewhere.`);
      }),
  );
  withJson(backup.command('list').description('list the backups that there are')).action((options: CommonOptions) => {
    const { home, out } = surroundings(options);
    const backups = listBackups(home);
    out.data(backups);
    if (backups.length === 0) out.line(`No backups in ${home.backups} yet. Make one with \`keyturn backup create\`.`);
    else {
      out.table(
        ['made', 'secrets', 'bytes', 'root key', 'file'],
        backups.map((one) => [
          one.createdAt,
          String(one.secrets),
          String(one.size),
          one.rootKeyId.slice(0, 8),
          one.path,
        ]),
      );
    }
  });
  withJson(
    backup
      .command('verify')
      .description('open a backup and check all of it; changes nothing')
      .argument('<file>', 'the backup'),
  ).action((file: string, options: CommonOptions) =>
    withSession('backup verify', options, ({ vault, out, home }) => {
      const parsed = readBackupFile(file);
      const records = openBackupFile(home, process.env, file, parsed);
      for (const record of records) record.value.fill(0);
      const details = { file, secrets: records.length };
      vault.run(transaction(vault.context.log([{ action: 'backup.verify', details }])));
      out.data({ file, ok: true, secrets: records.length, createdAt: parsed.header.createdAt });
      out.line(
        `${out.style('green', '✓')} ${file} is whole: ${plural(records.length, 'secret')}, made ${parsed.header.createdAt}.`,
      );
    }),
  );
  withJson(
    backup
      .command('restore')
      .description('bring back all secrets of a backup, or named ones, as new versions')
      .argument('<file>', 'the backup')
      .argument('[names...]', 'only these secrets'),
  )
    .option('--dry-run', 'say what would change, and change nothing')
    .action((file: string, names: string[], options: CommonOptions & { dryRun?: boolean }) =>
      withSession('backup restore', options, (session) =>
        restoreFromFile(session, file, names, options.dryRun === true),
      ),
    );
}
