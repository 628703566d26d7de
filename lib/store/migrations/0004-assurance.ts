// Migration 4: what assurance keeps. Prints of values for the leak guard, how each principal usually behaves, reports as
// they were signed, and the runs of synthetic journeys and restore drills.
import type { Compilable, Kysely } from 'kysely';
import type { Database } from '../schema.ts';
import type { MigrationDialect } from './migrations.ts';

export function assurance({ schema }: Kysely<Database>, { bytes, integer, ordered }: MigrationDialect): Compilable[] {
  return [
    schema.alterTable('versions').addColumn('leak_print', bytes),
    schema.alterTable('anomalies').addColumn('numbers', 'text'),
    schema.alterTable('anomalies').addColumn('evidence', 'text'),
    schema
      .createTable('baselines')
      .addColumn('principal', ordered, (c) => c.primaryKey())
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('updated_at', integer, (c) => c.notNull()),
    schema
      .createTable('reports')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('period', 'text', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('created_by', 'text', (c) => c.notNull())
      .addColumn('headline', 'text', (c) => c.notNull())
      .addColumn('body', bytes, (c) => c.notNull()),
    schema.createIndex('reports_created').on('reports').column('created_at'),
    schema
      .createTable('journey_runs')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('journey', 'text', (c) => c.notNull())
      .addColumn('target', 'text', (c) => c.notNull())
      .addColumn('started_at', integer, (c) => c.notNull())
      .addColumn('took_ms', 'integer', (c) => c.notNull())
      .addColumn('passed', 'integer', (c) => c.notNull())
      .addColumn('error', 'text')
      .addColumn('steps', 'text', (c) => c.notNull())
      .addColumn('screenshot', bytes),
    schema.createIndex('journey_runs_started').on('journey_runs').columns(['journey', 'started_at']),
    schema
      .createTable('drills')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('backup', 'text', (c) => c.notNull())
      .addColumn('started_at', integer, (c) => c.notNull())
      .addColumn('took_ms', 'integer', (c) => c.notNull())
      .addColumn('passed', 'integer', (c) => c.notNull())
      .addColumn('secrets', 'integer', (c) => c.notNull())
      .addColumn('details', 'text', (c) => c.notNull()),
    schema.createIndex('drills_started').on('drills').column('started_at'),
  ];
}
