// PostgreSQL's SQL, from what was compiled for SQLite: both databases read the same text but for the way in which they
// number parameters. test/store/postgres-sql.test.ts compares each statement with what Kysely compiles for PostgreSQL.
import type { CompiledStatement } from '../statement.ts';

/** `?` becomes `$1`, `$2`, … No statement of ours holds a question mark otherwise. */
export function numberParameters(sql: string): string {
  let count = 0;
  return sql.replaceAll('?', () => {
    count += 1;
    return `$${count}`;
  });
}

export function toPostgres(compiled: CompiledStatement): CompiledStatement {
  return { sql: numberParameters(compiled.sql), slots: compiled.slots };
}

/** The types of the audit log's columns, in the order in which `insertEntry` names them. */
const ENTRY_COLUMNS: readonly (readonly [string, string])[] = [
  ['chain', 'text'],
  ['seq', 'int8'],
  ['time', 'int8'],
  ['principal', 'text'],
  ['action', 'text'],
  ['outcome', 'text'],
  ['project', 'text'],
  ['environment', 'text'],
  ['secret', 'text'],
  ['version', 'int4'],
  ['source', 'text'],
  ['details', 'text'],
  ['hash', 'bytea'],
  ['mac', 'bytea'],
];

/** Many rows of the log in one statement: one message, however many entries a group has. */
export const INSERT_ENTRIES = `insert into "audit_entries" (${ENTRY_COLUMNS.map(([name]) => `"${name}"`).join(', ')}) select * from unnest(${ENTRY_COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')})`;

/** Rows as columns, for `INSERT_ENTRIES`. */
export function entryColumns(rows: readonly unknown[]): unknown[][] {
  return ENTRY_COLUMNS.map(([name]) => rows.map((row) => (row as Readonly<Record<string, unknown>>)[name] ?? null));
}
