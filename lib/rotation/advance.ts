// Drives one rotation from state to state, as far as it gets now. What a state asks of the world outside (a provider, a
// destination, a service) is done before the transaction that moves on; each such call may be repeated, so that a process
// killed anywhere leaves a rotation that the next one takes up where it was.
import { all, first, type Operation, outside, quietTransaction, transaction } from '../store/operation.ts';
import { claimRotation, findRotation, postponeRotation, releaseRotation } from '../store/statements/rotations.ts';
import { destinationsFor } from '../sync/deliver.ts';
import type { VaultContext } from '../vault/context.ts';
import { checkDeath, firstDeath } from './death.ts';
import { distribute, servicesFor } from './distribute.ts';
import { generateValue } from './generate.ts';
import { endOld, issueByProvider } from './renewal.ts';
import { rollBack } from './roll-back.ts';
import { isFinal } from './states.ts';
import { fail, graceEnd, inIncident, issue, loadSubject, move, promote, revoke, type Subject } from './steps.ts';
import { type Trouble, troubleOf } from './trouble.ts';
import { verify } from './verify.ts';
import type { World } from './world.ts';

/** How long, in ms, a process has a rotation for itself from one step to the next: longer than any call may take. */
const CLAIM_MS = 120_000;
const FIRST_PAUSE_MS = 2_000;
const MOST_PAUSE_MS = 10 * 60_000;
/** From so many failures in a row on there is a line in an incident. */
const INCIDENT_AT = 3;
/** A new value that cannot be proven, or brought where it is used, for so many tries (about two hours) is given up. */
const MOST_ATTEMPTS = 20;

export interface AdvanceOptions {
  /** The new value, for a rotation that waits for one. The caller zeroes it. */
  readonly given?: Buffer | undefined;
  /** True to try also what was put off. */
  readonly eager?: boolean;
}

/** Moves a rotation on until it ends, waits, or is another process's. */
export function* advance(
  ctx: VaultContext,
  given: World | undefined,
  from: Subject,
  options: AdvanceOptions = {},
): Operation<Subject> {
  const world = given && reachesOut(given, from) ? given : undefined;
  const until = performance.now() + (world?.patienceMs ?? 0);
  const by = world?.claimant.begin();
  let subject = from;
  try {
    for (;;) {
      const tried = yield* stepOnce(ctx, world, subject, { ...options, by });
      if (!tried.trouble && tried.subject.rotation.state === subject.rotation.state) return tried.subject;
      subject = tried.subject;
      const pause = tried.trouble?.afterMs ?? 0;
      if (!tried.trouble) continue;
      // What is under way (and not in trouble) is waited for, as long as this run has patience.
      if (!tried.trouble.underWay || !world || performance.now() >= until) return subject;
      yield* outside(() => world.wait(pause));
    }
  } finally {
    if (by !== undefined) yield* quietTransaction(all(releaseRotation, { id: from.rotation.id, by }));
  }
}

/** Takes one step. @returns the rotation afterwards, with the trouble that it is in, if it is still where it was */
export function* stepOnce(
  ctx: VaultContext,
  world: World | undefined,
  subject: Subject,
  { given, eager, by }: AdvanceOptions & { readonly by?: string | undefined },
): Operation<{ readonly subject: Subject; readonly trouble: Trouble | undefined }> {
  const { id, state, next_at: nextAt } = subject.rotation;
  const still = { subject, trouble: undefined };
  if (isFinal(state) || (!eager && (nextAt ?? 0) > ctx.clock())) return still;
  if (world && by !== undefined && !(yield* claim(ctx, world, subject, by))) return still;
  const trouble = yield* step(ctx, world, subject, given);
  const after = yield* loadSubject(ctx, id);
  if (!trouble || after.rotation.state !== state) return { subject: after, trouble: undefined };
  const put = yield* postpone(ctx, after, trouble);
  return { subject: put, trouble: put.rotation.state === state ? trouble : undefined };
}

/** Whether a secret has anything to do with the world outside: a provider, a destination, a service. */
function reachesOut(world: World, subject: Subject): boolean {
  if (world.live && world.providers.of(subject.rule)) return true;
  const { environment, secret } = subject;
  return destinationsFor(world, environment, secret.name).length > 0 || servicesFor(world, subject).length > 0;
}

/** Takes the rotation for this piece of work; one whose process is certainly gone is taken over at once. */
function* claim(ctx: VaultContext, world: World, { rotation }: Subject, by: string): Operation<boolean> {
  const now = ctx.clock();
  const { claimant } = world;
  const before = rotation.claimed_by;
  const gone = before !== null && claimant.isGone(before);
  const row = yield* quietTransaction(
    first(claimRotation, {
      id: rotation.id,
      state: rotation.state,
      by,
      before: gone ? before : null,
      now,
      until: now + CLAIM_MS + world.services.reduce((sum, one) => sum + one.verify.timeoutMs, 0),
    }),
  );
  return row !== undefined;
}

/** One step. @returns what is in its way; undefined where it was taken, or there is nothing to do now */
function* step(
  ctx: VaultContext,
  world: World | undefined,
  subject: Subject,
  given: Buffer | undefined,
): Operation<Trouble | undefined> {
  try {
    switch (subject.rotation.state) {
      case 'planned':
        return yield* makeNew(ctx, world, subject, given);
      case 'issued':
        return yield* verify(ctx, world, subject);
      case 'verified':
        yield* transaction(promote(ctx, subject));
        return undefined;
      case 'promoted':
        return yield* distribute(ctx, world, subject);
      case 'distributed':
        yield* transaction(move(ctx, subject, { to: 'grace', graceUntil: graceEnd(subject) }));
        return undefined;
      case 'grace':
        return yield* endGrace(ctx, world, subject);
      default:
        return yield* rollBack(ctx, world, subject);
    }
  } catch (error) {
    const trouble = troubleOf(error);
    if (!trouble) throw error;
    return trouble;
  }
}

function* makeNew(
  ctx: VaultContext,
  world: World | undefined,
  subject: Subject,
  given: Buffer | undefined,
): Operation<Trouble | undefined> {
  if (given) {
    yield* transaction(issue(ctx, subject, given));
    return undefined;
  }
  if (subject.rotation.needs_value === 1) return undefined;
  const { generate } = subject.rule;
  if (!generate) return yield* issueByProvider(ctx, world, subject);
  const value = generateValue(generate, ctx.random);
  yield* transaction(issue(ctx, subject, value));
  value.fill(0);
  return undefined;
}

function* endGrace(ctx: VaultContext, world: World | undefined, subject: Subject): Operation<Trouble | undefined> {
  if ((subject.rotation.grace_until ?? 0) > ctx.clock()) return undefined;
  yield* endOld(ctx, world, subject);
  yield* transaction(
    (function* () {
      if (!(yield* revoke(ctx, subject))) return;
      yield* firstDeath(ctx, world, subject);
    })(),
  );
  if (world) yield* checkDeath(ctx, world, yield* loadSubject(ctx, subject.rotation.id));
  return undefined;
}

/** Keeps what is in the way, and when it is tried again; what will not go away ends the rotation. */
function* postpone(ctx: VaultContext, subject: Subject, trouble: Trouble): Operation<Subject> {
  const { rotation } = subject;
  const attempts = trouble.underWay ? rotation.attempts : rotation.attempts + 1;
  const giveUp = !trouble.passing || attempts >= MOST_ATTEMPTS;
  // In grace and in a rollback there is no way back: what has to be done is tried until it is done.
  if (giveUp && rotation.state !== 'grace' && rotation.state !== 'failed') {
    return yield* fail(ctx, subject, trouble.what);
  }
  const pause = trouble.afterMs ?? Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 20), MOST_PAUSE_MS);
  yield* quietTransaction(
    (function* () {
      const now = yield* first(findRotation, { id: rotation.id });
      if (now?.state !== rotation.state) return;
      yield* all(postponeRotation, { id: rotation.id, attempts, nextAt: ctx.clock() + pause, trouble: trouble.what });
      if (!trouble.underWay && attempts === INCIDENT_AT) {
        yield* inIncident(
          ctx,
          subject,
          `${rotation.state}: ${trouble.what} (tried ${attempts} times; it is tried again)`,
        );
      }
    })(),
  );
  return yield* loadSubject(ctx, rotation.id);
}
