// Migration 2: what a server needs besides the vault: people (better-auth's tables), grants, roles, machine tokens,
// trusted identity providers, invitations, approvals, failed attempts, idempotency keys and forwards of the audit log.
import { type Compilable, type Kysely, sql } from 'kysely';
import type { Database } from '../schema.ts';
import type { MigrationDialect } from './migrations.ts';

export function server(db: Kysely<Database>, dialect: MigrationDialect): Compilable[] {
  return [...access(db, dialect), ...people(db, dialect), ...service(db, dialect)];
}

function access({ schema }: Kysely<Database>, { bytes, integer, ordered }: MigrationDialect): Compilable[] {
  return [
    schema.alterTable('environments').addColumn('two_people', 'integer', (c) => c.notNull().defaultTo(0)),
    schema
      .createTable('grants')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('person_id', 'text', (c) => c.notNull())
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('project_id', 'integer', (c) => c.references('projects.id'))
      .addColumn('environment_id', 'integer', (c) => c.references('environments.id'))
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('created_by', 'text', (c) => c.notNull()),
    schema.createIndex('grants_person').on('grants').column('person_id'),
    schema
      .createTable('roles')
      .addColumn('name', 'text', (c) => c.primaryKey())
      .addColumn('permissions', 'text', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('created_by', 'text', (c) => c.notNull()),
    schema
      .createTable('tokens')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('hash', bytes, (c) => c.notNull().unique())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('project_id', 'integer', (c) => c.notNull().references('projects.id'))
      .addColumn('environment_id', 'integer', (c) => c.references('environments.id'))
      .addColumn('permissions', 'text', (c) => c.notNull())
      .addColumn('names', 'text')
      .addColumn('addresses', 'text')
      .addColumn('expires_at', integer)
      .addColumn('max_uses', 'integer')
      .addColumn('uses', 'integer', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('created_by', 'text', (c) => c.notNull())
      .addColumn('last_used_at', integer)
      .addColumn('last_used_from', 'text')
      .addColumn('revoked_at', integer)
      .addColumn('replaced_by', 'text'),
    schema
      .createTable('trusts')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('issuer', 'text', (c) => c.notNull())
      .addColumn('audience', 'text', (c) => c.notNull())
      .addColumn('claims', 'text', (c) => c.notNull())
      .addColumn('project_id', 'integer', (c) => c.notNull().references('projects.id'))
      .addColumn('environment_id', 'integer', (c) => c.notNull().references('environments.id'))
      .addColumn('permissions', 'text', (c) => c.notNull())
      .addColumn('names', 'text')
      .addColumn('seconds', 'integer', (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('created_by', 'text', (c) => c.notNull()),
    schema
      .createTable('approvals')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('action', 'text', (c) => c.notNull())
      .addColumn('environment_id', 'integer', (c) => c.notNull().references('environments.id'))
      .addColumn('secret', 'text', (c) => c.notNull())
      .addColumn('reason', 'text', (c) => c.notNull())
      .addColumn('requested_by', 'text', (c) => c.notNull())
      .addColumn('requested_at', integer, (c) => c.notNull())
      .addColumn('expires_at', integer, (c) => c.notNull())
      .addColumn('decision', 'text')
      .addColumn('decided_by', 'text')
      .addColumn('decided_at', integer)
      .addColumn('used_at', integer),
  ];
}

/** As better-auth names and reads them (its `getMigrations` prints the same), with a prefix of their own. */
function people({ schema }: Kysely<Database>, { flag, moment }: MigrationDialect): Compilable[] {
  const owner = sql`text not null references "auth_user" ("id") on delete cascade`;
  return [
    schema
      .createTable('auth_user')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('email', 'text', (c) => c.notNull().unique())
      .addColumn('emailVerified', flag, (c) => c.notNull())
      .addColumn('image', 'text')
      .addColumn('createdAt', moment, (c) => c.notNull())
      .addColumn('updatedAt', moment, (c) => c.notNull())
      .addColumn('twoFactorEnabled', flag),
    schema
      .createTable('auth_session')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('expiresAt', moment, (c) => c.notNull())
      .addColumn('token', 'text', (c) => c.notNull().unique())
      .addColumn('createdAt', moment, (c) => c.notNull())
      .addColumn('updatedAt', moment, (c) => c.notNull())
      .addColumn('ipAddress', 'text')
      .addColumn('userAgent', 'text')
      .addColumn('userId', owner),
    schema
      .createTable('auth_account')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('accountId', 'text', (c) => c.notNull())
      .addColumn('providerId', 'text', (c) => c.notNull())
      .addColumn('userId', owner)
      .addColumn('accessToken', 'text')
      .addColumn('refreshToken', 'text')
      .addColumn('idToken', 'text')
      .addColumn('accessTokenExpiresAt', moment)
      .addColumn('refreshTokenExpiresAt', moment)
      .addColumn('scope', 'text')
      .addColumn('password', 'text')
      .addColumn('createdAt', moment, (c) => c.notNull())
      .addColumn('updatedAt', moment, (c) => c.notNull()),
    schema
      .createTable('auth_verification')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('identifier', 'text', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addColumn('expiresAt', moment, (c) => c.notNull())
      .addColumn('createdAt', moment, (c) => c.notNull())
      .addColumn('updatedAt', moment, (c) => c.notNull()),
    schema
      .createTable('auth_two_factor')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('secret', 'text', (c) => c.notNull())
      .addColumn('backupCodes', 'text', (c) => c.notNull())
      .addColumn('userId', owner)
      .addColumn('verified', flag)
      .addColumn('failedVerificationCount', 'integer')
      .addColumn('lockedUntil', moment),
    schema
      .createTable('auth_passkey')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text')
      .addColumn('publicKey', 'text', (c) => c.notNull())
      .addColumn('userId', owner)
      .addColumn('credentialID', 'text', (c) => c.notNull())
      .addColumn('counter', 'integer', (c) => c.notNull())
      .addColumn('deviceType', 'text', (c) => c.notNull())
      .addColumn('backedUp', flag, (c) => c.notNull())
      .addColumn('transports', 'text')
      .addColumn('createdAt', moment)
      .addColumn('aaguid', 'text'),
    schema.createIndex('auth_session_user').on('auth_session').column('userId'),
    schema.createIndex('auth_account_user').on('auth_account').column('userId'),
    schema.createIndex('auth_verification_identifier').on('auth_verification').column('identifier'),
    schema.createIndex('auth_two_factor_user').on('auth_two_factor').column('userId'),
    schema.createIndex('auth_passkey_user').on('auth_passkey').column('userId'),
    schema.createIndex('auth_passkey_credential').on('auth_passkey').column('credentialID'),
  ];
}

function service({ schema }: Kysely<Database>, { bytes, integer, ordered }: MigrationDialect): Compilable[] {
  return [
    schema
      .createTable('invitations')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('hash', bytes, (c) => c.notNull().unique())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('email', 'text')
      .addColumn('role', 'text', (c) => c.notNull())
      .addColumn('project_id', 'integer', (c) => c.references('projects.id'))
      .addColumn('environment_id', 'integer', (c) => c.references('environments.id'))
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('created_by', 'text', (c) => c.notNull())
      .addColumn('expires_at', integer, (c) => c.notNull())
      .addColumn('accepted_at', integer),
    schema
      .createTable('attempts')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('failures', 'integer', (c) => c.notNull())
      .addColumn('last_at', integer, (c) => c.notNull())
      .addColumn('locked_until', integer, (c) => c.notNull()),
    schema
      .createTable('idempotency')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('request', bytes, (c) => c.notNull())
      .addColumn('status', 'integer', (c) => c.notNull())
      .addColumn('answer', bytes, (c) => c.notNull())
      .addColumn('created_at', integer, (c) => c.notNull()),
    schema.createIndex('idempotency_age').on('idempotency').column('created_at'),
    schema
      .createTable('forwards')
      .addColumn('id', ordered, (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('target', bytes, (c) => c.notNull())
      .addColumn('cursor', 'text', (c) => c.notNull())
      .addColumn('delivered', integer, (c) => c.notNull())
      .addColumn('error', 'text')
      .addColumn('created_at', integer, (c) => c.notNull())
      .addColumn('created_by', 'text', (c) => c.notNull())
      .addColumn('updated_at', integer, (c) => c.notNull()),
  ];
}
