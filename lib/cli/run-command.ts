// What `keyturn run` does: puts an environment's secrets into a command's environment variables and becomes that
// command. They are never on disk.
import { accessSync, constants, statSync } from 'node:fs';
import { createRequire, flushCompileCache } from 'node:module';
import { delimiter, join } from 'node:path';
import { asUtf8 } from '../crypto/bytes.ts';
import { UsageError } from '../errors.ts';
import { readAll } from '../vault/read.ts';
import type { CommonOptions } from './session.ts';
import { openSession } from './session.ts';

const COMMAND_NOT_FOUND = 127;
const CANNOT_RUN = 126;
/** How much of SQLite's log may be left for the next start to read. */
const LOG_LEFT_BYTES = 256 * 1024;
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/** What the child gets: this process's environment without the vault's own key, and the secrets over it. */
function childEnvironment(opened: readonly { name: string; value: Buffer }[]): {
  env: Record<string, string>;
  left: string[];
} {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('SECRETS_ENCRYPTION_KEY')) env[name] = value;
  }
  const left: string[] = [];
  for (const { name, value } of opened) {
    const text = asUtf8(value);
    if (text === undefined || text.includes('\0')) left.push(name);
    else env[name] = text;
  }
  return { env, left };
}

function isProgram(path: string): boolean {
  // Asked first, without an exception for each folder of PATH that does not have it.
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not to be run by this user: the search goes on, as a shell's does.
    return false;
  }
}

/** Finds a program as a shell does (POSIX, 2.9.1.4): by its path if it has a slash, else along PATH. */
function findProgram(file: string, path: string): string | undefined {
  if (file.includes('/')) return isProgram(file) ? file : undefined;
  return path
    .split(delimiter)
    .map((folder) => join(folder || '.', file))
    .find(isProgram);
}

/** @throws UsageError when no command is given; whatever opening the vault throws */
export function runCommand(command: readonly string[], options: CommonOptions): void {
  const [file, ...args] = command;
  if (file === undefined)
    throw new UsageError('No command was given.', 'Write it after --: `keyturn run -- npm start`.');
  const { vault, at } = openSession('run', options);
  const opened = vault.run(readAll(vault.context, at, { purpose: 'run' }));
  const { env, left } = childEnvironment(opened);
  for (const one of opened) one.value.fill(0);
  for (const name of left) {
    process.stderr.write(`${name} is left out: it is binary, and an environment variable cannot hold it.\n`);
  }
  // All is durable. Closing would fold SQLite's log back into the file, for 2 ms; that is left to one start in several, but
  // not longer: the next start has to read the log.
  if (process.platform === 'win32' || vault.store.logBytes() > LOG_LEFT_BYTES) vault.close();
  if (process.platform === 'win32' || !process.execve) spawnAndPassOn(file, args, env);
  else become(file, args, env, process.execve);
}

/** Replaces this process: signals, standard streams and the exit code are the command's own from here on. */
function become(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
  execve: NonNullable<typeof process.execve>,
): void {
  const program = findProgram(file, env.PATH ?? '');
  if (program === undefined) {
    process.stderr.write(`keyturn: there is no command ${file}.\n`);
    process.exitCode = file.includes('/') && statSync(file, { throwIfNoEntry: false }) ? CANNOT_RUN : COMMAND_NOT_FOUND;
    return;
  }
  // What was compiled is kept at exit, and this is none.
  flushCompileCache();
  execve.call(process, program, [file, ...args], env);
}

/** Where a process cannot be replaced: on Windows, and on Node 20. */
function spawnAndPassOn(file: string, args: readonly string[], env: Record<string, string>): void {
  const { spawn } = createRequire(import.meta.url)('node:child_process') as typeof import('node:child_process');
  const child = spawn(file, args, { stdio: 'inherit', env });
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  child.on('error', (error: NodeJS.ErrnoException) => {
    process.stderr.write(`keyturn: ${file} cannot be run (${error.code ?? error.message}).\n`);
    process.exitCode = error.code === 'ENOENT' ? COMMAND_NOT_FOUND : CANNOT_RUN;
  });
  child.on('exit', (code) => process.exit(code ?? 1));
}

/**
 * Reads `run`'s arguments where they are plain: place options, then `--` or the command. Anything else (help, an
 * unknown option) gives undefined and goes to the full command line.
 */
export function parseRunArguments(args: readonly string[]): { command: string[]; options: CommonOptions } | undefined {
  const options: { env?: string; project?: string } = {};
  const rest = [...args];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    if (next === '--') return { command: rest, options };
    if (!next.startsWith('-')) return { command: [next, ...rest], options };
    const value = rest.shift();
    if (value === undefined) return undefined;
    if (next === '-e' || next === '--env') options.env = value;
    else if (next === '-p' || next === '--project') options.project = value;
    else return undefined;
  }
  return undefined;
}
