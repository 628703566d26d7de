// The numbered, forward-only steps that bring a store's schema up to date.
import type { Compilable, CreateTableBuilder, Kysely, RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';
import { initial } from './0001-initial.ts';
import { server } from './0002-server.ts';
import { turning } from './0003-turning.ts';
import { assurance } from './0004-assurance.ts';
import { lateKeys } from './0005-late-keys.ts';

/** What differs between databases in the schema's words. */
export interface MigrationDialect {
  readonly bytes: 'blob' | 'bytea';
  /** Text that compares byte by byte, in every locale: pages and chains are read in its order. */
  readonly ordered: 'text' | RawBuilder<unknown>;
  readonly integer: 'integer' | 'bigint';
  /** Yes or no, and a moment, as better-auth's Kysely adapter writes them. */
  readonly flag: 'integer' | 'boolean';
  readonly moment: 'text' | 'timestamptz';
  /** A primary key that counts up by itself. */
  readonly identity: 'integer' | 'serial';
  /** Keeps a table's rows in its primary key's order, where the database can. */
  clustered<T extends string, C extends string>(table: CreateTableBuilder<T, C>): CreateTableBuilder<T, C>;
}

export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly up: (db: Kysely<Database>, dialect: MigrationDialect) => Compilable[];
}

/** In order, without gaps, up to schema-version.ts. A released one is never changed. */
export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: 'initial', up: initial },
  { number: 2, name: 'server', up: server },
  { number: 3, name: 'turning', up: turning },
  { number: 4, name: 'assurance', up: assurance },
  { number: 5, name: 'late-keys', up: lateKeys },
];
