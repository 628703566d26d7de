// Bringing a PostgreSQL schema up to date: the numbered migrations, compiled for PostgreSQL, in one transaction under
// an advisory lock, so that of several servers that start together one does it and the others wait.
import {
  type Compilable,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
} from 'kysely';
import type { Client } from 'pg';
import { StoreError } from '../../errors.ts';
import { MIGRATIONS, type MigrationDialect } from '../migrations/migrations.ts';
import type { Database } from '../schema.ts';
import { SCHEMA_VERSION } from '../schema-version.ts';

/** It never connects: pg runs what it compiles. */
export const postgresCompiler = new Kysely<Database>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

const dialect: MigrationDialect = {
  bytes: 'bytea',
  ordered: sql`text collate "C"`,
  flag: 'boolean',
  moment: 'timestamptz',
  integer: 'bigint',
  identity: 'serial',
  clustered: (table) => table,
};

/** Any number that other programs on the database are unlikely to lock: the bytes "keyturn" as one. */
const LOCK = '30245891567809134';

async function schemaVersion(client: Client): Promise<number> {
  const table = await client.query("select to_regclass('generation') is not null as there");
  if (!table.rows[0]?.there) return 0;
  const row = await client.query('select schema_version from generation');
  return Number(row.rows[0]?.schema_version ?? 0);
}

/**
 * Applies what is missing.
 * @param make whether an empty database is to be given its tables
 * @returns the schema's version before
 * @throws StoreError KT_STORE_TOO_NEW, KT_VAULT_NOT_FOUND
 */
export async function migratePostgres(client: Client, label: string, make: boolean): Promise<number> {
  const seen = await schemaVersion(client);
  if (seen === 0 && !make) {
    throw new StoreError('KT_VAULT_NOT_FOUND', {
      what: `There is no vault at ${label}.`,
      next: 'Make one with `keyturn init`, or correct KEYTURN_DATABASE_URL.',
    });
  }
  if (seen > SCHEMA_VERSION) {
    throw new StoreError('KT_STORE_TOO_NEW', {
      what: `The vault at ${label} has schema ${seen}; this Keyturn knows ${SCHEMA_VERSION}.`,
      left: 'Nothing was changed.',
      next: 'Update Keyturn.',
    });
  }
  if (seen === SCHEMA_VERSION) return seen;
  await client.query('begin');
  try {
    await client.query(`select pg_advisory_xact_lock(${LOCK})`);
    // Another server may have done it while this one waited.
    const from = await schemaVersion(client);
    for (const { number, up } of MIGRATIONS.slice(from)) {
      for (const one of up(postgresCompiler, dialect)) await execute(client, one);
      await client.query('update generation set schema_version = $1', [number]);
    }
    await client.query('commit');
    return from;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function execute(client: Client, compilable: Compilable): Promise<void> {
  const compiled = compilable.compile();
  await client.query(compiled.sql, [...compiled.parameters]);
}
