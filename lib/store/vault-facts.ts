// Statements on the vault as a whole: its facts and its generation counters.
import { statement } from './statement.ts';

export const selectFacts = statement('selectFacts', (db, _: Record<string, never>) =>
  db.selectFrom('meta').selectAll(),
);

export const putFact = statement('putFact', (db, p: { key: string; value: string }) =>
  db
    .insertInto('meta')
    .values({ key: p.key, value: p.value })
    .onConflict((c) => c.column('key').doUpdateSet({ value: p.value })),
);

export const deleteFact = statement('deleteFact', (db, p: { key: string }) =>
  db.deleteFrom('meta').where('key', '=', p.key),
);

export const selectGeneration = statement('selectGeneration', (db, _: Record<string, never>) =>
  db.selectFrom('generation').select(['secrets', 'keys']),
);

/** Tells every process's cache that secrets changed. Gives both counters, so that a writer sees changed keys too. */
export const bumpSecrets = statement('bumpSecrets', (db, _: Record<string, never>) =>
  db
    .updateTable('generation')
    .set((eb) => ({ secrets: eb('secrets', '+', eb.lit(1)) }))
    .returning(['secrets', 'keys']),
);

export const bumpKeys = statement('bumpKeys', (db, _: Record<string, never>) =>
  db
    .updateTable('generation')
    .set((eb) => ({ secrets: eb('secrets', '+', eb.lit(1)), keys: eb('keys', '+', eb.lit(1)) }))
    .returning(['secrets', 'keys']),
);
