// Statements on live checks: the last one of each secret is kept.
import { statement } from '../statement.ts';
import type { CheckStatus } from '../states.ts';

export const putCheck = statement(
  'putCheck',
  (
    db,
    p: {
      secretId: number;
      version: number;
      status: CheckStatus;
      detail: string;
      mode: 'test' | 'live' | null;
      expiresAt: number | null;
      tookMs: number;
      now: number;
    },
  ) =>
    db
      .insertInto('checks')
      .values({
        secret_id: p.secretId,
        version: p.version,
        status: p.status,
        detail: p.detail,
        mode: p.mode,
        expires_at: p.expiresAt,
        took_ms: p.tookMs,
        checked_at: p.now,
      })
      .onConflict((c) =>
        c.column('secret_id').doUpdateSet((eb) => ({
          version: eb.ref('excluded.version'),
          status: eb.ref('excluded.status'),
          detail: eb.ref('excluded.detail'),
          mode: eb.ref('excluded.mode'),
          expires_at: eb.ref('excluded.expires_at'),
          took_ms: eb.ref('excluded.took_ms'),
          checked_at: eb.ref('excluded.checked_at'),
        })),
      ),
);

export const findCheck = statement('findCheck', (db, p: { secretId: number }) =>
  db.selectFrom('checks').selectAll().where('secret_id', '=', p.secretId),
);

export const selectChecks = statement('selectChecks', (db, p: { environmentId: number }) =>
  db
    .selectFrom('checks as c')
    .innerJoin('secrets as s', 's.id', 'c.secret_id')
    .selectAll('c')
    .select(['s.name', 's.current_version'])
    .where('s.environment_id', '=', p.environmentId)
    .where('s.deleted_at', 'is', null)
    .orderBy('s.name_key'),
);
