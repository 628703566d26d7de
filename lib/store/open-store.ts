// Opens the store that is meant: the file in the vault's folder, or the database that KEYTURN_DATABASE_URL names.
import { createRequire } from 'node:module';
import { StoreError } from '../errors.ts';
import { type SqliteOptions, SqliteStore } from './sqlite.ts';
import type * as SqliteCompiler from './sqlite-compiler.ts';
import type * as SyncPostgresModule from './sync-postgres.ts';
import type { VaultStore } from './vault-store.ts';

export interface StorePlace {
  /** The file of the embedded store. */
  readonly file: string;
  /** The database's address, where it is PostgreSQL. */
  readonly url: string | undefined;
}

/** A part of the package that loads late, from beside this file: TypeScript in the source tree, JavaScript where built. */
function late<T>(name: string): T {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  return createRequire(import.meta.url)(`./${name}${extension}`) as T;
}

function openPostgres(url: string, options: SqliteOptions, make: boolean): SyncPostgresModule.SyncPostgres {
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new StoreError('KT_STORE_UNUSABLE', {
      what: 'KEYTURN_DATABASE_URL is not the address of a PostgreSQL database.',
      next: 'Write it as postgres://user:password@host:5432/database, or take it away to use the file in the folder.',
    });
  }
  const { SyncPostgres } = late<typeof SyncPostgresModule>('sync-postgres');
  return new SyncPostgres(url, {
    make,
    compile: (declared) => late<typeof SqliteCompiler>('sqlite-compiler').compileForSqlite(declared),
    onStatement: options.onStatement,
  });
}

/** Opens an existing store, and tells which schema it had. @throws StoreError */
export function openStore(place: StorePlace, options: SqliteOptions): { store: VaultStore; from: number } {
  if (place.url === undefined) return SqliteStore.openFrom(place.file, options);
  const store = openPostgres(place.url, options, false);
  return { store, from: store.from };
}

/**
 * Makes a store's tables. On PostgreSQL they may be there already: whether a vault is in them is for the caller to see.
 * @throws StoreError KT_VAULT_EXISTS, …
 */
export function createStore(place: StorePlace, options: SqliteOptions): VaultStore {
  return place.url === undefined ? SqliteStore.create(place.file, options) : openPostgres(place.url, options, true);
}
