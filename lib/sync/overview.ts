// Looking after destinations: what is where, sending it there, comparing what is there with what was sent, and taking
// away, only when asked, what Keyturn once put there and nobody wants there any more.
import { asUtf8 } from '../crypto/bytes.ts';
import { NotFoundError, RotationError, UsageError } from '../errors.ts';
import { all, type Operation, outside, quietTransaction } from '../store/operation.ts';
import { endDelivery, selectDestination, touchDelivery } from '../store/statements/deliveries.ts';
import type { DeliveryState } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import { allSummaries } from '../vault/list.ts';
import { openNumbered } from '../vault/read.ts';
import { environmentPlace } from '../vault/write.ts';
import { callTo, type Delivery, deliver, type Senders } from './deliver.ts';
import { type Destination, type Drift, type Remote, SyncError } from './destination.ts';

/** How one secret is at one destination. */
export interface PlacedSecret {
  readonly name: string;
  /** What it is called there. */
  readonly as: string;
  /** The version in use in the vault. */
  readonly version: number;
  /** The version that is (or is on its way) there; null where none was sent yet. */
  readonly sent: number | null;
  readonly state: DeliveryState | 'not sent';
  readonly error: string | null;
  /** Milliseconds since 1970. */
  readonly pushedAt: number | null;
  readonly liveAt: number | null;
  readonly checkedAt: number | null;
}

export interface DestinationStatus {
  readonly id: string;
  readonly kind: Destination['kind'];
  readonly title: string;
  readonly project: string;
  readonly environment: string;
  /** Whether the running application is asked which version it uses. */
  readonly observed: boolean;
  readonly secrets: readonly PlacedSecret[];
}

/** @throws NotFoundError for a destination that is not declared */
export function destinationOf(senders: Senders, id: string): Destination {
  const found = senders.destinations.find((one) => one.id === id);
  if (found) return found;
  const known = senders.destinations.map((one) => one.id).join(', ');
  const next =
    known === '' ? 'Declare one in keyturn.config.ts: docs/destinations.md shows each kind.' : `There are: ${known}.`;
  throw new NotFoundError('KT_NOT_FOUND', `There is no destination ${id}.`, next);
}

/** What is at a destination, as far as Keyturn knows; asks nobody. */
export function* destinationStatus(ctx: VaultContext, destination: Destination): Operation<DestinationStatus> {
  const environment = ctx.environment(destination.from);
  const where = environmentPlace(environment);
  yield* ctx.authorize('list', { action: 'destination.check', ...where });
  const rows = yield* all(selectDestination, { destination: destination.id });
  const secrets: PlacedSecret[] = [];
  for (const one of yield* allSummaries(environment)) {
    if (!destination.takes(one.name) || !ctx.mayReach('list', environment, one.name)) continue;
    const row = rows.find((each) => each.secret_id === one.id && each.ended_at === null);
    secrets.push({
      name: one.name,
      as: destination.nameOf(one.name),
      version: one.version,
      sent: row?.version ?? null,
      state: row?.state ?? 'not sent',
      error: row?.error ?? null,
      pushedAt: row?.pushed_at ?? null,
      liveAt: row?.live_at ?? null,
      checkedAt: row?.checked_at ?? null,
    });
  }
  const { id, kind, title, probe } = destination;
  return { id, kind, title, ...where, observed: probe !== undefined, secrets };
}

/**
 * Sends the versions in use to a destination, and brings on what is on its way there.
 * @param names all that it takes where not given
 * @param again true to send also what is believed to be there
 */
export function* pushTo(
  ctx: VaultContext,
  senders: Senders,
  destination: Destination,
  names: readonly string[] = [],
  again = false,
): Operation<Delivery[]> {
  const environment = ctx.environment(destination.from);
  const wanted = new Set(names.map((one) => one.toUpperCase()));
  const taken = (yield* allSummaries(environment)).filter((one) => destination.takes(one.name));
  const missing = names.filter((name) => !taken.some((one) => one.name.toUpperCase() === name.toUpperCase()));
  if (missing.length > 0) {
    throw new UsageError(
      `${destination.id} does not take ${missing.join(', ')}.`,
      'Its `secrets` in keyturn.config.ts say what it takes.',
    );
  }
  const sent: Delivery[] = [];
  const chosen = taken.filter((one) => wanted.size === 0 || wanted.has(one.name.toUpperCase()));
  for (const [index, one] of chosen.entries()) {
    ctx.onProgress(index, chosen.length);
    yield* ctx.authorize('rotate', { action: 'secret.deliver', ...environmentPlace(environment), secret: one.name });
    if (again) {
      const ended = { destination: destination.id, secretId: one.id, version: one.version, now: ctx.clock() };
      yield* quietTransaction(all(endDelivery, ended));
    }
    const parcel = { secretId: one.id, name: one.name, environment, version: one.version };
    sent.push(yield* deliver(ctx, senders, destination, parcel, true));
  }
  return sent;
}

export interface DriftLine {
  readonly name: string;
  readonly as: string;
  readonly drift: Drift;
}

const DRIFT_WORDS: Readonly<Record<Drift, string | null>> = {
  same: null,
  unknown: null,
  different: 'it was changed there',
  missing: 'it is not there any more',
};

/** Compares what is at a destination with what was sent there, and keeps what was seen. @throws SyncError */
export function* checkDrift(ctx: VaultContext, senders: Senders, destination: Destination): Operation<DriftLine[]> {
  const environment = ctx.environment(destination.from);
  yield* ctx.authorize('validate', { action: 'destination.check', ...environmentPlace(environment) });
  const rows = (yield* all(selectDestination, { destination: destination.id })).filter(
    (row) => row.ended_at === null && row.deleted_at === null && (row.state === 'live' || row.state === 'drifted'),
  );
  const items: { name: string; value: string; remote: Remote | undefined }[] = [];
  for (const row of rows) {
    const opened = yield* openNumbered(ctx, environment, row.name, row.version);
    const value = asUtf8(opened.value) ?? '';
    opened.value.fill(0);
    const remote = row.remote === null ? undefined : (JSON.parse(row.remote) as Remote);
    items.push({ name: destination.nameOf(row.name), value, remote });
  }
  const call = yield* callTo(ctx, senders, destination);
  const compared = yield* outside(() => destination.compare(call, items));
  const now = ctx.clock();
  const lines: DriftLine[] = [];
  yield* quietTransaction(
    (function* () {
      for (const row of rows) {
        const as = destination.nameOf(row.name);
        const drift = compared.get(as) ?? 'unknown';
        const error = DRIFT_WORDS[drift];
        const state = error === null ? 'live' : 'drifted';
        const { destination: id, secret_id: secretId, version } = row;
        yield* all(touchDelivery, { destination: id, secretId, version, state, error, now });
        lines.push({ name: row.name, as, drift });
      }
      const drifted = lines.filter((one) => DRIFT_WORDS[one.drift] !== null).length;
      const details = { destination: destination.id, compared: lines.length, drifted };
      yield* ctx.log([{ action: 'destination.check', ...environmentPlace(environment), details }]);
    })(),
  );
  return lines;
}

/**
 * Takes away what Keyturn once put at a destination and does not send there any more: deleted secrets, and names that its
 * declaration does not take now. What somebody else put there is never touched.
 * @param dryRun true to say only what would go
 * @throws SyncError
 */
export function* prune(
  ctx: VaultContext,
  senders: Senders,
  destination: Destination,
  dryRun: boolean,
): Operation<string[]> {
  const environment = ctx.environment(destination.from);
  yield* ctx.authorize('delete', { action: 'destination.prune', ...environmentPlace(environment) });
  const rows = yield* all(selectDestination, { destination: destination.id });
  const wanted = new Set(
    (yield* allSummaries(environment))
      .filter((one) => destination.takes(one.name))
      .map((one) => destination.nameOf(one.name).toUpperCase()),
  );
  const call = yield* callTo(ctx, senders, destination);
  const there = new Set((yield* outside(() => destination.list(call))).map((one) => one.toUpperCase()));
  const gone = rows.filter((row) => {
    const as = destination.nameOf(row.name).toUpperCase();
    return row.pushed_at !== null && row.state !== 'removed' && !wanted.has(as) && there.has(as);
  });
  const names = [...new Set(gone.map((row) => destination.nameOf(row.name)))];
  if (dryRun) return names;
  for (const name of names) yield* outside(() => destination.remove(call, name));
  yield* quietTransaction(
    (function* () {
      for (const row of gone) {
        const { destination: id, secret_id: secretId, version } = row;
        const now = ctx.clock();
        yield* all(endDelivery, { destination: id, secretId, version, now });
        yield* all(touchDelivery, { destination: id, secretId, version, state: 'removed', error: null, now });
      }
      const details = { destination: destination.id, removed: names.join(',') };
      yield* ctx.log([{ action: 'destination.prune', ...environmentPlace(environment), details }]);
    })(),
  );
  return names;
}

/** A destination's own failure as an error of ours; anything else as it is. */
export function asOurs(error: unknown): unknown {
  if (!(error instanceof SyncError)) return error;
  const left = 'What is there was left as it is.';
  return new RotationError({ what: `${error.message}.`, left, next: 'Correct the cause and try again.' });
}
