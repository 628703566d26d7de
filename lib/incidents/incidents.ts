// Incidents: what went wrong, line by line as it was dealt with, and, where many secrets have to turn, which of them are
// done. A record for those who deal with it now, and for the auditor afterwards. Never a value.
import { NotFoundError } from '../errors.ts';
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import type { IncidentTable } from '../store/schema.ts';
import {
  closeIncident as closeRow,
  findIncident,
  findOpenIncident,
  insertIncident,
  insertIncidentEvent,
  lastIncidentEvent,
  selectIncidentEvents,
  selectIncidentItems,
  selectIncidents,
} from '../store/statements/incidents.ts';
import type { IncidentItemState, IncidentKind } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';

export interface IncidentInput {
  readonly kind: IncidentKind;
  readonly title: string;
  readonly project?: string | undefined;
  readonly environment?: string | undefined;
  /** The secret or destination that it is about. */
  readonly subject: string;
}

export interface IncidentSummary {
  readonly id: string;
  readonly kind: IncidentKind;
  readonly title: string;
  readonly project: string | null;
  readonly environment: string | null;
  readonly subject: string | null;
  /** Milliseconds since 1970. */
  readonly openedAt: number;
  readonly openedBy: string;
  readonly closedAt: number | null;
  readonly closedBy: string | null;
}

export interface Incident extends IncidentSummary {
  readonly timeline: readonly { readonly at: number; readonly by: string; readonly what: string }[];
  readonly items: readonly IncidentItem[];
}

export interface IncidentItem {
  readonly secretId: number;
  readonly name: string;
  readonly project: string;
  readonly environment: string;
  readonly state: IncidentItemState;
  readonly why: string;
  readonly rotation: string | null;
}

function summary(row: IncidentTable): IncidentSummary {
  return {
    id: row.id,
    kind: row.kind,
    title: row.title,
    project: row.project,
    environment: row.environment,
    subject: row.subject,
    openedAt: row.opened_at,
    openedBy: row.opened_by,
    closedAt: row.closed_at,
    closedBy: row.closed_by,
  };
}

/**
 * Opens an incident, or gives the one that is open for the same thing already. In the caller's transaction.
 * @returns its id, and whether it is new
 */
export function* openIncident(
  ctx: VaultContext,
  input: IncidentInput,
): Operation<{ readonly id: string; readonly opened: boolean }> {
  const where = { project: input.project ?? null, environment: input.environment ?? null };
  const open = yield* first(findOpenIncident, { kind: input.kind, subject: input.subject, ...where });
  if (open) return { id: open.id, opened: false };
  const now = ctx.clock();
  const id = `inc-${new Date(now).toISOString().slice(0, 10)}-${ctx.random(4).toString('hex')}`;
  const { kind, title, subject } = input;
  yield* all(insertIncident, { id, kind, title, subject, ...where, now, by: ctx.principal });
  yield* ctx.log([
    {
      action: 'incident.open',
      ...(input.project !== undefined && { project: input.project }),
      ...(input.environment !== undefined && { environment: input.environment }),
      details: { incident: id, kind, subject },
    },
  ]);
  return { id, opened: true };
}

/** Adds a line to the timeline. In the caller's transaction. */
export function* addToTimeline(ctx: VaultContext, id: string, what: string): Operation<void> {
  const last = yield* first(lastIncidentEvent, { id });
  const number = Number(last?.number ?? 0) + 1;
  yield* all(insertIncidentEvent, { id, number, now: ctx.clock(), by: ctx.principal, what: what.slice(0, 1000) });
}

/** Ends an incident. In the caller's transaction. */
export function* endIncident(ctx: VaultContext, id: string, why: string): Operation<boolean> {
  const closed = yield* first(closeRow, { id, now: ctx.clock(), by: ctx.principal });
  if (!closed) return false;
  yield* addToTimeline(ctx, id, why);
  yield* ctx.log([{ action: 'incident.close', details: { incident: id } }]);
  return true;
}

/** The newest incidents that the caller may see. */
export function* listIncidents(ctx: VaultContext, limit: number): Operation<IncidentSummary[]> {
  const rows = yield* all(selectIncidents, { limit });
  return rows.filter((row) => maySee(ctx, row)).map(summary);
}

function maySee(ctx: VaultContext, row: IncidentTable): boolean {
  const at = {
    ...(row.project !== null && { project: row.project }),
    ...(row.environment !== null && { environment: row.environment }),
  };
  return ctx.access.denial('monitor', at) === undefined;
}

/** One incident with its timeline and what has to turn. @throws NotFoundError */
export function* showIncident(ctx: VaultContext, id: string): Operation<Incident> {
  const row = yield* first(findIncident, { id });
  if (!row || !maySee(ctx, row)) throw noIncident();
  const events = yield* all(selectIncidentEvents, { id });
  const items = yield* all(selectIncidentItems, { id });
  return {
    ...summary(row),
    timeline: events.map(({ at, by, what }) => ({ at, by, what })),
    items: items.map((one) => ({
      secretId: one.secret_id,
      name: one.name,
      project: one.project,
      environment: one.environment,
      state: one.deleted_at === null ? one.state : 'skipped',
      why: one.why,
      rotation: one.rotation_id,
    })),
  };
}

function noIncident(): NotFoundError {
  return new NotFoundError('KT_NOT_FOUND', 'There is no such incident.', '`keyturn incidents` lists them.');
}

function* authorized(ctx: VaultContext, id: string): Operation<IncidentTable> {
  const row = yield* first(findIncident, { id });
  if (!row || !maySee(ctx, row)) throw noIncident();
  yield* ctx.authorize('rotate', {
    action: 'incident.note',
    ...(row.project !== null && { project: row.project }),
    ...(row.environment !== null && { environment: row.environment }),
    details: { incident: id },
  });
  return row;
}

/** A person's own line. @throws NotFoundError, AccessDeniedError */
export function* noteIncident(ctx: VaultContext, id: string, what: string): Operation<void> {
  yield* authorized(ctx, id);
  yield* quietTransaction(
    (function* () {
      yield* addToTimeline(ctx, id, what);
      yield* ctx.log([{ action: 'incident.note', details: { incident: id } }]);
    })(),
  );
}

/** @throws NotFoundError, AccessDeniedError */
export function* closeIncident(ctx: VaultContext, id: string, why: string): Operation<void> {
  yield* authorized(ctx, id);
  yield* quietTransaction(endIncident(ctx, id, why));
}
