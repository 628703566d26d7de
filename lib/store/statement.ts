// Statements: a typed Kysely query with named holes, compiled to SQL once and run many times. Compiling costs 10 to 20 µs
// when warm and a millisecond when cold, and loading Kysely several: the build therefore compiles every statement ahead
// (scripts/build.js), and a start needs no query builder at all.
import type { Compilable, Kysely, sql } from 'kysely';
import type { Database } from './schema.ts';

/** What a statement may use besides the builder. Handed in, so that declaring statements loads nothing. */
interface StatementTools {
  readonly sql: typeof sql;
}

export interface Statement<P, R> {
  /** Unique, and the name of the constant that holds it: the build compiles statements by it. */
  readonly name: string;
  readonly build: (db: Kysely<Database>, params: P, tools: StatementTools) => Compilable<R>;
  /** SQLite's SQL, where the build has put it in place of `build`. */
  readonly compiled?: CompiledStatement;
}

/**
 * Declares a statement.
 * @param name the same as the constant that holds it
 * @param build gets one hole for each property of `P` that it reads, typed as the value that will be there.
 * @example
 * export const findProject = statement('findProject', (db, p: { nameKey: string }) =>
 *   db.selectFrom('projects').selectAll().where('name_key', '=', p.nameKey));
 */
export function statement<P, R>(name: string, build: Statement<P, R>['build']): Statement<P, R> {
  return { name, build };
}

/** What to bind at one place of the SQL: a call's parameter by its name, or a constant of the query. */
export type Slot = { readonly hole: string } | { readonly value: string | number | null };

export interface CompiledStatement {
  readonly sql: string;
  readonly slots: readonly Slot[];
}

/** Puts a call's values into a compiled statement's slots. */
export function bindParameters(slots: readonly Slot[], params: unknown): unknown[] {
  const values = params as Readonly<Record<string, unknown>>;
  const bound: unknown[] = [];
  for (const slot of slots) bound.push('hole' in slot ? (values[slot.hole] ?? null) : slot.value);
  return bound;
}
