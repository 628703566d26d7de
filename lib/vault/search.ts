// Finding secrets of an environment by part of a name, type and state, by their place in the order of names: what a table
// with a scrollbar needs.
import { ageOf } from '../catalog/age.ts';
import { nameKey } from '../catalog/catalog.ts';
import { all, first, logTransaction, type Operation } from '../store/operation.ts';
import { countFound, searchSecretsPage } from '../store/statements/secrets.ts';
import type { VaultContext } from './context.ts';
import { type AgedSecret, summaryOf, withAge } from './list.ts';
import type { Environment, Place } from './places.ts';
import type { SecretSummary } from './results.ts';

/** `grace`: the version before is still valid. `unused`: nobody has read it for 90 days. */
export const SECRET_STATES = ['any', 'overdue', 'due soon', 'grace', 'unused', 'deleted'] as const;
type SecretState = (typeof SECRET_STATES)[number];

export interface Search {
  /** Part of a name, without case; '' for all. */
  readonly text: string;
  /** '' for every type. */
  readonly type: string;
  readonly state: SecretState;
  readonly offset: number;
  readonly limit: number;
}

export interface Found {
  readonly secrets: readonly AgedSecret[];
  /** How many there are in all. */
  readonly total: number;
}

const UNUSED_MS = 90 * 24 * 60 * 60 * 1000;
/** So many are looked through in one statement where a state is asked for, which the database does not know. */
const PAGE = 1_000;

/** Names and facts only, and logged as one reading. @throws NotFoundError, AccessDeniedError */
export function* searchSecrets(ctx: VaultContext, at: Place, search: Search): Operation<Found> {
  const environment = ctx.environment(at);
  const event = { action: 'secret.list', project: environment.project, environment: environment.name } as const;
  yield* ctx.authorize('list', event);
  const found = yield* find(ctx, environment, search);
  const details = { count: found.secrets.length, ...(search.text !== '' && { search: search.text.slice(0, 200) }) };
  yield* logTransaction(ctx.log([{ ...event, details }]));
  return { total: found.total, secrets: found.secrets.map((one) => withAge(ctx, one)) };
}

function* find(
  ctx: VaultContext,
  environment: Environment,
  search: Search,
): Operation<{ secrets: SecretSummary[]; total: number }> {
  const where = {
    environmentId: environment.id,
    pattern: `%${nameKey(search.text).replace(/[\\%_]/g, '\\$&')}%`,
    type: search.type === '' ? '%' : search.type.replaceAll(/[\\%_]/g, '_'),
    deleted: search.state === 'deleted' ? 1 : 0,
  };
  const everyName = ctx.mayReach('list', environment, '\u0000');
  if (everyName && (search.state === 'any' || search.state === 'deleted')) {
    const { offset, limit } = search;
    const rows = yield* all(searchSecretsPage, { ...where, offset, limit });
    const counted = yield* first(countFound, where);
    return { secrets: rows.map((row) => summaryOf(environment, row)), total: Number(counted?.count ?? 0) };
  }
  return yield* lookThrough(ctx, environment, search, where);
}

/** What the database cannot tell, page by page. */
function* lookThrough(
  ctx: VaultContext,
  environment: Environment,
  search: Search,
  where: { environmentId: number; pattern: string; type: string; deleted: number },
): Operation<{ secrets: SecretSummary[]; total: number }> {
  const secrets: SecretSummary[] = [];
  let total = 0;
  for (let offset = 0; ; offset += PAGE) {
    const rows = yield* all(searchSecretsPage, { ...where, offset, limit: PAGE });
    for (const row of rows) {
      const one = summaryOf(environment, row);
      if (!ctx.mayReach('list', environment, one.name) || !isIn(ctx, search.state, one)) continue;
      if (total >= search.offset && secrets.length < search.limit) secrets.push(one);
      total += 1;
    }
    if (rows.length < PAGE) return { secrets, total };
  }
}

function isIn(ctx: VaultContext, state: SecretState, one: SecretSummary): boolean {
  const now = ctx.clock();
  if (state === 'any' || state === 'deleted') return true;
  if (state === 'grace') return (one.previousValidUntil ?? 0) > now;
  if (state === 'unused') return now - (one.lastReadAt ?? one.rotatedAt) > UNUSED_MS;
  return ageOf(ctx.catalog.rule(one.name, one), one.rotatedAt, now).state === state;
}
