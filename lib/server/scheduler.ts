// What a server does by itself: ends the grace of rotations and takes up those that were cut off, forwards the log,
// forgets what is old. One server does it by a timer; on PostgreSQL, pg-boss gives each turn to one of any number.
import { PgBoss } from 'pg-boss';
import { rotatorOf } from '../rotation/rotator.ts';
import { all, type Operation, transaction } from '../store/operation.ts';
import { clearOldAttempts, deleteEndedTokens } from '../store/statements/access.ts';
import { deleteOldIdempotent } from '../store/statements/service.ts';
import type { ServedVault } from '../vault/served-vault.ts';
import type { Forwarder } from './forwarder.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const SETTLE_MS = 10_000;
const TIDY_MS = 60 * 60 * 1000;

export interface Scheduler {
  stop(): Promise<void>;
}

export interface Work {
  readonly vault: ServedVault;
  readonly forwarder: Forwarder;
  readonly onError: (error: unknown, job: string) => void;
}

/** Rotations past their grace are ended, and those that a killed process left are taken up. */
async function settle({ vault }: Work): Promise<void> {
  await vault.run(rotatorOf({ context: vault.system, home: vault.home }).settle());
}

function* tidy(now: number): Operation<void> {
  yield* all(deleteOldIdempotent, { before: now - DAY_MS });
  yield* all(clearOldAttempts, { before: now - 2 * DAY_MS });
  yield* all(deleteEndedTokens, { kind: 'oidc', before: now - DAY_MS });
}

const JOBS: readonly { name: string; every: number; run: (work: Work) => Promise<void> }[] = [
  { name: 'settle', every: SETTLE_MS, run: settle },
  { name: 'forward', every: 1_000, run: ({ forwarder }) => forwarder.deliver() },
  { name: 'tidy', every: TIDY_MS, run: ({ vault }) => vault.read(transaction(tidy(vault.clock()))) },
];

/** By timers of this process: on the embedded store there is no other server. */
export function startTimers(work: Work): Scheduler {
  let running: Promise<void> = Promise.resolve();
  const timers = JOBS.map(({ name, every, run }) =>
    setInterval(() => {
      running = running.then(() => run(work)).catch((error: unknown) => work.onError(error, name));
    }, every).unref(),
  );
  running = running.then(() => settle(work)).catch((error: unknown) => work.onError(error, 'settle'));
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await running;
    },
  };
}

/**
 * By pg-boss, in a schema of its own beside ours: each job is a queue in which at most one waits and one runs, whichever
 * server sent it and whichever takes it.
 */
export async function startBoss(url: string, schema: string, work: Work): Promise<Scheduler> {
  const boss = new PgBoss({ connectionString: url, schema, max: 3, application_name: 'keyturn scheduler' });
  boss.on('error', (error) => work.onError(error, 'pg-boss'));
  await boss.start();
  const timers: NodeJS.Timeout[] = [];
  for (const { name, every, run } of JOBS) {
    await boss.createQueue(name, { policy: 'stately', retryLimit: 2, expireInSeconds: 300 });
    await boss.work(name, { pollingIntervalSeconds: 0.5 }, async () => {
      try {
        await run(work);
      } catch (error) {
        work.onError(error, name);
        throw error;
      }
    });
    const send = () => {
      boss
        .send(name, {}, { singletonKey: name, singletonSeconds: Math.max(1, Math.floor(every / 1000)) })
        .catch((error: unknown) => work.onError(error, name));
    };
    send();
    timers.push(setInterval(send, every).unref());
  }
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await boss.stop({ graceful: true, timeout: 5_000 });
    },
  };
}
