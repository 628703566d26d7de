// keyturn restore: brings back a deleted secret, or the value of an earlier version.
import type { Command } from 'commander';
import { rotatorOf } from '../../rotation/rotator.ts';
import { restoreDeleted } from '../../vault/write.ts';
import { type CommonOptions, openWorld, withPlace, withSession } from '../session.ts';
import { wholeNumber } from './set.ts';

export function register(program: Command): void {
  withPlace(
    program
      .command('restore')
      .description('bring back a deleted secret, or an earlier version as a new one')
      .argument('<name>', 'name of the secret'),
  )
    .option('--version <n>', 'the version whose value is wanted')
    .action((name: string, options: CommonOptions & { version?: string }) =>
      withSession('restore', options, async (session) => {
        const { vault, at, out } = session;
        if (options.version === undefined) {
          const result = vault.run(restoreDeleted(vault.context, at, name));
          out.data(result);
          out.line(`${result.name} (${at.environment}) is back, at version ${result.version}.`);
          return;
        }
        const from = wholeNumber(options.version, 'a version');
        const rotator = rotatorOf(vault, await openWorld(session, true));
        const result = await vault.perform(rotator.rollback(at, name, from));
        out.data(result);
        out.line(
          `${result.name} (${at.environment}) has the value of version ${from} again, as version ${result.version}.`,
        );
      }),
    );
}
