// Writing secrets: each change is one transaction that holds the new version, the secret's row and the audit entry.
import { hash } from 'node:crypto';
import { nameKey } from '../catalog/catalog.ts';
import { equalBytes } from '../crypto/bytes.ts';
import { sealEnvelope, versionContext } from '../crypto/envelope.ts';
import { ConflictError, NotFoundError, UsageError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { SecretTable } from '../store/schema.ts';
import {
  findForSet,
  findSecret,
  insertSecret,
  insertVersion,
  setCurrentVersion,
  setDeleted,
  updateDescription,
} from '../store/statements/secrets.ts';
import type { VersionOrigin } from '../store/states.ts';
import type { VaultContext } from './context.ts';
import { checkSecretName } from './names.ts';
import type { Environment, Place } from './places.ts';
import type { SetResult } from './results.ts';
import { sealPrint } from './sealed-print.ts';

/** The largest value, in bytes. */
const MAX_VALUE_BYTES = 64 * 1024;

export type SecretRow = { readonly [Column in keyof Omit<SecretTable, 'id'>]: SecretTable[Column] } & {
  readonly id: number;
};

/** What describes a secret besides its value. Left out means: as it is, or the catalogue's word for a new one. */
export interface Description {
  readonly type?: string;
  /** Days; null for the type's own. */
  readonly intervalDays?: number | null;
  readonly owner?: string | null;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface SetInput extends Description {
  readonly at: Place;
  readonly name: string;
  /** Up to 64 KiB. The caller zeroes it. */
  readonly value: Uint8Array;
  readonly origin?: VersionOrigin;
  /** The version that the caller believes to be current (0 for "not there"); anything else is a conflict. */
  readonly expectVersion?: number;
  /** The tag that the caller has seen (`secretTag`); anything else is a conflict. */
  readonly expectTag?: string;
}

/** @throws UsageError for a value that is empty or larger than 64 KiB. */
function checkValue(value: Uint8Array): void {
  if (value.length === 0) throw new UsageError('The value is empty.', 'To take a secret away, use `keyturn rm NAME`.');
  if (value.length <= MAX_VALUE_BYTES) return;
  throw new UsageError(
    `The value has ${value.length} bytes; at most ${MAX_VALUE_BYTES} (64 KiB) fit.`,
    'Keep large files elsewhere, encrypted, and their key here.',
  );
}

const MAX_TEXT = 200;

/** Owners and labels are shown on terminals: no line breaks, no control characters that would act there. */
function checkTexts({ owner, labels }: Description): void {
  const texts = [owner ?? '', ...Object.entries(labels ?? {}).flat()];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (texts.every((text) => text.length <= MAX_TEXT && !/[\u0000-\u001f\u007f-\u009f]/.test(text))) return;
  throw new UsageError(`An owner or label is longer than ${MAX_TEXT} characters, or has control characters in it.`);
}

function checkInterval(days: number | null | undefined): void {
  if (days === null || days === undefined || (Number.isInteger(days) && days >= 1 && days <= 3650)) return;
  throw new UsageError(`${days} is not a rotation interval.`, 'Give whole days, from 1 to 3650.');
}

/**
 * Sets a secret's value: a new version, or nothing where the value is the one in use already.
 * A deleted secret of that name comes back with the new version.
 * @throws UsageError, NotFoundError (environment), ConflictError, AccessDeniedError
 */
export function* setSecret(ctx: VaultContext, input: SetInput): Operation<SetResult> {
  checkSecretName(input.name);
  checkValue(input.value);
  checkInterval(input.intervalDays);
  checkTexts(input);
  if (input.type !== undefined) ctx.catalog.type(input.type);
  const environment = ctx.environment(input.at);
  yield* ctx.authorize('write', eventAt(environment, input.name, 'secret.set'));
  return yield* transaction(setInTransaction(ctx, environment, input));
}

/** Sets several secrets in one transaction: all or none. */
export function* setSecrets(ctx: VaultContext, inputs: readonly SetInput[]): Operation<SetResult[]> {
  for (const input of inputs) {
    checkSecretName(input.name);
    checkValue(input.value);
    checkInterval(input.intervalDays);
    checkTexts(input);
    if (input.type !== undefined) ctx.catalog.type(input.type);
    yield* ctx.authorize('write', eventAt(ctx.environment(input.at), input.name, 'secret.set'));
  }
  return yield* transaction(setAllInTransaction(ctx, inputs));
}

function* setAllInTransaction(ctx: VaultContext, inputs: readonly SetInput[]): Operation<SetResult[]> {
  const results: SetResult[] = [];
  for (const input of inputs) {
    results.push(yield* setInTransaction(ctx, ctx.environment(input.at), input));
    ctx.onProgress(results.length, inputs.length);
  }
  return results;
}

function eventAt(environment: Environment, secret: string, action: 'secret.set' | 'secret.delete' | 'secret.restore') {
  return { action, project: environment.project, environment: environment.name, secret } as const;
}

/** The body of `setSecret`, for callers that have a transaction of their own. */
export function* setInTransaction(ctx: VaultContext, environment: Environment, input: SetInput): Operation<SetResult> {
  const found = yield* first(findForSet, { environmentId: environment.id, nameKey: nameKey(input.name) });
  if (found && found.keys !== ctx.keyring.generation) yield* ctx.refresh();
  const row = existing(found);
  const current = row && row.deleted_at === null ? row.current_version : 0;
  if (input.expectVersion !== undefined && input.expectVersion !== current) {
    throw new ConflictError(
      `${input.name} is at version ${current}, not ${input.expectVersion}: somebody else changed it.`,
      'Look at it again, then decide.',
    );
  }
  checkTag(row && current > 0 ? row : undefined, input);
  const fingerprint = ctx.fingerprint(input.value);
  if (row && current > 0 && found?.fingerprint && equalBytes(found.fingerprint, fingerprint)) {
    return yield* describeInTransaction(ctx, environment, row, input);
  }
  return yield* addVersion(ctx, environment, row, input, fingerprint);
}

/**
 * Names one state of a secret, its description included, without telling anything of its value: what an HTTP ETag is made
 * of. Two writers who saw the same one cannot both write.
 */
export function secretTag(
  row: Pick<SecretRow, 'current_version' | 'type' | 'interval_days' | 'owner' | 'labels'>,
): string {
  const described = JSON.stringify([row.type, row.interval_days, row.owner, row.labels]);
  return `${row.current_version}-${hash('sha256', described, 'base64url').slice(0, 8)}`;
}

function checkTag(row: DescribedRow | undefined, input: { name: string; expectTag?: string }): void {
  if (input.expectTag === undefined) return;
  if (row && secretTag(row) === input.expectTag) return;
  throw new ConflictError(
    row
      ? `${input.name} is at version ${row.current_version} now: somebody else changed it.`
      : `${input.name} is not there.`,
    'Look at it again, then decide.',
  );
}

/** What a change looks at of the secret that is there. */
type DescribedRow = Pick<
  SecretRow,
  'id' | 'name' | 'type' | 'interval_days' | 'owner' | 'labels' | 'current_version' | 'latest_version' | 'deleted_at'
>;

/** The secret of a look-up that gives one row in any case, its columns null where there is none. */
function existing(
  found: { [Column in keyof DescribedRow]: DescribedRow[Column] | null } | undefined,
): DescribedRow | undefined {
  return found && found.id !== null ? (found as DescribedRow) : undefined;
}

function* addVersion(
  ctx: VaultContext,
  environment: Environment,
  row: DescribedRow | undefined,
  input: SetInput,
  fingerprint: Buffer,
): Operation<SetResult> {
  const now = ctx.clock();
  const version = (row?.latest_version ?? 0) + 1;
  const description = describe(ctx, row, input);
  let secretId = row?.id ?? 0;
  if (row) {
    yield* all(setCurrentVersion, {
      id: row.id,
      version,
      latest: version,
      // A plain set replaces the value at once: only a rotation keeps the one before valid.
      previous: null,
      previousValidUntil: null,
      now,
    });
    if (changes(row, description)) yield* all(updateDescription, { id: row.id, ...description });
  } else {
    const made = yield* first(insertSecret, {
      environmentId: environment.id,
      name: input.name,
      nameKey: nameKey(input.name),
      ...description,
      currentVersion: version,
      now,
    });
    secretId = made?.id ?? 0;
  }
  const origin = input.origin ?? 'set';
  yield* storeVersion(ctx, environment, {
    secretId,
    nameKey: nameKey(input.name),
    number: version,
    value: input.value,
    fingerprint,
    origin,
    now,
    inUse: true,
  });
  const added = !row || row.deleted_at !== null;
  yield* ctx.log([
    {
      ...eventAt(environment, row?.name ?? input.name, 'secret.set'),
      version,
      details: { fingerprint: fingerprint.toString('hex'), origin, size: input.value.length },
    },
  ]);
  return { name: row?.name ?? input.name, version, outcome: added ? 'added' : 'updated' };
}

/** Seals a value and keeps it as a version. The secret's row says which one is in use. */
export function* storeVersion(
  ctx: VaultContext,
  environment: Environment,
  version: {
    secretId: number;
    nameKey: string;
    number: number;
    value: Uint8Array;
    fingerprint: Buffer;
    origin: VersionOrigin;
    now: number;
    /** False for a version that a rotation issues: it comes into use later, if at all. */
    inUse: boolean;
    /** What its provider calls it, where that is known. */
    externalId?: string | undefined;
  },
): Operation<void> {
  ctx.state.lease?.beforeChange();
  const dataKey = ctx.keyring.activeDataKey(environment.id);
  const context = versionContext(
    nameKey(environment.project),
    nameKey(environment.name),
    version.nameKey,
    version.number,
  );
  yield* all(insertVersion, {
    secretId: version.secretId,
    number: version.number,
    envelope: sealEnvelope(dataKey.key, ctx.suite, context, version.value, ctx.random),
    fingerprint: version.fingerprint,
    size: version.value.length,
    dataKey: dataKey.row,
    origin: version.origin,
    now: version.now,
    by: ctx.principal,
    activatedAt: version.inUse ? version.now : null,
    externalId: version.externalId ?? null,
    leakPrint: sealPrint(ctx, version.secretId, version.number, version.value),
  });
}

interface StoredDescription {
  readonly type: string;
  readonly intervalDays: number | null;
  readonly owner: string | null;
  readonly labels: string;
}

function describe(ctx: VaultContext, row: DescribedRow | undefined, input: SetInput): StoredDescription {
  return {
    type: input.type ?? row?.type ?? ctx.catalog.typeFor(input.name),
    intervalDays: input.intervalDays === undefined ? (row?.interval_days ?? null) : input.intervalDays,
    owner: input.owner === undefined ? (row?.owner ?? null) : input.owner,
    labels: input.labels === undefined ? (row?.labels ?? '{}') : JSON.stringify(input.labels),
  };
}

function changes(row: DescribedRow, d: StoredDescription): boolean {
  return (
    row.type !== d.type || row.interval_days !== d.intervalDays || row.owner !== d.owner || row.labels !== d.labels
  );
}

function* describeInTransaction(
  ctx: VaultContext,
  environment: Environment,
  row: DescribedRow,
  input: SetInput,
): Operation<SetResult> {
  const description = describe(ctx, row, input);
  const result = { name: row.name, version: row.current_version };
  const event = eventAt(environment, row.name, 'secret.set');
  if (!changes(row, description)) {
    yield* ctx.log([{ ...event, version: row.current_version, details: { unchanged: true } }]);
    return { ...result, outcome: 'unchanged' };
  }
  yield* all(updateDescription, { id: row.id, ...description });
  yield* ctx.log([{ ...event, action: 'secret.describe', details: { type: description.type } }]);
  return { ...result, outcome: 'described' };
}

/**
 * Changes what describes a secret, not its value.
 * @throws NotFoundError, UsageError, AccessDeniedError
 */
export function* describeSecret(
  ctx: VaultContext,
  at: Place,
  name: string,
  description: Description & { readonly expectTag?: string },
): Operation<SetResult> {
  checkInterval(description.intervalDays);
  checkTexts(description);
  if (description.type !== undefined) ctx.catalog.type(description.type);
  const environment = ctx.environment(at);
  yield* ctx.authorize('write', eventAt(environment, name, 'secret.set'));
  return yield* transaction(describeExisting(ctx, environment, name, description));
}

function* describeExisting(
  ctx: VaultContext,
  environment: Environment,
  name: string,
  description: Description & { readonly expectTag?: string },
): Operation<SetResult> {
  yield* ctx.beginChange();
  const row = yield* liveSecret(environment, name);
  checkTag(row, { ...description, name });
  const input = { ...description, at: environmentPlace(environment), name, value: new Uint8Array() };
  return yield* describeInTransaction(ctx, environment, row, input);
}

export function environmentPlace(environment: Environment): Place {
  return { project: environment.project, environment: environment.name };
}

/** The row of a secret that is there and not deleted. */
export function* liveSecret(environment: Environment, name: string): Operation<SecretRow> {
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
  if (!row || row.deleted_at !== null || row.current_version === 0) throw secretNotFound(environment, name, row);
  return row;
}

export function secretNotFound(environment: Environment, name: string, row?: SecretRow): NotFoundError {
  const deleted = row?.deleted_at ? new Date(row.deleted_at).toISOString() : undefined;
  return new NotFoundError(
    'KT_SECRET_NOT_FOUND',
    `Secret not found: ${name} is not in ${environment.project}/${environment.name}${deleted ? ` (deleted ${deleted})` : ''}.`,
    deleted ? `\`keyturn restore ${name}\` brings it back.` : '`keyturn list` shows what is there.',
  );
}

/** Hides a secret. Its versions stay, and `restoreDeleted` brings it back. */
export function* deleteSecret(
  ctx: VaultContext,
  at: Place,
  name: string,
  expectTag?: string,
): Operation<{ name: string }> {
  const environment = ctx.environment(at);
  yield* ctx.authorize('delete', eventAt(environment, name, 'secret.delete'));
  return yield* transaction(
    (function* () {
      yield* ctx.beginChange();
      const row = yield* liveSecret(environment, name);
      checkTag(row, { name, ...(expectTag !== undefined && { expectTag }) });
      yield* all(setDeleted, { id: row.id, at: ctx.clock() });
      yield* ctx.log([{ ...eventAt(environment, row.name, 'secret.delete'), version: row.current_version }]);
      return { name: row.name };
    })(),
  );
}

/** Brings a deleted secret back with the version that it had. */
export function* restoreDeleted(
  ctx: VaultContext,
  at: Place,
  name: string,
): Operation<{ name: string; version: number }> {
  const environment = ctx.environment(at);
  yield* ctx.authorize('write', eventAt(environment, name, 'secret.restore'));
  return yield* transaction(
    (function* () {
      yield* ctx.beginChange();
      const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
      if (!row) throw secretNotFound(environment, name);
      if (row.deleted_at === null) throw new ConflictError(`${row.name} is not deleted.`);
      yield* all(setDeleted, { id: row.id, at: null });
      yield* ctx.log([{ ...eventAt(environment, row.name, 'secret.restore'), version: row.current_version }]);
      return { name: row.name, version: row.current_version };
    })(),
  );
}
