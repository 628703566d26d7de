// keyturn rm: takes a secret away; its versions stay.
import type { Command } from 'commander';
import { deleteSecret } from '../../vault/write.ts';
import { type CommonOptions, withPlace, withSession } from '../session.ts';

export function register(program: Command): void {
  withPlace(
    program
      .command('rm')
      .description('take secrets away; `restore` brings them back')
      .argument('<names...>', 'names of secrets'),
  ).action((names: string[], options: CommonOptions) =>
    withSession('rm', options, ({ vault, at, out }) => {
      const removed = names.map((name) => {
        const result = vault.run(deleteSecret(vault.context, at, name));
        out.line(`${result.name} (${at.environment}) is deleted. \`keyturn restore ${result.name}\` brings it back.`);
        return result.name;
      });
      out.data({ removed });
    }),
  );
}
