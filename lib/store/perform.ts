// Runs operations that wait for things outside of the store (providers, destinations, channels) on a store that does not
// wait itself: what lies between two such steps runs in one go.
import { cannotWait, type Operation, type Step } from './operation.ts';

type Stopped<T> = { readonly value: T } | { readonly work: () => Promise<unknown> };

type Answer = { readonly rows: readonly unknown[] } | { readonly error: unknown };

/** Hands an operation's steps on until one of them is work outside. */
function* untilOutside<T>(operation: Operation<T>, answer: Answer): Operation<Stopped<T>> {
  let depth = 0;
  let next = 'error' in answer ? operation.throw(answer.error) : operation.next(answer.rows);
  while (!next.done) {
    const step: Step = next.value;
    if (step.kind === 'outside') {
      if (depth > 0) next = operation.throw(cannotWait());
      else return { work: step.work };
      continue;
    }
    if (step.kind === 'begin') depth += 1;
    else if (step.kind === 'commit' || step.kind === 'rollback') depth -= 1;
    let rows: readonly unknown[];
    try {
      rows = yield step;
    } catch (error) {
      if (step.kind === 'begin') depth -= 1;
      next = operation.throw(error);
      continue;
    }
    next = operation.next(rows);
  }
  return { value: next.value };
}

/**
 * Runs an operation to its end, waiting for what it does outside.
 * @param run runs store steps to their end, in the call
 */
export async function perform<T>(run: <R>(operation: Operation<R>) => R, operation: Operation<T>): Promise<T> {
  let answer: Answer = { rows: [] };
  for (;;) {
    const stopped: Stopped<T> = run(untilOutside(operation, answer));
    if ('value' in stopped) return stopped.value;
    try {
      answer = { rows: [await stopped.work()] };
    } catch (error) {
      answer = { error };
    }
  }
}
