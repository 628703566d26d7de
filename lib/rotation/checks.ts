// Live checks of secrets that are in use: one, or all of an environment with a bounded number at a time. The last one of
// each is kept.
import type { SecretRule } from '../catalog/catalog.ts';
import { asUtf8 } from '../crypto/bytes.ts';
import { asked, callOf } from '../providers/ask.ts';
import type { Call, CheckResult, KeyKind } from '../providers/provider.ts';
import type { Held } from '../providers/providers.ts';
import { all, logTransaction, type Operation, outside, quietTransaction } from '../store/operation.ts';
import { putCheck, selectChecks } from '../store/statements/checks.ts';
import type { CheckStatus } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import { allSummaries } from '../vault/list.ts';
import type { Environment, Place } from '../vault/places.ts';
import { openCurrent } from '../vault/read.ts';
import type { SecretSummary } from '../vault/results.ts';
import { environmentPlace, liveSecret } from '../vault/write.ts';
import type { World } from './world.ts';

/** At most so many checks at a time, of all providers together. */
const AT_A_TIME = 16;

/** How a secret came out when its provider was asked. */
export interface LiveCheck {
  readonly name: string;
  readonly environment: string;
  readonly version: number;
  /** `unchecked` where nobody can be asked about it. */
  readonly status: CheckStatus | 'unchecked';
  readonly detail: string;
  readonly provider: string | null;
  readonly mode: 'test' | 'live' | null;
  /** When the provider will end it by itself, milliseconds since 1970. */
  readonly expiresAt: number | null;
  readonly tookMs: number;
  /** Milliseconds since 1970. */
  readonly checkedAt: number;
}

/** Keeps a result as the secret's last one. In the caller's transaction. */
export function* recordCheck(
  ctx: VaultContext,
  check: { readonly secretId: number; readonly version: number; readonly result: CheckResult; readonly tookMs: number },
): Operation<void> {
  const { secretId, version, result, tookMs } = check;
  yield* all(putCheck, {
    secretId,
    version,
    status: result.status,
    detail: result.detail,
    mode: result.mode ?? null,
    expiresAt: result.expiresAt ?? null,
    tookMs: Math.round(tookMs),
    now: ctx.clock(),
  });
}

interface Prepared {
  readonly summary: Pick<SecretSummary, 'id' | 'name' | 'version'>;
  readonly environment: Environment;
  readonly held: Held;
  readonly check: NonNullable<KeyKind['check']>;
  readonly call: Call;
  readonly value: string;
}

function unchecked(environment: Environment, name: string, version: number, why: string, now: number): LiveCheck {
  return {
    name,
    environment: environment.name,
    version,
    status: 'unchecked',
    detail: why,
    provider: null,
    mode: null,
    expiresAt: null,
    tookMs: 0,
    checkedAt: now,
  };
}

/** Asks about one secret now. @throws NotFoundError, AccessDeniedError */
export function* checkSecret(ctx: VaultContext, world: World, at: Place, name: string): Operation<LiveCheck> {
  const environment = ctx.environment(at);
  const row = yield* authorizedSecret(ctx, environment, name);
  const [checked] = yield* checkAll(ctx, world, environment, [
    { id: row.id, name: row.name, version: row.current_version, type: row.type, intervalDays: row.interval_days },
  ]);
  return checked ?? unchecked(environment, row.name, row.current_version, 'it was not asked about', ctx.clock());
}

function* authorizedSecret(ctx: VaultContext, environment: Environment, name: string) {
  const event = { action: 'secret.check', ...environmentPlace(environment), secret: name } as const;
  yield* ctx.authorize('validate', event);
  return yield* liveSecret(environment, name);
}

/** Asks about every secret of an environment that the caller may judge. Tells its progress to the context. */
export function* checkEnvironment(ctx: VaultContext, world: World, at: Place): Operation<LiveCheck[]> {
  const environment = ctx.environment(at);
  yield* ctx.authorize('validate', { action: 'secret.check', ...environmentPlace(environment) });
  const summaries = yield* allSummaries(environment);
  const mine = summaries.filter((one) => ctx.mayReach('validate', environment, one.name));
  return yield* checkAll(ctx, world, environment, mine);
}

type Asked = Pick<SecretSummary, 'id' | 'name' | 'version' | 'type' | 'intervalDays'>;

function* checkAll(
  ctx: VaultContext,
  world: World,
  environment: Environment,
  secrets: readonly Asked[],
): Operation<LiveCheck[]> {
  const prepared: Prepared[] = [];
  const done: LiveCheck[] = [];
  for (const summary of secrets) {
    const rule = ctx.catalog.rule(summary.name, summary);
    const held = world.live ? world.providers.of(rule) : undefined;
    const why = whyNot(world, rule, held);
    const check = held?.kind.check;
    if (why !== undefined || !held || !check) {
      done.push(unchecked(environment, summary.name, summary.version, why ?? '', ctx.clock()));
      continue;
    }
    const opened = yield* openCurrent(ctx, environment, summary.name);
    const value = asUtf8(opened.value);
    opened.value.fill(0);
    if (value === undefined)
      done.push(unchecked(environment, summary.name, summary.version, 'it is binary', ctx.clock()));
    else
      prepared.push({
        summary,
        environment,
        held,
        check,
        call: yield* callOf(ctx, world.providers, environment, held),
        value,
      });
  }
  yield* logTransaction(
    ctx.log(
      prepared.map(({ summary, held }) => ({
        action: 'secret.check',
        ...environmentPlace(environment),
        secret: summary.name,
        version: summary.version,
        details: { provider: held.provider.id },
      })),
    ),
  );
  const results = yield* outside(() => inTurns(prepared, (count) => ctx.onProgress(count, prepared.length)));
  yield* quietTransaction(
    (function* () {
      for (const { one, result, tookMs } of results) {
        yield* recordCheck(ctx, { secretId: one.summary.id, version: one.summary.version, result, tookMs });
      }
    })(),
  );
  for (const { one, result, tookMs } of results) done.push(liveCheck(one, result, tookMs, ctx.clock()));
  return done.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function whyNot(world: World, rule: SecretRule, held: Held | undefined): string | undefined {
  if (!world.live) return 'live checks are switched off';
  if (!held) {
    const ours = rule.type.name === 'jwt_secret' || rule.type.name === 'webhook_secret';
    return ours
      ? 'it is made here: only your own services know whether it works'
      : 'nobody is known who could be asked';
  }
  return held.kind.check ? undefined : `${held.provider.title} cannot be asked about a ${held.kind.title}`;
}

function liveCheck(one: Prepared, result: CheckResult, tookMs: number, now: number): LiveCheck {
  return {
    name: one.summary.name,
    environment: one.environment.name,
    version: one.summary.version,
    status: result.status,
    detail: result.detail,
    provider: one.held.provider.title,
    mode: result.mode ?? null,
    expiresAt: result.expiresAt ?? null,
    tookMs: Math.round(tookMs),
    checkedAt: now,
  };
}

interface Result {
  readonly one: Prepared;
  readonly result: CheckResult;
  readonly tookMs: number;
}

/** Runs checks side by side: each provider's own number at a time, and no more than sixteen in all. */
async function inTurns(prepared: readonly Prepared[], told: (done: number) => void): Promise<Result[]> {
  const results: Result[] = [];
  const running = new Map<string, number>();
  const waiting = [...prepared];
  let total = 0;
  const free = ({ held }: Prepared) => (running.get(held.provider.id) ?? 0) < held.provider.atATime;
  await new Promise<void>((resolve) => {
    const next = () => {
      if (results.length === prepared.length) resolve();
      while (total < AT_A_TIME) {
        const index = waiting.findIndex(free);
        const [one] = index < 0 ? [] : waiting.splice(index, 1);
        if (!one) return;
        const { id } = one.held.provider;
        total += 1;
        running.set(id, (running.get(id) ?? 0) + 1);
        void runOne(one).then((result) => {
          results.push(result);
          total -= 1;
          running.set(id, (running.get(id) ?? 1) - 1);
          told(results.length);
          next();
        });
      }
    };
    next();
  });
  return results;
}

async function runOne(one: Prepared): Promise<Result> {
  const started = performance.now();
  const result = await asked(one.held, () => one.check(one.call, one.value));
  return { one, result, tookMs: performance.now() - started };
}

/** The last checks of an environment, for those who may judge it. Asks nobody. */
export function* lastChecks(ctx: VaultContext, environment: Environment): Operation<LiveCheck[]> {
  const rows = yield* all(selectChecks, { environmentId: environment.id });
  return rows
    .filter((row) => ctx.mayReach('monitor', environment, row.name) || ctx.mayReach('validate', environment, row.name))
    .map((row) => ({
      name: row.name,
      environment: environment.name,
      version: row.version,
      status: row.status,
      detail: row.detail,
      provider: null,
      mode: row.mode,
      expiresAt: row.expires_at,
      tookMs: row.took_ms,
      checkedAt: row.checked_at,
    }));
}
