// Statements on the audit log. Entries and checkpoints are only ever inserted.

import { statement } from '../statement.ts';
import type { AuditOutcome } from '../states.ts';

export const selectHead = statement('selectHead', (db, p: { chain: string }) =>
  db
    .selectFrom('audit_entries')
    .select(['seq', 'time', 'hash'])
    .where('chain', '=', p.chain)
    .orderBy('seq', 'desc')
    .limit(1),
);

/** The names of all chains, each found by a look-up in the key: entries are many, chains few. */
export const selectChains = statement('selectChains', (db, _: Record<string, never>) =>
  db
    .withRecursive('found(chain)', (recursive) =>
      recursive
        .selectFrom('audit_entries as e')
        .select((eb) => eb.fn.min<string | null>('e.chain').as('chain'))
        .unionAll(
          recursive
            .selectFrom('found')
            .where('found.chain', 'is not', null)
            .select((eb) =>
              eb
                .selectFrom('audit_entries as e')
                .select((inner) => inner.fn.min('e.chain').as('chain'))
                .whereRef('e.chain', '>', 'found.chain')
                .as('chain'),
            ),
        ),
    )
    .selectFrom('found')
    .select('found.chain')
    .where('found.chain', 'is not', null)
    .$narrowType<{ chain: string }>(),
);

export const insertEntry = statement(
  'insertEntry',
  (
    db,
    p: {
      chain: string;
      seq: number;
      time: number;
      principal: string;
      action: string;
      outcome: AuditOutcome;
      project: string | null;
      environment: string | null;
      secret: string | null;
      version: number | null;
      source: string;
      details: string | null;
      hash: Uint8Array;
      mac: Uint8Array;
    },
  ) =>
    db.insertInto('audit_entries').values({
      chain: p.chain,
      seq: p.seq,
      time: p.time,
      principal: p.principal,
      action: p.action,
      outcome: p.outcome,
      project: p.project,
      environment: p.environment,
      secret: p.secret,
      version: p.version,
      source: p.source,
      details: p.details,
      hash: p.hash,
      mac: p.mac,
    }),
);

/** Entries of a chain in order, from after `after`. */
export const selectEntriesAfter = statement(
  'selectEntriesAfter',
  (db, p: { chain: string; after: number; limit: number }) =>
    db
      .selectFrom('audit_entries')
      .selectAll()
      .where('chain', '=', p.chain)
      .where('seq', '>', p.after)
      .orderBy('seq')
      .limit(p.limit),
);

/** Entries of a chain backwards, from before `before`. */
export const selectEntriesBefore = statement(
  'selectEntriesBefore',
  (db, p: { chain: string; before: number; limit: number }) =>
    db
      .selectFrom('audit_entries')
      .selectAll()
      .where('chain', '=', p.chain)
      .where('seq', '<', p.before)
      .orderBy('seq', 'desc')
      .limit(p.limit),
);

export const selectNotOk = statement(
  'selectNotOk',
  (db, p: { outcome: AuditOutcome; since: number; limit: number }, { sql }) =>
    db
      .selectFrom('audit_entries')
      .selectAll()
      .where('outcome', '=', p.outcome)
      // The index holds only these, and the planner uses it where the query says so.
      .where(sql<boolean>`outcome <> 'ok'`)
      .where('time', '>=', p.since)
      .orderBy('time', 'desc')
      .limit(p.limit),
);

export const insertCheckpoint = statement(
  'insertCheckpoint',
  (db, p: { number: number; time: number; body: string; signature: Uint8Array }) =>
    db.insertInto('audit_checkpoints').values({ number: p.number, time: p.time, body: p.body, signature: p.signature }),
);

export const selectLastCheckpoint = statement('selectLastCheckpoint', (db, _: Record<string, never>) =>
  db.selectFrom('audit_checkpoints').selectAll().orderBy('number', 'desc').limit(1),
);

export const selectCheckpoints = statement('selectCheckpoints', (db, _: Record<string, never>) =>
  db.selectFrom('audit_checkpoints').selectAll().orderBy('number'),
);
