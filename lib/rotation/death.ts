// Is a revoked value really dead? It is asked about live after it was ended, and again until its provider refuses it: an
// expired key can go on working for a while, and what a person was asked to delete may still be there.
import { asUtf8 } from '../crypto/bytes.ts';
import { adminOf, askAbout, callOf } from '../providers/ask.ts';
import { ProviderError } from '../providers/provider.ts';
import type { Held } from '../providers/providers.ts';
import { all, first, type Operation, outside, quietTransaction } from '../store/operation.ts';
import { selectDeathsDue, setDeath } from '../store/statements/rotations.ts';
import { findVersion } from '../store/statements/secrets.ts';
import type { Death } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import { environmentPlace } from '../vault/write.ts';
import { endOld } from './renewal.ts';
import { inIncident, isInUseAgain, loadSubject, type Subject, valueBefore } from './steps.ts';
import type { World } from './world.ts';

const MINUTE_MS = 60_000;
/** When an old value that is not refused yet is asked about again; the last one from then on. */
const PAUSES_MS = [MINUTE_MS, 5 * MINUTE_MS, 15 * MINUTE_MS, 60 * MINUTE_MS, 6 * 60 * MINUTE_MS];
/** Alive for so many questions (about 20 minutes): it has a line in an incident. */
const INCIDENT_AT = 4;
const AT_ONCE = 50;
/** Whoever replaces it next asks about it. */
const IN_USE_AGAIN: { death: Death; detail: string } = { death: 'unknown', detail: 'its value is in use again' };

function answerable(world: World | undefined, subject: Subject): Held | undefined {
  const held = world?.live ? world.providers.of(subject.rule) : undefined;
  const renewal = held?.kind.renewal;
  const canAsk = held?.kind.check !== undefined || (renewal?.how === 'issued' && renewal.stillThere !== undefined);
  return held && canAsk ? held : undefined;
}

/** What is known of the old value at the moment of its end. In the caller's transaction. */
export function* firstDeath(ctx: VaultContext, world: World | undefined, subject: Subject): Operation<void> {
  const { rule, rotation } = subject;
  const now = ctx.clock();
  const asked = answerable(world, subject) !== undefined;
  // What nobody but ourselves accepts is dead when we say so.
  const death: Death = rule.generate && !rule.known?.provider ? 'local' : 'unknown';
  const nextAt = asked ? now : null;
  yield* all(setDeath, { id: rotation.id, death, checks: 0, at: now, nextAt });
}

/** Asks about the old value of a rotation that has ended. */
export function* checkDeath(ctx: VaultContext, world: World, subject: Subject): Operation<Death | undefined> {
  const { rotation, secret } = subject;
  const held = answerable(world, subject);
  if (!held || rotation.state !== 'revoked' || rotation.death_next_at === null) return undefined;
  const again = yield* isInUseAgain(subject, rotation.from_version);
  const { death, detail } = again ? IN_USE_AGAIN : yield* stateOf(ctx, world, subject, held);
  if (death === 'alive') yield* endAgain(ctx, world, subject);
  const checks = rotation.death_checks + 1;
  const now = ctx.clock();
  const pause = PAUSES_MS[Math.min(checks, PAUSES_MS.length) - 1] ?? MINUTE_MS;
  yield* quietTransaction(
    (function* () {
      yield* all(setDeath, {
        id: rotation.id,
        death,
        checks,
        at: now,
        nextAt: death === 'dead' || again ? null : now + pause,
      });
      yield* ctx.log([
        {
          action: 'secret.check',
          ...environmentPlace(subject.environment),
          secret: secret.name,
          version: rotation.from_version,
          outcome: death === 'alive' ? 'failed' : 'ok',
          details: { rotation: rotation.id, old: death, detail },
        },
      ]);
      if (rotation.incident_id !== null && death !== rotation.death) {
        yield* inIncident(ctx, subject, `Version ${rotation.from_version} is ${inWords(death)}: ${detail}.`);
      } else if (death === 'alive' && checks === INCIDENT_AT) {
        const { page, words } = held.kind.byHand;
        const what = `Version ${rotation.from_version} was revoked, and is still accepted: ${detail}. ${words} (${page})`;
        yield* inIncident(ctx, subject, what);
      }
    })(),
  );
  return death;
}

/** What is still alive is ended once more: the call that was to end it may never have come there. What fails is tried next time. */
function* endAgain(ctx: VaultContext, world: World, subject: Subject): Operation<void> {
  try {
    yield* endOld(ctx, world, subject, true);
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
  }
}

function inWords(death: Death): string {
  if (death === 'dead') return 'really dead';
  return death === 'alive' ? 'still alive' : 'not known to be dead';
}

function* stateOf(
  ctx: VaultContext,
  world: World,
  subject: Subject,
  held: Held,
): Operation<{ death: Death; detail: string }> {
  const value = yield* valueBefore(ctx, subject);
  try {
    if (asUtf8(value) === undefined) return { death: 'unknown', detail: 'it is binary' };
    const result = yield* askAbout(ctx, world.providers, subject.environment, held, value);
    if (!result) return yield* stillThere(ctx, world, subject, held);
    if (result.status === 'refused') return { death: 'dead', detail: result.detail };
    const alive = result.status === 'valid' || result.status === 'restricted';
    return { death: alive ? 'alive' : 'unknown', detail: result.detail };
  } finally {
    value.fill(0);
  }
}

function* stillThere(
  ctx: VaultContext,
  world: World,
  subject: Subject,
  held: Held,
): Operation<{ death: Death; detail: string }> {
  const { renewal } = held.kind;
  const row = yield* first(findVersion, { secretId: subject.secret.id, number: subject.rotation.from_version });
  const id = row?.external_id;
  const { title } = held.provider;
  if (renewal?.how !== 'issued' || !renewal.stillThere || !id || !world.providers.canRenew(held)) {
    return { death: 'unknown', detail: `nobody can ask ${title} about it` };
  }
  try {
    const call = yield* callOf(ctx, world.providers, subject.environment, held);
    const admin = yield* adminOf(ctx, world.providers, subject.environment, held);
    const there = yield* outside(async () => renewal.stillThere?.(call, admin, id));
    return there
      ? { death: 'alive', detail: `${title} still has it` }
      : { death: 'dead', detail: `${title} does not have it any more` };
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error;
    return { death: 'unknown', detail: error.message };
  }
}

/** Asks about every old value that it is time for. @returns how many were asked about */
export function* settleDeaths(ctx: VaultContext, world: World): Operation<number> {
  const due = yield* all(selectDeathsDue, { now: ctx.clock(), limit: AT_ONCE });
  for (const row of due) {
    const subject = yield* loadSubject(ctx, row.id);
    if (subject.secret.deleted_at !== null || !(yield* stillAsked(ctx, world, subject))) {
      const { id, death, death_checks: checks, death_checked_at: at } = row;
      yield* quietTransaction(
        all(setDeath, { id, death: death ?? 'unknown', checks, at: at ?? ctx.clock(), nextAt: null }),
      );
    }
  }
  return due.length;
}

function* stillAsked(ctx: VaultContext, world: World, subject: Subject): Operation<boolean> {
  return (yield* checkDeath(ctx, world, subject)) !== undefined;
}
