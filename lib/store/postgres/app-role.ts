// What a server's own role may do on PostgreSQL: everything with the vault's tables but changing or deleting what is in
// the audit log. The role is made by whoever administers the database.
import type { Client } from 'pg';
import { UsageError } from '../../errors.ts';

const AUDIT_TABLES = ['audit_entries', 'audit_checkpoints'];

/** The statements that grant it, in order. @throws UsageError for what cannot be a role's name */
function statementsFor(role: string, schema: string, jobs: string): string[] {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(role))
    throw new UsageError('That cannot be the name of a role.', 'Use small letters, digits and underscores.');
  const to = `"${role}"`;
  return [
    `grant usage on schema "${schema}" to ${to}`,
    `grant select, insert, update, delete on all tables in schema "${schema}" to ${to}`,
    `grant usage, select, update on all sequences in schema "${schema}" to ${to}`,
    ...AUDIT_TABLES.map((table) => `revoke update, delete, truncate on "${schema}"."${table}" from ${to}`),
    `grant usage on schema "${jobs}" to ${to}`,
    `grant all on all tables in schema "${jobs}" to ${to}`,
    `grant all on all sequences in schema "${jobs}" to ${to}`,
    `grant execute on all functions in schema "${jobs}" to ${to}`,
  ];
}

/** Grants all of it, or nothing. @param jobs pg-boss's schema */
export async function grantAppRole(client: Client, role: string, jobs: string): Promise<void> {
  const { rows } = await client.query('select current_schema() as schema');
  await client.query('begin');
  try {
    for (const one of statementsFor(role, String(rows[0]?.schema), jobs)) await client.query(one);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}
