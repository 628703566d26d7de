// Operations: work on the store written once and run in two ways. An operation is a generator that yields statements
// and gets rows; the runner decides how to wait. SQLite's runner does not wait at all, so the facade's `getSecret` can
// be synchronous; a network database's runner awaits each answer. Nothing in an operation knows which it is.
import type { Statement } from './statement.ts';

export type Step =
  | { readonly kind: 'all' | 'first'; readonly statement: Statement<never, unknown>; readonly params: unknown }
  | { readonly kind: 'begin' | 'commit' | 'rollback' };

/** Work on the store that ends in a `T`. Call one inside another with `yield*`. */
export type Operation<T> = Generator<Step, T, readonly unknown[]>;

/** Runs one statement and gives its rows. */
export function* all<P, R>(statement: Statement<P, R>, params: P): Operation<R[]> {
  return (yield { kind: 'all', statement: statement as Statement<never, unknown>, params }) as R[];
}

/** Runs one statement and gives its first row, if any. */
export function* first<P, R>(statement: Statement<P, R>, params: P): Operation<R | undefined> {
  const rows = yield { kind: 'first', statement: statement as Statement<never, unknown>, params };
  return rows[0] as R | undefined;
}

/**
 * Runs an operation in one write transaction: all of it happens, durably, or none of it.
 * Transactions do not nest; write inner steps as plain operations and wrap the outermost.
 */
export function* transaction<T>(body: Operation<T>): Operation<T> {
  yield { kind: 'begin' };
  let result: T;
  try {
    result = yield* body;
  } catch (error) {
    yield { kind: 'rollback' };
    throw error;
  }
  yield { kind: 'commit' };
  return result;
}
