// Reading secrets: opens what is sealed. Nothing is given before its audit entry is durable.
import type { AuditEvent } from '../audit/entry.ts';
import { nameKey } from '../catalog/catalog.ts';
import { asBuffer } from '../crypto/bytes.ts';
import { openEnvelope, readEnvelopeHeader, versionContext } from '../crypto/envelope.ts';
import type { SealingKey } from '../crypto/sealing-key.ts';
import { DecryptionError, type KeyturnError, NotFoundError } from '../errors.ts';
import { all, first, logTransaction, type Operation } from '../store/operation.ts';
import {
  addUsage,
  countSecrets,
  findSecret,
  findVersion,
  readCurrent,
  selectSealedPage,
} from '../store/statements/secrets.ts';
import type { VaultContext } from './context.ts';
import type { Environment, Place } from './places.ts';
import { secretNotFound } from './write.ts';

/** An opened version. Whoever gets it zeroes `value`. */
export interface OpenedVersion {
  readonly secretId: number;
  readonly name: string;
  readonly environment: Environment;
  readonly version: number;
  readonly value: Buffer;
  /** Milliseconds since 1970; undefined for the version in use. */
  readonly validUntil?: number;
}

interface SealedVersion {
  readonly number: number;
  readonly envelope: Uint8Array;
}

/** Opens one stored version; undefined where the keyring lacks its key. */
function tryOpen(ctx: VaultContext, environment: Environment, key: string, sealed: SealedVersion): Buffer | undefined {
  ctx.state.lease?.beforeUse();
  const envelope = asBuffer(sealed.envelope);
  const header = readEnvelopeHeader(envelope);
  if (!header) throw new DecryptionError();
  const sealing: SealingKey | undefined = ctx.keyring.byKeyId(header.keyId);
  if (!sealing) return undefined;
  const context = versionContext(nameKey(environment.project), nameKey(environment.name), key, sealed.number);
  return openEnvelope(sealing, context, envelope);
}

/**
 * Opens a version, reading it again once where it was re-sealed under a new data key in between.
 * @throws DecryptionError
 */
export function* openVersion(
  ctx: VaultContext,
  environment: Environment,
  key: string,
  sealed: SealedVersion,
  again: Operation<SealedVersion | undefined>,
): Operation<Buffer> {
  const value = tryOpen(ctx, environment, key, sealed);
  if (value) return value;
  yield* ctx.refresh();
  const fresh = yield* again;
  const second = fresh && tryOpen(ctx, environment, key, fresh);
  if (!second) throw new DecryptionError();
  return second;
}

function readEvent(environment: Environment, secret: string, { purpose, reason }: ReadOptions): AuditEvent {
  return {
    action: 'secret.read',
    project: environment.project,
    environment: environment.name,
    secret,
    ...(purpose && { details: { purpose, ...(reason && { reason }) } }),
  };
}

/** Opens the version in use, without logging: the caller logs before it lets the value go. */
export function* openCurrent(ctx: VaultContext, environment: Environment, name: string): Operation<OpenedVersion> {
  const key = nameKey(name);
  const find = { environmentId: environment.id, nameKey: key };
  const row = yield* first(readCurrent, find);
  if (!row) throw secretNotFound(environment, name, yield* first(findSecret, find));
  const value = yield* openVersion(ctx, environment, key, row, first(readCurrent, find));
  return { secretId: row.id, name: row.name, environment, version: row.number, value };
}

export interface ReadOptions {
  /** What the value is for, for the log: 'run', 'export', … */
  readonly purpose?: string;
  /** A person's own words for why, for the log. */
  readonly reason?: string;
}

/**
 * Reads the version in use of one secret.
 * @throws NotFoundError, DecryptionError, AccessDeniedError; each attempt is in the log
 */
export function* readSecret(
  ctx: VaultContext,
  at: Place,
  name: string,
  options: ReadOptions = {},
): Operation<OpenedVersion> {
  const environment = ctx.environment(at);
  const event = readEvent(environment, name, options);
  yield* ctx.authorize('read', event);
  const opened = yield* logged(ctx, event, openCurrent(ctx, environment, name));
  yield* logReads(ctx, [opened], options);
  return opened;
}

/** Reads one version by its number, whether in use or not. */
export function* readVersion(
  ctx: VaultContext,
  at: Place,
  name: string,
  number: number,
  options: ReadOptions = {},
): Operation<OpenedVersion> {
  const environment = ctx.environment(at);
  const event = { ...readEvent(environment, name, options), version: number };
  yield* ctx.authorize('read', event);
  const opened = yield* logged(ctx, event, openNumbered(ctx, environment, name, number));
  yield* logReads(ctx, [opened], options);
  return opened;
}

/** Opens a numbered version, without logging. */
export function* openNumbered(
  ctx: VaultContext,
  environment: Environment,
  name: string,
  number: number,
): Operation<OpenedVersion> {
  const key = nameKey(name);
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: key });
  if (!row || row.deleted_at !== null) throw secretNotFound(environment, name, row);
  const find = { secretId: row.id, number };
  const version = yield* first(findVersion, find);
  if (!version) {
    throw new NotFoundError(
      'KT_VERSION_NOT_FOUND',
      `${row.name} has no version ${number}; its newest is ${row.latest_version}.`,
      `\`keyturn history ${row.name}\` shows them.`,
    );
  }
  const value = yield* openVersion(ctx, environment, key, version, first(findVersion, find));
  return { secretId: row.id, name: row.name, environment, version: number, value };
}

/**
 * Opens the version in use for work of the vault's own (asking a provider, sending to a destination), whoever began it;
 * undefined where it is not there. The log has what for before the value goes anywhere; it does not count as a read: a
 * secret that only Keyturn looks at is unused.
 * @param purpose in a few words: 'to ask Stripe'
 */
export function* openForUse(
  ctx: VaultContext,
  environment: Environment,
  name: string,
  purpose: string,
): Operation<OpenedVersion | undefined> {
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
  if (!row || row.deleted_at !== null || row.current_version === 0) return undefined;
  const opened = yield* openCurrent(ctx, environment, name);
  const { name: secret, version } = opened;
  const { project, name: place } = environment;
  const details = { purpose };
  yield* logTransaction(ctx.log([{ action: 'secret.use', project, environment: place, secret, version, details }]));
  return opened;
}

/** Reads every secret of an environment that the scope allows: one entry in the log for each. */
export function* readAll(ctx: VaultContext, at: Place, options: ReadOptions = {}): Operation<OpenedVersion[]> {
  const environment = ctx.environment(at);
  yield* ctx.authorize('read', { action: 'secret.read', project: environment.project, environment: environment.name });
  const opened: OpenedVersion[] = [];
  yield* forEachOpened(ctx, environment, (one) => {
    if (ctx.mayReach('read', environment, one.name)) opened.push(one);
    else one.value.fill(0);
  });
  yield* logReads(ctx, opened, options);
  return opened;
}

/** The versions of a secret that are valid now, opened and logged: the one in use, then the one before in its grace. */
export function* readValid(ctx: VaultContext, at: Place, name: string): Operation<OpenedVersion[]> {
  const current = yield* readSecret(ctx, at, name);
  const { environment } = current;
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
  const until = row?.previous_valid_until ?? 0;
  if (!row?.previous_version || until <= ctx.clock()) return [current];
  return [current, { ...(yield* readVersion(ctx, at, name, row.previous_version)), validUntil: until }];
}

/** Often enough for a bar that moves, seldom enough to cost nothing. */
const PROGRESS_EVERY = 50;

/** An opened value with what judging it needs. */
export type OpenedSecret = OpenedVersion & { readonly type: string; readonly intervalDays: number | null };

/** Opens named secrets, those that are there, without logging: the caller does that. */
export function* forEachNamed(
  ctx: VaultContext,
  environment: Environment,
  names: Iterable<string>,
  visit: (opened: OpenedSecret) => void,
): Operation<void> {
  for (const name of names) {
    const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
    if (!row || row.deleted_at !== null || row.current_version === 0) continue;
    const opened = yield* openCurrent(ctx, environment, name);
    visit({ ...opened, type: row.type, intervalDays: row.interval_days });
  }
}

/** Opens every secret of an environment in pages, without logging: the caller does that. */
export function* forEachOpened(
  ctx: VaultContext,
  environment: Environment,
  visit: (opened: OpenedSecret) => void,
): Operation<void> {
  const limit = 500;
  let after = '';
  let done = 0;
  const counted = yield* first(countSecrets, { environmentId: environment.id });
  const total = Number(counted?.count ?? 0);
  for (;;) {
    const rows = yield* all(selectSealedPage, { environmentId: environment.id, after, limit });
    for (const row of rows) {
      const find = { secretId: row.id, number: row.number };
      const value = yield* openVersion(ctx, environment, row.name_key, row, first(findVersion, find));
      const { id: secretId, name, number: version, type, interval_days: intervalDays } = row;
      visit({ secretId, name, environment, version, value, type, intervalDays });
      done += 1;
      if (done % PROGRESS_EVERY === 0) ctx.onProgress(done, total);
    }
    const last = rows.at(-1);
    if (!last || rows.length < limit) return;
    after = last.name_key;
  }
}

/** Makes reads durable in the log, and counts them. */
export function* logReads(ctx: VaultContext, opened: readonly OpenedVersion[], options: ReadOptions): Operation<void> {
  if (opened.length === 0) return;
  yield* logTransaction(appendReads(ctx, opened, options));
}

function* appendReads(ctx: VaultContext, opened: readonly OpenedVersion[], options: ReadOptions): Operation<void> {
  const now = ctx.clock();
  yield* ctx.log(opened.map((one) => ({ ...readEvent(one.environment, one.name, options), version: one.version })));
  const counts = new Map<number, number>();
  for (const one of opened) counts.set(one.secretId, (counts.get(one.secretId) ?? 0) + 1);
  // In one order everywhere: two writers that take rows in different orders would wait for each other.
  for (const [secretId, reads] of [...counts].sort(([a], [b]) => a - b))
    yield* all(addUsage, { secretId, reads, at: now, by: ctx.principal });
}

/** Runs a read; where it fails, the failed attempt is durable in the log before the error goes on. */
function* logged<T>(ctx: VaultContext, event: AuditEvent, body: Operation<T>): Operation<T> {
  try {
    return yield* body;
  } catch (error) {
    const details = { ...event.details, code: (error as KeyturnError).code ?? 'error' };
    yield* logTransaction(ctx.log([{ ...event, outcome: 'failed', details }]));
    throw error;
  }
}
