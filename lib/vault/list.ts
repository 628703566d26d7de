// Looking at secrets without opening them: lists in pages, history, and differences by fingerprint.
import { type AgeState, ageOf } from '../catalog/age.ts';
import { nameKey } from '../catalog/catalog.ts';
import { all, first, logTransaction, type Operation } from '../store/operation.ts';
import type { SecretTable } from '../store/schema.ts';
import { countSecrets, findSecret, selectSecretsPage, selectVersions } from '../store/statements/secrets.ts';
import type { VersionOrigin } from '../store/states.ts';
import type { VaultContext } from './context.ts';
import type { Environment, Place } from './places.ts';
import type { SecretSummary } from './results.ts';
import { secretNotFound } from './write.ts';

export interface ListOptions {
  /** Names after this one, in the order of folded names. */
  readonly after?: string;
  /** At most this many. */
  readonly limit?: number;
  readonly deleted?: boolean;
}

const PAGE = 500;

/** A page of an environment's secrets, in the order of their names, without a word in the log. */
function* summariesPage(environment: Environment, options: Required<ListOptions>): Operation<SecretSummary[]> {
  const rows = yield* all(selectSecretsPage, {
    environmentId: environment.id,
    after: nameKey(options.after),
    limit: options.limit,
    deleted: options.deleted ? 1 : 0,
  });
  return rows.filter((row) => row.current_version > 0).map((row) => summaryOf(environment, row));
}

/** A row of a page of secrets, as statements give it. */
export interface SummaryRow extends Omit<SecretTable, 'id'> {
  readonly id: number;
  readonly size: number | null;
  readonly reads: number | null;
  readonly last_read_at: number | null;
  readonly last_read_by: string | null;
  readonly created_by: string | null;
  readonly fingerprint: Uint8Array | null;
}

export function summaryOf(environment: Environment, row: SummaryRow): SecretSummary {
  return {
    id: row.id,
    name: row.name,
    environment: environment.name,
    project: environment.project,
    type: row.type,
    version: row.current_version,
    owner: row.owner,
    labels: JSON.parse(row.labels) as Record<string, string>,
    intervalDays: row.interval_days,
    createdAt: row.created_at,
    rotatedAt: row.rotated_at,
    deletedAt: row.deleted_at,
    previousVersion: row.previous_version,
    previousValidUntil: row.previous_valid_until,
    size: row.size ?? 0,
    reads: row.reads ?? 0,
    lastReadAt: row.last_read_at,
    lastReadBy: row.last_read_by,
    setBy: row.created_by,
    fingerprint: row.fingerprint ? Buffer.from(row.fingerprint).toString('hex') : '',
  };
}

/** Every secret of an environment, page by page, without a word in the log. */
export function* allSummaries(environment: Environment, deleted = false): Operation<SecretSummary[]> {
  const found: SecretSummary[] = [];
  let after = '';
  for (;;) {
    const page = yield* summariesPage(environment, { after, limit: PAGE, deleted });
    found.push(...page);
    const last = page.at(-1);
    if (!last || page.length < PAGE) return found;
    after = last.name;
  }
}

/** Lists an environment's secrets that the scope allows. Names and facts only, and logged as one reading. */
export function* listSecrets(ctx: VaultContext, at: Place, options: ListOptions = {}): Operation<SecretSummary[]> {
  const environment = ctx.environment(at);
  const event = { action: 'secret.list', project: environment.project, environment: environment.name } as const;
  yield* ctx.authorize('list', event);
  const page =
    options.limit === undefined
      ? yield* allSummaries(environment, options.deleted)
      : yield* summariesPage(environment, {
          after: options.after ?? '',
          limit: options.limit,
          deleted: options.deleted ?? false,
        });
  const visible = page.filter((one) => ctx.mayReach('list', environment, one.name));
  yield* logTransaction(ctx.log([{ ...event, details: { count: visible.length } }]));
  return visible;
}

/** A secret with how old it is by the rules of now. */
export function withAge(ctx: VaultContext, one: SecretSummary): AgedSecret {
  const { dueAt, state } = ageOf(ctx.catalog.rule(one.name, one), one.rotatedAt, ctx.clock());
  return { ...one, dueAt: dueAt ?? null, age: state };
}

export type AgedSecret = SecretSummary & {
  /** When its value reaches its greatest age, milliseconds since 1970. */
  readonly dueAt: number | null;
  readonly age: AgeState;
};

export function* countLive(environment: Environment): Operation<number> {
  const row = yield* first(countSecrets, { environmentId: environment.id });
  return Number(row?.count ?? 0);
}

export interface VersionSummary {
  readonly number: number;
  readonly state: 'current' | 'previous' | 'issued' | 'retired';
  /** Milliseconds since 1970, for the state 'previous'. */
  readonly validUntil?: number;
  readonly origin: VersionOrigin;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly size: number;
  readonly fingerprint: string;
  /** True where the value is the same as in the version before it. */
  readonly sameAsBefore: boolean;
}

/** Every version of a secret, newest first. Deleted secrets have a history too. */
export function* secretHistory(
  ctx: VaultContext,
  at: Place,
  name: string,
): Operation<{ name: string; deletedAt: number | null; versions: VersionSummary[] }> {
  const environment = ctx.environment(at);
  const event = {
    action: 'secret.history',
    project: environment.project,
    environment: environment.name,
    secret: name,
  } as const;
  yield* ctx.authorize('list', event);
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
  if (!row) throw secretNotFound(environment, name);
  const rows = yield* all(selectVersions, { secretId: row.id });
  yield* logTransaction(ctx.log([event]));
  const now = ctx.clock();
  const inGrace = row.previous_valid_until !== null && row.previous_valid_until > now;
  const versions = rows.map((version, index): VersionSummary => {
    const fingerprint = Buffer.from(version.fingerprint).toString('hex');
    const before = rows[index + 1];
    const previous = inGrace && version.number === row.previous_version;
    return {
      number: version.number,
      state: stateOf(version, row.current_version, previous),
      ...(previous && { validUntil: row.previous_valid_until ?? 0 }),
      origin: version.origin,
      createdAt: version.created_at,
      createdBy: version.created_by,
      size: version.size,
      fingerprint,
      sameAsBefore: before !== undefined && Buffer.from(before.fingerprint).toString('hex') === fingerprint,
    };
  });
  return { name: row.name, deletedAt: row.deleted_at, versions };
}

function stateOf(
  version: { readonly number: number; readonly activated_at: number | null },
  current: number,
  previous: boolean,
): VersionSummary['state'] {
  if (version.number === current) return 'current';
  if (previous) return 'previous';
  return version.activated_at === null ? 'issued' : 'retired';
}

export interface Difference {
  readonly name: string;
  readonly state: 'same' | 'different' | 'only-left' | 'only-right';
}

/** Compares two environments by name and fingerprint; opens nothing. */
export function* diffEnvironments(ctx: VaultContext, left: Place, right: Place): Operation<Difference[]> {
  const a = yield* listSecrets(ctx, left);
  const b = yield* listSecrets(ctx, right);
  const others = new Map(b.map((one) => [nameKey(one.name), one]));
  const differences: Difference[] = a.map((one) => {
    const other = others.get(nameKey(one.name));
    others.delete(nameKey(one.name));
    if (!other) return { name: one.name, state: 'only-left' };
    return { name: one.name, state: other.fingerprint === one.fingerprint ? 'same' : 'different' };
  });
  for (const one of others.values()) differences.push({ name: one.name, state: 'only-right' });
  return differences.sort((x, y) => (nameKey(x.name) < nameKey(y.name) ? -1 : 1));
}
