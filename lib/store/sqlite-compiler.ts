// Compiles statements and migrations to SQLite's SQL with Kysely. Loaded only where something was not compiled ahead:
// in the source tree, and when a schema is made or brought up to date.
import {
  type Compilable,
  DummyDriver,
  Kysely,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import { MIGRATIONS, type MigrationDialect } from './migrations/migrations.ts';
import type { Database } from './schema.ts';
import type { CompiledStatement, Slot, Statement } from './statement.ts';

/** It never connects: node:sqlite runs what it compiles. */
const compiler = new Kysely<Database>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

const dialect: MigrationDialect = {
  bytes: 'blob',
  ordered: 'text',
  flag: 'integer',
  moment: 'text',
  integer: 'integer',
  identity: 'integer',
  clustered: (table) => table.modifyEnd(sql`without rowid`),
};

/** Marks where a parameter goes. */
class Hole {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

function slotOf(parameter: unknown): Slot {
  if (parameter instanceof Hole) return { hole: parameter.name };
  return { value: parameter as string | number | null };
}

function finish(compilable: Compilable<unknown>): CompiledStatement {
  const compiled = compilable.compile();
  return { sql: compiled.sql, slots: compiled.parameters.map(slotOf) };
}

export function compileForSqlite(declared: Statement<never, unknown>): CompiledStatement {
  const holes = new Proxy({}, { get: (_, name) => new Hole(String(name)) });
  return finish(declared.build(compiler, holes as never, { sql }));
}

/** The SQL of every migration after `from`, in order. */
export function migrationsAfter(from: number): { number: number; statements: CompiledStatement[] }[] {
  return MIGRATIONS.slice(from).map(({ number, up }) => ({ number, statements: up(compiler, dialect).map(finish) }));
}
