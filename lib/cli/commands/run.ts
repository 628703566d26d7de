// keyturn run -- CMD: runs a command with an environment's secrets in its environment variables. They are never on disk.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { asUtf8 } from '../../crypto/bytes.ts';
import { readAll } from '../../vault/read.ts';
import { type CommonOptions, openSession, withPlace } from '../session.ts';

const COMMAND_NOT_FOUND = 127;
const CANNOT_RUN = 126;
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** What the child gets: this process's environment without the vault's own key, and the secrets over it. */
function childEnvironment(opened: readonly { name: string; value: Buffer }[]): {
  env: NodeJS.ProcessEnv;
  left: string[];
} {
  const env = { ...process.env };
  for (const name of Object.keys(env)) if (name.startsWith('SECRETS_ENCRYPTION_KEY')) delete env[name];
  const left: string[] = [];
  for (const { name, value } of opened) {
    const text = asUtf8(value);
    if (text === undefined || text.includes('\0')) left.push(name);
    else env[name] = text;
  }
  return { env, left };
}

export function register(program: Command): void {
  withPlace(
    program
      .command('run')
      .description('run a command with the secrets in its environment: keyturn run -- CMD')
      .argument('[command...]', 'the command and its arguments, after --'),
  )
    .passThroughOptions()
    .action((command: string[], options: CommonOptions) => {
      const [file, ...args] = command;
      if (file === undefined) throw new UsageError('No command was given.', 'Write it after --: `keyturn run -- npm start`.');
      const { vault, at, out } = openSession('run', options);
      const opened = vault.run(readAll(vault.context, at, { purpose: 'run' }));
      const { env, left } = childEnvironment(opened);
      for (const one of opened) one.value.fill(0);
      for (const name of left) out.note(`${name} is left out: it is binary, and an environment variable cannot hold it.`);
      const child = spawn(file, args, { stdio: 'inherit', env });
      // The child has started; closing meanwhile costs it nothing.
      vault.close();
      for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
      child.on('error', (error: NodeJS.ErrnoException) => {
        out.note(`keyturn: ${file} cannot be run (${error.code ?? error.message}).`);
        process.exitCode = error.code === 'ENOENT' ? COMMAND_NOT_FOUND : CANNOT_RUN;
      });
      child.on('exit', (code, signal) => {
        // As shells say it: 128 and the signal's number.
        if (signal) process.exitCode = 128 + (constants.signals[signal] ?? 0);
        else if (code !== null && process.exitCode === undefined) process.exitCode = code;
        process.exit();
      });
    });
}
