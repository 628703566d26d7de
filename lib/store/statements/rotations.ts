// Statements on rotations.

import { statement } from '../statement.ts';
import type { RotationState } from '../states.ts';

export const insertRotation = statement(
  'insertRotation',
  (
    db,
    p: {
      id: string;
      secretId: number;
      needsValue: number;
      fromVersion: number;
      graceMs: number;
      backupFile: string | null;
      now: number;
      by: string;
    },
  ) =>
    db.insertInto('rotations').values({
      id: p.id,
      secret_id: p.secretId,
      state: 'planned',
      needs_value: p.needsValue,
      from_version: p.fromVersion,
      grace_ms: p.graceMs,
      backup_file: p.backupFile,
      started_at: p.now,
      updated_at: p.now,
      started_by: p.by,
    }),
);

/** Moves a rotation on if it is still in the state that the caller saw; gives no row where another process was first. */
export const moveRotation = statement(
  'moveRotation',
  (
    db,
    p: {
      id: string;
      from: RotationState;
      to: RotationState;
      needsValue: number;
      toVersion: number | null;
      graceUntil: number | null;
      error: string | null;
      now: number;
    },
  ) =>
    db
      .updateTable('rotations')
      .set({
        state: p.to,
        needs_value: p.needsValue,
        to_version: p.toVersion,
        grace_until: p.graceUntil,
        error: p.error,
        updated_at: p.now,
      })
      .where('id', '=', p.id)
      .where('state', '=', p.from)
      .returning('id'),
);

export const findRotation = statement('findRotation', (db, p: { id: string }) =>
  db.selectFrom('rotations').selectAll().where('id', '=', p.id),
);

const ON_THE_WAY = ['planned', 'issued', 'verified', 'promoted', 'distributed', 'failed'] as const;

export const findActiveRotation = statement('findActiveRotation', (db, p: { secretId: number }) =>
  db.selectFrom('rotations').selectAll().where('secret_id', '=', p.secretId).where('state', 'in', ON_THE_WAY),
);

export const selectUnfinishedRotations = statement('selectUnfinishedRotations', (db, _: Record<string, never>) =>
  db
    .selectFrom('rotations')
    .selectAll()
    .where('state', 'in', [...ON_THE_WAY, 'grace'])
    .orderBy('started_at'),
);

export const selectSecretRotations = statement('selectSecretRotations', (db, p: { secretId: number; limit: number }) =>
  db
    .selectFrom('rotations')
    .selectAll()
    .where('secret_id', '=', p.secretId)
    .orderBy('started_at', 'desc')
    .limit(p.limit),
);

/** Rotations with the secret they are of, newest first. */
export const selectRotationsSince = statement('selectRotationsSince', (db, p: { since: number; limit: number }) =>
  db
    .selectFrom('rotations as r')
    .innerJoin('secrets as s', 's.id', 'r.secret_id')
    .innerJoin('environments as e', 'e.id', 's.environment_id')
    .selectAll('r')
    .select(['s.name', 's.environment_id', 'e.name as environment'])
    .where('r.updated_at', '>=', p.since)
    .orderBy('r.updated_at', 'desc')
    .limit(p.limit),
);

export const findSecretById = statement('findSecretById', (db, p: { id: number }) =>
  db
    .selectFrom('secrets as s')
    .innerJoin('environments as e', 'e.id', 's.environment_id')
    .innerJoin('projects as p', 'p.id', 'e.project_id')
    .selectAll('s')
    .select(['e.name as environment', 'p.name as project'])
    .where('s.id', '=', p.id),
);
