// A server of the soak: `keyturn serve` as a process of its own, killed and started again on the same port, with a clock that can be
// moved while it runs (libfaketime), and its output in a file that is searched at the end like every other.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const COMMAND = fileURLToPath(new URL('../bin/keyturn.cjs', import.meta.url));
/** Where Debian's package `faketime` has it. */
const FAKETIME = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketimeMT.so.1`;
const START_MS = 60_000;

export const clocksCanJump = existsSync(FAKETIME);

export class SoakServer {
  readonly name: string;
  readonly url: string;
  readonly folder: string;
  /** How often it was started. */
  lives = 0;
  #child: ChildProcess | undefined;
  readonly #env: Readonly<Record<string, string>>;
  readonly #port: number;

  constructor(name: string, folder: string, port: number, env: Readonly<Record<string, string>>) {
    this.name = name;
    this.folder = folder;
    this.#port = port;
    this.#env = env;
    this.url = `http://127.0.0.1:${port}`;
    mkdirSync(folder, { recursive: true });
    this.moveClock(0);
  }

  get log(): string {
    return join(this.folder, 'output.log');
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Resident memory in MiB, while it runs. */
  get memory(): number | undefined {
    if (this.pid === undefined) return undefined;
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  }

  /** @param seconds how far it is from the real time; taken up by the process within a second */
  moveClock(seconds: number): void {
    writeFileSync(join(this.folder, 'clock'), `${seconds < 0 ? '' : '+'}${seconds}\n`);
  }

  async start(): Promise<void> {
    this.lives += 1;
    const log = openSync(this.log, 'a');
    const clock = {
      LD_PRELOAD: FAKETIME,
      FAKETIME_TIMESTAMP_FILE: join(this.folder, 'clock'),
      FAKETIME_CACHE_DURATION: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      DONT_FAKE_MONOTONIC: '1',
    };
    // A core may be written, as far as whoever starts it is concerned: that none is has to be the server's own doing.
    const command = [process.execPath, COMMAND, 'serve', '--port', String(this.#port)];
    this.#child = spawn('/bin/sh', ['-c', 'ulimit -c unlimited && exec "$0" "$@"', ...command], {
      cwd: this.folder,
      env: {
        PATH: process.env.PATH ?? '',
        KEYTURN_HOME: join(this.folder, '.keyturn'),
        KEYTURN_LOG_LEVEL: 'info',
        ...this.#env,
        ...(clocksCanJump && clock),
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const until = performance.now() + START_MS;
    while (this.running && performance.now() < until) {
      if (await this.#answers()) return;
      await wait(100);
    }
    // PostgreSQL may be away just now: whoever wants it to run starts it again.
    if (this.running) await this.kill('SIGKILL');
  }

  async #answers(): Promise<boolean> {
    try {
      return (await fetch(`${this.url}/healthz`, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      // Not yet.
      return false;
    }
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child?.kill(signal);
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child || !this.running) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill(signal);
    await gone;
  }
}
