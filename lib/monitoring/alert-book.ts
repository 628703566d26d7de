// The alert book: one alert is open for one condition; it resolves by itself when the condition is gone. People
// acknowledge it, or mute it with a reason and an end. What channels are told is queued in the same transaction.
import { NotFoundError, UsageError } from '../errors.ts';
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import type { AlertTable } from '../store/schema.ts';
import {
  findAlert,
  handleAlert,
  insertAlert,
  insertAlertDelivery,
  resolveAlert,
  seeAlert,
  selectAlertsSince,
  selectOpenAlerts,
  tellAlert,
} from '../store/statements/alerts.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Channel, Message } from './channels/channel.ts';
import { isTold, isWorse } from './channels/channels.ts';
import type { Condition, Conditions } from './conditions.ts';

const HOUR_MS = 60 * 60_000;
const AGAIN_HOURS = 24;
const MOST_MUTE_MS = 365 * 24 * HOUR_MS;

export interface BookOptions {
  readonly channels: readonly Channel[];
  /** Hours after which an open alert is told again; 24 where not given, 0 for never. */
  readonly againHours?: number | undefined;
  /** The server's address, for links. */
  readonly link?: string | undefined;
}

export interface BookResult {
  readonly opened: number;
  readonly resolved: number;
  readonly open: number;
}

/** Brings the book up to date with the conditions of now, and queues what is to be told. One transaction. */
export function* updateBook(ctx: VaultContext, conditions: Conditions, options: BookOptions): Operation<BookResult> {
  return yield* quietTransaction(update(ctx, conditions, options));
}

function* update(ctx: VaultContext, conditions: Conditions, options: BookOptions): Operation<BookResult> {
  const before = new Map((yield* all(selectOpenAlerts, {})).map((row) => [row.key, row]));
  let opened = 0;
  for (const condition of conditions.found) {
    const row = before.get(condition.key);
    before.delete(condition.key);
    if (row) yield* see(ctx, row, condition, options);
    else if (yield* open(ctx, condition, options)) opened += 1;
  }
  let resolved = 0;
  for (const row of before.values()) {
    if (!(conditions.looked as ReadonlySet<string>).has(row.kind)) continue;
    if (yield* resolve(ctx, row, options)) resolved += 1;
  }
  return { opened, resolved, open: conditions.found.length };
}

function* open(ctx: VaultContext, condition: Condition, options: BookOptions): Operation<boolean> {
  const now = ctx.clock();
  const id = `alert-${ctx.random(6).toString('hex')}`;
  const made = yield* first(insertAlert, { ...condition, id, now });
  if (!made) return false;
  yield* ctx.log([
    {
      action: 'alert.open',
      ...(condition.project !== null && { project: condition.project }),
      ...(condition.environment !== null && { environment: condition.environment }),
      ...(condition.secret !== null && { secret: condition.secret }),
      details: { alert: id, kind: condition.kind, severity: condition.severity },
    },
  ]);
  const row = yield* first(findAlert, { id });
  if (row) yield* tell(ctx, row, 'fired', options);
  return true;
}

/** One that is open already: told again after a day, and at once where it has become worse or its mute has ended. */
function* see(ctx: VaultContext, row: AlertTable, condition: Condition, options: BookOptions): Operation<void> {
  const now = ctx.clock();
  const { severity, what, mend } = condition;
  yield* all(seeAlert, { id: row.id, severity, what, mend, now });
  const fresh = { ...row, severity, what, mend };
  if (row.state === 'muted') {
    if ((row.muted_until ?? 0) > now) return;
    yield* all(handleAlert, { id: row.id, state: 'open', by: null, at: null, mutedUntil: null, muteReason: null });
    yield* tell(ctx, fresh, 'again', options);
    return;
  }
  const worse = isWorse(severity, row.severity);
  if (row.state === 'acknowledged' && !worse) return;
  const againMs = (options.againHours ?? AGAIN_HOURS) * HOUR_MS;
  if (worse || (againMs > 0 && now - (row.told_at ?? row.opened_at) >= againMs))
    yield* tell(ctx, fresh, 'again', options);
}

function* resolve(ctx: VaultContext, row: AlertTable, options: BookOptions): Operation<boolean> {
  if (!(yield* first(resolveAlert, { id: row.id, now: ctx.clock() }))) return false;
  yield* ctx.log([{ action: 'alert.resolve', details: { alert: row.id, kind: row.kind } }]);
  // Who was never told that it is there need not be told that it is gone.
  if (row.told_at !== null && row.state !== 'muted') yield* tell(ctx, row, 'resolved', options);
  return true;
}

function* tell(
  ctx: VaultContext,
  row: AlertTable,
  event: 'fired' | 'again' | 'resolved',
  options: BookOptions,
): Operation<void> {
  const now = ctx.clock();
  for (const channel of options.channels.filter((one) => isTold(one, row.severity))) {
    yield* enqueue(ctx, channel, { event, alert: row, link: options.link });
  }
  yield* all(tellAlert, { id: row.id, now });
}

/** Queues a message to a channel. In the caller's transaction. @returns the delivery's id */
export function* enqueue(
  ctx: VaultContext,
  channel: Channel,
  told: { event: Message['event']; alert: AlertTable; link: string | undefined; file?: Message['file'] },
): Operation<string> {
  const { event, alert, link, file } = told;
  const id = `tell-${ctx.random(8).toString('hex')}`;
  const message: Message = {
    id,
    event,
    alert: {
      id: alert.id,
      key: alert.key,
      kind: alert.kind,
      severity: alert.severity,
      project: alert.project,
      environment: alert.environment,
      secret: alert.secret,
      what: alert.what,
      mend: alert.mend,
      openedAt: alert.opened_at,
    },
    ...(link !== undefined && {
      link: `${link.replace(/\/$/, '')}/${event === 'report' ? 'reports' : 'alerts'}/${alert.id}`,
    }),
    ...(file && { file }),
  };
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  const alertId = event === 'test' || event === 'report' ? null : alert.id;
  yield* all(insertAlertDelivery, { id, alertId, channel: channel.id, event, body, now: ctx.clock() });
  return id;
}

export interface AlertSummary {
  readonly id: string;
  readonly kind: string;
  readonly severity: AlertTable['severity'];
  readonly state: AlertTable['state'];
  readonly project: string | null;
  readonly environment: string | null;
  readonly secret: string | null;
  readonly what: string;
  readonly mend: string;
  /** Milliseconds since 1970, like all that follows. */
  readonly openedAt: number;
  readonly toldAt: number | null;
  readonly acknowledgedBy: string | null;
  readonly acknowledgedAt: number | null;
  readonly mutedUntil: number | null;
  readonly muteReason: string | null;
  readonly resolvedAt: number | null;
}

function summary(row: AlertTable): AlertSummary {
  return {
    id: row.id,
    kind: row.kind,
    severity: row.severity,
    state: row.state,
    project: row.project,
    environment: row.environment,
    secret: row.secret,
    what: row.what,
    mend: row.mend,
    openedAt: row.opened_at,
    toldAt: row.told_at,
    acknowledgedBy: row.acknowledged_by,
    acknowledgedAt: row.acknowledged_at,
    mutedUntil: row.muted_until,
    muteReason: row.mute_reason,
    resolvedAt: row.resolved_at,
  };
}

function placeOf(row: AlertTable): { project?: string; environment?: string } {
  return {
    ...(row.project !== null && { project: row.project }),
    ...(row.environment !== null && { environment: row.environment }),
  };
}

const SEVERITIES: readonly AlertTable['severity'][] = ['critical', 'high', 'medium', 'low', 'info'];

/** The open alerts that the caller may see (or all since a moment), the worst first. */
export function* listAlerts(ctx: VaultContext, since?: number): Operation<AlertSummary[]> {
  const rows =
    since === undefined ? yield* all(selectOpenAlerts, {}) : yield* all(selectAlertsSince, { since, limit: 1000 });
  return rows
    .filter((row) => ctx.access.denial('monitor', placeOf(row)) === undefined)
    .map(summary)
    .sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || b.openedAt - a.openedAt);
}

function* handled(
  ctx: VaultContext,
  id: string,
  to: { state: AlertTable['state']; mutedUntil: number | null; muteReason: string | null },
): Operation<AlertSummary> {
  const row = yield* first(findAlert, { id });
  if (!row || ctx.access.denial('monitor', placeOf(row)) !== undefined) {
    throw new NotFoundError('KT_NOT_FOUND', 'There is no such alert.', '`keyturn alerts` lists them.');
  }
  yield* ctx.authorize('rotate', { action: 'alert.handle', ...placeOf(row), details: { alert: id } });
  return yield* quietTransaction(
    (function* () {
      const open = to.state === 'open';
      const by = open ? null : ctx.principal;
      const done = yield* first(handleAlert, { id, by, at: open ? null : ctx.clock(), ...to });
      if (!done) throw new UsageError(`The alert ${id} is resolved.`, 'There is nothing left to handle.');
      yield* ctx.log([
        {
          action: 'alert.handle',
          ...placeOf(row),
          details: { alert: id, to: to.state, ...(to.muteReason !== null && { reason: to.muteReason }) },
        },
      ]);
      const now = yield* first(findAlert, { id });
      return summary(now ?? row);
    })(),
  );
}

/** Somebody has seen it and deals with it: it is not told again until it becomes worse. */
export function acknowledgeAlert(ctx: VaultContext, id: string): Operation<AlertSummary> {
  return handled(ctx, id, { state: 'acknowledged', mutedUntil: null, muteReason: null });
}

/** Nobody is told of it until a moment. @throws UsageError without a reason, or without an end within a year */
export function* muteAlert(ctx: VaultContext, id: string, until: number, reason: string): Operation<AlertSummary> {
  if (reason.trim() === '' || reason.length > 200)
    throw new UsageError('A mute needs a reason, of up to 200 characters.');
  const now = ctx.clock();
  if (until <= now || until > now + MOST_MUTE_MS) throw new UsageError('A mute needs an end, within a year from now.');
  return yield* handled(ctx, id, { state: 'muted', mutedUntil: until, muteReason: reason.trim() });
}

/** It counts as open again. */
export function reopenAlert(ctx: VaultContext, id: string): Operation<AlertSummary> {
  return handled(ctx, id, { state: 'open', mutedUntil: null, muteReason: null });
}
