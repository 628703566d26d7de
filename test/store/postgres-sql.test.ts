// PostgreSQL's SQL is SQLite's with its parameters numbered: compared, statement by statement, with what Kysely compiles
// for PostgreSQL.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { postgresCompiler } from '../../lib/store/postgres/migrate.ts';
import { numberParameters } from '../../lib/store/postgres/sql.ts';
import { compileForSqlite } from '../../lib/store/sqlite-compiler.ts';
import type { Statement } from '../../lib/store/statement.ts';

const modules = import.meta.glob('../../lib/store/statements/*.ts', { eager: true }) as Record<
  string,
  Record<string, Statement<never, unknown>>
>;
const statements = Object.values(modules).flatMap((module) => Object.values(module));

describe("a statement's SQL for PostgreSQL", () => {
  it.each(statements.map((one) => [one.name, one] as const))('%s', (_, declared) => {
    const hole = new Proxy({}, { get: (_target, name) => ({ hole: String(name) }) });
    const wanted = declared.build(postgresCompiler, hole as never, { sql }).compile();
    expect(numberParameters(compileForSqlite(declared).sql)).toBe(wanted.sql);
  });
});
