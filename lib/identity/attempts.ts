// Failed attempts, and the growing delay that they bring. Counted by address and by person; a lock ends by itself, and
// a command on the host ends it at once, so that nobody can lock an owner out for good.
import { all, first, type Operation, transaction } from '../store/operation.ts';
import { clearAttempts, findAttempts, putAttempts } from '../store/statements/access.ts';
import type { VaultContext } from '../vault/context.ts';

/** So many failures bring no delay. */
const FREE_FAILURES = 5;
const FIRST_DELAY_MS = 1_000;
const MOST_DELAY_MS = 15 * 60 * 1000;
/** Failures longer ago than this are forgotten. */
const FORGET_MS = 24 * 60 * 60 * 1000;

/** How long, in ms, nothing more is tried after so many failures: 1 s after the sixth, doubling to a quarter of an hour. */
function delayAfter(failures: number): number {
  if (failures <= FREE_FAILURES) return 0;
  return Math.min(FIRST_DELAY_MS * 2 ** (failures - FREE_FAILURES - 1), MOST_DELAY_MS);
}

/** Until when a key is locked, in ms since 1970; 0 where it is not. */
export function* lockedUntil(ctx: VaultContext, key: string): Operation<number> {
  const row = yield* first(findAttempts, { key });
  return row && row.locked_until > ctx.clock() ? row.locked_until : 0;
}

/** Counts a failure. @returns until when the key is locked now, in ms since 1970 */
export function* countFailure(ctx: VaultContext, key: string): Operation<number> {
  return yield* transaction(
    (function* () {
      const row = yield* first(findAttempts, { key });
      const now = ctx.clock();
      const before = row && now - row.last_at < FORGET_MS ? row.failures : 0;
      const until = now + delayAfter(before + 1);
      yield* all(putAttempts, { key, failures: before + 1, now, lockedUntil: until });
      return until;
    })(),
  );
}

/** Forgets a key's failures: after a success, or by the command on the host. */
export function forgetFailures(key: string): Operation<void> {
  return transaction(
    (function* () {
      yield* all(clearAttempts, { key });
    })(),
  );
}
