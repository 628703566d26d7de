// Deliveries that go on by themselves: those that an emergency did not wait for, those that somebody pushed, and those of
// versions that came into use without a rotation.
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import { endDelivery, selectBehind, selectDeliveriesDue } from '../store/statements/deliveries.ts';
import { findActiveRotation, findSecretById } from '../store/statements/rotations.ts';
import { deliver, destinationsFor, type Parcel } from '../sync/deliver.ts';
import type { VaultContext } from '../vault/context.ts';
import type { World } from './world.ts';

const AT_ONCE = 100;

/** Brings every delivery on that it is time for, but for those that a rotation is at work on. @returns how many */
export function* settleDeliveries(ctx: VaultContext, world: World): Operation<number> {
  const due = yield* all(selectDeliveriesDue, { now: ctx.clock(), limit: AT_ONCE });
  let brought = 0;
  for (const row of due) {
    const destination = world.destinations.find((one) => one.id === row.destination);
    const secret = yield* first(findSecretById, { id: row.secret_id });
    // Only what is in use is worth bringing anywhere.
    if (!destination || !secret || secret.deleted_at !== null || secret.current_version !== row.version) {
      const { destination: id, secret_id: secretId, version } = row;
      yield* quietTransaction(all(endDelivery, { destination: id, secretId, version, now: ctx.clock() }));
      continue;
    }
    if (yield* first(findActiveRotation, { secretId: secret.id })) continue;
    const environment = ctx.environment({ project: secret.project, environment: secret.environment });
    yield* deliver(ctx, world, destination, {
      secretId: secret.id,
      name: secret.name,
      environment,
      version: row.version,
    });
    brought += 1;
  }
  return brought + (yield* catchUp(ctx, world));
}

/** What has been set or restored without a rotation follows to where the secret was sent before. */
function* catchUp(ctx: VaultContext, world: World): Operation<number> {
  if (world.destinations.length === 0) return 0;
  let brought = 0;
  for (const row of yield* all(selectBehind, { limit: AT_ONCE })) {
    const environment = ctx.environment(row);
    const destination = destinationsFor(world, environment, row.name).find((one) => one.id === row.destination);
    if (!destination || (yield* first(findActiveRotation, { secretId: row.secret_id }))) continue;
    const parcel = { secretId: row.secret_id, name: row.name, environment, version: row.current_version };
    yield* deliver(ctx, world, destination, parcel);
    brought += 1;
  }
  return brought;
}

/** Begins to bring a version to every destination that takes it; what is in the way is tried again by itself. */
export function* sendOn(ctx: VaultContext, world: World, parcel: Parcel): Operation<void> {
  for (const destination of destinationsFor(world, parcel.environment, parcel.name)) {
    yield* deliver(ctx, world, destination, parcel, true);
  }
}
