// Statements on what a server keeps of its own: invitations, idempotency keys, forwards, and better-auth's people.
import { statement } from '../statement.ts';

export const insertInvitation = statement(
  'insertInvitation',
  (
    db,
    p: {
      id: string;
      hash: Uint8Array;
      kind: 'owner' | 'invitation' | 'recovery';
      email: string | null;
      role: string;
      projectId: number | null;
      environmentId: number | null;
      now: number;
      by: string;
      expiresAt: number;
    },
  ) =>
    db.insertInto('invitations').values({
      id: p.id,
      hash: p.hash,
      kind: p.kind,
      email: p.email,
      role: p.role,
      project_id: p.projectId,
      environment_id: p.environmentId,
      created_at: p.now,
      created_by: p.by,
      expires_at: p.expiresAt,
    }),
);

export const findInvitationByHash = statement('findInvitationByHash', (db, p: { hash: Uint8Array }) =>
  db.selectFrom('invitations').selectAll().where('hash', '=', p.hash),
);

export const selectInvitations = statement('selectInvitations', (db, p: { now: number }) =>
  db
    .selectFrom('invitations')
    .selectAll()
    .where('accepted_at', 'is', null)
    .where('expires_at', '>', p.now)
    .orderBy('created_at'),
);

/** Uses an invitation up; gives no row where somebody was first. */
export const acceptInvitation = statement('acceptInvitation', (db, p: { id: string; now: number }) =>
  db
    .updateTable('invitations')
    .set({ accepted_at: p.now })
    .where('id', '=', p.id)
    .where('accepted_at', 'is', null)
    .returning('id'),
);

export const deleteInvitation = statement('deleteInvitation', (db, p: { id: string }) =>
  db.deleteFrom('invitations').where('id', '=', p.id).where('accepted_at', 'is', null).returning('id'),
);

export const deleteInvitationsOfKind = statement(
  'deleteInvitationsOfKind',
  (db, p: { kind: 'owner' | 'invitation' | 'recovery' }) =>
    db.deleteFrom('invitations').where('kind', '=', p.kind).where('accepted_at', 'is', null),
);

export const findIdempotent = statement('findIdempotent', (db, p: { key: string }) =>
  db.selectFrom('idempotency').selectAll().where('key', '=', p.key),
);

export const insertIdempotent = statement(
  'insertIdempotent',
  (db, p: { key: string; request: Uint8Array; status: number; answer: Uint8Array; now: number }) =>
    db
      .insertInto('idempotency')
      .values({ key: p.key, request: p.request, status: p.status, answer: p.answer, created_at: p.now }),
);

export const deleteOldIdempotent = statement('deleteOldIdempotent', (db, p: { before: number }) =>
  db.deleteFrom('idempotency').where('created_at', '<', p.before),
);

export const insertForward = statement(
  'insertForward',
  (
    db,
    p: {
      id: string;
      name: string;
      kind: 'webhook' | 'syslog' | 'file';
      target: Uint8Array;
      cursor: string;
      now: number;
      by: string;
    },
  ) =>
    db.insertInto('forwards').values({
      id: p.id,
      name: p.name,
      kind: p.kind,
      target: p.target,
      cursor: p.cursor,
      delivered: 0,
      created_at: p.now,
      created_by: p.by,
      updated_at: p.now,
    }),
);

export const selectForwards = statement('selectForwards', (db, _: Record<string, never>) =>
  db.selectFrom('forwards').selectAll().orderBy('id'),
);

export const moveForward = statement(
  'moveForward',
  (db, p: { id: string; cursor: string; delivered: number; error: string | null; now: number }) =>
    db
      .updateTable('forwards')
      .set((eb) => ({
        cursor: p.cursor,
        delivered: eb('delivered', '+', p.delivered),
        error: p.error,
        updated_at: p.now,
      }))
      .where('id', '=', p.id),
);

export const deleteForward = statement('deleteForward', (db, p: { id: string }) =>
  db.deleteFrom('forwards').where('id', '=', p.id).returning('id'),
);

export const selectPeople = statement('selectPeople', (db, _: Record<string, never>) =>
  db.selectFrom('auth_user').select(['id', 'name', 'email', 'createdAt']).orderBy('email'),
);

export const findPerson = statement('findPerson', (db, p: { id: string }) =>
  db.selectFrom('auth_user').select(['id', 'name', 'email', 'createdAt']).where('id', '=', p.id),
);

export const findPersonByEmail = statement('findPersonByEmail', (db, p: { email: string }) =>
  db.selectFrom('auth_user').select(['id', 'name', 'email', 'createdAt']).where('email', '=', p.email),
);

export const deletePerson = statement('deletePerson', (db, p: { id: string }) =>
  db.deleteFrom('auth_user').where('id', '=', p.id).returning('id'),
);
