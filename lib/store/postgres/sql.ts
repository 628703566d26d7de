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

const BYTES = new Set(ENTRY_COLUMNS.filter(([, type]) => type === 'bytea').map(([name]) => name));

const names = ENTRY_COLUMNS.map(([name]) => `"${name}"`).join(', ');
const taken = ENTRY_COLUMNS.map(([name]) => (BYTES.has(name) ? `decode("${name}", 'base64')` : `"${name}"`)).join(', ');
const shape = ENTRY_COLUMNS.map(([name, type]) => `"${name}" ${BYTES.has(name) ? 'text' : type}`).join(', ');

/**
 * Many rows of the log in one statement, however many entries a group has. They come as one JSON text: writing arrays of
 * fourteen columns cost more than all else that a read does.
 */
export const INSERT_ENTRIES = `insert into "audit_entries" (${names}) select ${taken} from json_to_recordset($1::json) as entry (${shape})`;

/** Rows as the one parameter of `INSERT_ENTRIES`. */
export function entriesJson(rows: readonly unknown[]): string {
  return JSON.stringify(
    rows.map((row) => {
      const { hash, mac, ...entry } = row as { readonly hash: Uint8Array; readonly mac: Uint8Array };
      return { ...entry, hash: base64(hash), mac: base64(mac) };
    }),
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
