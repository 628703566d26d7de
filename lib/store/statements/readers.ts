// Statements on who reads what, and on what was out of the ordinary.
import type { AnomalyTable } from '../schema.ts';
import { statement } from '../statement.ts';

/** Everybody who reads a secret. */
export const selectReaders = statement(
  'selectReaders',
  (db, p: { project: string; environment: string; secretKey: string }) =>
    db
      .selectFrom('readers')
      .selectAll()
      .where('project', '=', p.project)
      .where('environment', '=', p.environment)
      .where('secret_key', '=', p.secretKey),
);

export const putReader = statement(
  'putReader',
  (
    db,
    p: {
      project: string;
      environment: string;
      secretKey: string;
      principal: string;
      reads: number;
      firstAt: number;
      lastAt: number;
    },
  ) =>
    db
      .insertInto('readers')
      .values({
        project: p.project,
        environment: p.environment,
        secret_key: p.secretKey,
        principal: p.principal,
        reads: p.reads,
        first_at: p.firstAt,
        last_at: p.lastAt,
      })
      .onConflict((c) =>
        c.columns(['project', 'environment', 'secret_key', 'principal']).doUpdateSet((eb) => ({
          reads: eb('readers.reads', '+', eb.ref('excluded.reads')),
          last_at: eb.ref('excluded.last_at'),
        })),
      ),
);

/** How many secrets a principal has read for the first time since a moment, and since when it is known. */
export const countFresh = statement('countFresh', (db, p: { principal: string; since: number }) =>
  db
    .selectFrom('readers')
    .select((eb) => [
      eb.fn.countAll<number>().filterWhere('first_at', '>=', p.since).as('fresh'),
      eb.fn.min('first_at').as('known_since'),
    ])
    .where('principal', '=', p.principal),
);

export const insertAnomaly = statement(
  'insertAnomaly',
  (
    db,
    p: {
      id: string;
      kind: AnomalyTable['kind'];
      severity: AnomalyTable['severity'];
      at: number;
      principal: string;
      project: string;
      environment: string;
      secret: string | null;
      what: string;
    },
  ) =>
    db
      .insertInto('anomalies')
      .values({
        id: p.id,
        kind: p.kind,
        severity: p.severity,
        at: p.at,
        principal: p.principal,
        project: p.project,
        environment: p.environment,
        secret: p.secret,
        what: p.what,
      })
      .onConflict((c) => c.doNothing()),
);

export const selectAnomalies = statement('selectAnomalies', (db, p: { since: number; limit: number }) =>
  db.selectFrom('anomalies').selectAll().where('at', '>=', p.since).orderBy('at', 'desc').limit(p.limit),
);
