// What a server does by itself: turns what is due, ends the grace of rotations and takes up those that were cut off, asks
// about keys, alerts, forwards the log, forgets what is old. One server does it by a timer; on PostgreSQL, pg-boss gives each turn to one of any number.
import { PgBoss } from 'pg-boss';
import { deliverAlerts } from '../monitoring/alert-delivery.ts';
import { type AlertRun, updateAlerts } from '../monitoring/alert-run.ts';
import { makeDueReports, type ReportRun } from '../reporting/deliver.ts';
import { checkEnvironment } from '../rotation/checks.ts';
import { type Rotator, rotatorOf } from '../rotation/rotator.ts';
import { Ticker } from '../rotation/tick.ts';
import type { World } from '../rotation/world.ts';
import { all, first, type Operation, quietTransaction, transaction } from '../store/operation.ts';
import { SteadyClient } from '../store/postgres/connection.ts';
import { clearOldAttempts, deleteEndedTokens } from '../store/statements/access.ts';
import { deleteOldAlertDeliveries } from '../store/statements/alerts.ts';
import { deleteOldJourneyRuns } from '../store/statements/assurance.ts';
import { deleteOldIdempotent } from '../store/statements/service.ts';
import { findFact, putFact } from '../store/statements/vault-facts.ts';
import { checkDrift } from '../sync/overview.ts';
import { turnIntakeKey } from '../vault/intake.ts';
import type { ServedVault } from '../vault/served-vault.ts';
import type { Forwarder } from './forwarder.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const SETTLE_MS = 10_000;
const TICK_MS = 10_000;
const TELL_MS = 5_000;
const ALERT_MS = 60_000;
const LOOK_MS = 6 * 60 * 60 * 1000;
/** What a server does as soon as it has started; the rest comes when its time has passed. */
const AT_START = new Set(['settle', 'tick', 'tell']);
/** How often, in ms, it is asked whether it is time for what is done seldom. */
const SELDOM_MS = 10 * 60 * 1000;
const TIDY_MS = 60 * 60 * 1000;
/** A restore drill each month. */
const DRILL_EVERY = '30d';
const JOURNEY_RUNS_DAYS = 400;

export interface Scheduler {
  stop(): Promise<void>;
}

export interface Work {
  readonly vault: ServedVault;
  readonly forwarder: Forwarder;
  readonly world: World;
  readonly alerts: AlertRun;
  readonly reports: ReportRun;
  /** Runs a `keyturn` command as a process of its own; undefined where that cannot be done. */
  readonly runCommand: ((args: readonly string[]) => Promise<void>) | undefined;
  readonly onError: (error: unknown, job: string) => void;
}

/** Rotations past their grace are ended, those that a killed process left are taken up, deliveries are brought on. */
async function settle(work: Work): Promise<void> {
  const { vault, world } = work;
  // Nothing is changed while the service that wraps the root key is away.
  if (vault.state.lease?.writesRefused) return;
  const moved = await vault.run(rotatorOf({ context: vault.system, home: vault.home }, world).settle());
  if (moved.some((one) => one.state === 'rolled_back')) await alert(work);
}

/** Due secrets turn. What was missed while no server ran is due still. */
function tick(): (work: Work) => Promise<void> {
  let ticker: Ticker | undefined;
  let rotator: Rotator | undefined;
  return async (work) => {
    const { vault, world } = work;
    if (vault.state.lease?.writesRefused) return;
    ticker ??= new Ticker(vault.system, world);
    rotator ??= rotatorOf({ context: vault.system, home: vault.home }, world);
    const result = await vault.run(ticker.tick(rotator));
    // What needs a person, and what went wrong, is told now and not in a minute.
    if (result.failed.length + result.needsPerson.length > 0) await alert(work);
  };
}

async function alert({ vault, alerts }: Work): Promise<void> {
  await vault.read(updateAlerts(vault.system, alerts));
}

async function alertStrength({ vault, alerts }: Work): Promise<void> {
  await vault.read(updateAlerts(vault.system, alerts, true));
}

/** What is queued for channels is sent. */
async function tell({ vault, alerts }: Work): Promise<void> {
  await vault.read(deliverAlerts(vault.system, alerts.world));
}

/** Reports of days, weeks and months that are over. */
async function report({ vault, reports }: Work): Promise<void> {
  await vault.read(makeDueReports(vault.system, reports));
}

/** A process of its own: opening every secret of a large backup would hold up everybody here. */
async function drill({ runCommand }: Work): Promise<void> {
  await runCommand?.(['drill', '--every', DRILL_EVERY]);
}

/** Asks about every key that somebody can be asked about, and compares what destinations hold. */
async function look({ vault, world, onError }: Work): Promise<void> {
  for (const { project, name } of vault.state.environments.values()) {
    await vault.read(checkEnvironment(vault.system, world, { project, environment: name }));
  }
  for (const destination of world.destinations) {
    try {
      await vault.read(checkDrift(vault.system, world, destination));
    } catch (error) {
      // One that cannot be reached now keeps the others from nothing.
      onError(error, `look at ${destination.id}`);
    }
  }
}

/**
 * What is done seldom is done by the vault's own time, and not by how long this process has run: a server that is restarted
 * every hour looks as often as one that is not.
 */
function seldom(name: string, every: number, run: Job['run']): Job['run'] {
  const key = `job_${name}`;
  return async (work) => {
    const { vault } = work;
    const now = vault.clock();
    const last = await vault.read(first(findFact, { key }));
    if (last && now - Number(last.value) < every && Number(last.value) <= now) return;
    await vault.read(quietTransaction(all(putFact, { key, value: String(now) })));
    await run(work);
  };
}

function* tidy(now: number): Operation<void> {
  yield* all(deleteOldIdempotent, { before: now - DAY_MS });
  yield* all(clearOldAttempts, { before: now - 2 * DAY_MS });
  yield* all(deleteEndedTokens, { kind: 'oidc', before: now - DAY_MS });
  yield* all(deleteOldJourneyRuns, { before: now - JOURNEY_RUNS_DAYS * DAY_MS });
  yield* all(deleteOldAlertDeliveries, { before: now - 90 * DAY_MS });
}

interface Job {
  readonly name: string;
  /** Milliseconds. */
  readonly every: number;
  readonly run: (work: Work) => Promise<void>;
}

function jobs(): Job[] {
  return [
    { name: 'settle', every: SETTLE_MS, run: settle },
    { name: 'tick', every: TICK_MS, run: tick() },
    { name: 'forward', every: 1_000, run: ({ forwarder }) => forwarder.deliver() },
    { name: 'tell', every: TELL_MS, run: tell },
    { name: 'alert', every: ALERT_MS, run: alert },
    { name: 'alert-strength', every: SELDOM_MS, run: seldom('alert-strength', DAY_MS, alertStrength) },
    { name: 'look', every: SELDOM_MS, run: seldom('look', LOOK_MS, look) },
    { name: 'report', every: SELDOM_MS, run: report },
    { name: 'drill', every: SELDOM_MS, run: seldom('drill', DAY_MS, drill) },
    { name: 'intake-key', every: TIDY_MS, run: ({ vault }) => vault.run(turnIntakeKey(vault.system)) },
    { name: 'tidy', every: TIDY_MS, run: ({ vault }) => vault.read(transaction(tidy(vault.clock()))) },
  ];
}

/** In seconds, the least that pg-boss takes. */
const HEARTBEAT_S = 10;

/** By timers of this process: on the embedded store there is no other server. */
export function startTimers(work: Work): Scheduler {
  // Each job waits for its own last run only: a slow provider holds up nothing but what asks it.
  const running = new Map<string, Promise<void>>();
  const start = ({ name, run }: Job) => {
    if (running.has(name)) return;
    const done = run(work)
      .catch((error: unknown) => work.onError(error, name))
      .finally(() => running.delete(name));
    running.set(name, done);
  };
  const all = jobs();
  const timers = all.map((job) => setInterval(() => start(job), job.every).unref());
  for (const job of all) if (AT_START.has(job.name)) start(job);
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(running.values());
    },
  };
}

/**
 * By pg-boss, in a schema of its own beside ours: each job is a queue in which at most one waits and one runs, whichever
 * server sent it and whichever takes it.
 */
export async function startBoss(url: string, schema: string, work: Work): Promise<Scheduler> {
  const connections = { connectionString: url, max: 3, Client: SteadyClient };
  const boss = new PgBoss({
    ...connections,
    schema,
    application_name: 'keyturn scheduler',
    // How often it is looked for jobs whose server is gone.
    superviseIntervalSeconds: HEARTBEAT_S,
    monitorIntervalSeconds: HEARTBEAT_S,
  });
  boss.on('error', (error) => work.onError(error, 'pg-boss'));
  await boss.start();
  const timers: NodeJS.Timeout[] = [];
  for (const { name, every, run } of jobs()) {
    // A server that was killed stops beating: its job is another's soon, not only when it would have expired.
    await boss.createQueue(name, {
      policy: 'stately',
      retryLimit: 2,
      expireInSeconds: 300,
      heartbeatSeconds: HEARTBEAT_S,
    });
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
    if (AT_START.has(name)) send();
    timers.push(setInterval(send, every).unref());
  }
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await boss.stop({ graceful: true, timeout: 5_000 });
    },
  };
}
