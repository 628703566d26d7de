// Statements on incidents: what happened, line by line, and what has to be turned.
import { statement } from '../statement.ts';
import type { IncidentItemState, IncidentKind } from '../states.ts';

export const insertIncident = statement(
  'insertIncident',
  (
    db,
    p: {
      id: string;
      kind: IncidentKind;
      title: string;
      project: string | null;
      environment: string | null;
      subject: string | null;
      now: number;
      by: string;
    },
  ) =>
    db.insertInto('incidents').values({
      id: p.id,
      kind: p.kind,
      title: p.title,
      project: p.project,
      environment: p.environment,
      subject: p.subject,
      opened_at: p.now,
      opened_by: p.by,
    }),
);

export const findIncident = statement('findIncident', (db, p: { id: string }) =>
  db.selectFrom('incidents').selectAll().where('id', '=', p.id),
);

export const findOpenIncident = statement(
  'findOpenIncident',
  (db, p: { kind: IncidentKind; project: string | null; environment: string | null; subject: string }) =>
    db
      .selectFrom('incidents')
      .selectAll()
      .where('kind', '=', p.kind)
      .where('project', 'is not distinct from', p.project)
      .where('environment', 'is not distinct from', p.environment)
      .where('subject', '=', p.subject)
      .where('closed_at', 'is', null),
);

export const selectIncidents = statement('selectIncidents', (db, p: { limit: number }) =>
  db.selectFrom('incidents').selectAll().orderBy('opened_at', 'desc').orderBy('id').limit(p.limit),
);

export const closeIncident = statement('closeIncident', (db, p: { id: string; now: number; by: string }) =>
  db
    .updateTable('incidents')
    .set({ closed_at: p.now, closed_by: p.by })
    .where('id', '=', p.id)
    .where('closed_at', 'is', null)
    .returning('id'),
);

export const lastIncidentEvent = statement('lastIncidentEvent', (db, p: { id: string }) =>
  db
    .selectFrom('incident_events')
    .select((eb) => eb.fn.max('number').as('number'))
    .where('incident_id', '=', p.id),
);

export const insertIncidentEvent = statement(
  'insertIncidentEvent',
  (db, p: { id: string; number: number; now: number; by: string; what: string }) =>
    db.insertInto('incident_events').values({ incident_id: p.id, number: p.number, at: p.now, by: p.by, what: p.what }),
);

export const selectIncidentEvents = statement('selectIncidentEvents', (db, p: { id: string }) =>
  db.selectFrom('incident_events').selectAll().where('incident_id', '=', p.id).orderBy('number'),
);

export const putIncidentItem = statement(
  'putIncidentItem',
  (
    db,
    p: {
      id: string;
      secretId: number;
      position: number;
      state: IncidentItemState;
      why: string;
      now: number;
    },
  ) =>
    db
      .insertInto('incident_items')
      .values({
        incident_id: p.id,
        secret_id: p.secretId,
        position: p.position,
        state: p.state,
        why: p.why,
        updated_at: p.now,
      })
      .onConflict((c) => c.columns(['incident_id', 'secret_id']).doNothing()),
);

export const moveIncidentItem = statement(
  'moveIncidentItem',
  (
    db,
    p: {
      id: string;
      secretId: number;
      state: IncidentItemState;
      why: string;
      rotationId: string | null;
      now: number;
    },
  ) =>
    db
      .updateTable('incident_items')
      .set({ state: p.state, why: p.why, rotation_id: p.rotationId, updated_at: p.now })
      .where('incident_id', '=', p.id)
      .where('secret_id', '=', p.secretId),
);

export const selectIncidentItems = statement('selectIncidentItems', (db, p: { id: string }) =>
  db
    .selectFrom('incident_items as i')
    .innerJoin('secrets as s', 's.id', 'i.secret_id')
    .innerJoin('environments as e', 'e.id', 's.environment_id')
    .innerJoin('projects as p', 'p.id', 'e.project_id')
    .selectAll('i')
    .select(['s.name', 's.type', 's.deleted_at', 'e.name as environment', 'p.name as project'])
    .where('i.incident_id', '=', p.id)
    .orderBy('i.position'),
);
