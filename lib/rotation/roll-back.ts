// Undoing a rotation that failed: the value before comes back, everywhere it had been replaced; then what was made new is
// ended at its provider. Until all of that is done the rotation is `failed`, and it is tried again.
import { first, type Operation, transaction } from '../store/operation.ts';
import { findSecretById } from '../store/statements/rotations.ts';
import type { VaultContext } from '../vault/context.ts';
import { destinationsWith, parcelOf, sendAll } from './distribute.ts';
import { endNew } from './renewal.ts';
import { inIncident, isWanted, move, restoreBefore, type Subject } from './steps.ts';
import type { Trouble } from './trouble.ts';
import type { World } from './world.ts';

/** A destination that is away for longer (ms) does not hold the rollback up; its delivery goes on by itself. */
const WAIT_MS = 24 * 60 * 60_000;

export function* rollBack(
  ctx: VaultContext,
  world: World | undefined,
  subject: Subject,
): Operation<Trouble | undefined> {
  const { rotation } = subject;
  const version = yield* transaction(restoreBefore(ctx, subject));
  if (world) {
    const places = rotation.to_version === null ? [] : yield* destinationsWith(world, subject, rotation.to_version);
    const trouble = yield* sendAll(ctx, world, places, parcelOf(subject, version));
    const waitedMs = ctx.clock() - rotation.updated_at;
    if (trouble && waitedMs < WAIT_MS) return { ...trouble, passing: true };
    yield* endNew(ctx, world, subject);
  }
  yield* transaction(
    (function* () {
      if (!(yield* move(ctx, subject, { to: 'rolled_back' })) || isWanted(rotation.error)) return;
      const secret = yield* first(findSecretById, { id: rotation.secret_id });
      yield* inIncident(ctx, subject, `Rolled back. Version ${secret?.current_version ?? version} is in use.`);
    })(),
  );
  return undefined;
}
