// Statements on which versions are where: what destinations hold, have held, and are about to get.
import { statement } from '../statement.ts';
import type { DeliveryState } from '../states.ts';

export const putDelivery = statement(
  'putDelivery',
  (db, p: { destination: string; secretId: number; version: number; state: DeliveryState }) =>
    db
      .insertInto('deliveries')
      .values({ destination: p.destination, secret_id: p.secretId, version: p.version, state: p.state, attempts: 0 })
      .onConflict((c) =>
        c.columns(['destination', 'secret_id', 'version']).doUpdateSet({
          state: p.state,
          attempts: 0,
          next_at: null,
          error: null,
          ended_at: null,
          live_at: null,
        }),
      ),
);

export const moveDelivery = statement(
  'moveDelivery',
  (
    db,
    p: {
      destination: string;
      secretId: number;
      version: number;
      state: DeliveryState;
      remote: string | null;
      error: string | null;
      attempts: number;
      nextAt: number | null;
      pushedAt: number | null;
      liveAt: number | null;
      endedAt: number | null;
    },
  ) =>
    db
      .updateTable('deliveries')
      .set({
        state: p.state,
        remote: p.remote,
        error: p.error,
        attempts: p.attempts,
        next_at: p.nextAt,
        pushed_at: p.pushedAt,
        live_at: p.liveAt,
        ended_at: p.endedAt,
      })
      .where('destination', '=', p.destination)
      .where('secret_id', '=', p.secretId)
      .where('version', '=', p.version),
);

/** Once a version is live at a destination, those before it have ended there. */
export const endOlderDeliveries = statement(
  'endOlderDeliveries',
  (db, p: { destination: string; secretId: number; version: number; now: number }) =>
    db
      .updateTable('deliveries')
      .set({ state: 'replaced', ended_at: p.now, next_at: null })
      .where('destination', '=', p.destination)
      .where('secret_id', '=', p.secretId)
      .where('version', '<>', p.version)
      .where('ended_at', 'is', null),
);

/** Ends one that is not worth bringing on. */
export const endDelivery = statement(
  'endDelivery',
  (db, p: { destination: string; secretId: number; version: number; now: number }) =>
    db
      .updateTable('deliveries')
      .set({ state: 'replaced', ended_at: p.now, next_at: null })
      .where('destination', '=', p.destination)
      .where('secret_id', '=', p.secretId)
      .where('version', '=', p.version),
);

export const touchDelivery = statement(
  'touchDelivery',
  (
    db,
    p: {
      destination: string;
      secretId: number;
      version: number;
      state: DeliveryState;
      error: string | null;
      now: number;
    },
  ) =>
    db
      .updateTable('deliveries')
      .set({ state: p.state, error: p.error, checked_at: p.now })
      .where('destination', '=', p.destination)
      .where('secret_id', '=', p.secretId)
      .where('version', '=', p.version),
);

export const findDelivery = statement(
  'findDelivery',
  (db, p: { destination: string; secretId: number; version: number }) =>
    db
      .selectFrom('deliveries')
      .selectAll()
      .where('destination', '=', p.destination)
      .where('secret_id', '=', p.secretId)
      .where('version', '=', p.version),
);

/** What a secret has at destinations, the newest version first. */
export const selectSecretDeliveries = statement('selectSecretDeliveries', (db, p: { secretId: number }) =>
  db
    .selectFrom('deliveries')
    .selectAll()
    .where('secret_id', '=', p.secretId)
    .orderBy('destination')
    .orderBy('version', 'desc'),
);

/** All that a destination holds or has ever held, with the secrets' names. */
export const selectDestination = statement('selectDestination', (db, p: { destination: string }) =>
  db
    .selectFrom('deliveries as d')
    .innerJoin('secrets as s', 's.id', 'd.secret_id')
    .selectAll('d')
    .select(['s.name', 's.type', 's.environment_id', 's.current_version', 's.deleted_at'])
    .where('d.destination', '=', p.destination)
    .orderBy('s.name_key')
    .orderBy('d.version', 'desc'),
);

/** Copies that are behind: a newer version is in use, and nothing has been sent of it. */
export const selectBehind = statement('selectBehind', (db, p: { limit: number }) =>
  db
    .selectFrom('deliveries as d')
    .innerJoin('secrets as s', 's.id', 'd.secret_id')
    .innerJoin('environments as e', 'e.id', 's.environment_id')
    .innerJoin('projects as p', 'p.id', 'e.project_id')
    .select([
      'd.destination',
      's.id as secret_id',
      's.name',
      's.current_version',
      'e.name as environment',
      'p.name as project',
    ])
    .where('d.ended_at', 'is', null)
    .where('s.deleted_at', 'is', null)
    .whereRef('d.version', '<', 's.current_version')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('deliveries as n')
            .select('n.version')
            .whereRef('n.destination', '=', 'd.destination')
            .whereRef('n.secret_id', '=', 'd.secret_id')
            .whereRef('n.version', '=', 's.current_version'),
        ),
      ),
    )
    .limit(p.limit),
);

/** Deliveries on their way that may be tried now. */
export const selectDeliveriesDue = statement('selectDeliveriesDue', (db, p: { now: number; limit: number }) =>
  db
    .selectFrom('deliveries')
    .selectAll()
    .where('ended_at', 'is', null)
    .where('next_at', '<=', p.now)
    .orderBy('next_at')
    .limit(p.limit),
);
