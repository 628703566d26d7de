// SQLite's SQL of every statement by its name. Empty in the source tree, where Kysely compiles at run time; the build
// puts the compiled statements here (scripts/build.js).
import type { CompiledStatement } from './statement.ts';

export const COMPILED_STATEMENTS: Readonly<Record<string, CompiledStatement>> = {};
