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

export const findBaseline = statement('findBaseline', (db, p: { principal: string }) =>
  db.selectFrom('baselines').selectAll().where('principal', '=', p.principal),
);

export const putBaseline = statement('putBaseline', (db, p: { principal: string; state: string; now: number }) =>
  db
    .insertInto('baselines')
    .values({ principal: p.principal, state: p.state, updated_at: p.now })
    .onConflict((c) =>
      c.column('principal').doUpdateSet((eb) => ({
        state: eb.ref('excluded.state'),
        updated_at: eb.ref('excluded.updated_at'),
      })),
    ),
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
      numbers: string;
      evidence: string;
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
        numbers: p.numbers,
        evidence: p.evidence,
      })
      .onConflict((c) => c.doNothing()),
);

export const selectAnomalies = statement('selectAnomalies', (db, p: { since: number; limit: number }) =>
  db.selectFrom('anomalies').selectAll().where('at', '>=', p.since).orderBy('at', 'desc').limit(p.limit),
);
