// Statements on who may do what: grants, roles, machine tokens, trusts, approvals and failed attempts.
import { statement } from '../statement.ts';

export const insertGrant = statement(
  'insertGrant',
  (
    db,
    p: {
      id: string;
      personId: string;
      role: string;
      projectId: number | null;
      environmentId: number | null;
      now: number;
      by: string;
    },
  ) =>
    db.insertInto('grants').values({
      id: p.id,
      person_id: p.personId,
      role: p.role,
      project_id: p.projectId,
      environment_id: p.environmentId,
      created_at: p.now,
      created_by: p.by,
    }),
);

export const selectGrants = statement('selectGrants', (db, _: Record<string, never>) =>
  db.selectFrom('grants').selectAll().orderBy('created_at').orderBy('id'),
);

export const deleteGrant = statement('deleteGrant', (db, p: { id: string }) =>
  db.deleteFrom('grants').where('id', '=', p.id).returning('id'),
);

export const deleteGrantsOf = statement('deleteGrantsOf', (db, p: { personId: string }) =>
  db.deleteFrom('grants').where('person_id', '=', p.personId),
);

export const selectRoles = statement('selectRoles', (db, _: Record<string, never>) =>
  db.selectFrom('roles').selectAll().orderBy('name'),
);

export const putRole = statement('putRole', (db, p: { name: string; permissions: string; now: number; by: string }) =>
  db
    .insertInto('roles')
    .values({ name: p.name, permissions: p.permissions, created_at: p.now, created_by: p.by })
    .onConflict((c) => c.column('name').doUpdateSet({ permissions: p.permissions })),
);

export const deleteRole = statement('deleteRole', (db, p: { name: string }) =>
  db.deleteFrom('roles').where('name', '=', p.name).returning('name'),
);

export const insertToken = statement(
  'insertToken',
  (
    db,
    p: {
      id: string;
      hash: Uint8Array;
      name: string;
      kind: 'machine' | 'oidc';
      projectId: number;
      environmentId: number | null;
      permissions: string;
      names: string | null;
      addresses: string | null;
      expiresAt: number | null;
      maxUses: number | null;
      now: number;
      by: string;
    },
  ) =>
    db.insertInto('tokens').values({
      id: p.id,
      hash: p.hash,
      name: p.name,
      kind: p.kind,
      project_id: p.projectId,
      environment_id: p.environmentId,
      permissions: p.permissions,
      names: p.names,
      addresses: p.addresses,
      expires_at: p.expiresAt,
      max_uses: p.maxUses,
      uses: 0,
      created_at: p.now,
      created_by: p.by,
    }),
);

export const findTokenByHash = statement('findTokenByHash', (db, p: { hash: Uint8Array }) =>
  db.selectFrom('tokens').selectAll().where('hash', '=', p.hash),
);

export const findToken = statement('findToken', (db, p: { id: string }) =>
  db.selectFrom('tokens').selectAll().where('id', '=', p.id),
);

export const selectTokens = statement('selectTokens', (db, p: { after: string; limit: number }) =>
  db.selectFrom('tokens').selectAll().where('id', '>', p.after).orderBy('id').limit(p.limit),
);

export const revokeToken = statement('revokeToken', (db, p: { id: string; at: number; replacedBy: string | null }) =>
  db
    .updateTable('tokens')
    .set({ revoked_at: p.at, replaced_by: p.replacedBy })
    .where('id', '=', p.id)
    .where((eb) => eb.or([eb('revoked_at', 'is', null), eb('revoked_at', '>', p.at)]))
    .returning('id'),
);

/** Refuses a token from now on (`at`), or lets it in again (null). */
export const freezeToken = statement('freezeToken', (db, p: { id: string; at: number | null }) =>
  db.updateTable('tokens').set({ frozen_at: p.at }).where('id', '=', p.id),
);

/** Counts a use of a token that has a limited number; gives no row where none is left. */
export const spendToken = statement('spendToken', (db, p: { id: string }) =>
  db
    .updateTable('tokens')
    .set((eb) => ({ uses: eb('uses', '+', eb.lit(1)) }))
    .where('id', '=', p.id)
    .where((eb) => eb('uses', '<', eb.ref('max_uses')))
    .returning('uses'),
);

export const touchToken = statement('touchToken', (db, p: { id: string; at: number; from: string; uses: number }) =>
  db
    .updateTable('tokens')
    .set((eb) => ({ last_used_at: p.at, last_used_from: p.from, uses: eb('uses', '+', p.uses) }))
    .where('id', '=', p.id),
);

/** Tokens that ended long ago: nobody asks for them any more. */
export const deleteEndedTokens = statement('deleteEndedTokens', (db, p: { kind: 'machine' | 'oidc'; before: number }) =>
  db.deleteFrom('tokens').where('kind', '=', p.kind).where('expires_at', '<', p.before),
);

export const insertTrust = statement(
  'insertTrust',
  (
    db,
    p: {
      id: string;
      name: string;
      issuer: string;
      audience: string;
      claims: string;
      projectId: number;
      environmentId: number;
      permissions: string;
      names: string | null;
      seconds: number;
      now: number;
      by: string;
    },
  ) =>
    db.insertInto('trusts').values({
      id: p.id,
      name: p.name,
      issuer: p.issuer,
      audience: p.audience,
      claims: p.claims,
      project_id: p.projectId,
      environment_id: p.environmentId,
      permissions: p.permissions,
      names: p.names,
      seconds: p.seconds,
      created_at: p.now,
      created_by: p.by,
    }),
);

export const selectTrusts = statement('selectTrusts', (db, _: Record<string, never>) =>
  db.selectFrom('trusts').selectAll().orderBy('id'),
);

export const deleteTrust = statement('deleteTrust', (db, p: { id: string }) =>
  db.deleteFrom('trusts').where('id', '=', p.id).returning('id'),
);

export const insertApproval = statement(
  'insertApproval',
  (
    db,
    p: {
      id: string;
      action: 'read' | 'rotate' | 'delete';
      environmentId: number;
      secret: string;
      reason: string;
      by: string;
      now: number;
      expiresAt: number;
    },
  ) =>
    db.insertInto('approvals').values({
      id: p.id,
      action: p.action,
      environment_id: p.environmentId,
      secret: p.secret,
      reason: p.reason,
      requested_by: p.by,
      requested_at: p.now,
      expires_at: p.expiresAt,
    }),
);

export const findApproval = statement('findApproval', (db, p: { id: string }) =>
  db.selectFrom('approvals').selectAll().where('id', '=', p.id),
);

export const selectApprovals = statement('selectApprovals', (db, p: { since: number; limit: number }) =>
  db
    .selectFrom('approvals')
    .selectAll()
    .where('expires_at', '>', p.since)
    .orderBy('requested_at', 'desc')
    .limit(p.limit),
);

export const decideApproval = statement(
  'decideApproval',
  (db, p: { id: string; decision: 'approved' | 'refused'; by: string; now: number }) =>
    db
      .updateTable('approvals')
      .set({ decision: p.decision, decided_by: p.by, decided_at: p.now })
      .where('id', '=', p.id)
      .where('decision', 'is', null)
      .returning('id'),
);

export const spendApproval = statement('spendApproval', (db, p: { id: string; now: number }) =>
  db
    .updateTable('approvals')
    .set({ used_at: p.now })
    .where('id', '=', p.id)
    .where('used_at', 'is', null)
    .returning('id'),
);

export const setTwoPeople = statement('setTwoPeople', (db, p: { environmentId: number; twoPeople: number }) =>
  db.updateTable('environments').set({ two_people: p.twoPeople }).where('id', '=', p.environmentId),
);

export const findAttempts = statement('findAttempts', (db, p: { key: string }) =>
  db.selectFrom('attempts').selectAll().where('key', '=', p.key),
);

export const putAttempts = statement(
  'putAttempts',
  (db, p: { key: string; failures: number; now: number; lockedUntil: number }) =>
    db
      .insertInto('attempts')
      .values({ key: p.key, failures: p.failures, last_at: p.now, locked_until: p.lockedUntil })
      .onConflict((c) =>
        c.column('key').doUpdateSet({ failures: p.failures, last_at: p.now, locked_until: p.lockedUntil }),
      ),
);

export const clearAttempts = statement('clearAttempts', (db, p: { key: string }) =>
  db.deleteFrom('attempts').where('key', '=', p.key),
);

export const clearOldAttempts = statement('clearOldAttempts', (db, p: { before: number }) =>
  db.deleteFrom('attempts').where('last_at', '<', p.before),
);
