// The built `keyturn` command and the guide's scripts as real processes.
import { type SpawnOptions, spawn } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const COMMAND = `${ROOT}/bin/keyturn.cjs`;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd: string;
  readonly env?: Record<string, string>;
  /** Given to standard input, which is then closed. */
  readonly input?: string | Buffer;
  readonly timeoutMs?: number;
}

/** An environment without what this process may have of Keyturn's own. */
function cleanEnvironment(more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(KEYTURN_|SECRETS_|VITEST|NODE_)/.test(name));
  return { ...Object.fromEntries(kept), NO_COLOR: '1', KEYTURN_LIVE: 'off', ...more };
}

/** Runs a program to its end. */
export function runProgram(file: string, args: readonly string[], options: RunOptions & SpawnOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const { input = '', timeoutMs = 60_000, env, ...rest } = options;
    const child = spawn(file, args, { ...rest, env: cleanEnvironment(env), stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk) => stdout.push(chunk));
    child.stderr?.on('data', (chunk) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() });
    });
    // A child that does not read its input (or has died) closes the pipe: that is its right.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

export function keyturn(args: readonly string[], options: RunOptions): Promise<Ended> {
  return runProgram(process.execPath, [COMMAND, ...args], options);
}

/** A project's folder with nothing of Keyturn in it yet. */
export function projectFolder(folder: string): string {
  mkdirSync(folder, { recursive: true });
  cpSync(`${ROOT}/examples/cloudgreet.env`, `${folder}/example.env`);
  return folder;
}
