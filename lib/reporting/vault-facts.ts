// The state of the vault as reports see it: secrets and their ages, people and tokens, keys, backups and drills, alerts and
// incidents. Asked once for a report; opens values only where findings are wanted.

import { type MonitorResult, takeMeasure } from '../monitoring/monitor.ts';
import { all, first, type Operation } from '../store/operation.ts';
import type { AlertTable, AnomalyTable, IncidentTable, RotationTable, TokenTable } from '../store/schema.ts';
import { selectGrants, selectTokens, selectTrusts } from '../store/statements/access.ts';
import { selectAlertDeliveries, selectAlertsSince, selectOpenAlerts } from '../store/statements/alerts.ts';
import { countStrongPeople, selectDrills, selectJourneyRuns } from '../store/statements/assurance.ts';
import { selectChains, selectHead } from '../store/statements/audit.ts';
import { selectChecks } from '../store/statements/checks.ts';
import { selectIncidents } from '../store/statements/incidents.ts';
import { countVersionsByKey, selectKeys } from '../store/statements/keys.ts';
import { selectAnomalies } from '../store/statements/readers.ts';
import { selectRotationsSince } from '../store/statements/rotations.ts';
import { selectForwards } from '../store/statements/service.ts';
import { findFact } from '../store/statements/vault-facts.ts';
import { type ValidationResult, validate } from '../validation/validate.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Period } from './period.ts';

const MOST = 10_000;
const PAGE = 500;
/** Where the anomaly rules have come to (monitoring/observe.ts). */
const OBSERVED = 'observed';

/** What only whoever runs the report knows: about the host and the configuration. */
export interface Surroundings {
  /** When the newest backup was made, ms since 1970. */
  readonly newestBackupAt: number | undefined;
  /** Where the root key comes from, in words; undefined where that is not told. */
  readonly rootKeyFrom: string | undefined;
  /** The alert channels that are configured. */
  readonly channels: readonly string[];
  /** The server's address as browsers see it; undefined where none serves. */
  readonly publicUrl: string | undefined;
}

export type RotationLine = RotationTable & { readonly name: string; readonly environment: string };

export interface VaultFacts extends Surroundings {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly monitoring: MonitorResult;
  /** Undefined where values were not to be opened. */
  readonly validation: ValidationResult | undefined;
  readonly environments: readonly { readonly project: string; readonly name: string; readonly twoPeople: boolean }[];
  readonly people: { readonly all: number; readonly strong: number; readonly owners: number };
  /** Versions in the store, and those whose data key is not there (any longer). */
  readonly sealed: { readonly versions: number; readonly lost: number };
  /** Entries of the log that the anomaly rules have not looked at yet. */
  readonly unwatched: number;
  /** Those that are not revoked. */
  readonly tokens: readonly TokenTable[];
  readonly trusts: number;
  readonly forwards: { readonly all: number; readonly failing: number };
  readonly rootKeyAt: number;
  readonly dataKeys: { readonly all: number; readonly oldestAt: number | undefined };
  /** What began or moved in the period. */
  readonly rotations: readonly RotationLine[];
  readonly openAlerts: readonly AlertTable[];
  readonly alerts: readonly AlertTable[];
  readonly undelivered: number;
  readonly delivered: number;
  readonly incidents: readonly IncidentTable[];
  readonly anomalies: readonly AnomalyTable[];
  readonly drills: readonly {
    readonly at: number;
    readonly passed: boolean;
    readonly secrets: number;
    readonly ms: number;
  }[];
  readonly journeys: readonly {
    readonly journey: string;
    readonly at: number;
    readonly passed: boolean;
    readonly ms: number;
  }[];
  readonly checks: { readonly all: number; readonly valid: number; readonly refused: number };
}

export function* vaultFacts(
  ctx: VaultContext,
  period: Period,
  around: Surroundings,
  findings: boolean,
): Operation<VaultFacts> {
  const environments = [...ctx.environments.values()];
  const validation = findings ? yield* validate(ctx, environments) : undefined;
  const monitoring = yield* takeMeasure(ctx, environments, { strength: false });
  const inPeriod = <T extends { readonly at: number }>(rows: readonly T[]) => rows.filter((one) => one.at < period.to);
  const made = yield* first(findFact, { key: 'created_at' });
  const rotated = yield* first(findFact, { key: 'root_rotated_at' });
  const keys = yield* all(selectKeys, {});
  const dataKeys = keys.filter((one) => one.purpose === 'data' && one.state === 'active');
  const strong = yield* first(countStrongPeople, {});
  const forwards = yield* all(selectForwards, {});
  const deliveries = (yield* all(selectAlertDeliveries, { limit: MOST })).filter(
    (one) => one.created_at >= period.from,
  );
  const checks = [];
  for (const { id } of environments) checks.push(...(yield* all(selectChecks, { environmentId: id })));
  const drills = yield* all(selectDrills, { since: 0, limit: 100 });
  const journeys = yield* all(selectJourneyRuns, { since: period.from, limit: MOST });
  return {
    ...around,
    now: ctx.clock(),
    monitoring,
    validation,
    environments,
    people: { all: Number(strong?.people ?? 0), strong: Number(strong?.strong ?? 0), owners: yield* countOwners() },
    sealed: yield* countSealed(keys),
    unwatched: yield* countUnwatched(),
    tokens: yield* liveTokens(ctx.clock()),
    trusts: (yield* all(selectTrusts, {})).length,
    forwards: { all: forwards.length, failing: forwards.filter((one) => one.error !== null).length },
    rootKeyAt: Number(rotated?.value ?? made?.value ?? keys[0]?.created_at ?? 0),
    dataKeys: {
      all: dataKeys.length,
      oldestAt: dataKeys.length === 0 ? undefined : Math.min(...dataKeys.map((one) => one.created_at)),
    },
    rotations: (yield* all(selectRotationsSince, { since: period.from, limit: MOST })).filter(
      (one) => one.started_at < period.to,
    ),
    openAlerts: yield* all(selectOpenAlerts, {}),
    alerts: (yield* all(selectAlertsSince, { since: period.from, limit: MOST })).filter(
      (one) => one.opened_at < period.to,
    ),
    delivered: deliveries.filter((one) => one.state === 'delivered').length,
    undelivered: deliveries.filter((one) => one.state === 'given-up').length,
    incidents: (yield* all(selectIncidents, { limit: MOST })).filter(
      (one) => one.opened_at < period.to && (one.closed_at === null || one.closed_at >= period.from),
    ),
    anomalies: inPeriod(yield* all(selectAnomalies, { since: period.from, limit: MOST })),
    drills: drills.map((one) => ({
      at: one.started_at,
      passed: one.passed === 1,
      secrets: one.secrets,
      ms: one.took_ms,
    })),
    journeys: inPeriod(
      journeys.map((one) => ({ journey: one.journey, at: one.started_at, passed: one.passed === 1, ms: one.took_ms })),
    ),
    checks: {
      all: checks.length,
      valid: checks.filter((one) => one.status === 'valid' || one.status === 'restricted').length,
      refused: checks.filter((one) => one.status === 'refused').length,
    },
  };
}

function* liveTokens(now: number): Operation<TokenTable[]> {
  const found: TokenTable[] = [];
  let after = '';
  for (;;) {
    const rows = yield* all(selectTokens, { after, limit: PAGE });
    found.push(...rows);
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    after = last.id;
  }
  return found.filter((one) => one.revoked_at === null && (one.expires_at === null || one.expires_at > now));
}

function* countOwners(): Operation<number> {
  const grants = yield* all(selectGrants, {});
  return new Set(grants.filter((one) => one.role === 'owner').map((one) => one.person_id)).size;
}

function* countSealed(keys: readonly { id: number; wrapped: Uint8Array | null }[]): Operation<VaultFacts['sealed']> {
  const there = new Set(keys.filter((one) => one.wrapped !== null).map((one) => one.id));
  let versions = 0;
  let lost = 0;
  for (const row of yield* all(countVersionsByKey, {})) {
    versions += Number(row.versions);
    if (!there.has(row.data_key)) lost += Number(row.versions);
  }
  return { versions, lost };
}

function* countUnwatched(): Operation<number> {
  const fact = yield* first(findFact, { key: OBSERVED });
  const cursor = JSON.parse(fact?.value ?? '{}') as Record<string, number>;
  let behind = 0;
  for (const { chain } of yield* all(selectChains, {})) {
    const head = yield* first(selectHead, { chain });
    behind += Math.max(0, (head?.seq ?? 0) - (cursor[chain] ?? 0));
  }
  return behind;
}
