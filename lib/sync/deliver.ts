// Bringing a version to a destination, step by durable step: sent, deployed, seen. What is in the way is kept with it and
// tried again; a killed process leaves a delivery that the next one takes up.
import { asUtf8 } from '../crypto/bytes.ts';
import type { Http } from '../providers/http.ts';
import { all, first, type Operation, outside, quietTransaction } from '../store/operation.ts';
import type { DeliveryTable } from '../store/schema.ts';
import { endOlderDeliveries, findDelivery, moveDelivery, putDelivery } from '../store/statements/deliveries.ts';
import type { DeliveryState } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment } from '../vault/places.ts';
import { openForUse, openNumbered } from '../vault/read.ts';
import { environmentPlace } from '../vault/write.ts';
import { type Destination, type Remote, type SyncCall, SyncError } from './destination.ts';
import { type Seen, seenBy } from './probe.ts';

const FIRST_PAUSE_MS = 5_000;
const MOST_PAUSE_MS = 10 * 60_000;
/** So many times in a row (over about an hour) a destination may be away. */
const MOST_ATTEMPTS = 12;
/** How long (ms) a deployment may take to be ready and seen. */
const DEPLOY_MS = 45 * 60_000;
const LOOK_MS = 5_000;

export interface Senders {
  readonly http: Http;
  readonly destinations: readonly Destination[];
}

/** A secret on its way. */
export interface Parcel {
  readonly secretId: number;
  readonly name: string;
  readonly environment: Environment;
  readonly version: number;
}

/** The destinations that a secret is sent to. */
export function destinationsFor(senders: Senders, environment: Environment, name: string): Destination[] {
  return senders.destinations.filter(
    ({ from, takes }) =>
      from.project.toUpperCase() === environment.project.toUpperCase() &&
      from.environment.toUpperCase() === environment.name.toUpperCase() &&
      takes(name),
  );
}

/** Doubling, up to ten minutes. @param attempts how often it has failed */
function pauseAfter(attempts: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (attempts - 1), MOST_PAUSE_MS);
}

/** What is needed to talk to a destination. @throws SyncError where its credential is not in the vault */
export function* callTo(ctx: VaultContext, senders: Senders, destination: Destination): Operation<SyncCall> {
  const now = ctx.clock();
  if (destination.credential === undefined) return { http: senders.http, credential: '', now };
  const environment = ctx.environment(destination.from);
  const opened = yield* openForUse(ctx, environment, destination.credential, `to send to ${destination.id}`);
  const credential = opened && asUtf8(opened.value);
  opened?.value.fill(0);
  if (credential !== undefined) return { http: senders.http, credential, now };
  const where = `${environment.project}/${environment.name}`;
  throw new SyncError(`${destination.id}: its credential ${destination.credential} is not in ${where}`, false);
}

/** What a step of a delivery came to: the row as it is now. */
export type Delivery = { readonly [Column in keyof DeliveryTable]: DeliveryTable[Column] };

function* rowOf(destination: Destination, parcel: Parcel): Operation<Delivery> {
  const find = { destination: destination.id, secretId: parcel.secretId, version: parcel.version };
  const row = yield* first(findDelivery, find);
  if (row && row.ended_at === null && row.state !== 'failed') return row;
  yield* quietTransaction(all(putDelivery, { ...find, state: 'waiting' }));
  const made = yield* first(findDelivery, find);
  if (!made) throw new TypeError('a delivery that was just written is not there');
  return made;
}

interface Change {
  readonly state: DeliveryState;
  readonly remote?: Remote;
  readonly error?: string | null;
  readonly attempts?: number;
  readonly nextAt?: number | null;
  readonly pushedAt?: number;
  readonly liveAt?: number;
}

function* move(ctx: VaultContext, parcel: Parcel, row: Delivery, change: Change): Operation<Delivery> {
  const { destination, secret_id: secretId, version } = row;
  const remote = change.remote === undefined ? row.remote : JSON.stringify(change.remote);
  const now = ctx.clock();
  return yield* quietTransaction(
    (function* () {
      yield* all(moveDelivery, {
        destination,
        secretId,
        version,
        state: change.state,
        remote,
        error: change.error ?? null,
        attempts: change.attempts ?? 0,
        nextAt: change.nextAt ?? null,
        pushedAt: change.pushedAt ?? row.pushed_at,
        liveAt: change.liveAt ?? row.live_at,
        endedAt: null,
      });
      if (change.state === 'live') yield* all(endOlderDeliveries, { destination, secretId, version, now });
      if (change.state !== row.state) {
        yield* ctx.log([
          {
            action: 'secret.deliver',
            ...environmentPlace(parcel.environment),
            secret: parcel.name,
            version,
            outcome: change.state === 'failed' ? 'failed' : 'ok',
            details: { destination, state: change.state, ...(change.error && { error: change.error }) },
          },
        ]);
      }
      const moved = yield* first(findDelivery, { destination, secretId, version });
      return moved ?? row;
    })(),
  );
}

/** A step that did not succeed: tried again later, or given up. */
function* stopped(ctx: VaultContext, parcel: Parcel, row: Delivery, error: SyncError): Operation<Delivery> {
  const attempts = row.attempts + 1;
  if (!error.passing || attempts >= MOST_ATTEMPTS) {
    return yield* move(ctx, parcel, row, { state: 'failed', error: error.message, attempts });
  }
  const nextAt = ctx.clock() + pauseAfter(attempts);
  return yield* move(ctx, parcel, row, { state: row.state, error: error.message, attempts, nextAt });
}

/**
 * Brings a version as far as it gets now: to `live`, or to where a deployment or a destination has to be waited for
 * (`next_at` says until when), or to `failed`.
 * @param eager true to try also what was put off
 */
export function* deliver(
  ctx: VaultContext,
  senders: Senders,
  destination: Destination,
  parcel: Parcel,
  eager = false,
): Operation<Delivery> {
  let row = yield* rowOf(destination, parcel);
  for (;;) {
    if (row.state === 'live') return row;
    if (!eager && (row.next_at ?? 0) > ctx.clock()) return row;
    const before: Delivery = row;
    try {
      const call = yield* callTo(ctx, senders, destination);
      row =
        row.state === 'waiting'
          ? yield* push(ctx, destination, parcel, row, call)
          : yield* settle(ctx, senders, destination, parcel, row, call);
    } catch (error) {
      if (!(error instanceof SyncError)) throw error;
      return yield* stopped(ctx, parcel, row, error);
    }
    if (row.state === before.state || row.state === 'failed') return row;
  }
}

function* push(
  ctx: VaultContext,
  destination: Destination,
  parcel: Parcel,
  row: Delivery,
  call: SyncCall,
): Operation<Delivery> {
  const name = destination.nameOf(parcel.name);
  const value = yield* textOf(ctx, parcel);
  const remote = yield* outside(() => destination.push(call, { name, value }, remoteOf(row)));
  const pushedAt = ctx.clock();
  return yield* move(ctx, parcel, row, { state: 'pushed', remote, pushedAt });
}

function* textOf(ctx: VaultContext, parcel: Parcel): Operation<string> {
  const opened = yield* openNumbered(ctx, parcel.environment, parcel.name, parcel.version);
  const text = asUtf8(opened.value);
  opened.value.fill(0);
  if (text !== undefined) return text;
  throw new SyncError(`${parcel.name} is binary: no destination takes that`, false);
}

function remoteOf(row: Delivery): Remote | undefined {
  return row.remote === null ? undefined : (JSON.parse(row.remote) as Remote);
}

function* settle(
  ctx: VaultContext,
  senders: Senders,
  destination: Destination,
  parcel: Parcel,
  row: Delivery,
  call: SyncCall,
): Operation<Delivery> {
  const now = ctx.clock();
  const remote = remoteOf(row) ?? {};
  const progress = destination.settle ? yield* outside(async () => destination.settle?.(call, remote)) : undefined;
  if (progress?.state === 'failed') throw new SyncError(progress.why, false);
  const late = now - (row.pushed_at ?? now) > DEPLOY_MS;
  if (progress?.state === 'deploying') {
    if (late) throw new SyncError('the deployment has not become ready in 45 minutes', false);
    return yield* move(ctx, parcel, row, {
      state: 'deploying',
      remote: progress.remote,
      nextAt: now + progress.afterMs,
    });
  }
  const seen = yield* look(ctx, senders, destination, parcel);
  if (seen === 'new') return yield* move(ctx, parcel, row, { state: 'live', liveAt: now });
  if (late) throw new SyncError('the application has not been seen to use the new version in 45 minutes', false);
  const error =
    seen === 'other'
      ? 'the application still uses another version'
      : 'the application does not say which version it uses';
  return yield* move(ctx, parcel, row, { state: 'deploying', error, nextAt: now + LOOK_MS });
}

/** Without anybody to ask, being ready is as much as can be known. */
function* look(ctx: VaultContext, senders: Senders, destination: Destination, parcel: Parcel): Operation<Seen> {
  const { probe } = destination;
  if (!probe) return 'new';
  const environment = ctx.environment(destination.from);
  return yield* askApplication(ctx, senders.http, environment, parcel, {
    url: probe.url,
    key: probe.key,
    name: destination.nameOf(parcel.name),
  });
}

/** Asks a running application whether it uses a version. @throws SyncError where the probe key is not in the vault */
export function* askApplication(
  ctx: VaultContext,
  http: Http,
  environment: Environment,
  parcel: Parcel,
  probe: { readonly url: string; readonly key: string; readonly name: string },
): Operation<Seen> {
  const opened = yield* openForUse(ctx, environment, probe.key, `to ask the application at ${new URL(probe.url).host}`);
  const key = opened && asUtf8(opened.value);
  opened?.value.fill(0);
  if (key === undefined) throw new SyncError(`the probe key ${probe.key} is not in ${environment.name}`, false);
  const value = yield* textOf(ctx, parcel);
  const nonce = ctx.random(18).toString('base64url');
  return yield* outside(() => seenBy(http, { url: probe.url, key, name: probe.name, value, now: ctx.clock(), nonce }));
}
