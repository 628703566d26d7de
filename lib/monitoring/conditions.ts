// The conditions that make alerts: the guide's (age, strength, use, failed rotations, unauthorised attempts), and what can
// go wrong with providers, destinations, incidents, the root key and backups. Only looked at here; alert-book.ts keeps them.
import { all, first, type Operation } from '../store/operation.ts';
import { selectDrills, selectJourneyRuns } from '../store/statements/assurance.ts';
import { selectChecks } from '../store/statements/checks.ts';
import { selectDestination } from '../store/statements/deliveries.ts';
import { selectIncidents } from '../store/statements/incidents.ts';
import { selectKeys } from '../store/statements/keys.ts';
import { selectAnomalies } from '../store/statements/readers.ts';
import { selectStuck } from '../store/statements/rotations.ts';
import { findFact } from '../store/statements/vault-facts.ts';
import type { Severity } from '../validation/finding.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment } from '../vault/places.ts';
import { type AlertKind, takeMeasure } from './monitor.ts';

const DAY_MS = 24 * 60 * 60_000;
const BACKUP_DAYS = 7;
const ROOT_KEY_DAYS = 365;
/** A restore drill each month, with some days of grace. */
const DRILL_DAYS = 45;
/** Journeys that have not run for so many days are not watched any more. */
const JOURNEY_DAYS = 2;
/** A key that its provider ends within so many days is told of. */
const EXPIRING_DAYS = 14;
const OPEN_INCIDENTS = 200;
/** What is out of the ordinary is told of for so many days. */
const ANOMALY_DAYS = 7;
const ANOMALIES = 200;
/** A step of a rotation that has failed so often is told of. */
const STUCK_AT = 3;
/** An old value that is still accepted at so many questions (some 20 minutes) is told of. */
const ALIVE_AT = 4;

export interface Condition {
  /** Names it: one alert is open for one. */
  readonly key: string;
  readonly kind: AlertKind;
  readonly severity: Severity;
  readonly project: string | null;
  readonly environment: string | null;
  readonly secret: string | null;
  readonly what: string;
  readonly mend: string;
}

export interface ConditionOptions {
  /** Judges strength too, which opens every value. */
  readonly strength: boolean;
  readonly unusedDays?: number | undefined;
  readonly backupDays?: number | undefined;
  readonly rootKeyDays?: number | undefined;
  /** When the newest backup was made, ms since 1970; undefined where there is none. */
  readonly newestBackupAt: number | undefined;
  /** The ids of the destinations that are declared. */
  readonly destinations: readonly string[];
}

export interface Conditions {
  readonly found: readonly Condition[];
  /** The kinds that were looked at: alerts of others stay as they are. */
  readonly looked: ReadonlySet<AlertKind>;
}

const ALWAYS: readonly AlertKind[] = [
  'overdue',
  'due-soon',
  'unused',
  'rotation-failed',
  'rotation-waiting',
  'denied',
  'failed-reads',
  'compromised',
  'incident',
  'rotation-stuck',
  'old-value-alive',
  'live-check',
  'key-expiring',
  'destination',
  'drift',
  'root-key-age',
  'backup-age',
  'drill',
  'journey',
  'anomaly',
];

/** Looks at everything. Asks nobody outside, and opens values only where strength is asked for. */
export function* conditionsNow(ctx: VaultContext, options: ConditionOptions): Operation<Conditions> {
  const environments = [...ctx.environments.values()];
  const found: Condition[] = [];
  for (const environment of environments) found.push(...(yield* ofEnvironment(ctx, environment, options)));
  found.push(...(yield* attempts(ctx)));
  found.push(...(yield* ofIncidents()));
  found.push(...(yield* ofRotations(ctx)));
  found.push(...(yield* ofAnomalies(ctx)));
  for (const id of options.destinations) found.push(...(yield* ofDestination(ctx, id)));
  found.push(...(yield* ofVault(ctx, options)));
  found.push(...(yield* ofDrills(ctx, options)));
  found.push(...(yield* ofJourneys(ctx)));
  return { found: unique(found), looked: new Set([...ALWAYS, ...(options.strength ? (['weak'] as const) : [])]) };
}

function unique(conditions: readonly Condition[]): Condition[] {
  return [...new Map(conditions.map((one) => [one.key, one])).values()];
}

function keyFor(kind: AlertKind, environment: Environment | undefined, subject: string): string {
  return [kind, environment?.project ?? '', environment?.name ?? '', subject].join('/');
}

function about(
  kind: AlertKind,
  environment: Environment,
  secret: string,
  rest: Pick<Condition, 'severity' | 'what' | 'mend'>,
): Condition {
  const { project, name } = environment;
  return { key: keyFor(kind, environment, secret), kind, project, environment: name, secret, ...rest };
}

function* ofEnvironment(
  ctx: VaultContext,
  environment: Environment,
  options: ConditionOptions,
): Operation<Condition[]> {
  const { strength, unusedDays } = options;
  const measured = yield* takeMeasure(ctx, [environment], { strength, unusedDays });
  const found: Condition[] = [];
  for (const { kind, severity, secret, what, mend } of measured.alerts) {
    if (secret !== undefined) found.push(about(kind, environment, secret, { severity, what, mend }));
  }
  const now = ctx.clock();
  for (const check of yield* all(selectChecks, { environmentId: environment.id })) {
    if (check.version !== check.current_version) continue;
    if (check.status === 'refused') {
      const what = `${check.name} does not work any more: ${check.detail}.`;
      const mend = `Run \`keyturn rotate ${check.name} --env ${environment.name}\` with a new one.`;
      found.push(about('live-check', environment, check.name, { severity: 'critical', what, mend }));
    }
    const days = check.expires_at === null ? undefined : Math.floor((check.expires_at - now) / DAY_MS);
    if (days !== undefined && days <= EXPIRING_DAYS) {
      const when = days < 1 ? 'within a day' : `in ${days === 1 ? 'a day' : `${days} days`}`;
      const what = `Its provider ends ${check.name} ${when}.`;
      const mend = `Run \`keyturn rotate ${check.name} --env ${environment.name}\` before that.`;
      found.push(about('key-expiring', environment, check.name, { severity: 'high', what, mend }));
    }
  }
  return found;
}

/** Attempts belong to no environment: they are told of once. */
function* attempts(ctx: VaultContext): Operation<Condition[]> {
  const measured = yield* takeMeasure(ctx, [], { strength: false });
  return measured.alerts
    .filter((one) => one.secret === undefined)
    .map(({ kind, severity, what, mend }) => ({
      key: keyFor(kind, undefined, ''),
      kind,
      severity,
      project: null,
      environment: null,
      secret: null,
      what,
      mend,
    }));
}

function* ofIncidents(): Operation<Condition[]> {
  const rows = yield* all(selectIncidents, { limit: OPEN_INCIDENTS });
  return rows
    .filter((row) => row.closed_at === null)
    .map((row) => {
      const leaked = row.kind !== 'rotation';
      return {
        key: `${leaked ? 'compromised' : 'incident'}/${row.id}`,
        kind: leaked ? 'compromised' : 'incident',
        severity: leaked ? 'critical' : 'high',
        project: row.project,
        environment: row.environment,
        secret: row.kind === 'destination' ? null : row.subject,
        what: `${row.title}.`,
        mend: `See what was done and what is left: \`keyturn incidents show ${row.id}\`.`,
      };
    });
}

function* ofRotations(ctx: VaultContext): Operation<Condition[]> {
  const found: Condition[] = [];
  for (const row of yield* all(selectStuck, { attempts: STUCK_AT, checks: ALIVE_AT })) {
    const environment = ctx.environments.get(row.environment_id);
    if (!environment) continue;
    if (row.death === 'alive' && row.state === 'revoked') {
      const what = `Version ${row.from_version} of ${row.name} was revoked, and its provider still accepts it.`;
      const mend = `End it at the provider; \`keyturn history ${row.name}\` says which one it is.`;
      found.push(about('old-value-alive', environment, row.name, { severity: 'critical', what, mend }));
      continue;
    }
    const what = `A rotation of ${row.name} does not get beyond ${row.state}: ${row.trouble ?? ''}`;
    const mend = `It is tried again by itself; \`keyturn rotate ${row.name} --env ${environment.name}\` tries now.`;
    const severity = row.state === 'grace' || row.state === 'failed' ? 'high' : 'medium';
    found.push(about('rotation-stuck', environment, row.name, { severity, what, mend }));
  }
  return found;
}

/** What was out of the ordinary in the last week. */
function* ofAnomalies(ctx: VaultContext): Operation<Condition[]> {
  const since = ctx.clock() - ANOMALY_DAYS * DAY_MS;
  return (yield* all(selectAnomalies, { since, limit: ANOMALIES })).map((row) => ({
    key: `anomaly/${row.id}`,
    kind: 'anomaly',
    severity: row.severity,
    project: row.project || null,
    environment: row.environment || null,
    secret: row.secret,
    what: row.what,
    mend:
      row.secret === null
        ? `If you do not know why, see what: \`keyturn audit list --principal '${row.principal}'\`.`
        : `If you do not know why: \`keyturn compromise ${row.secret} --env ${row.environment}\`.`,
  }));
}

function* ofDestination(ctx: VaultContext, id: string): Operation<Condition[]> {
  const found: Condition[] = [];
  for (const row of yield* all(selectDestination, { destination: id })) {
    const environment = ctx.environments.get(row.environment_id);
    if (!environment || row.ended_at !== null || row.deleted_at !== null) continue;
    if (row.state === 'failed') {
      const what = `${row.name} could not be brought to ${id}: ${row.error ?? 'it failed'}`;
      const mend = `Correct the cause and run \`keyturn sync push ${row.name} --to ${id}\`.`;
      found.push({
        ...about('destination', environment, `${row.name}@${id}`, { severity: 'high', what, mend }),
        secret: row.name,
      });
    } else if (row.state === 'drifted') {
      const what = `${row.name} at ${id} is not what Keyturn put there (${row.error ?? 'changed'}).`;
      const mend = `Put it back with \`keyturn sync push ${row.name} --to ${id}\`, or take the change over.`;
      found.push({
        ...about('drift', environment, `${row.name}@${id}`, { severity: 'high', what, mend }),
        secret: row.name,
      });
    }
  }
  return found;
}

function* ofVault(ctx: VaultContext, options: ConditionOptions): Operation<Condition[]> {
  const found: Condition[] = [];
  const now = ctx.clock();
  const nowhere = { project: null, environment: null, secret: null };
  const made = yield* first(findFact, { key: 'created_at' });
  const keys = yield* all(selectKeys, {});
  const rotated = yield* first(findFact, { key: 'root_rotated_at' });
  const rootAt = Number(rotated?.value ?? made?.value ?? keys[0]?.created_at ?? now);
  const rootDays = Math.floor((now - rootAt) / DAY_MS);
  const rootLimit = options.rootKeyDays ?? ROOT_KEY_DAYS;
  if (rootDays >= rootLimit) {
    const what = `The root key is ${rootDays} days old; it should turn every ${rootLimit}.`;
    const mend = 'Run `keyturn keys rotate-root`.';
    found.push({ key: 'root-key-age', kind: 'root-key-age', severity: 'medium', ...nowhere, what, mend });
  }
  const backupLimit = options.backupDays ?? BACKUP_DAYS;
  const backupAt = options.newestBackupAt ?? Number(made?.value ?? now);
  const backupDays = Math.floor((now - backupAt) / DAY_MS);
  if (backupDays >= backupLimit) {
    const has =
      options.newestBackupAt === undefined ? 'There is no backup' : `The newest backup is ${backupDays} days old`;
    const what = `${has}; there should be one every ${backupLimit} days.`;
    const mend = 'Run `keyturn backup create`, or have it run every day.';
    found.push({ key: 'backup-age', kind: 'backup-age', severity: 'high', ...nowhere, what, mend });
  }
  return found;
}

/** A backup that does not restore, and one that nobody has tried to. */
function* ofDrills(ctx: VaultContext, options: ConditionOptions): Operation<Condition[]> {
  const nowhere = { project: null, environment: null, secret: null };
  const now = ctx.clock();
  const [last] = yield* all(selectDrills, { since: 0, limit: 1 });
  if (last && last.passed === 0) {
    const what = `The restore drill of ${last.backup} failed: that backup cannot be relied on.`;
    const mend = 'Make another with `keyturn backup create`, and drill that: `keyturn drill`.';
    return [{ key: 'drill-failed', kind: 'drill', severity: 'high', ...nowhere, what, mend }];
  }
  const made = yield* first(findFact, { key: 'created_at' });
  const since = last?.started_at ?? Number(made?.value ?? now);
  const days = Math.floor((now - since) / DAY_MS);
  if (days < DRILL_DAYS || options.newestBackupAt === undefined) return [];
  const what = last ? `The last restore drill is ${days} days old.` : 'No backup was ever restored for a drill.';
  const mend = 'Run `keyturn drill` each month; a server does it by itself.';
  return [{ key: 'drill-age', kind: 'drill', severity: 'medium', ...nowhere, what, mend }];
}

/** Journeys whose last run failed. */
function* ofJourneys(ctx: VaultContext): Operation<Condition[]> {
  const runs = yield* all(selectJourneyRuns, { since: ctx.clock() - JOURNEY_DAYS * DAY_MS, limit: 1_000 });
  const newest = new Map<string, (typeof runs)[number]>();
  for (const run of runs) if (!newest.has(run.journey)) newest.set(run.journey, run);
  return [...newest.values()]
    .filter((run) => run.passed === 0)
    .map((run) => ({
      key: `journey/${run.journey}`,
      kind: 'journey',
      severity: 'high',
      project: null,
      environment: null,
      secret: null,
      what: `The journey ${run.journey} failed at ${run.target}: ${run.error ?? 'no reason was kept'}`,
      mend: `See its steps: \`keyturn synthetic show ${run.id}\`.`,
    }));
}
