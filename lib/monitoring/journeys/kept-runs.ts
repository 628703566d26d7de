// Runs of journeys as they are kept: for charts, reports and alerts.
import { NotFoundError } from '../../errors.ts';
import { all, first, type Operation, quietTransaction } from '../../store/operation.ts';
import { findJourneyRun, insertJourneyRun, selectJourneyRuns } from '../../store/statements/assurance.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { Environment } from '../../vault/places.ts';
import type { JourneyRun, StepResult } from './journey.ts';

const LISTED = 2_000;
/** A larger picture is not kept. */
const PICTURE_BYTES = 2 * 1024 * 1024;

/** Keeps a run. @param at the place that it is about; the whole vault where not given. @throws AccessDeniedError */
export function* keepRun(
  ctx: VaultContext,
  run: JourneyRun,
  screenshot?: Uint8Array,
  at?: Environment,
): Operation<void> {
  const { id, journey, target, passed } = run;
  const where = at ? { project: at.project, environment: at.name } : {};
  yield* ctx.authorize('monitor', { action: 'journey.run', ...where, details: { journey } });
  yield* quietTransaction(
    (function* () {
      yield* all(insertJourneyRun, {
        id,
        journey,
        target,
        started_at: run.startedAt,
        took_ms: run.tookMs,
        passed: passed ? 1 : 0,
        error: run.error,
        steps: JSON.stringify(run.steps),
        screenshot: screenshot && screenshot.length <= PICTURE_BYTES ? screenshot : null,
      });
      yield* ctx.log([
        { action: 'journey.run', ...where, outcome: passed ? 'ok' : 'failed', details: { journey, run: id } },
      ]);
    })(),
  );
}

interface Row {
  readonly id: string;
  readonly journey: string;
  readonly target: string;
  readonly started_at: number;
  readonly took_ms: number;
  readonly passed: number;
  readonly error: string | null;
  readonly steps: string;
}

function runOf(row: Row): JourneyRun {
  const { id, journey, target, error } = row;
  const steps = JSON.parse(row.steps) as StepResult[];
  return {
    id,
    journey,
    target,
    startedAt: row.started_at,
    tookMs: row.took_ms,
    passed: row.passed === 1,
    error,
    steps,
  };
}

/** The newest runs since a moment. */
export function* listRuns(ctx: VaultContext, since: number): Operation<JourneyRun[]> {
  yield* ctx.authorize('monitor', { action: 'journey.run', details: { looked: 'list' } });
  return (yield* all(selectJourneyRuns, { since, limit: LISTED })).map(runOf);
}

/** @throws NotFoundError */
export function* showRun(
  ctx: VaultContext,
  id: string,
): Operation<{ run: JourneyRun; screenshot: Uint8Array | undefined }> {
  yield* ctx.authorize('monitor', { action: 'journey.run', details: { looked: id } });
  const row = yield* first(findJourneyRun, { id });
  if (!row) throw new NotFoundError('KT_NOT_FOUND', `There is no run ${id}.`, '`keyturn synthetic list` shows them.');
  return { run: runOf(row), screenshot: row.screenshot ?? undefined };
}
