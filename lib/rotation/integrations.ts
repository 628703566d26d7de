// The integrations of an environment: provider by provider, what of it is there, whether it works, and what is still wanted.
import { nameKey } from '../catalog/catalog.ts';
import type { KnownSecret } from '../catalog/known-secrets.ts';
import type { Provider } from '../providers/provider.ts';
import { all, first, logTransaction, type Operation } from '../store/operation.ts';
import { selectChecks } from '../store/statements/checks.ts';
import { findSummary } from '../store/statements/secrets.ts';
import type { CheckStatus } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import { summaryOf } from '../vault/list.ts';
import type { Environment, Place } from '../vault/places.ts';
import type { SecretSummary } from '../vault/results.ts';
import { environmentPlace } from '../vault/write.ts';
import type { World } from './world.ts';

/** The last live check of a field's version in use. */
interface FieldCheck {
  readonly status: CheckStatus;
  readonly detail: string;
  readonly mode: 'test' | 'live' | null;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
  /** When the provider will end it by itself. */
  readonly expiresAt: number | null;
}

interface IntegrationField {
  readonly name: string;
  readonly type: string;
  readonly purpose: string;
  /** May be left away. */
  readonly optional: boolean;
  /** False for a setting that is not secret. */
  readonly secret: boolean;
  /** The provider's page where a person makes one. */
  readonly page: string | null;
  /** What a value looks like, in words. */
  readonly formats: readonly string[];
  /** Whether the provider can be asked about it. */
  readonly checkable: boolean;
  readonly current: SecretSummary | null;
  readonly check: FieldCheck | null;
}

/**
 * `connected`: every key that can be asked about was accepted; `failing`: one was not; `unreachable`: its provider did not
 * answer, or not now; `unchecked`: nobody has asked yet, or
 * nobody can; `incomplete`: something that is wanted is not there; `empty`: nothing is there.
 */
type IntegrationStatus = 'connected' | 'failing' | 'unreachable' | 'unchecked' | 'incomplete' | 'empty';

export interface Integration {
  readonly id: string;
  readonly title: string;
  readonly docs: string | null;
  readonly status: IntegrationStatus;
  /** When its provider was asked last. */
  readonly checkedAt: number | null;
  /** The first of its keys to end. */
  readonly expiresAt: number | null;
  readonly fields: readonly IntegrationField[];
}

type Checks = ReadonlyMap<number, FieldCheck & { readonly version: number }>;

/** @throws NotFoundError, AccessDeniedError */
export function* listIntegrations(ctx: VaultContext, world: World, at: Place): Operation<Integration[]> {
  const environment = ctx.environment(at);
  const event = { action: 'secret.list', ...environmentPlace(environment) } as const;
  yield* ctx.authorize('list', event);
  const present = yield* knownSecrets(ctx, environment);
  const checks = yield* checksOf(environment);
  yield* logTransaction(ctx.log([{ ...event, details: { integrations: true } }]));
  const providers = new Map(world.providers.all.map((one) => [one.title.toLowerCase(), one]));
  const groups = new Map<string, IntegrationField[]>();
  for (const field of fieldsOf(ctx, world, present, checks)) {
    const id = field.provider.toLowerCase();
    groups.set(id, [...(groups.get(id) ?? []), field.field]);
  }
  const titles = new Map(
    ctx.catalog.known.flatMap(({ provider }) => (provider ? [[provider.toLowerCase(), provider]] : [])),
  );
  return [...groups].map(([id, fields]) => integrationOf(id, titles.get(id) ?? id, providers.get(id), fields));
}

/** Those of the catalogue's names that are there: a look-up each, however many other secrets there are. */
function* knownSecrets(ctx: VaultContext, environment: Environment): Operation<SecretSummary[]> {
  const found: SecretSummary[] = [];
  for (const { name, provider } of ctx.catalog.known) {
    if (provider === undefined || !ctx.mayReach('list', environment, name)) continue;
    const row = yield* first(findSummary, { environmentId: environment.id, nameKey: nameKey(name) });
    if (row) found.push(summaryOf(environment, row));
  }
  return found;
}

function* checksOf(environment: Environment): Operation<Checks> {
  const rows = yield* all(selectChecks, { environmentId: environment.id });
  return new Map(
    rows.map((row) => [
      row.secret_id,
      {
        version: row.version,
        status: row.status,
        detail: row.detail,
        mode: row.mode,
        checkedAt: row.checked_at,
        expiresAt: row.expires_at,
      },
    ]),
  );
}

/** Every name of the catalogue that belongs to a provider, whether it is there or not. */
function fieldsOf(
  ctx: VaultContext,
  world: World,
  present: readonly SecretSummary[],
  checks: Checks,
): { provider: string; field: IntegrationField }[] {
  const byName = new Map(present.map((one) => [nameKey(one.name), one]));
  return ctx.catalog.known.flatMap((known) => {
    if (known.provider === undefined) return [];
    const current = byName.get(nameKey(known.name)) ?? null;
    return [{ provider: known.provider, field: fieldOf(ctx, world, known, current, checks) }];
  });
}

function fieldOf(
  ctx: VaultContext,
  world: World,
  known: KnownSecret,
  current: SecretSummary | null,
  checks: Checks,
): IntegrationField {
  const rule = ctx.catalog.rule(known.name, current ?? { type: known.type });
  const check = current ? checks.get(current.id) : undefined;
  return {
    name: current?.name ?? known.name,
    type: current?.type ?? known.type,
    purpose: known.purpose,
    optional: known.group !== 'critical',
    secret: known.secret !== false,
    page: known.page ?? null,
    formats: (known.formats ?? []).map((one) => one.words),
    checkable: world.providers.of(rule)?.kind.check !== undefined,
    current,
    // What was found about another version says nothing of this one.
    check: check && check.version === current?.version ? withoutVersion(check) : null,
  };
}

function withoutVersion({ version: _, ...check }: FieldCheck & { version: number }): FieldCheck {
  return check;
}

function integrationOf(
  id: string,
  title: string,
  provider: Provider | undefined,
  fields: readonly IntegrationField[],
): Integration {
  const moments = fields.flatMap((one) => (one.check ? [one.check.checkedAt] : []));
  const ends = fields.flatMap((one) => (one.check?.expiresAt ? [one.check.expiresAt] : []));
  return {
    id,
    title,
    docs: provider?.docs ?? fields.find((one) => one.page)?.page ?? null,
    status: statusOf(fields),
    checkedAt: moments.length > 0 ? Math.max(...moments) : null,
    expiresAt: ends.length > 0 ? Math.min(...ends) : null,
    fields,
  };
}

function statusOf(fields: readonly IntegrationField[]): IntegrationStatus {
  const present = fields.filter((one) => one.current);
  if (present.length === 0) return 'empty';
  if (present.some((one) => one.check?.status === 'refused')) return 'failing';
  if (fields.some((one) => !one.optional && !one.current)) return 'incomplete';
  const asked = present.filter((one) => one.checkable);
  const accepted = asked.every((one) => one.check?.status === 'valid' || one.check?.status === 'restricted');
  if (asked.length > 0 && accepted) return 'connected';
  const away = asked.some((one) => one.check?.status === 'unreachable' || one.check?.status === 'throttled');
  return away ? 'unreachable' : 'unchecked';
}
