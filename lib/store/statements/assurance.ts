// Statements on what proves that things work: restore drills, reports, and runs of synthetic journeys.
import type { DrillTable, JourneyRunTable, ReportTable } from '../schema.ts';
import { statement } from '../statement.ts';

export const insertDrill = statement('insertDrill', (db, p: DrillTable) =>
  db.insertInto('drills').values({
    id: p.id,
    backup: p.backup,
    started_at: p.started_at,
    took_ms: p.took_ms,
    passed: p.passed,
    secrets: p.secrets,
    details: p.details,
  }),
);

export const selectDrills = statement('selectDrills', (db, p: { since: number; limit: number }) =>
  db.selectFrom('drills').selectAll().where('started_at', '>=', p.since).orderBy('started_at', 'desc').limit(p.limit),
);

export const insertReport = statement('insertReport', (db, p: ReportTable) =>
  db
    .insertInto('reports')
    .values({
      id: p.id,
      kind: p.kind,
      period: p.period,
      created_at: p.created_at,
      created_by: p.created_by,
      headline: p.headline,
      body: p.body,
    })
    .onConflict((c) => c.doNothing()),
);

/** Without their bodies. */
export const selectReports = statement('selectReports', (db, p: { limit: number }) =>
  db
    .selectFrom('reports')
    .select(['id', 'kind', 'period', 'created_at', 'created_by', 'headline'])
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(p.limit),
);

export const findReport = statement('findReport', (db, p: { id: string }) =>
  db.selectFrom('reports').selectAll().where('id', '=', p.id),
);

/** Kept once: whoever sends a run again, since the answer was cut, sends the same. */
export const insertJourneyRun = statement('insertJourneyRun', (db, p: JourneyRunTable) =>
  db
    .insertInto('journey_runs')
    .values({
      id: p.id,
      journey: p.journey,
      target: p.target,
      started_at: p.started_at,
      took_ms: p.took_ms,
      passed: p.passed,
      error: p.error,
      steps: p.steps,
      screenshot: p.screenshot,
    })
    .onConflict((c) => c.doNothing()),
);

/** Without their screenshots. */
export const selectJourneyRuns = statement('selectJourneyRuns', (db, p: { since: number; limit: number }) =>
  db
    .selectFrom('journey_runs')
    .select(['id', 'journey', 'target', 'started_at', 'took_ms', 'passed', 'error', 'steps'])
    .where('started_at', '>=', p.since)
    .orderBy('started_at', 'desc')
    .limit(p.limit),
);

export const findJourneyRun = statement('findJourneyRun', (db, p: { id: string }) =>
  db.selectFrom('journey_runs').selectAll().where('id', '=', p.id),
);

export const deleteOldJourneyRuns = statement('deleteOldJourneyRuns', (db, p: { before: number }) =>
  db.deleteFrom('journey_runs').where('started_at', '<', p.before),
);

/** How many people have a second factor or a passkey. */
export const countStrongPeople = statement('countStrongPeople', (db, _: Record<string, never>) =>
  db.selectFrom('auth_user as u').select((eb) => [
    eb.fn.countAll<number>().as('people'),
    eb.fn
      .countAll<number>()
      .filterWhere((filter) =>
        filter.or([
          filter.exists(filter.selectFrom('auth_two_factor as f').select('f.id').whereRef('f.userId', '=', 'u.id')),
          filter.exists(filter.selectFrom('auth_passkey as k').select('k.id').whereRef('k.userId', '=', 'u.id')),
        ]),
      )
      .as('strong'),
  ]),
);
