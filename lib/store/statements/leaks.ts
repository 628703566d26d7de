// Statements on what the leak guard finds values by.
import { statement } from '../statement.ts';

/** Versions with their prints, whatever became of their secrets: a deleted secret's value can leak too. */
export const selectPrints = statement('selectPrints', (db, p: { secretId: number; number: number; limit: number }) =>
  db
    .selectFrom('versions as v')
    .innerJoin('secrets as s', 's.id', 'v.secret_id')
    .select([
      'v.secret_id',
      'v.number',
      'v.leak_print',
      's.name',
      's.type',
      's.interval_days',
      's.environment_id',
      's.current_version',
      's.previous_version',
      's.deleted_at',
    ])
    .where((eb) =>
      eb.or([
        eb('v.secret_id', '>', p.secretId),
        eb.and([eb('v.secret_id', '=', p.secretId), eb('v.number', '>', p.number)]),
      ]),
    )
    .orderBy('v.secret_id')
    .orderBy('v.number')
    .limit(p.limit),
);

/** Versions of before there were prints, oldest first. */
export const selectUnprinted = statement('selectUnprinted', (db, p: { limit: number }) =>
  db
    .selectFrom('versions as v')
    .innerJoin('secrets as s', 's.id', 'v.secret_id')
    .select(['v.secret_id', 'v.number', 'v.envelope', 's.name_key', 's.environment_id'])
    .where('v.leak_print', 'is', null)
    .orderBy('v.secret_id')
    .orderBy('v.number')
    .limit(p.limit),
);

export const setPrint = statement('setPrint', (db, p: { secretId: number; number: number; leakPrint: Uint8Array }) =>
  db
    .updateTable('versions')
    .set({ leak_print: p.leakPrint })
    .where('secret_id', '=', p.secretId)
    .where('number', '=', p.number),
);
