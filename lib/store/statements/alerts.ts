// Statements on alerts and what is told of them.
import type { AlertTable } from '../schema.ts';
import { statement } from '../statement.ts';
import type { AlertEvent } from '../states.ts';

export const insertAlert = statement(
  'insertAlert',
  (
    db,
    p: {
      id: string;
      key: string;
      kind: string;
      severity: AlertTable['severity'];
      project: string | null;
      environment: string | null;
      secret: string | null;
      what: string;
      mend: string;
      now: number;
    },
  ) =>
    db
      .insertInto('alerts')
      .values({
        id: p.id,
        key: p.key,
        kind: p.kind,
        severity: p.severity,
        state: 'open',
        project: p.project,
        environment: p.environment,
        secret: p.secret,
        what: p.what,
        mend: p.mend,
        opened_at: p.now,
        seen_at: p.now,
        told_at: null,
      })
      .onConflict((c) => c.doNothing())
      .returning('id'),
);

export const selectOpenAlerts = statement('selectOpenAlerts', (db, _: Record<string, never>) =>
  db.selectFrom('alerts').selectAll().where('resolved_at', 'is', null).orderBy('opened_at', 'desc'),
);

export const selectAlertsSince = statement('selectAlertsSince', (db, p: { since: number; limit: number }) =>
  db.selectFrom('alerts').selectAll().where('opened_at', '>=', p.since).orderBy('opened_at', 'desc').limit(p.limit),
);

export const findAlert = statement('findAlert', (db, p: { id: string }) =>
  db.selectFrom('alerts').selectAll().where('id', '=', p.id),
);

export const seeAlert = statement(
  'seeAlert',
  (db, p: { id: string; severity: AlertTable['severity']; what: string; mend: string; now: number }) =>
    db
      .updateTable('alerts')
      .set({ severity: p.severity, what: p.what, mend: p.mend, seen_at: p.now })
      .where('id', '=', p.id),
);

export const tellAlert = statement('tellAlert', (db, p: { id: string; now: number }) =>
  db.updateTable('alerts').set({ told_at: p.now }).where('id', '=', p.id),
);

export const resolveAlert = statement('resolveAlert', (db, p: { id: string; now: number }) =>
  db
    .updateTable('alerts')
    .set({ state: 'resolved', resolved_at: p.now })
    .where('id', '=', p.id)
    .where('resolved_at', 'is', null)
    .returning('id'),
);

export const handleAlert = statement(
  'handleAlert',
  (
    db,
    p: {
      id: string;
      state: AlertTable['state'];
      by: string | null;
      at: number | null;
      mutedUntil: number | null;
      muteReason: string | null;
    },
  ) =>
    db
      .updateTable('alerts')
      .set({
        state: p.state,
        acknowledged_by: p.by,
        acknowledged_at: p.at,
        muted_until: p.mutedUntil,
        mute_reason: p.muteReason,
      })
      .where('id', '=', p.id)
      .where('resolved_at', 'is', null)
      .returning('id'),
);

export const insertAlertDelivery = statement(
  'insertAlertDelivery',
  (
    db,
    p: {
      id: string;
      alertId: string | null;
      channel: string;
      event: AlertEvent;
      body: Uint8Array;
      now: number;
    },
  ) =>
    db.insertInto('alert_deliveries').values({
      id: p.id,
      alert_id: p.alertId,
      channel: p.channel,
      event: p.event,
      body: p.body,
      state: 'waiting',
      attempts: 0,
      next_at: p.now,
      created_at: p.now,
    }),
);

export const selectAlertDeliveriesDue = statement('selectAlertDeliveriesDue', (db, p: { now: number; limit: number }) =>
  db
    .selectFrom('alert_deliveries')
    .selectAll()
    .where('state', '=', 'waiting')
    .where('next_at', '<=', p.now)
    .orderBy('next_at')
    .orderBy('id')
    .limit(p.limit),
);

/** Takes a delivery for a while; gives no row where somebody else has it. */
export const claimAlertDelivery = statement(
  'claimAlertDelivery',
  (db, p: { id: string; seenNextAt: number; until: number }) =>
    db
      .updateTable('alert_deliveries')
      .set({ next_at: p.until })
      .where('id', '=', p.id)
      .where('state', '=', 'waiting')
      .where('next_at', '=', p.seenNextAt)
      .returning('id'),
);

export const moveAlertDelivery = statement(
  'moveAlertDelivery',
  (
    db,
    p: {
      id: string;
      state: 'waiting' | 'delivered' | 'given-up';
      attempts: number;
      nextAt: number | null;
      error: string | null;
      endedAt: number | null;
    },
  ) =>
    db
      .updateTable('alert_deliveries')
      .set({ state: p.state, attempts: p.attempts, next_at: p.nextAt, error: p.error, ended_at: p.endedAt })
      .where('id', '=', p.id),
);

export const selectAlertDeliveries = statement('selectAlertDeliveries', (db, p: { limit: number }) =>
  db.selectFrom('alert_deliveries').selectAll().orderBy('created_at', 'desc').orderBy('id').limit(p.limit),
);

export const deleteOldAlertDeliveries = statement('deleteOldAlertDeliveries', (db, p: { before: number }) =>
  db.deleteFrom('alert_deliveries').where('ended_at', '<', p.before),
);
