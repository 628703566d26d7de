// The anomalies that were found, for people and programs.
import { all, type Operation } from '../store/operation.ts';
import { selectAnomalies } from '../store/statements/readers.ts';
import type { AnomalyKind } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import type { EntryRef } from './baseline.ts';

const LISTED = 1_000;

export interface AnomalySummary {
  readonly kind: AnomalyKind;
  readonly severity: 'high' | 'medium';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly principal: string;
  readonly project: string | null;
  readonly environment: string | null;
  readonly secret: string | null;
  /** A sentence that explains it. */
  readonly what: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly evidence: readonly EntryRef[];
}

/** Those since a moment that the caller may see, the newest first. @throws AccessDeniedError */
export function* listAnomalies(ctx: VaultContext, since: number): Operation<AnomalySummary[]> {
  yield* ctx.authorize('monitor', { action: 'monitoring.run', details: { looked: 'anomalies' } });
  const rows = yield* all(selectAnomalies, { since, limit: LISTED });
  return rows.map((row) => ({
    kind: row.kind,
    severity: row.severity,
    at: row.at,
    principal: row.principal,
    project: row.project || null,
    environment: row.environment || null,
    secret: row.secret,
    what: row.what,
    numbers: JSON.parse(row.numbers ?? '{}') as Record<string, number>,
    evidence: JSON.parse(row.evidence ?? '[]') as EntryRef[],
  }));
}
