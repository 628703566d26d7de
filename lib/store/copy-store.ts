// Copies a whole vault from one store to another, in one transaction of the target, and compares counts and hashes of
// every table before that is committed: all of it is there, row for row, or nothing is.
import { createHash, type Hash } from 'node:crypto';
import { ConflictError } from '../errors.ts';
import { all, type Operation, transaction } from './operation.ts';
import type { Slot, Statement } from './statement.ts';
import type { VaultStore } from './vault-store.ts';

const PAGE = 500;

/** Every table with the key that its rows are read in the order of; those that others refer to come first. */
const TABLES: readonly (readonly [string, readonly string[]])[] = [
  ['meta', ['key']],
  ['projects', ['id']],
  ['environments', ['id']],
  ['keys', ['id']],
  ['secrets', ['id']],
  ['versions', ['secret_id', 'number']],
  ['usage', ['secret_id']],
  ['audit_entries', ['chain', 'seq']],
  ['audit_checkpoints', ['number']],
  ['rotations', ['id']],
  ['checks', ['secret_id']],
  ['deliveries', ['destination', 'secret_id', 'version']],
  ['alerts', ['id']],
  ['alert_deliveries', ['id']],
  ['incidents', ['id']],
  ['incident_events', ['incident_id', 'number']],
  ['incident_items', ['incident_id', 'secret_id']],
  ['readers', ['project', 'environment', 'secret_key', 'principal']],
  ['anomalies', ['id']],
  ['baselines', ['principal']],
  ['reports', ['id']],
  ['journey_runs', ['id']],
  ['drills', ['id']],
  ['grants', ['id']],
  ['roles', ['name']],
  ['tokens', ['id']],
  ['trusts', ['id']],
  ['approvals', ['id']],
  ['invitations', ['id']],
  ['attempts', ['key']],
  ['idempotency', ['key']],
  ['forwards', ['id']],
  ['auth_user', ['id']],
  ['auth_session', ['id']],
  ['auth_account', ['id']],
  ['auth_verification', ['id']],
  ['auth_two_factor', ['id']],
  ['auth_passkey', ['id']],
];

/** Columns that PostgreSQL has as yes or no, and as moments, where SQLite has numbers and text. */
const FLAGS = new Set(['emailVerified', 'twoFactorEnabled', 'verified', 'backedUp']);
const MOMENTS = /(?:At|lockedUntil)$/;
/** Tables whose ids count up by themselves. */
const COUNTED = ['projects', 'environments', 'keys', 'secrets'];

type Row = Readonly<Record<string, unknown>>;

export type Kind = 'sqlite' | 'postgres';

export interface CopiedTable {
  readonly table: string;
  readonly rows: number;
  /** SHA-256 over its rows, hexadecimal. */
  readonly hash: string;
}

export interface CopyOptions {
  readonly from: VaultStore;
  readonly to: VaultStore;
  readonly toKind: Kind;
  /** Told, now and then, how many rows were copied. */
  readonly onProgress: (rows: number) => void;
}

function raw(name: string, sql: string, count: number): Statement<never, unknown> {
  const slots = Array.from({ length: count }, (_, index): Slot => ({ hole: String(index) }));
  return { name, compiled: { sql, slots }, build: () => unbuildable() };
}

function unbuildable(): never {
  throw new TypeError('it is compiled already');
}

function run(name: string, sql: string, values: readonly unknown[]): Operation<Row[]> {
  return all(raw(name, sql, values.length), Object.fromEntries(values.entries()) as never) as Operation<Row[]>;
}

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ');

function* pageOf(table: string, key: readonly string[], after: readonly unknown[] | undefined): Operation<Row[]> {
  const where = after ? ` where (${quoted(key)}) > (${key.map(() => '?').join(', ')})` : '';
  // Text is compared byte by byte on both sides, so that both read in the same order.
  const order = key.map((name) => `"${name}"`).join(', ');
  const sql = `select * from "${table}"${where} order by ${order} limit ${PAGE}`;
  return yield* run(`page_${table}_${after ? 'after' : 'first'}`, sql, after ?? []);
}

/** A value as it is compared: the same whichever database it comes from. */
function canonical(column: string, value: unknown): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (MOMENTS.test(column) && typeof value === 'string') return new Date(value).toISOString();
  return value;
}

/** A value as the target keeps it. */
function converted(column: string, value: unknown, to: Kind): unknown {
  if (value === null || value === undefined) return null;
  if (to === 'postgres' && FLAGS.has(column)) return Boolean(value);
  if (to === 'sqlite' && (value instanceof Date || typeof value === 'boolean')) return canonical(column, value);
  return value;
}

function addRow(hash: Hash, row: Row): void {
  const columns = Object.keys(row).sort();
  hash.update(JSON.stringify(columns.map((column) => [column, canonical(column, row[column])])));
}

/** Reads a table to its end. */
function* forEachRow(table: string, key: readonly string[], visit: (rows: Row[]) => void): Operation<void> {
  let after: readonly unknown[] | undefined;
  for (;;) {
    const rows = yield* pageOf(table, key, after);
    if (rows.length > 0) visit(rows);
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    after = key.map((name) => last[name]);
  }
}

function* measure(table: string, key: readonly string[]): Operation<CopiedTable> {
  const hash = createHash('sha256');
  let count = 0;
  yield* forEachRow(table, key, (rows) => {
    for (const row of rows) addRow(hash, row);
    count += rows.length;
  });
  return { table, rows: count, hash: hash.digest('hex') };
}

/**
 * Copies everything. The target has the tables, and no vault in them.
 * @throws ConflictError where the two differ afterwards: the source was changed meanwhile; StoreError
 */
export function copyStore(options: CopyOptions): CopiedTable[] {
  return options.to.run(transaction(copyInto(options)));
}

function* copyInto({ from, to, toKind, onProgress }: CopyOptions): Operation<CopiedTable[]> {
  let copied = 0;
  for (const [table, key] of TABLES) {
    let after: readonly unknown[] | undefined;
    for (;;) {
      const rows = from.run(pageOf(table, key, after));
      yield* insert(table, rows, toKind);
      copied += rows.length;
      onProgress(copied);
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) break;
      after = key.map((name) => last[name]);
    }
  }
  const [generation] = from.run(run('read_generation', 'select keys from generation', []));
  yield* run('write_generation', 'update generation set keys = ?', [generation?.keys ?? 0]);
  if (toKind === 'postgres') yield* countOn();
  const compared: CopiedTable[] = [];
  for (const [table, key] of TABLES) {
    const there = yield* measure(table, key);
    const here = from.run(measure(table, key));
    if (here.hash !== there.hash || here.rows !== there.rows) {
      throw new ConflictError(
        `The table ${table} is not the same in ${from.path} and ${to.path}: it has ${here.rows} and ${there.rows} rows.`,
        'Stop whatever writes to the vault, and copy it again.',
      );
    }
    compared.push(there);
  }
  return compared;
}

function* insert(table: string, rows: readonly Row[], kind: Kind): Operation<void> {
  for (const row of rows) {
    const columns = Object.keys(row);
    const values = columns.map((column) => converted(column, row[column], kind));
    const holes = columns.map(() => '?').join(', ');
    yield* run(`copy_${table}`, `insert into "${table}" (${quoted(columns)}) values (${holes})`, values);
  }
}

/** New rows get numbers after those that were copied. */
function* countOn(): Operation<void> {
  for (const table of COUNTED) {
    const sequence = `pg_get_serial_sequence('${table}', 'id')`;
    yield* run(
      `count_${table}`,
      `select setval(${sequence}, coalesce((select max(id) from ${table}), 0) + 1, false)`,
      [],
    );
  }
}
