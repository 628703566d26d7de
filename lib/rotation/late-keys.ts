// Keys that were made after nobody waited for them any more. A server that is killed (or cut off) while its provider is still at work has
// asked for a key; the server that takes over finds nothing under that name yet, asks under another, and goes on. Some time after a
// rotation has ended, every name that it asked under is looked at once more, and what is there and not in use is ended.

import { adminOf, callOf } from '../providers/ask.ts';
import { ProviderError } from '../providers/provider.ts';
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import { askAboutMarkersLater, clearMarker, selectMarkedRotations } from '../store/statements/rotations.ts';
import { findVersion } from '../store/statements/secrets.ts';
import type { VaultContext } from '../vault/context.ts';
import { forgetMarked, renewalOf } from './renewal.ts';
import { isInUseAgain, loadSubject, type Subject } from './steps.ts';
import type { World } from './world.ts';

/** Six times what a call to a provider may take: what was on its way has arrived, or never will. */
const LATE_MS = 60_000;
const AT_ONCE = 20;

/** The names that a rotation asked under, oldest first: `keyturn_<rotation>_1`, `…_2`, … */
function markersUpTo(last: string): string[] {
  const count = Number(last.split('_').at(-1));
  const stem = last.slice(0, last.lastIndexOf('_'));
  return Array.from({ length: count }, (_, index) => `${stem}_${index + 1}`);
}

/** Whether the key of the last name is the one that the rotation brought into use, or that is in use again. */
function* lastIsInUse(subject: Subject): Operation<boolean> {
  const { rotation, secret } = subject;
  if (rotation.to_version === null) return false;
  const row = yield* first(findVersion, { secretId: secret.id, number: rotation.to_version });
  // One that a person pasted has no id of ours: what was asked for is nobody's then.
  if (row?.external_id === null || row === undefined) return false;
  return rotation.state === 'revoked' || (yield* isInUseAgain(subject, rotation.to_version));
}

function* lookAfter(ctx: VaultContext, world: World, subject: Subject, last: string): Operation<void> {
  const held = renewalOf(world, subject);
  const issuer = held?.kind.renewal;
  const markers = markersUpTo(last);
  if (yield* lastIsInUse(subject)) markers.pop();
  if (!held || issuer?.how !== 'issued' || markers.length === 0) return;
  const call = yield* callOf(ctx, world.providers, subject.environment, held);
  const admin = yield* adminOf(ctx, world.providers, subject.environment, held);
  for (const marker of markers) yield* forgetMarked(ctx, subject, issuer, { held, call, admin, marker });
}

/** Looks after every rotation that ended a while ago. @returns how many there were */
export function* settleLateKeys(ctx: VaultContext, world: World): Operation<number> {
  // Without its providers (tests, `KEYTURN_LIVE=off`) nobody can be asked: it is left to who can.
  if (!world.live) return 0;
  const now = ctx.clock();
  const rows = yield* all(selectMarkedRotations, { endedBefore: now - LATE_MS, now, limit: AT_ONCE });
  for (const { id, marker } of rows) {
    if (marker === null) continue;
    try {
      yield* lookAfter(ctx, world, yield* loadSubject(ctx, id), marker);
      yield* quietTransaction(all(clearMarker, { id }));
    } catch (error) {
      if (!(error instanceof ProviderError)) throw error;
      yield* quietTransaction(all(askAboutMarkersLater, { id, at: now + LATE_MS }));
    }
  }
  return rows.length;
}
