// Statements on the vault as a whole: its facts and the generation of its keys.
import { statement } from '../statement.ts';

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

/** Which generation of the vault's keys the store has: a writer whose keyring is of an older one reads it anew. */
export const selectGeneration = statement('selectGeneration', (db, _: Record<string, never>) =>
  db.selectFrom('generation').select('keys'),
);

export const bumpKeys = statement('bumpKeys', (db, _: Record<string, never>) =>
  db.updateTable('generation').set((eb) => ({ keys: eb('keys', '+', eb.lit(1)) })),
);

export const findFact = statement('findFact', (db, p: { key: string }) =>
  db.selectFrom('meta').select('value').where('key', '=', p.key),
);
