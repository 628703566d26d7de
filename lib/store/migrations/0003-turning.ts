// Migration 3: what it takes for secrets to turn by themselves: when each is due, what providers and destinations know of
// it, live checks, alerts with their deliveries, and incidents.
import { type Compilable, type Kysely, sql } from 'kysely';
import type { Database } from '../schema.ts';
import type { MigrationDialect } from './migrations.ts';

export function turning(db: Kysely<Database>, dialect: MigrationDialect): Compilable[] {
  return [
    ...rotations(db, dialect),
    ...places(db, dialect),
    ...alerts(db, dialect),
    ...incidents(db, dialect),
    ...readers(db, dialect),
  ];
}

function rotations({ schema }: Kysely<Database>, { integer }: MigrationDialect): Compilable[] {
  const table = 'rotations';
  return [
    schema.alterTable('secrets').addColumn('due_at', integer),
    // Only live secrets are looked for, and those that nobody has worked out yet come first.
    schema.createIndex('secrets_due').on('secrets').column('due_at'),
    schema.alterTable('versions').addColumn('external_id', 'text'),
    schema.alterTable('tokens').addColumn('frozen_at', integer),
    schema.alterTable(table).addColumn('reason', 'text', (c) => c.notNull().defaultTo('asked')),
    schema.alterTable(table).addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0)),
    schema.alterTable(table).addColumn('next_at', integer),
    schema.alterTable(table).addColumn('trouble', 'text'),
    schema.alterTable(table).addColumn('marker', 'text'),
    schema.alterTable(table).addColumn('claimed_by', 'text'),
    schema.alterTable(table).addColumn('claimed_until', integer),
    schema.alterTable(table).addColumn('incident_id', 'text'),
    schema.alterTable(table).addColumn('death', 'text'),
    schema.alterTable(table).addColumn('death_checks', 'integer', (c) => c.notNull().defaultTo(0)),
    schema.alterTable(table).addColumn('death_checked_at', integer),
    schema.alterTable(table).addColumn('death_next_at', integer),
    schema.createIndex('rotations_state').on(table).columns(['state', 'started_at']),
    schema.createIndex('rotations_death').on(table).column('death_next_at'),
  ];
}

function places({ schema }: Kysely<Database>, { integer, ordered }: MigrationDialect): Compilable[] {
  return [
    schema
      .createTable('checks')
      .addColumn('secret_id', 'integer', (c) => c.primaryKey().references('secrets.id'))
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('status', 'text', (c) => c.notNull())
      .addColumn('detail', 'text', (c) => c.notNull())
      .addColumn('mode', 'text')
      .addColumn('expires_at', integer)
      .addColumn('took_ms', 'integer', (c) => c.notNull())
      .addColumn('checked_at', integer, (c) => c.notNull()),
    schema
      .createTable('deliveries')
      .addColumn('destination', ordered, (c) => c.notNull())
      .addColumn('secret_id', 'integer', (c) => c.notNull().references('secrets.id'))
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('remote', 'text')
      .addColumn('error', 'text')
      .addColumn('attempts', 'integer', (c) => c.notNull())
      .addColumn('next_at', integer)
      .addColumn('pushed_at', integer)
      .addColumn('live_at', integer)
      .addColumn('checked_at', integer)
      .addColumn('ended_at', integer)
      .addPrimaryKeyConstraint('deliveries_pk', ['destination', 'secret_id', 'version']),
    schema.createIndex('deliveries_secret').on('deliveries').column('secret_id'),
  ];
}

function alerts({ schema }: Kysely<Database>, { bytes, integer, ordered }: MigrationDialect): Compilable[] {
  return [
    schema
      .createTable('alerts')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('severity', 'text', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('project', 'text')
      .addColumn('environment', 'text')
      .addColumn('secret', 'text')
      .addColumn('what', 'text', (c) => c.notNull())
      .addColumn('mend', 'text', (c) => c.notNull())
      .addColumn('opened_at', integer, (c) => c.notNull())
      .addColumn('seen_at', integer, (c) => c.notNull())
      .addColumn('told_at', integer)
      .addColumn('acknowledged_by', 'text')
      .addColumn('acknowledged_at', integer)
      .addColumn('muted_until', integer)
      .addColumn('mute_reason', 'text')
      .addColumn('resolved_at', integer),
    // One open alert for one condition.
    schema.createIndex('alerts_open').unique().on('alerts').column('key').where(sql.ref('resolved_at'), 'is', null),
    schema.createIndex('alerts_opened').on('alerts').column('opened_at'),
    schema
      .createTable('alert_deliveries')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('alert_id', 'text')
      .addColumn('channel', 'text', (c) => c.notNull())
      .addColumn('event', 'text', (c) => c.notNull())
      .addColumn('body', bytes, (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('attempts', 'integer', (c) => c.notNull())
      .addColumn('next_at', integer)
      .addColumn('error', 'text')
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('ended_at', integer),
    schema.createIndex('alert_deliveries_next').on('alert_deliveries').columns(['state', 'next_at']),
  ];
}

function incidents({ schema }: Kysely<Database>, { integer, ordered }: MigrationDialect): Compilable[] {
  return [
    schema
      .createTable('incidents')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('title', 'text', (c) => c.notNull())
      .addColumn('project', 'text')
      .addColumn('environment', 'text')
      .addColumn('subject', 'text')
      .addColumn('opened_at', integer, (c) => c.notNull())
      .addColumn('opened_by', 'text', (c) => c.notNull())
      .addColumn('closed_at', integer)
      .addColumn('closed_by', 'text'),
    schema
      .createTable('incident_events')
      .addColumn('incident_id', ordered, (c) => c.notNull().references('incidents.id'))
      .addColumn('number', 'integer', (c) => c.notNull())
      .addColumn('at', integer, (c) => c.notNull())
      .addColumn('by', 'text', (c) => c.notNull())
      .addColumn('what', 'text', (c) => c.notNull())
      .addPrimaryKeyConstraint('incident_events_pk', ['incident_id', 'number']),
    schema
      .createTable('incident_items')
      .addColumn('incident_id', ordered, (c) => c.notNull().references('incidents.id'))
      .addColumn('secret_id', 'integer', (c) => c.notNull().references('secrets.id'))
      .addColumn('position', 'integer', (c) => c.notNull())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('why', 'text', (c) => c.notNull())
      .addColumn('rotation_id', 'text')
      .addColumn('updated_at', integer, (c) => c.notNull())
      .addPrimaryKeyConstraint('incident_items_pk', ['incident_id', 'secret_id']),
  ];
}

function readers({ schema }: Kysely<Database>, { integer, ordered, clustered }: MigrationDialect): Compilable[] {
  return [
    clustered(
      schema
        .createTable('readers')
        .addColumn('project', ordered, (c) => c.notNull())
        .addColumn('environment', ordered, (c) => c.notNull())
        .addColumn('secret_key', ordered, (c) => c.notNull())
        .addColumn('principal', ordered, (c) => c.notNull())
        .addColumn('reads', integer, (c) => c.notNull())
        .addColumn('first_at', integer, (c) => c.notNull())
        .addColumn('last_at', integer, (c) => c.notNull())
        .addPrimaryKeyConstraint('readers_pk', ['project', 'environment', 'secret_key', 'principal']),
    ),
    schema.createIndex('readers_principal').on('readers').columns(['principal', 'first_at']),
    schema
      .createTable('anomalies')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('severity', 'text', (c) => c.notNull())
      .addColumn('at', integer, (c) => c.notNull())
      .addColumn('principal', 'text', (c) => c.notNull())
      .addColumn('project', 'text', (c) => c.notNull())
      .addColumn('environment', 'text', (c) => c.notNull())
      .addColumn('secret', 'text')
      .addColumn('what', 'text', (c) => c.notNull()),
    schema.createIndex('anomalies_at').on('anomalies').column('at'),
  ];
}
