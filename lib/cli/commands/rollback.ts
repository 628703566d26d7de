// keyturn rollback: back to the version before, to a numbered one, or to a backup.
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { rotatorOf } from '../../rotation/rotator.ts';
import { restoreFromFile } from '../backup-files.ts';
import { type CommonOptions, openWorld, withPlace, withSession } from '../session.ts';
import { moment } from '../words.ts';
import { wholeNumber } from './set.ts';

export function register(program: Command): void {
  withPlace(
    program
      .command('rollback')
      .description('go back: a secret to its version before, or everything to a backup file')
      .argument('<name-or-file>', 'name of a secret, or path of a backup'),
  )
    .option('--to <n>', 'the version whose value is wanted')
    .option('--dry-run', 'say what would change, and change nothing')
    .action((target: string, options: CommonOptions & { to?: string; dryRun?: boolean }) =>
      withSession('rollback', options, async (session) => {
        const { vault, at, out } = session;
        if (target.endsWith('.json') || target.includes('/') || existsSync(target)) {
          restoreFromFile(session, target, [], options.dryRun === true);
          return;
        }
        const to = options.to === undefined ? undefined : wholeNumber(options.to, 'a version');
        const rotator = rotatorOf(vault, await openWorld(session, true));
        if (options.dryRun) {
          const plan = vault.run(rotator.planRollback(at, target, to));
          out.data({ dryRun: true, ...plan });
          out.line(
            `Would bring back the value of version ${plan.of} of ${plan.name}, as a version after ${plan.from}.`,
          );
          return;
        }
        const result = await vault.perform(rotator.rollback(at, target, to));
        out.data(result);
        out.line(
          `${out.style('green', '✓')} ${result.name} (${result.environment}) has its earlier value again, as version ${result.version}.`,
        );
        if (result.previousValidUntil !== null) {
          out.line(`The value that it replaces stays valid until ${moment(result.previousValidUntil)}.`);
        }
      }),
    );
}
