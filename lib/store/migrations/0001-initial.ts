// Migration 1: every table of the first release.
import { type Compilable, type Kysely, sql } from 'kysely';
import type { Database } from '../schema.ts';
import type { MigrationDialect } from './migrations.ts';

/** The table that has one row, with the schema's version. Made first, so that a half-made store is recognised. */
export function initial(db: Kysely<Database>, dialect: MigrationDialect): Compilable[] {
  const { schema } = db;
  const { bytes, identity, integer, ordered, clustered } = dialect;
  return [
    schema
      .createTable('generation')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('schema_version', 'integer', (c) => c.notNull())
      .addColumn('keys', integer, (c) => c.notNull()),
    schema
      .createTable('meta')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('value', 'text', (c) => c.notNull()),
    schema
      .createTable('projects')
      .addColumn('id', identity, (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('name_key', ordered, (c) => c.notNull().unique())
      .addColumn('created_at', integer, (c) => c.notNull()),
    schema
      .createTable('environments')
      .addColumn('id', identity, (c) => c.primaryKey())
      .addColumn('project_id', 'integer', (c) => c.notNull().references('projects.id'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('name_key', ordered, (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addUniqueConstraint('environments_name', ['project_id', 'name_key']),
    schema
      .createTable('keys')
      .addColumn('id', identity, (c) => c.primaryKey())
      .addColumn('key_id', 'text', (c) => c.notNull().unique())
      .addColumn('purpose', 'text', (c) => c.notNull())
      .addColumn('environment_id', 'integer', (c) => c.references('environments.id'))
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('wrapped', bytes)
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('destroyed_at', integer),
    schema
      .createTable('secrets')
      .addColumn('id', identity, (c) => c.primaryKey())
      .addColumn('environment_id', 'integer', (c) => c.notNull().references('environments.id'))
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('name_key', ordered, (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('interval_days', 'integer')
      .addColumn('owner', 'text')
      .addColumn('labels', 'text', (c) => c.notNull())
      .addColumn('current_version', 'integer', (c) => c.notNull())
      .addColumn('previous_version', 'integer')
      .addColumn('previous_valid_until', integer)
      .addColumn('latest_version', 'integer', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('rotated_at', integer, (c) => c.notNull())
      .addColumn('deleted_at', integer)
      .addUniqueConstraint('secrets_name', ['environment_id', 'name_key']),
    clustered(
      schema
        .createTable('versions')
        .addColumn('secret_id', 'integer', (c) => c.notNull().references('secrets.id'))
        .addColumn('number', 'integer', (c) => c.notNull())
        .addColumn('envelope', bytes, (c) => c.notNull())
        .addColumn('fingerprint', bytes, (c) => c.notNull())
        .addColumn('size', 'integer', (c) => c.notNull())
        .addColumn('data_key', 'integer', (c) => c.notNull())
        .addColumn('origin', 'text', (c) => c.notNull())
        .addColumn('created_at', integer, (c) => c.notNull())
        .addColumn('created_by', 'text', (c) => c.notNull())
        .addColumn('activated_at', integer)
        .addPrimaryKeyConstraint('versions_pk', ['secret_id', 'number']),
    ),
    schema
      .createTable('usage')
      .addColumn('secret_id', 'integer', (c) => c.primaryKey().references('secrets.id'))
      .addColumn('reads', integer, (c) => c.notNull())
      .addColumn('last_read_at', integer, (c) => c.notNull())
      .addColumn('last_read_by', 'text', (c) => c.notNull()),
    clustered(
      schema
        .createTable('audit_entries')
        .addColumn('chain', ordered, (c) => c.notNull())
        .addColumn('seq', integer, (c) => c.notNull())
        .addColumn('time', integer, (c) => c.notNull())
        .addColumn('principal', 'text', (c) => c.notNull())
        .addColumn('action', 'text', (c) => c.notNull())
        .addColumn('outcome', 'text', (c) => c.notNull())
        .addColumn('project', 'text')
        .addColumn('environment', 'text')
        .addColumn('secret', 'text')
        .addColumn('version', 'integer')
        .addColumn('source', 'text', (c) => c.notNull())
        .addColumn('details', 'text')
        .addColumn('hash', bytes, (c) => c.notNull())
        .addColumn('mac', bytes, (c) => c.notNull())
        .addPrimaryKeyConstraint('audit_entries_pk', ['chain', 'seq']),
    ),
    // Denied and failed attempts are few and asked for often; the successful many need no index.
    schema
      .createIndex('audit_entries_not_ok')
      .on('audit_entries')
      .columns(['outcome', 'time'])
      .where(sql.ref('outcome'), '<>', sql.lit('ok')),
    schema
      .createTable('audit_checkpoints')
      .addColumn('number', 'integer', (c) => c.primaryKey())
      .addColumn('time', integer, (c) => c.notNull())
      .addColumn('body', 'text', (c) => c.notNull())
      .addColumn('signature', bytes, (c) => c.notNull()),
    schema
      .createTable('rotations')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('secret_id', 'integer', (c) => c.notNull().references('secrets.id'))
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('needs_value', 'integer', (c) => c.notNull())
      .addColumn('from_version', 'integer', (c) => c.notNull())
      .addColumn('to_version', 'integer')
      .addColumn('grace_ms', integer, (c) => c.notNull())
      .addColumn('grace_until', integer)
      .addColumn('error', 'text')
      .addColumn('backup_file', 'text')
      .addColumn('started_at', integer, (c) => c.notNull())
      .addColumn('updated_at', integer, (c) => c.notNull())
      .addColumn('started_by', 'text', (c) => c.notNull()),
    schema.createIndex('rotations_secret').on('rotations').columns(['secret_id', 'started_at']),
    // One rotation of a secret at a time may be on its way; those in grace or ended do not count.
    schema
      .createIndex('rotations_one_active')
      .unique()
      .on('rotations')
      .column('secret_id')
      .where(
        sql.ref('state'),
        'in',
        sql`(${sql.join(['planned', 'issued', 'verified', 'promoted', 'distributed'].map((state) => sql.lit(state)))})`,
      ),
    db.insertInto('generation').values({ id: sql.lit(1), schema_version: sql.lit(1), keys: sql.lit(0) }),
  ];
}
