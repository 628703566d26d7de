// The steps of one rotation. Each is one transaction that holds its effect, the new state and the audit entry, so that a
// process killed anywhere leaves a rotation that the next one takes up where it was.
import { createHmac, createSecretKey } from 'node:crypto';
import { nameKey, type SecretRule } from '../catalog/catalog.ts';
import { matchingFormat, unfitness } from '../catalog/match.ts';
import { asBuffer, asUtf8, equalBytes } from '../crypto/bytes.ts';
import { ConflictError, RotationError } from '../errors.ts';
import { addToTimeline, openIncident } from '../incidents/incidents.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { RotationTable } from '../store/schema.ts';
import {
  findActiveRotation,
  findRotation,
  findSecretById,
  insertRotation,
  moveRotation,
  retimeRotation,
} from '../store/statements/rotations.ts';
import {
  activateVersion,
  endPrevious,
  findVersion,
  setCurrentVersion,
  setLatestVersion,
} from '../store/statements/secrets.ts';
import type { RotationReason, RotationState } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment, Place } from '../vault/places.ts';
import { openNumbered } from '../vault/read.ts';
import { environmentPlace, liveSecret, type SecretRow, storeVersion } from '../vault/write.ts';
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
  readonly reason?: RotationReason;
  readonly incidentId?: string;
  /** Names the rotation; one that is there already by that name is taken up, whatever its state. */
  readonly id?: string;
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
  const named = input.id === undefined ? undefined : yield* first(findRotation, { id: input.id });
  if (named) return namedRotation(named, secret);
  const active = yield* first(findActiveRotation, { secretId: secret.id });
  if (active) return yield* takenUp(active, input);
  const rule = ctx.catalog.rule(secret.name, { type: secret.type, intervalDays: secret.interval_days });
  const id = input.id ?? ctx.random(8).toString('hex');
  const reason = input.reason ?? 'asked';
  yield* all(insertRotation, {
    id,
    secretId: secret.id,
    needsValue: input.needsValue ? 1 : 0,
    fromVersion: secret.current_version,
    graceMs: input.graceMs ?? rule.graceMs,
    backupFile: input.backupFile,
    reason,
    incidentId: input.incidentId ?? null,
    now: ctx.clock(),
    by: ctx.principal,
  });
  yield* ctx.log([
    {
      action: 'rotation.plan',
      ...environmentPlace(environment),
      secret: secret.name,
      version: secret.current_version,
      details: { rotation: id, needsValue: input.needsValue, reason },
    },
  ]);
  return id;
}

/** Who takes up one that is on its way may mean another grace for it; an emergency ends the old value at once. */
function* takenUp(active: Rotation, input: PlanInput): Operation<string> {
  const { id, grace_ms: graceMs, reason, incident_id: incidentId } = active;
  if (input.graceMs !== undefined || input.reason === 'compromise') {
    yield* all(retimeRotation, {
      id,
      graceMs: input.graceMs ?? graceMs,
      reason: input.reason === 'compromise' ? 'compromise' : reason,
      incidentId: input.incidentId ?? incidentId,
    });
  }
  return id;
}

function namedRotation(named: Rotation, secret: SecretRow): string {
  if (named.secret_id === secret.id) return named.id;
  throw new ConflictError('That rotation is one of another secret.', 'Name each rotation anew.');
}

interface Move {
  readonly to: RotationState;
  readonly toVersion?: number;
  readonly graceUntil?: number;
  readonly error?: string;
}

/** Writes the new state and its entry. Gives false where another process has moved the rotation on meanwhile. */
export function* move(ctx: VaultContext, subject: Subject, step: Move): Operation<boolean> {
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

/** Grace runs from the moment at which the new version came into use; a leaked value gets none. */
export function graceEnd(subject: Subject): number {
  if (subject.rotation.reason === 'compromise') return subject.secret.rotated_at;
  return subject.secret.previous_valid_until ?? subject.secret.rotated_at;
}

/**
 * Keeps the new value, sealed, as a version that is not in use. In the caller's transaction.
 * @returns false where another process was first: the value is not kept
 */
export function* issue(ctx: VaultContext, subject: Subject, value: Buffer, externalId?: string): Operation<boolean> {
  const { secret, environment } = subject;
  yield* ctx.beginChange();
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
      externalId,
    });
    yield* all(setLatestVersion, { id: secret.id, latest: toVersion });
  }
  return moved;
}

/** Why the new value may not come into use, as far as that can be told here; undefined where it may. */
export function* whyRefused(ctx: VaultContext, subject: Subject, value: Buffer): Operation<string | undefined> {
  return (yield* sameAsBefore(subject, ctx.fingerprint(value))) ?? whyNotUsable(subject.rule, value);
}

/** Opens the version that the rotation has issued. The caller zeroes it. */
export function* issuedValue(ctx: VaultContext, subject: Subject): Operation<Buffer> {
  const { secret, environment, rotation } = subject;
  return (yield* openNumbered(ctx, environment, secret.name, rotation.to_version ?? 0)).value;
}

/** Opens the version that the rotation began with. The caller zeroes it. */
export function* valueBefore(ctx: VaultContext, subject: Subject): Operation<Buffer> {
  const { secret, environment, rotation } = subject;
  return (yield* openNumbered(ctx, environment, secret.name, rotation.from_version)).value;
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

export function* promote(ctx: VaultContext, subject: Subject): Operation<void> {
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

/** Whether a version's value has come back into use as another version (set again, or restored): then it must not end. */
export function* isInUseAgain(subject: Subject, number: number): Operation<boolean> {
  const secret = yield* first(findSecretById, { id: subject.secret.id });
  if (!secret || secret.current_version === number) return false;
  const old = yield* first(findVersion, { secretId: secret.id, number });
  const current = yield* first(findVersion, { secretId: secret.id, number: secret.current_version });
  return (
    old !== undefined && current !== undefined && equalBytes(asBuffer(old.fingerprint), asBuffer(current.fingerprint))
  );
}

/** Ends the version before, in the vault. In the caller's transaction. */
export function* revoke(ctx: VaultContext, subject: Subject): Operation<boolean> {
  yield* ctx.beginChange();
  const moved = yield* move(ctx, subject, { to: 'revoked' });
  if (moved) yield* all(endPrevious, { id: subject.secret.id, previous: subject.rotation.from_version });
  return moved;
}

/**
 * Where the new version is in use, the value before comes back as a version of its own; the rotation stays as it is. In the
 * caller's transaction. @returns the version that is in use now
 */
export function* restoreBefore(ctx: VaultContext, subject: Subject): Operation<number> {
  const { environment, rotation } = subject;
  yield* ctx.beginChange();
  // As it is now: a plain set may have come in between, and then there is nothing to bring back.
  const secret = yield* first(findSecretById, { id: rotation.secret_id });
  if (!secret || secret.deleted_at !== null || secret.current_version !== rotation.to_version) {
    return secret?.current_version ?? 0;
  }
  return yield* bringBack(ctx, { secret, environment }, rotation.from_version, rotation.grace_ms);
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

/**
 * Ends a rotation that must not go on. A promoted one is rolled back by the step after. There is a line in an incident,
 * unless a person has wanted it so.
 */
export function* fail(ctx: VaultContext, subject: Subject, error: string): Operation<Subject> {
  yield* transaction(
    (function* () {
      if (!(yield* move(ctx, subject, { to: 'failed', error })) || isWanted(error)) return;
      yield* inIncident(ctx, subject, `The rotation failed in the state ${subject.rotation.state}. ${error}`);
    })(),
  );
  return yield* loadSubject(ctx, subject.rotation.id);
}

const WANTED = ['Rolled back by ', 'Another value was given.'];

/** What a person has wanted is no incident. @param error as the rotation keeps it */
export function isWanted(error: string | null): boolean {
  return error !== null && WANTED.some((words) => error.startsWith(words));
}

/** Writes a line into the incident that the rotation belongs to; opens one where it belongs to none. In a transaction. */
export function* inIncident(ctx: VaultContext, subject: Subject, what: string): Operation<void> {
  const { rotation, secret, environment } = subject;
  const { id } =
    rotation.incident_id === null
      ? yield* openIncident(ctx, {
          kind: 'rotation',
          title: `A rotation of ${secret.name} (${environment.name}) went wrong`,
          ...environmentPlace(environment),
          subject: secret.name,
        })
      : { id: rotation.incident_id };
  yield* addToTimeline(ctx, id, `${secret.name}: ${what}`);
}
