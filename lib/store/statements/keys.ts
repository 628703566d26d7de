// Statements on the wrapped keys.
import type { KeyPurpose } from '../schema.ts';
import { statement } from '../statement.ts';

export const insertKey = statement(
  'insertKey',
  (
    db,
    p: {
      keyId: string;
      purpose: KeyPurpose;
      environmentId: number | null;
      number: number;
      wrapped: Uint8Array;
      now: number;
    },
  ) =>
    db
      .insertInto('keys')
      .values({
        key_id: p.keyId,
        purpose: p.purpose,
        environment_id: p.environmentId,
        number: p.number,
        wrapped: p.wrapped,
        state: 'active',
        created_at: p.now,
      })
      .returning('id'),
);

export const selectKeys = statement('selectKeys', (db, _: Record<string, never>) =>
  db.selectFrom('keys').selectAll().orderBy('id'),
);

export const rewrapKey = statement('rewrapKey', (db, p: { id: number; wrapped: Uint8Array }) =>
  db.updateTable('keys').set({ wrapped: p.wrapped }).where('id', '=', p.id),
);

export const retireKey = statement('retireKey', (db, p: { id: number }) =>
  db.updateTable('keys').set({ state: 'retiring' }).where('id', '=', p.id),
);

/** Forgets the key's bytes: what is still sealed under it anywhere (an old copy of the file) cannot be opened again. */
export const destroyKey = statement('destroyKey', (db, p: { id: number; now: number }) =>
  db
    .updateTable('keys')
    .set({ state: 'destroyed', wrapped: null, destroyed_at: p.now })
    .where('id', '=', p.id)
    .where('state', '=', 'retiring'),
);

/** How many versions are sealed under each data key. */
export const countVersionsByKey = statement('countVersionsByKey', (db, _: Record<string, never>) =>
  db
    .selectFrom('versions')
    .select((eb) => ['data_key', eb.fn.countAll<number>().as('versions')])
    .groupBy('data_key'),
);
