// Who uses a secret (destinations, services, and what a provider knows of it), and what a rotation of it would do, without
// doing it.
import { all, first, type Operation } from '../store/operation.ts';
import { findCheck } from '../store/statements/checks.ts';
import { selectSecretDeliveries } from '../store/statements/deliveries.ts';
import type { CheckStatus, DeliveryState } from '../store/states.ts';
import { destinationsFor } from '../sync/deliver.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Place } from '../vault/places.ts';
import { environmentPlace, liveSecret } from '../vault/write.ts';
import { servicesFor } from './distribute.ts';
import type { Rotator } from './rotator.ts';
import type { World } from './world.ts';

export interface Uses {
  readonly name: string;
  readonly destinations: readonly {
    readonly id: string;
    readonly title: string;
    /** What it is called there. */
    readonly as: string;
    /** The version that is there; null where none was sent yet. */
    readonly version: number | null;
    readonly state: DeliveryState | 'not sent';
  }[];
  /** Programs that are asked whether they do well, before an old version ends. */
  readonly services: readonly string[];
  /** The last live check; null where there was none. */
  readonly lastCheck: {
    readonly version: number;
    readonly status: CheckStatus;
    readonly detail: string;
    /** Milliseconds since 1970. */
    readonly checkedAt: number;
  } | null;
}

/** @throws NotFoundError, AccessDeniedError */
export function* usesOf(ctx: VaultContext, world: World, at: Place, name: string): Operation<Uses> {
  const environment = ctx.environment(at);
  yield* ctx.authorize('list', { action: 'secret.history', ...environmentPlace(environment), secret: name });
  const secret = yield* liveSecret(environment, name);
  const rows = yield* all(selectSecretDeliveries, { secretId: secret.id });
  const check = yield* first(findCheck, { secretId: secret.id });
  return {
    name: secret.name,
    destinations: destinationsFor(world, environment, secret.name).map((one) => {
      const row = rows.find((each) => each.destination === one.id && each.ended_at === null);
      const { id, title } = one;
      return { id, title, as: one.nameOf(secret.name), version: row?.version ?? null, state: row?.state ?? 'not sent' };
    }),
    services: servicesFor(world, { environment, secret }).map((one) => one.id),
    lastCheck: check
      ? { version: check.version, status: check.status, detail: check.detail, checkedAt: check.checked_at }
      : null,
  };
}

export interface RotationPlan {
  readonly name: string;
  readonly environment: string;
  readonly fromVersion: number;
  /** Who makes the new value: `Keyturn`, a provider's title, or `a person`. */
  readonly maker: string;
  readonly byItself: boolean;
  /** Milliseconds for which the version before stays valid. */
  readonly graceMs: number;
  /** Where the new version would be brought. */
  readonly destinations: readonly string[];
  /** Who is asked whether they do well with it before the old one ends. */
  readonly services: readonly string[];
}

/**
 * What a rotation would do. Changes nothing, and asks nobody.
 * @param type the secret's type from then on; its own where not given
 * @throws NotFoundError, AccessDeniedError
 */
export function* rotationPlan(
  ctx: VaultContext,
  rotator: Rotator,
  world: World,
  input: Place & { readonly name: string; readonly graceMs?: number | undefined; readonly type?: string | undefined },
): Operation<RotationPlan> {
  const environment = ctx.environment(input);
  yield* ctx.authorize('rotate', { action: 'rotation.plan', ...environmentPlace(environment), secret: input.name });
  const secret = yield* liveSecret(environment, input.name);
  const type = input.type ?? secret.type;
  const rule = ctx.catalog.rule(secret.name, { type, intervalDays: secret.interval_days });
  const byItself = !rotator.needsPerson({ name: secret.name, type });
  const provider = rule.generate ? undefined : world.providers.of(rule)?.provider.title;
  return {
    name: secret.name,
    environment: environment.name,
    fromVersion: secret.current_version,
    maker: byItself ? (provider ?? 'Keyturn') : 'a person',
    byItself,
    graceMs: input.graceMs ?? rule.graceMs,
    destinations: destinationsFor(world, environment, secret.name).map((one) => one.title),
    services: servicesFor(world, { environment, secret }).map((one) => one.id),
  };
}
