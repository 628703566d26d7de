// Machine tokens: made, listed, rotated, revoked, and given for an identity provider's own.
import type { KeyObject } from 'node:crypto';
import { isIP } from 'node:net';
import { NotFoundError, UsageError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { TokenTable } from '../store/schema.ts';
import { findToken, freezeToken, insertToken, revokeToken, selectTokens } from '../store/statements/access.ts';
import { matcher } from '../vault/access.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment } from '../vault/places.ts';
import { isPermission, type Permission, TOKEN_PERMISSIONS } from '../vault/policy.ts';
import { newToken, tokenHash } from './token-format.ts';

const MAX_TEXT = 100;

export interface TokenScope {
  readonly project: string;
  /** All of the project's where not given. */
  readonly environment?: string | undefined;
  readonly permissions: readonly string[];
  /** Names or patterns with `*`; all where not given. */
  readonly names?: readonly string[] | undefined;
  /** Addresses or networks (CIDR) that it may come from; any where not given. */
  readonly addresses?: readonly string[] | undefined;
  /** Milliseconds since 1970. */
  readonly expiresAt?: number | undefined;
  /** How many requests it is good for. */
  readonly maxUses?: number | undefined;
}

export interface TokenSummary extends TokenScope {
  readonly id: string;
  readonly name: string;
  readonly kind: TokenTable['kind'];
  readonly uses: number;
  readonly createdAt: number;
  readonly createdBy: string;
  readonly lastUsedAt: number | null;
  readonly lastUsedFrom: string | null;
  readonly revokedAt: number | null;
  readonly replacedBy: string | null;
  /** Refused since then, until it is thawed; milliseconds since 1970. */
  readonly frozenAt: number | null;
}

export interface MadeToken {
  /** Shown this once; kept nowhere. */
  readonly token: string;
  readonly summary: TokenSummary;
}

function checkAddress(text: string): void {
  const [address = '', bits, ...rest] = text.split('/');
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const fits = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most);
  if (family !== 0 && fits && rest.length === 0) return;
  throw new UsageError('An address in the scope is none.', 'Write 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32.');
}

/** @throws UsageError */
export function checkedPermissions(texts: readonly string[], allowed: readonly Permission[]): Permission[] {
  const permissions = [...new Set(texts)].filter(isPermission);
  if (permissions.length === new Set(texts).size && permissions.length > 0) {
    if (permissions.every((one) => allowed.includes(one))) return permissions;
  }
  throw new UsageError('One of the permissions is none that can be given here.', `There are: ${allowed.join(', ')}.`);
}

function checkScope(ctx: VaultContext, name: string, scope: TokenScope): void {
  if (name.trim() === '' || name.length > MAX_TEXT)
    throw new UsageError('A token needs a name, of up to 100 characters.');
  for (const address of scope.addresses ?? []) checkAddress(address);
  if (scope.expiresAt !== undefined && scope.expiresAt <= ctx.clock())
    throw new UsageError('The expiry is in the past.');
}

/** Who gives a permission must have it. @throws AccessDeniedError */
function* authorizeGiving(ctx: VaultContext, permissions: readonly Permission[], at: Where): Operation<void> {
  for (const permission of permissions) yield* ctx.authorize(permission, { action: 'token.create', ...at });
}

interface Where {
  readonly project: string;
  readonly environment?: string;
}

function placeOf(
  ctx: VaultContext,
  scope: TokenScope,
): { projectId: number; environmentId: number | null; where: Where } {
  if (scope.environment !== undefined) {
    const environment = ctx.environment({ project: scope.project, environment: scope.environment });
    const where = { project: environment.project, environment: environment.name };
    return { projectId: environment.projectId, environmentId: environment.id, where };
  }
  const project = ctx.project(scope.project);
  return { projectId: project.id, environmentId: null, where: { project: project.name } };
}

/**
 * Makes a machine token.
 * @param key the HMAC key that tokens are kept under
 * @throws AccessDeniedError also where the scope is wider than what its maker may do
 */
export function* createToken(
  ctx: VaultContext,
  key: KeyObject,
  name: string,
  scope: TokenScope,
  kind: TokenTable['kind'] = 'machine',
): Operation<MadeToken> {
  checkScope(ctx, name, scope);
  const permissions = checkedPermissions(scope.permissions, TOKEN_PERMISSIONS);
  const { where, ...place } = placeOf(ctx, scope);
  yield* ctx.authorize('tokens', { action: 'token.create', ...where });
  yield* authorizeGiving(ctx, permissions, where);
  return yield* transaction(insertNew(ctx, key, { name, kind, scope: { ...scope, permissions }, ...place }));
}

/** Makes a token without asking what its maker may do: for one that a trust has decided about. */
export function issueToken(ctx: VaultContext, key: KeyObject, name: string, scope: TokenScope): Operation<MadeToken> {
  const { where: _, ...place } = placeOf(ctx, scope);
  return transaction(insertNew(ctx, key, { name, kind: 'oidc', scope, ...place }));
}

interface NewToken {
  readonly name: string;
  readonly kind: TokenTable['kind'];
  readonly scope: TokenScope;
  readonly projectId: number;
  readonly environmentId: number | null;
}

function* insertNew(ctx: VaultContext, key: KeyObject, made: NewToken): Operation<MadeToken> {
  const { scope, name, kind } = made;
  const token = newToken(scope.environment ?? 'all', ctx.random);
  const id = ctx.random(8).toString('hex');
  yield* all(insertToken, {
    id,
    hash: tokenHash(key, token),
    name,
    kind,
    projectId: made.projectId,
    environmentId: made.environmentId,
    permissions: JSON.stringify(scope.permissions),
    names: scope.names ? JSON.stringify(scope.names) : null,
    addresses: scope.addresses ? JSON.stringify(scope.addresses) : null,
    expiresAt: scope.expiresAt ?? null,
    maxUses: scope.maxUses ?? null,
    now: ctx.clock(),
    by: ctx.principal,
  });
  yield* ctx.log([
    {
      action: kind === 'oidc' ? 'token.exchange' : 'token.create',
      project: scope.project,
      ...(scope.environment !== undefined && { environment: scope.environment }),
      details: { token: id, name, permissions: scope.permissions.join(',') },
    },
  ]);
  const row = yield* first(findToken, { id });
  if (!row) throw new NotFoundError('KT_NOT_FOUND', 'The token is gone.');
  return { token, summary: tokenSummary(ctx, row) };
}

export function tokenSummary(ctx: VaultContext, row: TokenTable): TokenSummary {
  const environment = [...ctx.environments.values()].find((one) => one.id === row.environment_id);
  const project = [...ctx.environments.values()].find((one) => one.projectId === row.project_id);
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    project: project?.project ?? '',
    ...(environment && { environment: environment.name }),
    permissions: JSON.parse(row.permissions) as string[],
    ...(row.names !== null && { names: JSON.parse(row.names) as string[] }),
    ...(row.addresses !== null && { addresses: JSON.parse(row.addresses) as string[] }),
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
    ...(row.max_uses !== null && { maxUses: row.max_uses }),
    uses: row.uses,
    createdAt: row.created_at,
    createdBy: row.created_by,
    lastUsedAt: row.last_used_at,
    lastUsedFrom: row.last_used_from,
    revokedAt: row.revoked_at,
    replacedBy: row.replaced_by,
    frozenAt: row.frozen_at,
  };
}

/** A page of the tokens that the caller may administer. */
export function* listTokens(ctx: VaultContext, after: string, limit: number): Operation<TokenSummary[]> {
  const found: TokenSummary[] = [];
  let from = after;
  while (found.length < limit) {
    const rows = yield* all(selectTokens, { after: from, limit });
    for (const row of rows) {
      const summary = tokenSummary(ctx, row);
      const { project, environment } = summary;
      const at = { project, ...(environment !== undefined && { environment }) };
      if (ctx.access.denial('tokens', at) === undefined) found.push(summary);
    }
    const last = rows.at(-1);
    if (!last || rows.length < limit) break;
    from = last.id;
  }
  return found.slice(0, limit);
}

function* authorizedToken(
  ctx: VaultContext,
  id: string,
  action: 'token.revoke' | 'token.rotate' | 'token.thaw',
): Operation<TokenSummary> {
  const row = yield* first(findToken, { id });
  const summary = row && tokenSummary(ctx, row);
  // A token of a project that the caller has nothing to do with is as one that is not there.
  if (!summary || !ctx.access.knows(summary.project)) {
    throw new NotFoundError('KT_NOT_FOUND', 'There is no such token.', 'The list of tokens has those that there are.');
  }
  const { project, environment } = summary;
  yield* ctx.authorize('tokens', { action, project, ...(environment !== undefined && { environment }) });
  return summary;
}

/** Ends a token. It is refused from then on, on every server. */
export function* endToken(ctx: VaultContext, id: string): Operation<TokenSummary> {
  const token = yield* authorizedToken(ctx, id, 'token.revoke');
  return yield* transaction(
    (function* () {
      const at = ctx.clock();
      yield* all(revokeToken, { id, at, replacedBy: null });
      yield* ctx.log([{ action: 'token.revoke', project: token.project, details: { token: id, name: token.name } }]);
      return { ...token, revokedAt: at };
    })(),
  );
}

/**
 * Makes a new token of the same scope; the old one stays valid for a grace.
 * @param graceMs milliseconds
 */
export function* rotateToken(ctx: VaultContext, key: KeyObject, id: string, graceMs: number): Operation<MadeToken> {
  const token = yield* authorizedToken(ctx, id, 'token.rotate');
  if (token.revokedAt !== null || token.kind === 'oidc') {
    throw new UsageError('That token cannot be rotated: it was revoked, or was given for an identity token.');
  }
  // What is rotated stays as wide as it was, but no wider than what its rotator may do.
  const { project, environment } = token;
  const where = { project, ...(environment !== undefined && { environment }) };
  yield* authorizeGiving(ctx, token.permissions.filter(isPermission), where);
  const { where: _, ...place } = placeOf(ctx, token);
  return yield* transaction(
    (function* () {
      const made = yield* insertNew(ctx, key, { name: token.name, kind: 'machine', scope: token, ...place });
      yield* all(revokeToken, { id, at: ctx.clock() + graceMs, replacedBy: made.summary.id });
      // Without a grace it ends now on every server, whatever the clock of each says.
      if (graceMs === 0) yield* all(freezeToken, { id, at: ctx.clock() });
      yield* ctx.log([{ action: 'token.rotate', ...where, details: { from: id, to: made.summary.id, graceMs } }]);
      return made;
    })(),
  );
}

/** Which tokens a compromise freezes: those whose scope names the secret, all that may read it, or none. */
export type FreezeScope = 'named' | 'all' | 'none';

const PAGE = 500;

/**
 * Freezes the tokens that may read a secret: each is refused, on every server, until it is thawed. In the caller's
 * transaction, and without asking whether the caller may: who may rotate a leaked secret may stop its leaking.
 * @returns those that were frozen now, and those that may read it and were left
 */
export function* freezeTokens(
  ctx: VaultContext,
  environment: Environment,
  name: string,
  scope: FreezeScope,
): Operation<{ readonly frozen: TokenSummary[]; readonly left: TokenSummary[] }> {
  const frozen: TokenSummary[] = [];
  const left: TokenSummary[] = [];
  for (const token of yield* readersOf(ctx, environment, name)) {
    const named = token.names !== undefined && !token.names.includes('*');
    if (scope === 'none' || (scope === 'named' && !named)) {
      left.push(token);
      continue;
    }
    if (token.frozenAt === null) {
      yield* all(freezeToken, { id: token.id, at: ctx.clock() });
      const details = { token: token.id, name: token.name, because: name };
      yield* ctx.log([{ action: 'token.freeze', project: token.project, details }]);
    }
    frozen.push(token);
  }
  return { frozen, left };
}

/** The tokens that may read a secret now. */
function* readersOf(ctx: VaultContext, environment: Environment, name: string): Operation<TokenSummary[]> {
  const found: TokenSummary[] = [];
  const now = ctx.clock();
  let after = '';
  for (;;) {
    const rows = yield* all(selectTokens, { after, limit: PAGE });
    for (const row of rows) {
      const ended =
        (row.revoked_at ?? Number.POSITIVE_INFINITY) <= now || (row.expires_at ?? Number.POSITIVE_INFINITY) <= now;
      const elsewhere = row.environment_id !== null && row.environment_id !== environment.id;
      if (ended || elsewhere || row.project_id !== environment.projectId) continue;
      const token = tokenSummary(ctx, row);
      if (!token.permissions.includes('read') || (token.names && !matcher(token.names)(name))) continue;
      found.push(token);
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return found;
    after = last.id;
  }
}

/** Lets a frozen token in again. */
export function* thawToken(ctx: VaultContext, id: string): Operation<TokenSummary> {
  const token = yield* authorizedToken(ctx, id, 'token.thaw');
  return yield* transaction(
    (function* () {
      yield* all(freezeToken, { id, at: null });
      yield* ctx.log([{ action: 'token.thaw', project: token.project, details: { token: id, name: token.name } }]);
      return { ...token, frozenAt: null };
    })(),
  );
}
