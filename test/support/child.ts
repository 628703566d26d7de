// Processes that tests start from sources, mostly to kill them.
import { type ChildProcess, spawn } from 'node:child_process';

/** Starts a file of sources with Node itself, with nothing of this process's environment but the path. */
export function startChild(file: string, ...args: string[]): ChildProcess {
  const env = { PATH: process.env.PATH ?? '' };
  return spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env });
}

export function ended(child: ChildProcess): Promise<{ signal: NodeJS.Signals | null; output: string }> {
  let output = '';
  child.stdout?.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve) => child.once('close', (_, signal) => resolve({ signal, output })));
}
