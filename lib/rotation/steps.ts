// The steps of one rotation. Each is one transaction that holds its effect, the new state and the audit entry, so that a
// process killed anywhere leaves a rotation that the next one takes up where it was.
import { createHmac, createSecretKey } from 'node:crypto';
import { nameKey, type SecretRule } from '../catalog/catalog.ts';
import { matchingFormat, unfitness } from '../catalog/match.ts';
import { asBuffer, asUtf8, equalBytes } from '../crypto/bytes.ts';
import { RotationError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { RotationTable } from '../store/schema.ts';
import {
  findActiveRotation,
  findRotation,
  findSecretById,
  insertRotation,
  moveRotation,
} from '../store/statements/rotations.ts';
import {
  activateVersion,
  endPrevious,
  findVersion,
  setCurrentVersion,
  setLatestVersion,
} from '../store/statements/secrets.ts';
import type { RotationState } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment, Place } from '../vault/places.ts';
import { openNumbered } from '../vault/read.ts';
import { environmentPlace, liveSecret, type SecretRow, storeVersion } from '../vault/write.ts';
import { generateValue } from './generate.ts';
import { mayFollow } from './states.ts';

type Rotation = { readonly [Column in keyof RotationTable]: RotationTable[Column] };

/** A rotation with what it is of. */
export interface Subject {
  readonly rotation: Rotation;
  readonly secret: SecretRow;
  readonly environment: Environment;
  readonly rule: SecretRule;
}

export interface PlanInput {
  readonly at: Place;
  readonly name: string;
  /** True where the new value comes from outside: the rotation waits for it. */
  readonly needsValue: boolean;
  /** Milliseconds for which the version before stays valid; the type's where not given. */
  readonly graceMs?: number;
  /** The backup made before, by its path. */
  readonly backupFile: string | null;
}

/** Loads a rotation with its secret and rules. */
export function* loadSubject(ctx: VaultContext, id: string): Operation<Subject> {
  const rotation = yield* first(findRotation, { id });
  const secret = rotation && (yield* first(findSecretById, { id: rotation.secret_id }));
  if (!secret) throw new RotationError({ what: `There is no rotation ${id}.` });
  const environment = ctx.environment({ project: secret.project, environment: secret.environment });
  const rule = ctx.catalog.rule(secret.name, { type: secret.type, intervalDays: secret.interval_days });
  return { rotation, secret, environment, rule };
}

/** Starts a rotation, or gives the one that is on its way already. */
export function* plan(ctx: VaultContext, input: PlanInput): Operation<Subject> {
  const environment = ctx.environment(input.at);
  yield* ctx.authorize('rotate', { action: 'rotation.plan', ...environmentPlace(environment), secret: input.name });
  const id = yield* transaction(planInTransaction(ctx, environment, input));
  return yield* loadSubject(ctx, id);
}

function* planInTransaction(ctx: VaultContext, environment: Environment, input: PlanInput): Operation<string> {
  const secret = yield* liveSecret(environment, input.name);
  const active = yield* first(findActiveRotation, { secretId: secret.id });
  if (active) return active.id;
  const rule = ctx.catalog.rule(secret.name, { type: secret.type, intervalDays: secret.interval_days });
  const id = ctx.random(8).toString('hex');
  yield* all(insertRotation, {
    id,
    secretId: secret.id,
    needsValue: input.needsValue ? 1 : 0,
    fromVersion: secret.current_version,
    graceMs: input.graceMs ?? rule.graceMs,
    backupFile: input.backupFile,
    now: ctx.clock(),
    by: ctx.principal,
  });
  yield* ctx.log([
    {
      action: 'rotation.plan',
      ...environmentPlace(environment),
      secret: secret.name,
      version: secret.current_version,
      details: { rotation: id, needsValue: input.needsValue },
    },
  ]);
  return id;
}

interface Move {
  readonly to: RotationState;
  readonly toVersion?: number;
  readonly graceUntil?: number;
  readonly error?: string;
}

/** Writes the new state and its entry. Gives false where another process has moved the rotation on meanwhile. */
function* move(ctx: VaultContext, subject: Subject, step: Move): Operation<boolean> {
  const { rotation, secret, environment } = subject;
  if (!mayFollow(rotation.state, step.to)) {
    throw new RotationError({
      what: `A rotation cannot go from ${rotation.state} to ${step.to}.`,
      left: 'It was left as it is.',
    });
  }
  const moved = yield* first(moveRotation, {
    id: rotation.id,
    from: rotation.state,
    to: step.to,
    needsValue: 0,
    toVersion: step.toVersion ?? rotation.to_version,
    graceUntil: step.graceUntil ?? rotation.grace_until,
    error: step.error ?? rotation.error,
    now: ctx.clock(),
  });
  if (!moved) return false;
  yield* ctx.log([
    {
      action: 'rotation.move',
      ...environmentPlace(environment),
      secret: secret.name,
      version: step.toVersion ?? rotation.to_version ?? rotation.from_version,
      outcome: step.to === 'failed' ? 'failed' : 'ok',
      details: { rotation: rotation.id, from: rotation.state, to: step.to, ...(step.error && { error: step.error }) },
    },
  ]);
  return true;
}

/**
 * Takes one step.
 * @param given the new value, for a rotation that waits for one
 * @returns the rotation as it is after the step; the same state where there is nothing to do now
 */
export function* step(ctx: VaultContext, subject: Subject, given: Buffer | undefined): Operation<Subject> {
  switch (subject.rotation.state) {
    case 'planned':
      if (subject.rotation.needs_value === 1 && !given) return subject;
      yield* transaction(issue(ctx, subject, given));
      break;
    case 'issued':
      yield* transaction(verify(ctx, subject));
      break;
    case 'verified':
      yield* transaction(promote(ctx, subject));
      break;
    case 'promoted':
      // Destinations and dependent services come here; a secret without any has been distributed by being promoted.
      yield* transaction(move(ctx, subject, { to: 'distributed' }));
      break;
    case 'distributed':
      yield* transaction(move(ctx, subject, { to: 'grace', graceUntil: graceEnd(subject) }));
      break;
    case 'grace':
      if ((subject.rotation.grace_until ?? 0) > ctx.clock()) return subject;
      yield* transaction(revoke(ctx, subject));
      break;
    case 'failed':
      yield* transaction(rollBack(ctx, subject));
      break;
    default:
      return subject;
  }
  return yield* loadSubject(ctx, subject.rotation.id);
}

/** Grace runs from the moment at which the new version came into use. */
function graceEnd(subject: Subject): number {
  return subject.secret.previous_valid_until ?? subject.secret.rotated_at;
}

function* issue(ctx: VaultContext, subject: Subject, given: Buffer | undefined): Operation<void> {
  const { secret, environment, rule } = subject;
  yield* ctx.beginChange();
  const value = given ?? (rule.generate && generateValue(rule.generate, ctx.random));
  if (!value)
    throw new RotationError({ what: `A new ${secret.name} cannot be made here.`, left: 'Nothing was changed.' });
  const toVersion = (yield* liveSecret(environment, secret.name)).latest_version + 1;
  const moved = yield* move(ctx, subject, { to: 'issued', toVersion });
  if (moved) {
    yield* storeVersion(ctx, environment, {
      secretId: secret.id,
      nameKey: secret.name_key,
      number: toVersion,
      value,
      fingerprint: ctx.fingerprint(value),
      origin: 'rotation',
      now: ctx.clock(),
      inUse: false,
    });
    yield* all(setLatestVersion, { id: secret.id, latest: toVersion });
  }
  if (!given) value.fill(0);
}

function* verify(ctx: VaultContext, subject: Subject): Operation<void> {
  const { secret, environment, rotation, rule } = subject;
  const issued = yield* openNumbered(ctx, environment, secret.name, rotation.to_version ?? 0);
  const why = (yield* sameAsBefore(subject, ctx.fingerprint(issued.value))) ?? whyNotUsable(rule, issued.value);
  issued.value.fill(0);
  yield* move(
    ctx,
    subject,
    why === undefined ? { to: 'verified' } : { to: 'failed', error: `The new value was refused: ${why}.` },
  );
}

function* sameAsBefore(subject: Subject, fingerprint: Buffer): Operation<string | undefined> {
  const { secret, rotation } = subject;
  const before = yield* first(findVersion, { secretId: secret.id, number: rotation.from_version });
  return before && equalBytes(asBuffer(before.fingerprint), fingerprint) ? 'it is the one in use already' : undefined;
}

/** The proof that can be had here: the value has its type's form, and a signing secret signs what it then verifies. */
function whyNotUsable(rule: SecretRule, value: Buffer): string | undefined {
  const text = asUtf8(value);
  if (text === undefined) return rule.formats.length > 0 || rule.url ? 'it is not text' : undefined;
  const unfit = unfitness(rule, text);
  if (unfit) return unfit;
  if (matchingFormat(rule, text)?.retiring) return 'it is of a form that its provider is ending';
  if (rule.type.name !== 'jwt_secret' && rule.type.name !== 'webhook_secret') return undefined;
  const key = createSecretKey(value);
  const sign = () => createHmac('sha256', key).update('keyturn rotation').digest();
  return equalBytes(sign(), sign()) ? undefined : 'it does not sign';
}

function* promote(ctx: VaultContext, subject: Subject): Operation<void> {
  const { secret, environment, rotation } = subject;
  yield* ctx.beginChange();
  const now = yield* liveSecret(environment, secret.name);
  if (now.current_version !== rotation.from_version) {
    const error = `Version ${now.current_version} came into use while the rotation was under way.`;
    yield* move(ctx, subject, { to: 'failed', error });
    return;
  }
  const moved = yield* move(ctx, subject, { to: 'promoted' });
  if (!moved) return;
  const at = ctx.clock();
  yield* all(setCurrentVersion, {
    id: secret.id,
    version: rotation.to_version ?? 0,
    latest: now.latest_version,
    previous: rotation.from_version,
    previousValidUntil: at + rotation.grace_ms,
    now: at,
  });
  yield* all(activateVersion, { secretId: secret.id, number: rotation.to_version ?? 0, now: at });
}

function* revoke(ctx: VaultContext, subject: Subject): Operation<void> {
  yield* ctx.beginChange();
  const moved = yield* move(ctx, subject, { to: 'revoked' });
  if (moved) yield* all(endPrevious, { id: subject.secret.id, previous: subject.rotation.from_version });
}

/** Where the new version was in use already, the value before comes back as a version of its own. */
function* rollBack(ctx: VaultContext, subject: Subject): Operation<void> {
  const { environment, rotation } = subject;
  yield* ctx.beginChange();
  const moved = yield* move(ctx, subject, { to: 'rolled_back' });
  // As it is now: a plain set may have come in between, and then there is nothing to bring back.
  const secret = yield* first(findSecretById, { id: rotation.secret_id });
  if (moved && secret && secret.deleted_at === null && secret.current_version === rotation.to_version) {
    yield* bringBack(ctx, { secret, environment }, rotation.from_version, rotation.grace_ms);
  }
}

/**
 * Makes an old version's value the newest version. The one that it replaces stays valid for the grace: what was signed
 * with it meanwhile must still verify.
 */
export function* bringBack(
  ctx: VaultContext,
  of: { readonly secret: SecretRow; readonly environment: Environment },
  number: number,
  graceMs: number,
): Operation<number> {
  const { secret, environment } = of;
  const old = yield* openNumbered(ctx, environment, secret.name, number);
  const version = secret.latest_version + 1;
  const now = ctx.clock();
  yield* storeVersion(ctx, environment, {
    secretId: secret.id,
    nameKey: nameKey(secret.name),
    number: version,
    value: old.value,
    fingerprint: ctx.fingerprint(old.value),
    origin: 'rollback',
    now,
    inUse: true,
  });
  old.value.fill(0);
  yield* all(setCurrentVersion, {
    id: secret.id,
    version,
    latest: version,
    previous: graceMs > 0 ? secret.current_version : null,
    previousValidUntil: graceMs > 0 ? now + graceMs : null,
    now,
  });
  yield* ctx.log([
    {
      action: 'secret.set',
      ...environmentPlace(environment),
      secret: secret.name,
      version,
      details: { origin: 'rollback', from: number },
    },
  ]);
  return version;
}

/** Ends a rotation that must not go on. A promoted one is rolled back by the step after. */
export function* fail(ctx: VaultContext, subject: Subject, error: string): Operation<Subject> {
  yield* transaction(move(ctx, subject, { to: 'failed', error }));
  return yield* loadSubject(ctx, subject.rotation.id);
}
