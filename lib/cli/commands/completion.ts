// keyturn completion: completion scripts for bash, zsh and fish, made from the commands themselves.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { bashCompletion, type CommandTree, fishCompletion, zshCompletion } from '../completion-scripts.ts';

function treeOf(command: Command): CommandTree {
  return {
    name: command.name(),
    description: command.description(),
    options: command.options.flatMap((option) => [option.short, option.long].filter((flag) => flag !== undefined)),
    names: command.registeredArguments.some((argument) => argument.name() === 'name' || argument.name() === 'names'),
    commands: command.commands.filter((child) => child.name() !== 'help').map(treeOf),
  };
}

export function register(program: Command): void {
  program
    .command('completion')
    .description('print the completion script for a shell')
    .argument('<shell>', 'bash, zsh or fish')
    .addHelpText(
      'after',
      '\nbash: keyturn completion bash > ~/.local/share/bash-completion/completions/keyturn\nzsh:  keyturn completion zsh, into a folder of $fpath, as _keyturn\nfish: keyturn completion fish > ~/.config/fish/completions/keyturn.fish',
    )
    .action((shell: string) => {
      const scripts: Record<string, (tree: CommandTree) => string> = {
        bash: bashCompletion,
        zsh: zshCompletion,
        fish: fishCompletion,
      };
      const script = scripts[shell];
      if (!script) throw new UsageError(`There is no completion for "${shell}".`, 'Shells are bash, zsh and fish.');
      process.stdout.write(script(treeOf(program)));
    });
}
