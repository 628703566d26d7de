// Monitoring: age against interval, strength, use, failed rotations and denied attempts, as numbers and alerts.
import { newestEntries } from '../audit/read.ts';
import { type AgeState, ageOf } from '../catalog/age.ts';
import { isWanted } from '../rotation/steps.ts';
import { all, logTransaction, type Operation } from '../store/operation.ts';
import { selectRotationsSince } from '../store/statements/rotations.ts';
import type { RotationState } from '../store/states.ts';
import type { Severity } from '../validation/finding.ts';
import { validate } from '../validation/validate.ts';
import type { VaultContext } from '../vault/context.ts';
import { allSummaries } from '../vault/list.ts';
import type { Environment } from '../vault/places.ts';
import type { SecretSummary } from '../vault/results.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const WEAK_SCORE = 47;
const UNUSED_DAYS = 90;
const LOOK_BACK_DAYS = 30;
const MANY_DENIED = 5;

export interface MonitoredSecret {
  readonly name: string;
  readonly environment: string;
  readonly type: string;
  readonly risk: string;
  readonly version: number;
  readonly ageDays: number;
  readonly intervalDays: number | undefined;
  /** Age as a part of the interval: 1 is due. */
  readonly agePart: number | undefined;
  readonly state: AgeState;
  /** Milliseconds since 1970. */
  readonly dueAt: number | undefined;
  readonly strength: number | undefined;
  readonly reads: number;
  readonly lastReadAt: number | null;
  readonly lastReadBy: string | null;
}

/** What an alert is about that only the alert book looks at (conditions.ts). */
type ConditionKind =
  | 'compromised'
  | 'incident'
  | 'rotation-stuck'
  | 'old-value-alive'
  | 'live-check'
  | 'key-expiring'
  | 'destination'
  | 'drift'
  | 'root-key-age'
  | 'backup-age'
  | 'drill'
  | 'journey'
  | 'anomaly';

export type AlertKind =
  | 'overdue'
  | 'due-soon'
  | 'weak'
  | 'unused'
  | 'rotation-failed'
  | 'rotation-waiting'
  | 'denied'
  | 'failed-reads'
  | ConditionKind;

export interface Alert {
  readonly kind: AlertKind;
  readonly severity: Severity;
  readonly secret: string | undefined;
  readonly environment: string | undefined;
  readonly what: string;
  readonly mend: string;
}

export interface MonitorResult {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly secrets: readonly MonitoredSecret[];
  readonly alerts: readonly Alert[];
  readonly denied: number;
  readonly failedReads: number;
  readonly failedRotations: number;
}

export interface MonitorOptions {
  /** Judges strength too, which opens every value. */
  readonly strength: boolean;
  /** Days without a read after which a secret counts as unused. */
  readonly unusedDays?: number | undefined;
}

/** Takes the measure of environments. The log has one entry for the run. */
export function* monitor(
  ctx: VaultContext,
  environments: readonly Environment[],
  options: MonitorOptions,
): Operation<MonitorResult> {
  for (const one of environments) {
    yield* ctx.authorize('monitor', { action: 'monitoring.run', project: one.project, environment: one.name });
  }
  yield* logTransaction(ctx.log([{ action: 'monitoring.run' }]));
  return yield* takeMeasure(ctx, environments, options);
}

/** The same for the vault's own work: nobody is asked whether it may, and the log has no entry for it. */
export function* takeMeasure(
  ctx: VaultContext,
  environments: readonly Environment[],
  options: MonitorOptions,
): Operation<MonitorResult> {
  const now = ctx.clock();
  const strengths = new Map<string, number | undefined>();
  if (options.strength) {
    const result = yield* validate(ctx, environments);
    for (const one of result.secrets) strengths.set(`${one.environment}/${one.name}`, one.strength);
  }
  const secrets: MonitoredSecret[] = [];
  for (const environment of environments) {
    for (const summary of yield* allSummaries(environment)) {
      secrets.push(measure(ctx, summary, strengths.get(`${environment.name}/${summary.name}`), now));
    }
  }
  const since = now - LOOK_BACK_DAYS * DAY_MS;
  const denied = yield* newestEntries({ outcome: 'denied', since }, 10_000);
  const failed = yield* newestEntries({ outcome: 'failed', action: 'secret.read', since }, 10_000);
  const rotations = yield* all(selectRotationsSince, { since, limit: 10_000 });
  const ids = new Set(environments.map((one) => one.id));
  const here = rotations.filter((one) => ids.has(one.environment_id));
  const broken = here.filter((one) => one.state === 'rolled_back' && !isWanted(one.error) && !turnedSince(one, here));
  const alerts = [
    ...secrets.flatMap((one) => alertsFor(one, now, options.unusedDays ?? UNUSED_DAYS)),
    ...broken.map((one) => rotationAlert(one)),
    ...here.filter((one) => one.state === 'planned' && one.needs_value === 1).map(waitingAlert),
    ...attemptAlerts(denied.length, failed.length),
  ];
  return {
    at: now,
    secrets,
    alerts,
    denied: denied.length,
    failedReads: failed.length,
    failedRotations: broken.length,
  };
}

/** One that went wrong is past once a later one of the same secret has gone right. */
function turnedSince(one: Turned, all: readonly Turned[]): boolean {
  return all.some(
    (later) =>
      later.secret_id === one.secret_id &&
      later.started_at > one.started_at &&
      (later.state === 'grace' || later.state === 'revoked'),
  );
}

interface Turned {
  readonly secret_id: number;
  readonly started_at: number;
  readonly state: RotationState;
}

function measure(ctx: VaultContext, s: SecretSummary, strength: number | undefined, now: number): MonitoredSecret {
  const rule = ctx.catalog.rule(s.name, s);
  const age = ageOf(rule, s.rotatedAt, now);
  return {
    name: s.name,
    environment: s.environment,
    type: s.type,
    risk: rule.risk,
    version: s.version,
    ageDays: age.days,
    intervalDays: age.intervalDays,
    agePart: age.part,
    state: age.state,
    dueAt: age.dueAt,
    strength,
    reads: s.reads,
    lastReadAt: s.lastReadAt,
    lastReadBy: s.lastReadBy,
  };
}

function alertsFor(s: MonitoredSecret, now: number, unusedDays: number): Alert[] {
  const alerts: Alert[] = [];
  const place = { secret: s.name, environment: s.environment };
  const rotate = `\`keyturn rotate ${s.name} --env ${s.environment}\``;
  if (s.state === 'overdue') {
    const severity = s.risk === 'critical' || s.risk === 'high' ? 'critical' : 'high';
    const what = `${s.name} is ${s.ageDays} days old; it should turn every ${s.intervalDays}.`;
    alerts.push({ ...place, kind: 'overdue', severity, what, mend: `Run ${rotate}.` });
  } else if (s.state === 'due soon') {
    const part = Math.floor((s.agePart ?? 0) * 100);
    const what = `${s.name} is at ${part} % of its ${s.intervalDays} days.`;
    alerts.push({ ...place, kind: 'due-soon', severity: 'medium', what, mend: `Run ${rotate} before it is due.` });
  }
  if (s.strength !== undefined && s.strength < WEAK_SCORE) {
    const what = `${s.name} has a strength of ${s.strength} of 100.`;
    alerts.push({
      ...place,
      kind: 'weak',
      severity: 'high',
      what,
      mend: `Run ${rotate}; \`keyturn validate\` says why.`,
    });
  }
  const idleSince = s.lastReadAt ?? now - s.ageDays * DAY_MS;
  if (now - idleSince > unusedDays * DAY_MS) {
    const days = Math.floor((now - idleSince) / DAY_MS);
    const what = `${s.name} has not been read for ${days} days.`;
    const mend = `If nothing needs it, revoke it at its provider and run \`keyturn rm ${s.name}\`.`;
    alerts.push({ ...place, kind: 'unused', severity: 'low', what, mend });
  }
  return alerts;
}

interface RotationLine {
  readonly name: string;
  readonly environment: string;
  readonly error: string | null;
}

function rotationAlert(one: RotationLine): Alert {
  return {
    kind: 'rotation-failed',
    severity: 'high',
    secret: one.name,
    environment: one.environment,
    what: `A rotation of ${one.name} failed and was rolled back. ${one.error ?? ''}`.trim(),
    mend: `Correct the cause and run \`keyturn rotate ${one.name} --env ${one.environment}\`.`,
  };
}

function waitingAlert(one: RotationLine): Alert {
  return {
    kind: 'rotation-waiting',
    severity: 'medium',
    secret: one.name,
    environment: one.environment,
    what: `A rotation of ${one.name} waits for its new value.`,
    mend: `Run \`keyturn rotate ${one.name} --env ${one.environment}\` and paste it.`,
  };
}

function attemptAlerts(denied: number, failed: number): Alert[] {
  const alerts: Alert[] = [];
  const nowhere = { secret: undefined, environment: undefined };
  if (denied > 0) {
    const severity = denied >= MANY_DENIED ? 'critical' : 'high';
    const what = `${denied} unauthorised ${denied === 1 ? 'attempt' : 'attempts'} in ${LOOK_BACK_DAYS} days.`;
    alerts.push({
      ...nowhere,
      kind: 'denied',
      severity,
      what,
      mend: 'See who: `keyturn audit list --outcome denied`.',
    });
  }
  if (failed > 0) {
    const what = `${failed} failed ${failed === 1 ? 'read' : 'reads'} in ${LOOK_BACK_DAYS} days (a missing name, or a value that did not open).`;
    alerts.push({
      ...nowhere,
      kind: 'failed-reads',
      severity: 'low',
      what,
      mend: 'See which: `keyturn audit list --outcome failed`.',
    });
  }
  return alerts;
}
