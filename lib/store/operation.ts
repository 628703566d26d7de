// Operations: work on the store written once and run in two ways. An operation is a generator that yields statements
// and gets rows; the runner decides how to wait. SQLite's runner does not wait at all, so the facade's `getSecret` can
// be synchronous; a network database's runner awaits each answer. Nothing in an operation knows which it is.
import type { Statement } from './statement.ts';

/**
 * `alone` is true where the transaction reads what it then changes: it waits until no other writer is at work. One that
 * only appends to this process's own chain of the log need not, on a database that lets several write at once. `tells`
 * is true where others have to forget what they have in memory.
 */
export type Step =
  | { readonly kind: 'all' | 'first'; readonly statement: Statement<never, unknown>; readonly params: unknown }
  | { readonly kind: 'many'; readonly statement: Statement<never, unknown>; readonly params: readonly unknown[] }
  | { readonly kind: 'begin'; readonly alone: boolean; readonly tells: boolean }
  | { readonly kind: 'commit' | 'rollback' }
  | OutsideStep;

/** Work that is not the store's: a call to a provider, a file of another program. Never inside a transaction. */
export interface OutsideStep {
  readonly kind: 'outside';
  readonly work: () => Promise<unknown>;
}

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

/** Runs one statement that gives no rows for each of the parameters; a network database takes them in one go. */
export function* many<P, R>(statement: Statement<P, R>, params: readonly P[]): Operation<void> {
  if (params.length > 0) yield { kind: 'many', statement: statement as Statement<never, unknown>, params };
}

/**
 * Waits for something outside of the store, between its transactions. Only runners that can wait take it: a server's, and
 * `perform` for the embedded stores.
 * @example const answer = yield* outside(() => provider.check(credential));
 */
export function* outside<T>(work: () => Promise<T>): Operation<T> {
  const rows = yield { kind: 'outside', work };
  return rows[0] as T;
}

/** What a runner that cannot wait, or that is inside a transaction, says to work outside: a mistake of ours. */
export function cannotWait(): TypeError {
  return new TypeError('work outside of the store was asked for where nothing can wait for it');
}

function* bracketed<T>(body: Operation<T>, alone: boolean, tells: boolean): Operation<T> {
  yield { kind: 'begin', alone, tells };
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

/**
 * Runs an operation in one write transaction: all of it happens, durably, or none of it. Inside another transaction it
 * is a savepoint: it happens or not as a whole, and is durable with the outer one.
 */
export function transaction<T>(body: Operation<T>): Operation<T> {
  return bracketed(body, true, true);
}

/** Like `transaction`, for what only appends to the log. */
export function logTransaction<T>(body: Operation<T>): Operation<T> {
  return bracketed(body, false, false);
}

/** Like `transaction`, for what has to be alone and changes nothing that anybody keeps in memory. */
export function quietTransaction<T>(body: Operation<T>): Operation<T> {
  return bracketed(body, true, false);
}
