// Delivering what is queued for channels: at least once, each by itself, with growing pauses, and visible. A process that
// is killed between sending and noting it leaves a message that is sent again, under the same id.
import type { AlertsConfig } from '../config/operations.ts';
import { asBuffer, asUtf8 } from '../crypto/bytes.ts';
import type { Http } from '../providers/http.ts';
import { all, first, type Operation, outside, quietTransaction } from '../store/operation.ts';
import type { AlertDeliveryTable, AlertTable } from '../store/schema.ts';
import {
  claimAlertDelivery,
  moveAlertDelivery,
  selectAlertDeliveries,
  selectAlertDeliveriesDue,
} from '../store/statements/alerts.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Place } from '../vault/places.ts';
import { openForUse } from '../vault/read.ts';
import { enqueue } from './alert-book.ts';
import { type Channel, ChannelError, type Message } from './channels/channel.ts';
import { channelsOf } from './channels/channels.ts';

const CLAIM_MS = 60_000;
const FIRST_PAUSE_MS = 5_000;
const MOST_PAUSE_MS = 60 * 60_000;
/** With these pauses, about a day. */
const MOST_ATTEMPTS = 34;
const AT_ONCE = 100;

/** What alerts need of the world outside. */
export interface AlertWorld {
  readonly http: Http;
  readonly channels: readonly Channel[];
  /** Where the channels' own secrets are. */
  readonly secretsIn: Place;
  readonly againHours: number | undefined;
  readonly link: string | undefined;
  readonly print: (line: string) => void;
}

export function alertWorldOf(config: AlertsConfig, http: Http, at: Place, print: (line: string) => void): AlertWorld {
  return {
    http,
    channels: channelsOf(config.channels ?? {}),
    secretsIn: {
      project: config.secretsIn?.project ?? at.project,
      environment: config.secretsIn?.environment ?? at.environment,
    },
    againHours: config.againHours,
    link: config.link,
    print,
  };
}

/** Sends all that is due. @returns how many arrived, and how many did not */
export function* deliverAlerts(ctx: VaultContext, world: AlertWorld): Operation<{ delivered: number; failed: number }> {
  let delivered = 0;
  let failed = 0;
  for (const row of yield* all(selectAlertDeliveriesDue, { now: ctx.clock(), limit: AT_ONCE })) {
    const until = ctx.clock() + CLAIM_MS;
    const mine = yield* quietTransaction(
      first(claimAlertDelivery, { id: row.id, seenNextAt: row.next_at ?? 0, until }),
    );
    if (!mine) continue;
    const error = yield* send(ctx, world, row);
    yield* quietTransaction(noted(ctx, row, error));
    if (error === undefined) delivered += 1;
    else failed += 1;
  }
  return { delivered, failed };
}

/** @returns what was in the way; undefined where it has arrived */
function* send(ctx: VaultContext, world: AlertWorld, row: AlertDeliveryTable): Operation<ChannelError | undefined> {
  const channel = world.channels.find((one) => one.id === row.channel);
  if (!channel) return new ChannelError(`there is no channel ${row.channel} any more`, false);
  const message = JSON.parse(asBuffer(row.body).toString('utf8')) as Message;
  const secret = yield* secretOf(ctx, world, channel);
  if (secret === undefined) {
    const { project, environment } = world.secretsIn;
    return new ChannelError(`its secret ${channel.secret ?? ''} is not in ${project}/${environment}`, true);
  }
  const call = { http: world.http, secret, now: ctx.clock(), print: world.print };
  try {
    yield* outside(() => channel.send(call, message));
    return undefined;
  } catch (error) {
    if (error instanceof ChannelError) return error;
    // A library's own error may hold what was sent to it: only its name is kept.
    return new ChannelError(`it failed (${(error as Error).name})`, true);
  }
}

function* secretOf(ctx: VaultContext, world: AlertWorld, channel: Channel): Operation<string | undefined> {
  if (channel.secret === undefined) return '';
  const environment = ctx.environment(world.secretsIn);
  const opened = yield* openForUse(ctx, environment, channel.secret, `to alert by ${channel.id}`);
  const text = opened && asUtf8(opened.value);
  opened?.value.fill(0);
  return text;
}

function* noted(ctx: VaultContext, row: AlertDeliveryTable, error: ChannelError | undefined): Operation<void> {
  const now = ctx.clock();
  const attempts = row.attempts + 1;
  if (!error) {
    yield* all(moveAlertDelivery, {
      id: row.id,
      state: 'delivered',
      attempts,
      nextAt: null,
      error: null,
      endedAt: now,
    });
    return;
  }
  const givenUp = !error.passing || attempts >= MOST_ATTEMPTS;
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(attempts - 1, 20), MOST_PAUSE_MS);
  yield* all(moveAlertDelivery, {
    id: row.id,
    state: givenUp ? 'given-up' : 'waiting',
    attempts,
    nextAt: givenUp ? null : now + pause,
    error: error.message.slice(0, 300),
    endedAt: givenUp ? now : null,
  });
}

export interface DeliverySummary {
  readonly id: string;
  readonly alert: string | null;
  readonly channel: string;
  readonly event: AlertDeliveryTable['event'];
  readonly state: AlertDeliveryTable['state'];
  readonly attempts: number;
  readonly error: string | null;
  /** Milliseconds since 1970, like all that follows. */
  readonly createdAt: number;
  readonly nextAt: number | null;
  readonly endedAt: number | null;
}

/** The newest deliveries, whether they have arrived or not. */
export function* listDeliveries(ctx: VaultContext, limit: number): Operation<DeliverySummary[]> {
  yield* ctx.authorize('monitor', { action: 'alert.handle' });
  const rows = yield* all(selectAlertDeliveries, { limit });
  return rows.map((row) => ({
    id: row.id,
    alert: row.alert_id,
    channel: row.channel,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    error: row.error,
    createdAt: row.created_at,
    nextAt: row.next_at,
    endedAt: row.ended_at,
  }));
}

/** Sends a test message to channels, now. @returns how each took it */
export function* testChannels(
  ctx: VaultContext,
  world: AlertWorld,
  only: string | undefined,
): Operation<{ channel: string; title: string; error: string | null }[]> {
  yield* ctx.authorize('settings', { action: 'alert.test' });
  const chosen = world.channels.filter((one) => only === undefined || one.id === only);
  const alert = testAlert(ctx.clock());
  const results: { channel: string; title: string; error: string | null }[] = [];
  for (const channel of chosen) {
    const id = yield* quietTransaction(
      (function* () {
        yield* ctx.log([{ action: 'alert.test', details: { channel: channel.id } }]);
        return yield* enqueue(ctx, channel, { event: 'test', alert, link: undefined });
      })(),
    );
    yield* deliverAlerts(ctx, world);
    const rows = yield* all(selectAlertDeliveries, { limit: 1000 });
    const row = rows.find((one) => one.id === id);
    results.push({
      channel: channel.id,
      title: channel.title,
      error: row?.state === 'delivered' ? null : (row?.error ?? 'it waits'),
    });
  }
  return results;
}

function testAlert(now: number): AlertTable {
  const what = 'This is a test of the channel.';
  return messageOnly({ id: 'test', key: 'test', kind: 'test', what, mend: 'There is nothing to do.', now });
}

/** What is told by the channels though nothing is wrong: in the form of an alert, and kept as none. */
export function messageOnly(told: {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly what: string;
  readonly mend: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}): AlertTable {
  const { now, ...rest } = told;
  return {
    ...rest,
    severity: 'info',
    state: 'open',
    project: null,
    environment: null,
    secret: null,
    opened_at: now,
    seen_at: now,
    told_at: null,
    acknowledged_by: null,
    acknowledged_at: null,
    muted_until: null,
    mute_reason: null,
    resolved_at: null,
  };
}
