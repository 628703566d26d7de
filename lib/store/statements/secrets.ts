// Statements on secrets, their versions and their use.

import type { Kysely } from 'kysely';
import type { Database } from '../schema.ts';
import { statement } from '../statement.ts';
import type { VersionOrigin } from '../states.ts';

/** Secrets with what lists show of them: their use, and facts of the version in use. */
const summaries = (db: Kysely<Database>) =>
  db
    .selectFrom('secrets as s')
    .leftJoin('usage as u', 'u.secret_id', 's.id')
    .leftJoin('versions as v', (join) =>
      join.onRef('v.secret_id', '=', 's.id').onRef('v.number', '=', 's.current_version'),
    )
    .selectAll('s')
    .select(['u.reads', 'u.last_read_at', 'u.last_read_by', 'v.size', 'v.fingerprint', 'v.created_by']);

export const findSecret = statement('findSecret', (db, p: { environmentId: number; nameKey: string }) =>
  db.selectFrom('secrets').selectAll().where('environment_id', '=', p.environmentId).where('name_key', '=', p.nameKey),
);

/**
 * All that setting a secret needs to know, in one look-up: the keys' generation, and the secret with the fingerprint of
 * its version in use, if it is there.
 */
export const findForSet = statement('findForSet', (db, p: { environmentId: number; nameKey: string }) =>
  db
    .selectFrom('generation as g')
    .leftJoin('secrets as s', (join) =>
      join.on('s.environment_id', '=', p.environmentId).on('s.name_key', '=', p.nameKey),
    )
    .leftJoin('versions as v', (join) =>
      join.onRef('v.secret_id', '=', 's.id').onRef('v.number', '=', 's.current_version'),
    )
    .select([
      'g.keys',
      'v.fingerprint',
      's.id',
      's.name',
      's.type',
      's.interval_days',
      's.owner',
      's.labels',
      's.current_version',
      's.latest_version',
      's.deleted_at',
    ]),
);

/** A live secret with the version in use, for reading: one look-up instead of two. */
export const readCurrent = statement('readCurrent', (db, p: { environmentId: number; nameKey: string }) =>
  db
    .selectFrom('secrets as s')
    .innerJoin('versions as v', (join) =>
      join.onRef('v.secret_id', '=', 's.id').onRef('v.number', '=', 's.current_version'),
    )
    .select(['s.id', 's.name', 'v.number', 'v.envelope', 's.previous_version', 's.previous_valid_until'])
    .where('s.environment_id', '=', p.environmentId)
    .where('s.name_key', '=', p.nameKey)
    .where('s.deleted_at', 'is', null),
);

export const insertSecret = statement(
  'insertSecret',
  (
    db,
    p: {
      environmentId: number;
      name: string;
      nameKey: string;
      type: string;
      intervalDays: number | null;
      owner: string | null;
      labels: string;
      currentVersion: number;
      now: number;
    },
  ) =>
    db
      .insertInto('secrets')
      .values({
        environment_id: p.environmentId,
        name: p.name,
        name_key: p.nameKey,
        type: p.type,
        interval_days: p.intervalDays,
        owner: p.owner,
        labels: p.labels,
        current_version: p.currentVersion,
        latest_version: 1,
        created_at: p.now,
        rotated_at: p.now,
      })
      .returning('id'),
);

export const updateDescription = statement(
  'updateDescription',
  (db, p: { id: number; type: string; intervalDays: number | null; owner: string | null; labels: string }) =>
    db
      .updateTable('secrets')
      .set({ type: p.type, interval_days: p.intervalDays, owner: p.owner, labels: p.labels, due_at: null })
      .where('id', '=', p.id),
);

/** Brings a version into use. `previous…` are null where the one before is not valid any longer. */
export const setCurrentVersion = statement(
  'setCurrentVersion',
  (
    db,
    p: {
      id: number;
      version: number;
      latest: number;
      previous: number | null;
      previousValidUntil: number | null;
      now: number;
    },
  ) =>
    db
      .updateTable('secrets')
      .set({
        current_version: p.version,
        latest_version: p.latest,
        previous_version: p.previous,
        previous_valid_until: p.previousValidUntil,
        rotated_at: p.now,
        deleted_at: null,
        // Worked out anew by the next tick of the schedule.
        due_at: null,
      })
      .where('id', '=', p.id),
);

/** Counts an issued version that is not in use yet. */
export const setLatestVersion = statement('setLatestVersion', (db, p: { id: number; latest: number }) =>
  db.updateTable('secrets').set({ latest_version: p.latest }).where('id', '=', p.id),
);

export const endPrevious = statement('endPrevious', (db, p: { id: number; previous: number }) =>
  db
    .updateTable('secrets')
    .set({ previous_version: null, previous_valid_until: null })
    .where('id', '=', p.id)
    .where('previous_version', '=', p.previous),
);

export const setDeleted = statement('setDeleted', (db, p: { id: number; at: number | null }) =>
  db.updateTable('secrets').set({ deleted_at: p.at }).where('id', '=', p.id),
);

export const insertVersion = statement(
  'insertVersion',
  (
    db,
    p: {
      secretId: number;
      number: number;
      envelope: Uint8Array;
      fingerprint: Uint8Array;
      size: number;
      dataKey: number;
      origin: VersionOrigin;
      now: number;
      by: string;
      activatedAt: number | null;
      externalId: string | null;
      leakPrint: Uint8Array;
    },
  ) =>
    db.insertInto('versions').values({
      secret_id: p.secretId,
      number: p.number,
      envelope: p.envelope,
      fingerprint: p.fingerprint,
      size: p.size,
      data_key: p.dataKey,
      origin: p.origin,
      created_at: p.now,
      created_by: p.by,
      activated_at: p.activatedAt,
      external_id: p.externalId,
      leak_print: p.leakPrint,
    }),
);

export const activateVersion = statement(
  'activateVersion',
  (db, p: { secretId: number; number: number; now: number }) =>
    db
      .updateTable('versions')
      .set({ activated_at: p.now })
      .where('secret_id', '=', p.secretId)
      .where('number', '=', p.number),
);

export const setExternalId = statement(
  'setExternalId',
  (db, p: { secretId: number; number: number; externalId: string }) =>
    db
      .updateTable('versions')
      .set({ external_id: p.externalId })
      .where('secret_id', '=', p.secretId)
      .where('number', '=', p.number),
);

export const findVersion = statement('findVersion', (db, p: { secretId: number; number: number }) =>
  db.selectFrom('versions').selectAll().where('secret_id', '=', p.secretId).where('number', '=', p.number),
);

export const selectVersions = statement('selectVersions', (db, p: { secretId: number }) =>
  db.selectFrom('versions').selectAll().where('secret_id', '=', p.secretId).orderBy('number', 'desc'),
);

/** A page of an environment's secrets in the order of their names, from after `after`. */
export const selectSecretsPage = statement(
  'selectSecretsPage',
  (db, p: { environmentId: number; after: string; limit: number; deleted: number }) =>
    summaries(db)
      .where('s.environment_id', '=', p.environmentId)
      .where('s.name_key', '>', p.after)
      .where((eb) => eb.or([eb('s.deleted_at', 'is', null), eb(eb.val(p.deleted), '=', eb.lit(1))]))
      .orderBy('s.name_key')
      .limit(p.limit),
);

/**
 * A page of the secrets whose names hold a text, by its place in their order.
 * @param pattern for LIKE, with `\\` before what is meant as it is written
 * @param type a type, or `%` for every one
 * @param deleted 1 for those that are deleted, 0 for those that are not
 */
export const searchSecretsPage = statement(
  'searchSecretsPage',
  (
    db,
    p: { environmentId: number; pattern: string; type: string; deleted: number; offset: number; limit: number },
    { sql },
  ) =>
    summaries(db)
      .where('s.environment_id', '=', p.environmentId)
      .where('s.current_version', '>', 0)
      .where(sql<boolean>`s.name_key like ${p.pattern} escape '\\'`)
      .where('s.type', 'like', p.type)
      .where(sql<boolean>`(case when s.deleted_at is null then 0 else 1 end) = ${p.deleted}`)
      .orderBy('s.name_key')
      .limit(p.limit)
      .offset(p.offset),
);

export const countFound = statement(
  'countFound',
  (db, p: { environmentId: number; pattern: string; type: string; deleted: number }, { sql }) =>
    db
      .selectFrom('secrets as s')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('s.environment_id', '=', p.environmentId)
      .where('s.current_version', '>', 0)
      .where(sql<boolean>`s.name_key like ${p.pattern} escape '\\'`)
      .where('s.type', 'like', p.type)
      .where(sql<boolean>`(case when s.deleted_at is null then 0 else 1 end) = ${p.deleted}`),
);

/** One live secret with what lists show of it. */
export const findSummary = statement('findSummary', (db, p: { environmentId: number; nameKey: string }) =>
  summaries(db)
    .where('s.environment_id', '=', p.environmentId)
    .where('s.name_key', '=', p.nameKey)
    .where('s.current_version', '>', 0)
    .where('s.deleted_at', 'is', null),
);

/** The same page with the sealed values in use. */
export const selectSealedPage = statement(
  'selectSealedPage',
  (db, p: { environmentId: number; after: string; limit: number }) =>
    db
      .selectFrom('secrets as s')
      .innerJoin('versions as v', (join) =>
        join.onRef('v.secret_id', '=', 's.id').onRef('v.number', '=', 's.current_version'),
      )
      .selectAll('s')
      .select(['v.number', 'v.envelope', 'v.fingerprint', 'v.origin', 'v.size'])
      .where('s.environment_id', '=', p.environmentId)
      .where('s.deleted_at', 'is', null)
      .where('s.name_key', '>', p.after)
      .orderBy('s.name_key')
      .limit(p.limit),
);

export const countSecrets = statement('countSecrets', (db, p: { environmentId: number }) =>
  db
    .selectFrom('secrets')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('environment_id', '=', p.environmentId)
    .where('deleted_at', 'is', null),
);

/** Versions of an environment not sealed under its active data key, from after a place in the table's order. */
export const selectVersionsToReseal = statement(
  'selectVersionsToReseal',
  (db, p: { environmentId: number; dataKey: number; afterSecret: number; afterNumber: number; limit: number }) =>
    db
      .selectFrom('versions as v')
      .innerJoin('secrets as s', 's.id', 'v.secret_id')
      .select(['v.secret_id', 'v.number', 'v.envelope', 's.name_key'])
      .where('s.environment_id', '=', p.environmentId)
      .where('v.data_key', '<>', p.dataKey)
      .where((eb) => eb(eb.refTuple('v.secret_id', 'v.number'), '>', eb.tuple(p.afterSecret, p.afterNumber)))
      .orderBy('v.secret_id')
      .orderBy('v.number')
      .limit(p.limit),
);

export const countVersionsToReseal = statement(
  'countVersionsToReseal',
  (db, p: { environmentId: number; dataKey: number }) =>
    db
      .selectFrom('versions as v')
      .innerJoin('secrets as s', 's.id', 'v.secret_id')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('s.environment_id', '=', p.environmentId)
      .where('v.data_key', '<>', p.dataKey),
);

export const replaceEnvelope = statement(
  'replaceEnvelope',
  (db, p: { secretId: number; number: number; envelope: Uint8Array; dataKey: number }) =>
    db
      .updateTable('versions')
      .set({ envelope: p.envelope, data_key: p.dataKey })
      .where('secret_id', '=', p.secretId)
      .where('number', '=', p.number),
);

/** Adds reads to a secret's count. */
export const addUsage = statement('addUsage', (db, p: { secretId: number; reads: number; at: number; by: string }) =>
  db
    .insertInto('usage')
    .values({ secret_id: p.secretId, reads: p.reads, last_read_at: p.at, last_read_by: p.by })
    .onConflict((c) =>
      c.column('secret_id').doUpdateSet((eb) => ({
        reads: eb('usage.reads', '+', eb.ref('excluded.reads')),
        last_read_at: eb.ref('excluded.last_read_at'),
        last_read_by: eb.ref('excluded.last_read_by'),
      })),
    ),
);

/** What a set of secrets is known by: names and the versions in use, of those that are there. */
export const selectTags = statement('selectTags', (db, p: { environmentId: number }) =>
  db
    .selectFrom('secrets')
    .select(['name', 'name_key', 'current_version', 'previous_version', 'previous_valid_until'])
    .where('environment_id', '=', p.environmentId)
    .where('deleted_at', 'is', null)
    .where('current_version', '>', 0)
    .orderBy('name_key'),
);
