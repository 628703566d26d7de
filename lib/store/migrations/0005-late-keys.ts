// Migration 5: finds ended rotations that asked a provider for keys and were not looked after since.
import type { Compilable, Kysely } from 'kysely';
import { sql } from 'kysely';
import type { Database } from '../schema.ts';

export function lateKeys({ schema }: Kysely<Database>): Compilable[] {
  return [
    schema
      .createIndex('rotations_marked')
      .on('rotations')
      .column('updated_at')
      .where(sql.ref('marker'), 'is not', null),
  ];
}
