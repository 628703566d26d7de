// Runs rotations: a backup first, then step by step to the end; what was cut off is taken up.
import type { SecretRule } from '../catalog/catalog.ts';
import { weakness } from '../catalog/match.ts';
import { asUtf8, equalBytes } from '../crypto/bytes.ts';
import { ConflictError, NeedsPersonError, NotFoundError, RotationError } from '../errors.ts';
import { askAbout } from '../providers/ask.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import { findCheck } from '../store/statements/checks.ts';
import {
  findActiveRotation,
  selectRotationsDue,
  selectSecretRotations,
  setNeedsValue,
} from '../store/statements/rotations.ts';
import { findVersion, selectVersions } from '../store/statements/secrets.ts';
import type { RotationReason } from '../store/states.ts';
import { type BackupSink, backupSink } from '../vault/backup-files.ts';
import { createBackup } from '../vault/backups.ts';
import type { VaultContext } from '../vault/context.ts';
import type { VaultHome } from '../vault/home.ts';
import type { Environment, Place } from '../vault/places.ts';
import { openNumbered } from '../vault/read.ts';
import type { SecretSummary } from '../vault/results.ts';
import { environmentPlace, liveSecret, type SecretRow } from '../vault/write.ts';
import { advance } from './advance.ts';
import { settleDeaths } from './death.ts';
import { settleLateKeys } from './late-keys.ts';
import type { RotationResult } from './results.ts';
import { sendOn, settleDeliveries } from './settle-deliveries.ts';
import { isPromoted } from './states.ts';
import { bringBack, fail, loadSubject, plan, type Subject } from './steps.ts';
import type { World } from './world.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

export interface RotateInput {
  readonly at: Place;
  readonly name: string;
  /** The new value, for what cannot (or shall not) be made here. The caller zeroes it. */
  readonly value?: Buffer;
  /** Milliseconds; the type's where not given; 0 revokes the version before at once. */
  readonly graceMs?: number;
  readonly reason?: RotationReason;
  readonly incidentId?: string;
  /** Names the rotation: asked for by the same name again, it is not begun twice. */
  readonly id?: string;
}

/** Makes a backup file. @returns its path and how many secrets it holds */
function* writeBackup(
  ctx: VaultContext,
  sink: BackupSink,
  reason: 'asked' | 'rotation' | 'restore',
): Operation<{ path: string; secrets: number }> {
  const { text, secrets } = yield* createBackup(ctx, reason);
  return { path: sink(text), secrets };
}

/** When a secret has to turn next; undefined for one that does not age. Milliseconds since 1970. */
export function dueAt(secret: SecretSummary, intervalDays: number | undefined): number | undefined {
  return intervalDays === undefined ? undefined : secret.rotatedAt + intervalDays * DAY_MS;
}

/** How long, in ms, a backup may stand for what is rotated after it. */
const BACKUP_GOOD_MS = 24 * 60 * 60 * 1000;

/** How many rotations one look at what is due takes on. */
const AT_ONCE = 1_000;

export class Rotator {
  readonly #ctx: VaultContext;
  readonly #sink: BackupSink;
  readonly #world: World | undefined;
  #backup: { readonly path: string; readonly at: number } | undefined;
  /** The secrets that have turned since that backup: it does not hold their value in use. */
  readonly #turned = new Set<number>();

  /**
   * @param sink where the backups go that rotations begin with
   * @param world what lies beyond the vault; without it, only what is made here or given turns, and nobody is asked
   */
  constructor(ctx: VaultContext, sink: BackupSink, world?: World) {
    this.#ctx = ctx;
    this.#sink = sink;
    this.#world = world;
  }

  /** True where a new value of a secret needs a person. */
  needsPerson(secret: Pick<SecretRow, 'name' | 'type'> & { readonly interval_days?: number | null }): boolean {
    const rule = this.#ctx.catalog.rule(secret.name, { type: secret.type });
    const world = this.#world;
    // Another provider's admin credential is made by that provider, whatever its type says.
    if (rule.generate && !world?.providers.isAdmin(secret.name)) return false;
    return !world?.live || !world.providers.canRenew(world.providers.of(rule));
  }

  /**
   * Rotates one secret: to the state `grace`, or `revoked` where there is no grace; or to where it has to wait for
   * something outside, which the result then says.
   * A rotation of it that was cut off is taken up instead of starting another.
   * @throws NeedsPersonError when the new value has to come from a person, RotationError when it was rolled back
   */
  *rotate(input: RotateInput): Operation<RotationResult> {
    const context = this.#ctx;
    const environment = context.environment(input.at);
    yield* context.authorize('rotate', {
      action: 'rotation.plan',
      ...environmentPlace(environment),
      secret: input.name,
    });
    const secret = yield* liveSecret(environment, input.name);
    const rule = context.catalog.rule(secret.name, { type: secret.type, intervalDays: secret.interval_days });
    const needsValue = input.value !== undefined || this.needsPerson(secret);
    if (input.value) yield* this.#endOther(secret, input.value);
    const planned = yield* plan(context, {
      at: input.at,
      name: input.name,
      needsValue,
      backupFile: yield* this.#backupBefore(secret),
      ...(input.graceMs !== undefined && { graceMs: input.graceMs }),
      ...(input.reason !== undefined && { reason: input.reason }),
      ...(input.incidentId !== undefined && { incidentId: input.incidentId }),
      ...(input.id !== undefined && { id: input.id }),
    });
    const began = input.value ? planned : yield* this.#withoutPerson(planned);
    const ended = yield* this.#advance(began, input.value, true);
    if (ended.rotation.state === 'planned' && ended.rotation.needs_value === 1) throw this.#needsValue(ended);
    if (ended.rotation.state === 'rolled_back') throw rolledBack(ended);
    return this.#result(ended, input.value ? yield* this.#warnings(ended, rule, input.value) : []);
  }

  /** What is wrong with a value that a person gave, though not so wrong that it could not be used. */
  *#warnings({ secret, rotation }: Subject, rule: SecretRule, value: Buffer): Operation<string[]> {
    const text = asUtf8(value);
    const weak = text === undefined ? undefined : weakness(rule, text);
    const check = yield* first(findCheck, { secretId: secret.id });
    const restricted = check?.status === 'restricted' && check.version === rotation.to_version;
    return [
      ...(weak === undefined ? [] : [weak]),
      ...(restricted ? [`It works, but may do little: ${check.detail}.`] : []),
    ];
  }

  /** One that was cut off before a person's value was kept: who asks now without a value wants one made. */
  *#withoutPerson(planned: Subject): Operation<Subject> {
    const { rotation, secret } = planned;
    // One that its provider refused to make stays a person's.
    const asked = rotation.trouble === null || planned.rule.generate !== undefined;
    if (rotation.state !== 'planned' || rotation.needs_value === 0 || !asked || this.needsPerson(secret))
      return planned;
    yield* transaction(all(setNeedsValue, { id: rotation.id, needsValue: 0, why: null }));
    return yield* loadSubject(this.#ctx, rotation.id);
  }

  /** A rotation that was cut off with another value than the one given now is ended: the one given now is meant. */
  *#endOther(secret: SecretRow, value: Buffer): Operation<void> {
    const context = this.#ctx;
    const active = yield* first(findActiveRotation, { secretId: secret.id });
    if (!active?.to_version || active.state === 'failed') return;
    const issued = yield* first(findVersion, { secretId: secret.id, number: active.to_version });
    if (issued && equalBytes(issued.fingerprint, context.fingerprint(value))) return;
    const subject = yield* loadSubject(context, active.id);
    yield* this.#advance(yield* fail(context, subject, 'Another value was given.'), undefined, true);
  }

  /**
   * Takes up what was cut off, ends what is past its grace, brings on what is on its way to destinations, and asks about
   * old values that should be dead. @returns the rotations that were moved
   */
  *settle(): Operation<RotationResult[]> {
    const moved: RotationResult[] = [];
    for (const row of yield* all(selectRotationsDue, { now: this.#ctx.clock(), limit: AT_ONCE })) {
      const subject = yield* loadSubject(this.#ctx, row.id);
      // A deleted secret's rotation waits with it.
      if (subject.secret.deleted_at !== null) continue;
      const ended = yield* this.#advance(subject, undefined, false);
      if (ended.rotation.state !== subject.rotation.state) moved.push(this.#result(ended));
    }
    if (this.#world) {
      yield* settleDeliveries(this.#ctx, this.#world);
      yield* settleDeaths(this.#ctx, this.#world);
      yield* settleLateKeys(this.#ctx, this.#world);
    }
    return moved;
  }

  /**
   * Brings back an earlier value as a new version.
   * @param to the version whose value is wanted; the one before the one in use where not given
   */
  *rollback(at: Place, name: string, to?: number): Operation<RotationResult> {
    const context = this.#ctx;
    const environment = context.environment(at);
    yield* context.authorize('rotate', { action: 'rotation.move', ...environmentPlace(environment), secret: name });
    const secret = yield* liveSecret(environment, name);
    const backupFile = yield* this.#backupBefore(secret);
    const latest = yield* first(selectSecretRotations, { secretId: secret.id, limit: 1 });
    if (to === undefined && latest && isPromoted(latest.state) && latest.to_version === secret.current_version) {
      const subject = yield* loadSubject(context, latest.id);
      const failed = yield* fail(context, subject, `Rolled back by ${context.principal}.`);
      return this.#result(yield* this.#advance(failed, undefined, true));
    }
    const number = to ?? (yield* versionBefore(secret));
    yield* this.#refuseDead(environment, secret, number);
    const version = yield* transaction(this.#rollBackTo(at, name, number));
    if (this.#world)
      yield* sendOn(context, this.#world, { secretId: secret.id, name: secret.name, environment, version });
    return {
      id: '',
      name: secret.name,
      environment: environment.name,
      state: 'rolled_back',
      fromVersion: secret.current_version,
      version,
      previousValidUntil: null,
      backupFile,
      warnings: [],
      trouble: null,
      nextAt: null,
      death: null,
    };
  }

  /** A value that its provider has ended must not come back into use. @throws RotationError */
  *#refuseDead(environment: Environment, secret: SecretRow, number: number): Operation<void> {
    const context = this.#ctx;
    const world = this.#world;
    const held = world?.live ? world.providers.of(context.catalog.rule(secret.name, { type: secret.type })) : undefined;
    if (!world || !held) return;
    const { value } = yield* openNumbered(context, environment, secret.name, number);
    const result = yield* askAbout(context, world.providers, environment, held, value);
    value.fill(0);
    if (result?.status !== 'refused') return;
    throw new RotationError({
      what: `Version ${number} of ${secret.name} does not work any more: ${result.detail}.`,
      left: `Version ${secret.current_version} is in use, as before.`,
      next: `Rotate it: \`keyturn rotate ${secret.name}\`.`,
    });
  }

  /** What a rollback would bring back, without doing it. */
  *planRollback(at: Place, name: string, to?: number): Operation<{ name: string; from: number; of: number }> {
    const context = this.#ctx;
    const environment = context.environment(at);
    yield* context.authorize('rotate', { action: 'rotation.move', ...environmentPlace(environment), secret: name });
    const secret = yield* liveSecret(environment, name);
    const of = to ?? (yield* versionBefore(secret));
    if (!(yield* first(findVersion, { secretId: secret.id, number: of }))) throw noVersion(secret, of);
    return { name: secret.name, from: secret.current_version, of };
  }

  *#rollBackTo(at: Place, name: string, number: number): Operation<number> {
    const context = this.#ctx;
    const environment = context.environment(at);
    yield* context.beginChange();
    const secret = yield* liveSecret(environment, name);
    const rule = context.catalog.rule(secret.name, { type: secret.type });
    return yield* bringBack(context, { secret, environment }, number, rule.graceMs);
  }

  #advance(from: Subject, given: Buffer | undefined, eager: boolean): Operation<Subject> {
    return advance(this.#ctx, this.#world, from, { given, eager });
  }

  /**
   * One backup for all that one run rotates, as long as it holds the value in use of each. A rotation that is only taken up
   * had its own.
   */
  *#backupBefore(secret: SecretRow): Operation<string> {
    const active = yield* first(findActiveRotation, { secretId: secret.id });
    if (active?.backup_file) return active.backup_file;
    const now = this.#ctx.clock();
    const known = this.#backup;
    const holds = known && secret.rotated_at <= known.at && !this.#turned.has(secret.id);
    if (!holds || now - known.at > BACKUP_GOOD_MS) {
      this.#backup = { path: (yield* writeBackup(this.#ctx, this.#sink, 'rotation')).path, at: now };
      this.#turned.clear();
    }
    this.#turned.add(secret.id);
    return this.#backup?.path ?? '';
  }

  #needsValue(subject: Subject): NeedsPersonError {
    const { name } = subject.secret;
    const { known } = subject.rule;
    const byHand = this.#world?.providers.of(subject.rule)?.kind.byHand;
    const page = byHand?.page ?? known?.page;
    const where = page ? `make a new one at ${page}, then ` : '';
    const { trouble } = subject.rotation;
    const why = trouble === null ? `${known?.provider ?? 'whoever issues it'} issues it` : trouble.replace(/[.]$/, '');
    return new NeedsPersonError(
      `${name} cannot be made here: ${why}. The rotation waits for its new value.`,
      `To finish, ${where}run \`keyturn rotate ${name}\` and paste it.`,
    );
  }

  #result(subject: Subject, warnings: readonly string[] = []): RotationResult {
    const { rotation, secret, environment } = subject;
    return {
      id: rotation.id,
      name: secret.name,
      environment: environment.name,
      state: rotation.state,
      fromVersion: rotation.from_version,
      version: secret.current_version,
      previousValidUntil: secret.previous_valid_until,
      backupFile: rotation.backup_file,
      warnings,
      trouble: rotation.trouble,
      nextAt: rotation.next_at,
      death: rotation.death,
    };
  }
}

function rolledBack(subject: Subject): RotationError {
  return new RotationError({
    what: `${subject.secret.name} was not rotated. ${subject.rotation.error ?? ''}`.trim(),
    left: `Version ${subject.secret.current_version} is in use, as before.`,
    next: 'Correct the new value and rotate again.',
  });
}

function noVersion(secret: SecretRow, number: number): NotFoundError {
  return new NotFoundError(
    'KT_VERSION_NOT_FOUND',
    `${secret.name} has no version ${number}; its newest is ${secret.latest_version}.`,
    `\`keyturn history ${secret.name}\` shows them.`,
  );
}

/** The newest earlier version that came into use and whose value differs from the one in use. */
function* versionBefore(secret: SecretRow): Operation<number> {
  const current = yield* first(findVersion, { secretId: secret.id, number: secret.current_version });
  const rows = yield* all(selectVersions, { secretId: secret.id });
  const fingerprint = Buffer.from(current?.fingerprint ?? []).toString('hex');
  const before = rows.find(
    (row) =>
      row.activated_at !== null &&
      row.number < secret.current_version &&
      Buffer.from(row.fingerprint).toString('hex') !== fingerprint,
  );
  if (before) return before.number;
  throw new ConflictError(
    `${secret.name} has no earlier value to go back to.`,
    'Restore one from a backup: `keyturn rollback FILE`.',
  );
}

/** A backup of a vault in a folder, beside it. */
export function backupOf(
  vault: { readonly context: VaultContext; readonly home: VaultHome },
  reason: 'asked' | 'rotation' | 'restore',
): Operation<{ path: string; secrets: number }> {
  return writeBackup(vault.context, backupSink(vault.home, vault.context.clock), reason);
}

/** The rotator of a vault in a folder: its backups go beside it. */
export function rotatorOf(
  vault: { readonly context: VaultContext; readonly home: VaultHome },
  world?: World | undefined,
): Rotator {
  return new Rotator(vault.context, backupSink(vault.home, vault.context.clock), world);
}
