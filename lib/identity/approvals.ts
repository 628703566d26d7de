// Two people for what is dangerous: in an environment that demands it, rotating, deleting and (for people) reading a
// secret wait until somebody else has approved. Programs read without: an application has to start at night.

import { nameKey } from '../catalog/catalog.ts';
import { AccessDeniedError, ApprovalRequiredError, ConflictError, NotFoundError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { ApprovalTable } from '../store/schema.ts';
import {
  decideApproval,
  findApproval,
  insertApproval,
  selectApprovals,
  setTwoPeople,
  spendApproval,
} from '../store/statements/access.ts';
import { bumpKeys } from '../store/statements/vault-facts.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment, Place } from '../vault/places.ts';

/** How long an approval may be asked for, decided and used. */
const APPROVAL_MS = 60 * 60 * 1000;

export type ApprovedAction = ApprovalTable['action'];

export interface ApprovalInput {
  /** One that was asked for and given. */
  readonly approval?: string | undefined;
  /** Why, for the person who decides. */
  readonly reason?: string | undefined;
}

function wanted(ctx: VaultContext, action: ApprovedAction, environment: Environment): boolean {
  return environment.twoPeople && (action !== 'read' || ctx.actor.person === true);
}

/**
 * Lets something go on where no approval is needed or one was given; it is used up then. Else asks for one.
 * @throws ApprovalRequiredError that names what was asked for; NotFoundError, ConflictError
 */
export function* requireApproval(
  ctx: VaultContext,
  action: ApprovedAction,
  at: Place,
  name: string,
  input: ApprovalInput,
): Operation<void> {
  const environment = ctx.environment(at);
  if (!wanted(ctx, action, environment)) return;
  const where = { project: environment.project, environment: environment.name, secret: name };
  // Who may not do it at all needs no second person.
  yield* ctx.authorize(action, { action: 'approval.request', ...where });
  if (input.approval !== undefined) {
    yield* transaction(useUp(ctx, input.approval, { action, environment, name }));
    return;
  }
  const id = ctx.random(8).toString('hex');
  yield* transaction(
    (function* () {
      const now = ctx.clock();
      yield* all(insertApproval, {
        id,
        action,
        environmentId: environment.id,
        secret: name,
        reason: (input.reason ?? '').slice(0, 500),
        by: ctx.principal,
        now,
        expiresAt: now + APPROVAL_MS,
      });
      yield* ctx.log([{ action: 'approval.request', ...where, details: { approval: id, action } }]);
    })(),
  );
  throw new ApprovalRequiredError(`${environment.name} wants two people for that.`, id);
}

function* useUp(
  ctx: VaultContext,
  id: string,
  what: { action: ApprovedAction; environment: Environment; name: string },
): Operation<void> {
  const row = yield* first(findApproval, { id });
  const fits =
    row &&
    row.action === what.action &&
    row.environment_id === what.environment.id &&
    nameKey(row.secret) === nameKey(what.name) &&
    row.requested_by === ctx.principal;
  if (!fits) throw new NotFoundError('KT_NOT_FOUND', 'There is no such approval for this.', 'Ask again without it.');
  const now = ctx.clock();
  if (row.decision !== 'approved' || row.expires_at <= now) {
    const state = row.decision === 'refused' ? 'was refused' : row.decision ? 'is too old' : 'is not decided yet';
    throw new ConflictError(`The approval ${id} ${state}.`, 'Ask the other person, or ask again without it.');
  }
  if (!(yield* first(spendApproval, { id, now }))) throw new ConflictError(`The approval ${id} was used already.`);
  const { environment, action, name } = what;
  const where = { project: environment.project, environment: environment.name, secret: name };
  yield* ctx.log([{ action: 'approval.use', ...where, details: { approval: id, action, by: row.decided_by } }]);
}

export interface ApprovalSummary {
  readonly id: string;
  readonly action: ApprovedAction;
  readonly project: string;
  readonly environment: string;
  readonly secret: string;
  readonly reason: string;
  readonly requestedBy: string;
  readonly requestedAt: number;
  readonly expiresAt: number;
  readonly decision: ApprovalTable['decision'];
  readonly decidedBy: string | null;
  readonly usedAt: number | null;
}

function summaryOf(ctx: VaultContext, row: ApprovalTable): ApprovalSummary | undefined {
  const environment = ctx.environments.get(row.environment_id);
  if (!environment) return undefined;
  return {
    id: row.id,
    action: row.action,
    project: environment.project,
    environment: environment.name,
    secret: row.secret,
    reason: row.reason,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    decision: row.decision,
    decidedBy: row.decided_by,
    usedAt: row.used_at,
  };
}

const LISTED = 200;

/** What is asked for, and what was decided lately: the caller's own, and what they may decide. */
export function* listApprovals(ctx: VaultContext): Operation<ApprovalSummary[]> {
  const rows = yield* all(selectApprovals, { since: ctx.clock() - APPROVAL_MS, limit: LISTED });
  return rows
    .map((row) => summaryOf(ctx, row))
    .filter((one): one is ApprovalSummary => one !== undefined)
    .filter((one) => one.requestedBy === ctx.principal || ctx.access.denial('approve', one) === undefined);
}

/** Decides. Nobody decides about what they asked for. */
export function* decide(ctx: VaultContext, id: string, decision: 'approved' | 'refused'): Operation<ApprovalSummary> {
  const row = yield* first(findApproval, { id });
  const summary = row && summaryOf(ctx, row);
  if (!summary || !ctx.access.knows(summary.project))
    throw new NotFoundError('KT_NOT_FOUND', 'There is no such approval.');
  const { project, environment, secret } = summary;
  const where = { project, environment, secret };
  yield* ctx.authorize('approve', { action: 'approval.decide', ...where });
  if (summary.requestedBy === ctx.principal || ctx.actor.person !== true) {
    throw new AccessDeniedError('A second person has to decide that.', 'Ask somebody else who may approve.');
  }
  if (summary.expiresAt <= ctx.clock())
    throw new ConflictError('It was asked for too long ago.', 'Have it asked for again.');
  yield* transaction(
    (function* () {
      const now = ctx.clock();
      const done = yield* first(decideApproval, { id, decision, by: ctx.principal, now });
      if (!done) throw new ConflictError('Somebody has decided that already.');
      yield* ctx.log([{ action: 'approval.decide', ...where, details: { approval: id, decision } }]);
    })(),
  );
  return { ...summary, decision, decidedBy: ctx.principal };
}

/** Makes an environment demand two people, or not any more. */
export function* demandTwoPeople(ctx: VaultContext, at: Place, twoPeople: boolean): Operation<void> {
  const environment = ctx.environment(at);
  const where = { project: environment.project, environment: environment.name };
  yield* ctx.authorize('settings', { action: 'environment.change', ...where });
  yield* transaction(
    (function* () {
      yield* all(setTwoPeople, { environmentId: environment.id, twoPeople: twoPeople ? 1 : 0 });
      // Every process learns of it with its next change of anything.
      yield* all(bumpKeys, {});
      yield* ctx.log([{ action: 'environment.change', ...where, details: { twoPeople } }]);
    })(),
  );
  yield* ctx.refresh();
}
