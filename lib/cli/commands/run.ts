// keyturn run -- CMD: runs a command with an environment's secrets in its environment variables.
import type { Command } from 'commander';
import { runCommand } from '../run-command.ts';
import { type CommonOptions, withPlace } from '../session.ts';

export function register(program: Command): void {
  withPlace(
    program
      .command('run')
      .description('run a command with the secrets in its environment: keyturn run -- CMD')
      .argument('[command...]', 'the command and its arguments, after --'),
  )
    .passThroughOptions()
    .action((command: string[], options: CommonOptions) => runCommand(command, options));
}
