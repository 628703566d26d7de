// Statements on rotations.

import { statement } from '../statement.ts';
import type { Death, RotationReason, RotationState } from '../states.ts';

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
      reason: RotationReason;
      incidentId: string | null;
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
      reason: p.reason,
      incident_id: p.incidentId,
      attempts: 0,
      death_checks: 0,
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
        // The next step begins afresh.
        attempts: 0,
        next_at: null,
        trouble: null,
      })
      .where('id', '=', p.id)
      .where('state', '=', p.from)
      .returning('id'),
);

/**
 * Takes a rotation for one process, for as long as its work outside may take; gives no row where another has it, or has
 * moved it on.
 */
export const claimRotation = statement(
  'claimRotation',
  (db, p: { id: string; state: RotationState; by: string; before: string | null; now: number; until: number }) =>
    db
      .updateTable('rotations')
      .set({ claimed_by: p.by, claimed_until: p.until })
      .where('id', '=', p.id)
      .where('state', '=', p.state)
      .where((eb) =>
        eb.or([
          eb('claimed_by', 'is', null),
          eb('claimed_by', '=', p.by),
          eb('claimed_by', '=', p.before),
          eb('claimed_until', '<=', p.now),
        ]),
      )
      .returning('id'),
);

export const releaseRotation = statement('releaseRotation', (db, p: { id: string; by: string }) =>
  db
    .updateTable('rotations')
    .set({ claimed_by: null, claimed_until: null })
    .where('id', '=', p.id)
    .where('claimed_by', '=', p.by),
);

/** Changes how one that is on its way ends: who takes it up may mean another grace, or an emergency. */
export const retimeRotation = statement(
  'retimeRotation',
  (db, p: { id: string; graceMs: number; reason: RotationReason; incidentId: string | null }) =>
    db
      .updateTable('rotations')
      .set({ grace_ms: p.graceMs, reason: p.reason, incident_id: p.incidentId })
      .where('id', '=', p.id),
);

/** Ends the grace of a secret's rotations now: a leaked value gets none. */
export const endGraceNow = statement(
  'endGraceNow',
  (db, p: { secretId: number; now: number; incidentId: string | null }) =>
    db
      .updateTable('rotations')
      .set((eb) => ({
        grace_until: p.now,
        incident_id: eb.fn.coalesce(eb.val(p.incidentId), 'incident_id'),
        next_at: null,
      }))
      .where('secret_id', '=', p.secretId)
      .where('state', '=', 'grace'),
);

/** Keeps what was in the way of a step, and when it is tried again. */
export const postponeRotation = statement(
  'postponeRotation',
  (db, p: { id: string; attempts: number; nextAt: number; trouble: string }) =>
    db
      .updateTable('rotations')
      .set({ attempts: p.attempts, next_at: p.nextAt, trouble: p.trouble })
      .where('id', '=', p.id),
);

/** Names what a provider is about to be asked for, before it is asked; gives no row where another process has named the next already. */
export const markRotation = statement('markRotation', (db, p: { id: string; before: string; marker: string }) =>
  db
    .updateTable('rotations')
    .set({ marker: p.marker })
    .where('id', '=', p.id)
    .where('state', '=', 'planned')
    // An empty text stands for none: a comparison with NULL would never hold.
    .where((eb) => eb(eb.fn.coalesce('marker', eb.val('')), '=', p.before))
    .returning('id'),
);

/** Its provider has nothing more of it than what is in use. */
export const clearMarker = statement('clearMarker', (db, p: { id: string }) =>
  db.updateTable('rotations').set({ marker: null }).where('id', '=', p.id),
);

/** Ended rotations that asked a provider for keys, and were not looked after since. */
export const selectMarkedRotations = statement(
  'selectMarkedRotations',
  (db, p: { endedBefore: number; now: number; limit: number }) =>
    db
      .selectFrom('rotations')
      .select(['id', 'marker'])
      .where('marker', 'is not', null)
      .where('updated_at', '<=', p.endedBefore)
      .where('state', 'in', ['revoked', 'rolled_back'])
      .where((eb) => eb.or([eb('next_at', 'is', null), eb('next_at', '<=', p.now)]))
      .orderBy('updated_at')
      .limit(p.limit),
);

/** An ended rotation is done nothing more with: its next time is when its provider is asked again for what it left there. */
export const askAboutMarkersLater = statement('askAboutMarkersLater', (db, p: { id: string; at: number }) =>
  db.updateTable('rotations').set({ next_at: p.at }).where('id', '=', p.id),
);

export const setDeath = statement(
  'setDeath',
  (db, p: { id: string; death: Death; checks: number; at: number; nextAt: number | null }) =>
    db
      .updateTable('rotations')
      .set({ death: p.death, death_checks: p.checks, death_checked_at: p.at, death_next_at: p.nextAt })
      .where('id', '=', p.id),
);

/** Rotations whose old value has to be asked for again: is it really dead? */
export const selectDeathsDue = statement('selectDeathsDue', (db, p: { now: number; limit: number }) =>
  db.selectFrom('rotations').selectAll().where('death_next_at', '<=', p.now).orderBy('death_next_at').limit(p.limit),
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

/** What may go on now: not what waits for a person, for the end of its grace, or for another try. */
export const selectRotationsDue = statement('selectRotationsDue', (db, p: { now: number; limit: number }) =>
  db
    .selectFrom('rotations')
    .selectAll()
    .where('state', 'in', [...ON_THE_WAY, 'grace'])
    .where((eb) => eb.or([eb('state', '<>', 'planned'), eb('needs_value', '=', eb.lit(0))]))
    .where((eb) => eb.or([eb('state', '<>', 'grace'), eb('grace_until', '<=', p.now)]))
    .where((eb) => eb.or([eb('next_at', 'is', null), eb('next_at', '<=', p.now)]))
    .orderBy('started_at')
    .limit(p.limit),
);

/** Rotations whose step has failed often, and ended ones whose old value is still accepted. */
export const selectStuck = statement('selectStuck', (db, p: { attempts: number; checks: number }) =>
  db
    .selectFrom('rotations as r')
    .innerJoin('secrets as s', 's.id', 'r.secret_id')
    .selectAll('r')
    .select(['s.name', 's.environment_id'])
    .where('s.deleted_at', 'is', null)
    .where((eb) =>
      eb.or([
        eb.and([eb('r.state', 'in', [...ON_THE_WAY, 'grace']), eb('r.attempts', '>=', p.attempts)]),
        eb.and([
          eb('r.death', '=', 'alive'),
          eb('r.death_next_at', 'is not', null),
          eb('r.death_checks', '>=', p.checks),
        ]),
      ]),
    )
    .orderBy('r.started_at', 'desc')
    .limit(1000),
);

/** Those that wait for a person. */
export const selectWaiting = statement('selectWaiting', (db, _: Record<string, never>) =>
  db
    .selectFrom('rotations as r')
    .innerJoin('secrets as s', 's.id', 'r.secret_id')
    .selectAll('r')
    .select(['s.name', 's.type', 's.environment_id'])
    .where('r.state', '=', 'planned')
    .where('r.needs_value', '=', 1)
    .where('s.deleted_at', 'is', null)
    .orderBy('r.started_at'),
);

/** A rotation that was to go by itself turns out to need a person, or the other way round. */
export const setNeedsValue = statement(
  'setNeedsValue',
  (db, p: { id: string; needsValue: number; why: string | null }) =>
    db
      .updateTable('rotations')
      .set({ needs_value: p.needsValue, trouble: p.why, next_at: null })
      .where('id', '=', p.id)
      .where('state', '=', 'planned'),
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
