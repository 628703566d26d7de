// Statements on when secrets are due.
import { statement } from '../statement.ts';

/** Live secrets that nobody has worked out a due time for since they last changed. */
export const selectUndated = statement('selectUndated', (db, p: { limit: number }) =>
  db
    .selectFrom('secrets')
    .select(['id', 'name', 'type', 'interval_days', 'environment_id', 'rotated_at'])
    .where('due_at', 'is', null)
    .where('deleted_at', 'is', null)
    .where('current_version', '>', 0)
    .limit(p.limit),
);

export const setDue = statement('setDue', (db, p: { id: number; at: number; rotatedAt: number }) =>
  db.updateTable('secrets').set({ due_at: p.at }).where('id', '=', p.id).where('rotated_at', '=', p.rotatedAt),
);

/** Due secrets, the longest due first. */
export const selectDue = statement('selectDue', (db, p: { now: number; limit: number }) =>
  db
    .selectFrom('secrets')
    .select(['id', 'name', 'type', 'interval_days', 'environment_id', 'rotated_at', 'due_at', 'current_version'])
    .where('due_at', '<=', p.now)
    .where('deleted_at', 'is', null)
    .orderBy('due_at')
    .limit(p.limit),
);

/** Forgets every due time: the rules have changed. */
export const clearDue = statement('clearDue', (db, _: Record<string, never>) =>
  db.updateTable('secrets').set({ due_at: null }).where('due_at', 'is not', null),
);
