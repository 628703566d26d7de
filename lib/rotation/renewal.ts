// Making a new key at its provider, and ending the old one there.
import { asUtf8 } from '../crypto/bytes.ts';
import { adminOf, callOf } from '../providers/ask.ts';
import { type Issuer, NotOfferedError, type Old } from '../providers/provider.ts';
import type { Held } from '../providers/providers.ts';
import { all, first, type Operation, outside, transaction } from '../store/operation.ts';
import { markRotation, setNeedsValue } from '../store/statements/rotations.ts';
import { findVersion, setExternalId } from '../store/statements/secrets.ts';
import type { VaultContext } from '../vault/context.ts';
import { environmentPlace } from '../vault/write.ts';
import { inIncident, isInUseAgain, issue, issuedValue, type Subject, valueBefore } from './steps.ts';
import { sentence, type Trouble } from './trouble.ts';
import type { World } from './world.ts';

/** What renews a secret by itself; undefined where a person has to. */
export function renewalOf(world: World | undefined, subject: Pick<Subject, 'rule'>): Held | undefined {
  if (!world?.live) return undefined;
  const held = world.providers.of(subject.rule);
  return held && world.providers.canRenew(held) ? held : undefined;
}

/** The old (or any other) version as a provider knows it. The caller forgets the value soon. */
function* knownAs(subject: Subject, version: number, value: Buffer): Operation<Old> {
  const row = yield* first(findVersion, { secretId: subject.secret.id, number: version });
  return { externalId: row?.external_id ?? undefined, value: asUtf8(value) ?? '' };
}

/**
 * Has a new key made. Its name at the provider is durable before the provider is asked: a key whose answer was lost, in a
 * process that was killed, is found by it and ended before another is asked for.
 */
export function* issueByProvider(
  ctx: VaultContext,
  world: World | undefined,
  subject: Subject,
): Operation<Trouble | undefined> {
  const held = renewalOf(world, subject);
  if (!world || !held?.kind.renewal) {
    yield* needPerson(subject, 'There is no way to make it without a person any more.');
    return undefined;
  }
  try {
    const call = yield* callOf(ctx, world.providers, subject.environment, held);
    const before = yield* valueBefore(ctx, subject);
    if (held.kind.renewal.how === 'installed') {
      const value = held.kind.renewal.make(call, asUtf8(before) ?? '');
      before.fill(0);
      yield* transaction(issue(ctx, subject, value));
      value.fill(0);
      return undefined;
    }
    return yield* askForKey(ctx, world, subject, held.kind.renewal, { held, call, before });
  } catch (error) {
    if (!(error instanceof NotOfferedError)) throw error;
    yield* needPerson(subject, sentence(error.message));
    return undefined;
  }
}

function* askForKey(
  ctx: VaultContext,
  world: World,
  subject: Subject,
  issuer: Issuer,
  { held, call, before }: { held: Held; call: Parameters<Issuer['issue']>[0]; before: Buffer },
): Operation<Trouble | undefined> {
  const admin = yield* adminOf(ctx, world.providers, subject.environment, held);
  const old = yield* knownAs(subject, subject.rotation.from_version, before);
  yield* learnOldId(subject, issuer, { call, admin, old });
  before.fill(0);
  const { rotation } = subject;
  if (rotation.marker !== null)
    yield* forgetMarked(ctx, subject, issuer, { held, call, admin, marker: rotation.marker });
  const marker = nextMarker(rotation.id, rotation.marker);
  const mine = yield* transaction(
    (function* () {
      if (!(yield* first(markRotation, { id: rotation.id, before: rotation.marker ?? '', marker }))) return false;
      yield* ctx.log([
        {
          action: 'provider.issue',
          ...environmentPlace(subject.environment),
          secret: subject.secret.name,
          details: { provider: held.provider.id, name: marker, rotation: rotation.id },
        },
      ]);
      return true;
    })(),
  );
  // Two processes that asked under one name could not be told apart afterwards.
  if (!mine) return { what: 'another process asks for it', passing: true, underWay: true };
  const made = yield* outside(() => issuer.issue(call, admin, marker, old));
  try {
    const kept = yield* transaction(issue(ctx, subject, made.value, made.externalId));
    // Another process has moved the rotation on meanwhile: what was made here is nobody's.
    const nobodys = { externalId: made.externalId, value: asUtf8(made.value) ?? '' };
    if (!kept) yield* outside(() => issuer.revoke(call, admin, nobodys));
  } finally {
    made.value.fill(0);
  }
  return undefined;
}

/** `keyturn_<rotation>_<n>`: fits the names that every provider allows. */
function nextMarker(rotation: string, last: string | null): string {
  const count = last === null ? 0 : Number(last.split('_').at(-1));
  return `keyturn_${rotation}_${count + 1}`;
}

/** A key that was made elsewhere: what its provider calls it is found out while its value can still be shown there. */
function* learnOldId(
  subject: Subject,
  issuer: Issuer,
  { call, admin, old }: { call: Parameters<Issuer['issue']>[0]; admin: string; old: Old },
): Operation<void> {
  if (old.externalId !== undefined || !issuer.find) return;
  const externalId = yield* outside(async () => issuer.find?.(call, admin, old.value));
  if (externalId === undefined) return;
  const { secret, rotation } = subject;
  yield* transaction(all(setExternalId, { secretId: secret.id, number: rotation.from_version, externalId }));
}

/** Ends every key that was made under a name. */
export function* forgetMarked(
  ctx: VaultContext,
  subject: Subject,
  issuer: Issuer,
  asked: { held: Held; call: Parameters<Issuer['issue']>[0]; admin: string; marker: string },
): Operation<void> {
  const left = yield* outside(() => issuer.forget(asked.call, asked.admin, asked.marker));
  if (left === 0) return;
  yield* transaction(
    ctx.log([
      {
        action: 'provider.revoke',
        ...environmentPlace(subject.environment),
        secret: subject.secret.name,
        details: { provider: asked.held.provider.id, name: asked.marker, left },
      },
    ]),
  );
}

function* needPerson(subject: Subject, why: string): Operation<void> {
  yield* transaction(all(setNeedsValue, { id: subject.rotation.id, needsValue: 1, why }));
}

/** Puts what was made here into force at its provider. */
export function* install(
  ctx: VaultContext,
  world: World | undefined,
  subject: Subject,
  value: Buffer,
): Operation<void> {
  const held = renewalOf(world, subject);
  const renewal = held?.kind.renewal;
  if (!held || !world || renewal?.how !== 'installed') return;
  const given = asUtf8(value) ?? '';
  const call = yield* callOf(ctx, world.providers, subject.environment, held);
  const admin = yield* adminOf(ctx, world.providers, subject.environment, held);
  yield* outside(() => renewal.install(call, admin, given));
}

/** Ends a version at its provider. Where only a person can, an incident says so, and whether it was done is seen later. */
function* endAtProvider(
  ctx: VaultContext,
  world: World | undefined,
  subject: Subject,
  version: number,
  value: Buffer,
  told = false,
): Operation<void> {
  const held = renewalOf(world, subject);
  const renewal = held?.kind.renewal;
  if (!held || !world || !renewal || (yield* isInUseAgain(subject, version))) return;
  const old = yield* knownAs(subject, version, value);
  const call = yield* callOf(ctx, world.providers, subject.environment, held);
  const admin = yield* adminOf(ctx, world.providers, subject.environment, held);
  const details = { provider: held.provider.id, ...(old.externalId !== undefined && { key: old.externalId }) };
  try {
    yield* outside(() => renewal.revoke(call, admin, old));
  } catch (error) {
    if (!(error instanceof NotOfferedError)) throw error;
    if (told) return;
    const { page, words } = held.kind.byHand;
    const what = `${sentence(error.message)} End version ${version} by hand: ${words} (${page})`;
    yield* transaction(inIncident(ctx, subject, what));
    return;
  }
  yield* transaction(
    ctx.log([
      {
        action: 'provider.revoke',
        ...environmentPlace(subject.environment),
        secret: subject.secret.name,
        version,
        details,
      },
    ]),
  );
}

/**
 * Ends the version before, at the end of its grace.
 * @param told whether an incident has said already, where only a person can, that it is to be done by hand
 */
export function* endOld(ctx: VaultContext, world: World | undefined, subject: Subject, told = false): Operation<void> {
  if (!renewalOf(world, subject)) return;
  const before = yield* valueBefore(ctx, subject);
  try {
    yield* endAtProvider(ctx, world, subject, subject.rotation.from_version, before, told);
  } finally {
    before.fill(0);
  }
}

/** Ends what the rotation has made and nobody will use: the issued key, or one whose answer was lost. */
export function* endNew(ctx: VaultContext, world: World | undefined, subject: Subject): Operation<void> {
  const held = renewalOf(world, subject);
  const renewal = held?.kind.renewal;
  const { rotation, secret } = subject;
  if (!held || !world || !renewal) return;
  const row =
    rotation.to_version === null
      ? undefined
      : yield* first(findVersion, { secretId: secret.id, number: rotation.to_version });
  // One that a person pasted stays: it is the person's to end.
  const ours =
    renewal.how === 'installed' ? rotation.to_version !== null : row?.external_id !== null && row !== undefined;
  if (ours && rotation.to_version !== null) {
    const value = yield* issuedValue(ctx, subject);
    try {
      yield* endAtProvider(ctx, world, subject, rotation.to_version, value);
    } finally {
      value.fill(0);
    }
    return;
  }
  if (rotation.marker === null || renewal.how !== 'issued') return;
  const call = yield* callOf(ctx, world.providers, subject.environment, held);
  const admin = yield* adminOf(ctx, world.providers, subject.environment, held);
  yield* forgetMarked(ctx, subject, renewal, { held, call, admin, marker: rotation.marker });
}
