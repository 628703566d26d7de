// The embedded store: SQLite, one file, several processes at once (WAL). Each commit is on the disk
// before it returns (synchronous=FULL).
import { chmodSync, closeSync, existsSync, linkSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { StoreError } from '../errors.ts';
import { cannotWait, type Operation, type Step } from './operation.ts';
import { SCHEMA_VERSION } from './schema-version.ts';
import type { Settled } from './served-store.ts';
import type * as SqliteCompiler from './sqlite-compiler.ts';
import { closesWholly, sqlite } from './sqlite-driver.ts';
import { bindParameters, type CompiledStatement, type Slot, type Statement } from './statement.ts';
import type { VaultStore } from './vault-store.ts';

/** How long a writer waits for another process's transaction before it gives up, in ms. */
const BUSY_TIMEOUT_MS = 10_000;

const NO_ROWS: readonly unknown[] = [];

/** This file is TypeScript in the source tree and JavaScript where it was built; its neighbour is the same. */
function compiler(): typeof SqliteCompiler {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  return createRequire(import.meta.url)(`./sqlite-compiler${extension}`) as typeof SqliteCompiler;
}

export interface SqliteOptions {
  /** How many pages the write-ahead log may have before it is folded back; SQLite's 1000 where not given. */
  readonly logPages?: number;
  /** Called with each statement's SQL before it runs: for tracing, and for tests that stop a process there. */
  readonly onStatement?: (sql: string) => void;
}

interface Prepared {
  readonly native: StatementSync;
  readonly sql: string;
  readonly slots: readonly Slot[];
  /** Whether it gives rows; a statement that gives none is cheaper to run. */
  readonly rows: boolean;
}

/** One connection to the embedded store. */
export class SqliteStore implements VaultStore {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<Statement<never, unknown>, Prepared>();
  readonly #controls = new Map<string, StatementSync>();
  readonly #onStatement: ((sql: string) => void) | undefined;
  #dataVersion: StatementSync | undefined;
  /** How many transactions are open inside each other; those inside the outermost are savepoints. */
  #depth = 0;

  private constructor(path: string, db: DatabaseSync, options: SqliteOptions) {
    this.path = path;
    this.#db = db;
    this.#onStatement = options.onStatement;
  }

  /**
   * Makes the file (mode 0600, in a folder of mode 0700) and its tables.
   * @throws StoreError KT_VAULT_EXISTS when there is one; KT_STORE_… when it cannot be made.
   */
  static create(path: string, options: SqliteOptions = {}): SqliteStore {
    if (existsSync(path)) throw vaultExists(path);
    return translating(path, () => {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      chmodSync(dirname(path), 0o700);
      if (!closesWholly()) return SqliteStore.#createInPlace(path, options);
      // Made whole under another name, and linked into its place: no other process ever sees half of it, and of two that
      // make the same vault one is first.
      const making = `${path}.${process.pid}.new`;
      rmSync(making, { force: true });
      try {
        // SQLite gives its -wal and -shm files the mode of the main file, so that is made first, with ours.
        closeSync(openSync(making, 'wx', 0o600));
        const maker = new SqliteStore(making, connect(making, options), options);
        maker.#migrate(0);
        maker.close();
        linkSync(making, path);
      } catch (error) {
        throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? vaultExists(path) : error;
      } finally {
        rmSync(making, { force: true });
      }
      return SqliteStore.open(path, options);
    });
  }

  /** One that was cut off is finished by whoever opens it next: its tables are made in one transaction. */
  static #createInPlace(path: string, options: SqliteOptions): SqliteStore {
    try {
      closeSync(openSync(path, 'wx', 0o600));
    } catch (error) {
      throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? vaultExists(path) : error;
    }
    return SqliteStore.open(path, options);
  }

  /**
   * Opens an existing file; brings an older schema up to date.
   * @throws StoreError KT_VAULT_NOT_FOUND, KT_STORE_TOO_NEW, KT_STORE_CORRUPT, KT_STORE_READ_ONLY, …
   */
  static open(path: string, options: SqliteOptions = {}): SqliteStore {
    return SqliteStore.openFrom(path, options).store;
  }

  /** Like `open`, and tells which schema the file had. */
  static openFrom(path: string, options: SqliteOptions = {}): { store: SqliteStore; from: number } {
    if (!existsSync(path)) {
      throw new StoreError('KT_VAULT_NOT_FOUND', {
        what: `There is no vault at ${path}.`,
        next: 'Make one with `keyturn init`, or set KEYTURN_HOME to the folder that has it.',
      });
    }
    return translating(path, () => {
      const store = new SqliteStore(path, connect(path, options), options);
      try {
        const from = store.schemaVersion();
        store.#migrate(from);
        return { store, from };
      } catch (error) {
        store.close();
        throw error;
      }
    });
  }

  /** The schema's version in the file; 0 for a file whose tables were never made. */
  schemaVersion(): number {
    const table = this.#db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'generation'").get();
    if (!table) return 0;
    return Number(this.#db.prepare('SELECT schema_version FROM generation').get()?.schema_version ?? 0);
  }

  /** Changes whenever another connection has committed to the file. Costs about a microsecond. */
  dataVersion(): number {
    this.#dataVersion ??= this.#db.prepare('PRAGMA data_version');
    return Number(this.#dataVersion.get()?.data_version);
  }

  /** Runs an operation to its end, in this call. */
  run<T>(operation: Operation<T>): T {
    let rows: readonly unknown[] = [];
    let failure: { error: unknown } | undefined;
    for (;;) {
      const next: IteratorResult<Step, T> = failure ? operation.throw(failure.error) : operation.next(rows);
      if (next.done) return next.value;
      failure = undefined;
      try {
        rows = this.step(next.value);
      } catch (error) {
        failure = { error };
      }
    }
  }

  /** Runs one step of an operation. */
  step(step: Step): readonly unknown[] {
    try {
      return this.#step(step);
    } catch (error) {
      throw storeErrorFrom(this.path, error);
    }
  }

  get inTransaction(): boolean {
    return this.#depth > 0;
  }

  /**
   * Runs several operations in one transaction, with one sync to the disk: each one's own transactions are savepoints, so
   * that one that fails leaves the others' work. @returns how each ended, once all is durable
   * @throws StoreError when nothing of it could be made durable
   */
  runTogether(operations: readonly Operation<unknown>[]): Settled[] {
    this.#step({ kind: 'begin', alone: true, tells: true });
    const settled: Settled[] = [];
    try {
      for (const operation of operations) settled.push(this.#settle(operation));
    } catch (error) {
      this.#step({ kind: 'rollback' });
      throw storeErrorFrom(this.path, error);
    }
    translating(this.path, () => this.#step({ kind: 'commit' }));
    return settled;
  }

  #settle(operation: Operation<unknown>): Settled {
    try {
      return { value: this.run(operation) };
    } catch (error) {
      // A full disk ends the whole transaction by itself: nothing more may be written as if it were still open.
      if (!this.#db.isTransaction) throw error;
      return { error };
    }
  }

  /** SQLite's own check of the file's structure: 'ok', or what is wrong. */
  integrity(): string[] {
    return translating(this.path, () =>
      this.#db
        .prepare('PRAGMA integrity_check')
        .all()
        .map((row) => String(row.integrity_check)),
    );
  }

  /** How long the write-ahead log is, in bytes. */
  logBytes(): number {
    return statSync(`${this.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  }

  /** Moves what is in the write-ahead log into the file and cuts the log, so that overwritten pages are gone. */
  truncateLog(): void {
    translating(this.path, () => this.#db.exec('PRAGMA wal_checkpoint(TRUNCATE)'));
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #step(step: Step): readonly unknown[] {
    if (step.kind === 'outside') throw cannotWait();
    if (!('statement' in step)) return this.#control(step.kind);
    const prepared = this.#prepare(step.statement);
    this.#onStatement?.(prepared.sql);
    if (step.kind === 'many') {
      for (const params of step.params) {
        prepared.native.run(...(bindParameters(prepared.slots, params) as SQLInputValue[]));
      }
      return NO_ROWS;
    }
    const values = bindParameters(prepared.slots, step.params) as SQLInputValue[];
    if (!prepared.rows) {
      prepared.native.run(...values);
      return NO_ROWS;
    }
    if (step.kind === 'all') return prepared.native.all(...values);
    const row = prepared.native.get(...values);
    return row === undefined ? NO_ROWS : [row];
  }

  #control(kind: 'begin' | 'commit' | 'rollback'): readonly unknown[] {
    this.#onStatement?.(kind);
    if (kind === 'begin') this.#enter();
    else {
      this.#depth -= 1;
      if (this.#depth > 0) this.#leaveSavepoint(kind);
      else if (kind === 'commit') this.#commitAll();
      else this.#rollBack();
    }
    return NO_ROWS;
  }

  #enter(): void {
    if (this.#depth === 0) {
      this.#plain('BEGIN IMMEDIATE');
    } else {
      this.#plain(`SAVEPOINT inner_${this.#depth}`);
    }
    this.#depth += 1;
  }

  #leaveSavepoint(kind: 'commit' | 'rollback'): void {
    // Gone with the whole transaction, after an error that ended that.
    if (kind === 'rollback' && !this.#db.isTransaction) return;
    const name = `inner_${this.#depth}`;
    if (kind === 'rollback') this.#plain(`ROLLBACK TO ${name}`);
    this.#plain(`RELEASE ${name}`);
  }

  /** Runs a statement without parameters, prepared once. */
  #plain(sql: string): void {
    let known = this.#controls.get(sql);
    if (!known) {
      known = this.#db.prepare(sql);
      this.#controls.set(sql, known);
    }
    known.run();
  }

  #commitAll(): void {
    try {
      this.#plain('COMMIT');
    } finally {
      // A commit that fails (a full disk) leaves the transaction open.
      this.#rollBack();
    }
  }

  /** SQLite has rolled back by itself after some errors. */
  #rollBack(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }

  #prepare(declared: Statement<never, unknown>): Prepared {
    const known = this.#prepared.get(declared);
    if (known) return known;
    const compiled = declared.compiled ?? compiler().compileForSqlite(declared);
    const native = this.#db.prepare(compiled.sql);
    const prepared = { native, ...compiled, rows: native.columns().length > 0 };
    this.#prepared.set(declared, prepared);
    return prepared;
  }

  #migrate(from: number): void {
    if (from === SCHEMA_VERSION) return;
    if (from > SCHEMA_VERSION) {
      throw new StoreError('KT_STORE_TOO_NEW', {
        what: `The vault at ${this.path} has schema ${from}; this Keyturn knows ${SCHEMA_VERSION}.`,
        left: 'Nothing was changed.',
        next: 'Update Keyturn.',
      });
    }
    if (from === 0) this.#db.exec('PRAGMA journal_mode=WAL');
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      // Another process may have done it while this one waited for the lock.
      for (const { number, statements } of compiler().migrationsAfter(this.schemaVersion())) {
        for (const one of statements) this.#execute(one);
        this.#db.prepare('UPDATE generation SET schema_version = ?').run(number);
      }
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #execute(compiled: CompiledStatement): void {
    this.#onStatement?.(compiled.sql);
    this.#db.prepare(compiled.sql).run(...(bindParameters(compiled.slots, {}) as SQLInputValue[]));
  }
}

function vaultExists(path: string): StoreError {
  return new StoreError('KT_VAULT_EXISTS', {
    what: `There is a vault at ${path} already.`,
    left: 'It was not touched.',
  });
}

function connect(path: string, options: SqliteOptions): DatabaseSync {
  const { DatabaseSync } = sqlite();
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  db.exec('PRAGMA synchronous=FULL');
  if (options.logPages !== undefined) db.exec(`PRAGMA wal_autocheckpoint=${options.logPages}`);
  return db;
}

function translating<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw storeErrorFrom(path, error);
  }
}

/** SQLite's primary result codes (sqlite.org/rescode.html) that a person can do something about. */
const SQLITE_BUSY = 5;
const SQLITE_LOCKED = 6;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** Says in our words what SQLite or the file system could not do. Errors of other kinds pass as they are. */
export function storeErrorFrom(path: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { errcode, code } = error as Error & { errcode?: number; code?: string };
  if (errcode !== undefined) return sqliteError(path, errcode & 0xff, error);
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return readOnlyError(path, error);
  if (code === 'ENOSPC' || code === 'EFBIG' || code === 'EDQUOT') return fullError(path, error);
  if (code?.startsWith('E') && 'syscall' in error) return unusableError(path, code, error);
  return error;
}

function sqliteError(path: string, primary: number, cause: Error): unknown {
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return new StoreError(
        'KT_STORE_BUSY',
        {
          what: `Another process has been writing to ${path} for more than ${BUSY_TIMEOUT_MS / 1000} s.`,
          left: 'Nothing was changed.',
          next: 'Try again when it is done.',
        },
        { cause },
      );
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
      return readOnlyError(path, cause);
    case SQLITE_FULL:
      return fullError(path, cause);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new StoreError(
        'KT_STORE_CORRUPT',
        {
          what: `The file ${path} is damaged, or is not a Keyturn vault.`,
          left: 'It was not changed.',
          next: 'Keep a copy of it, make a new vault with `keyturn init` in another folder (KEYTURN_HOME), and fill it with `keyturn backup restore FILE`.',
        },
        { cause },
      );
    case SQLITE_IOERR:
      return unusableError(path, 'I/O error', cause);
    default:
      return cause;
  }
}

function readOnlyError(path: string, cause: Error): StoreError {
  return new StoreError(
    'KT_STORE_READ_ONLY',
    {
      what: `The vault at ${path} cannot be written: this user has no write permission there, or the file system is read-only.`,
      left: 'Nothing was read or changed: a read that cannot be logged is not answered.',
      next: 'Run as the user who owns the folder, or correct its permissions.',
    },
    { cause },
  );
}

function fullError(path: string, cause: Error): StoreError {
  return new StoreError(
    'KT_STORE_FULL',
    {
      what: `There is no space left for ${path}.`,
      left: 'The last operation was undone; the vault is as it was before it.',
      next: 'Free some space and run it again.',
    },
    { cause },
  );
}

function unusableError(path: string, reason: string, cause: Error): StoreError {
  return new StoreError(
    'KT_STORE_UNUSABLE',
    {
      what: `The vault at ${path} cannot be used (${reason}).`,
      left: 'Nothing was changed.',
      next: 'Check the disk and the path.',
    },
    { cause },
  );
}
