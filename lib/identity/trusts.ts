// Trust in identity providers of programs: a job on GitHub Actions or Vercel proves itself by its own identity token and
// gets a short machine token for it, so that CI keeps no stored secret.
import type { KeyObject } from 'node:crypto';
import { IdentityError, NotFoundError, UsageError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { TrustTable } from '../store/schema.ts';
import { deleteTrust, insertTrust, selectTrusts } from '../store/statements/access.ts';
import type { VaultContext } from '../vault/context.ts';
import { isPermission, TOKEN_PERMISSIONS } from '../vault/policy.ts';
import { checkedPermissions, issueToken, type MadeToken } from './tokens.ts';

const MOST_SECONDS = 3_600;

export interface TrustInput {
  readonly name: string;
  /** The provider's address, as its tokens name it: `https://token.actions.githubusercontent.com`. */
  readonly issuer: string;
  readonly audience: string;
  /** Claims and what they must be, with `*` for any characters: `{ "repository": "acme/shop", "ref": "refs/heads/main" }`. */
  readonly claims: Readonly<Record<string, string>>;
  readonly project: string;
  readonly environment: string;
  readonly permissions: readonly string[];
  readonly names?: readonly string[] | undefined;
  /** How long a token given for one lives, in seconds; at most an hour. */
  readonly seconds?: number | undefined;
}

export interface TrustSummary extends TrustInput {
  readonly id: string;
  readonly createdBy: string;
}

function checkIssuer(issuer: string): void {
  const url = URL.canParse(issuer) ? new URL(issuer) : undefined;
  const loopback = url && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  if (url && (url.protocol === 'https:' || (loopback && url.protocol === 'http:')) && !url.search && !url.hash) return;
  throw new UsageError('An issuer is an https address.', 'Write it as the tokens name it, in their claim `iss`.');
}

/** @throws UsageError, AccessDeniedError */
export function* createTrust(ctx: VaultContext, input: TrustInput): Operation<TrustSummary> {
  checkIssuer(input.issuer);
  if (Object.keys(input.claims).length === 0 || !Object.values(input.claims).some((value) => /[^*]/.test(value))) {
    throw new UsageError(
      'A trust without claims would let in every job of that provider.',
      'Name at least one claim: for GitHub Actions `repository`, for Vercel `project_id` or `sub`.',
    );
  }
  const seconds = input.seconds ?? 900;
  if (seconds < 60 || seconds > MOST_SECONDS) throw new UsageError('A token lives from 60 to 3600 seconds.');
  const permissions = checkedPermissions(input.permissions, TOKEN_PERMISSIONS);
  const environment = ctx.environment(input);
  const where = { project: environment.project, environment: environment.name };
  yield* ctx.authorize('tokens', { action: 'trust.create', ...where });
  for (const permission of permissions) yield* ctx.authorize(permission, { action: 'trust.create', ...where });
  const id = ctx.random(8).toString('hex');
  yield* transaction(
    (function* () {
      yield* all(insertTrust, {
        id,
        name: input.name,
        issuer: input.issuer.replace(/\/$/, ''),
        audience: input.audience,
        claims: JSON.stringify(input.claims),
        projectId: environment.projectId,
        environmentId: environment.id,
        permissions: JSON.stringify(permissions),
        names: input.names ? JSON.stringify(input.names) : null,
        seconds,
        now: ctx.clock(),
        by: ctx.principal,
      });
      yield* ctx.log([{ action: 'trust.create', ...where, details: { trust: id, issuer: input.issuer } }]);
    })(),
  );
  return { ...input, id, seconds, createdBy: ctx.principal };
}

function trustSummary(ctx: VaultContext, row: TrustTable): TrustSummary | undefined {
  const environment = ctx.environments.get(row.environment_id);
  if (!environment) return undefined;
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    audience: row.audience,
    claims: JSON.parse(row.claims) as Record<string, string>,
    project: environment.project,
    environment: environment.name,
    permissions: JSON.parse(row.permissions) as string[],
    ...(row.names !== null && { names: JSON.parse(row.names) as string[] }),
    seconds: row.seconds,
    createdBy: row.created_by,
  };
}

function* allTrusts(ctx: VaultContext): Operation<TrustSummary[]> {
  const rows = yield* all(selectTrusts, {});
  return rows.map((row) => trustSummary(ctx, row)).filter((one): one is TrustSummary => one !== undefined);
}

export function* listTrusts(ctx: VaultContext): Operation<TrustSummary[]> {
  return (yield* allTrusts(ctx)).filter((one) => ctx.access.denial('tokens', one) === undefined);
}

export function* removeTrust(ctx: VaultContext, id: string): Operation<void> {
  const found = (yield* allTrusts(ctx)).find((one) => one.id === id);
  if (!found || !ctx.access.knows(found.project)) throw new NotFoundError('KT_NOT_FOUND', 'There is no such trust.');
  const where = { project: found.project, environment: found.environment };
  yield* ctx.authorize('tokens', { action: 'trust.delete', ...where });
  yield* transaction(
    (function* () {
      yield* first(deleteTrust, { id });
      yield* ctx.log([{ action: 'trust.delete', ...where, details: { trust: id } }]);
    })(),
  );
}

/** The issuers that anybody trusts. */
export function* trustedIssuers(): Operation<ReadonlySet<string>> {
  return new Set((yield* all(selectTrusts, {})).map((row) => row.issuer));
}

/** A checked identity token's claims. */
export type Claims = Readonly<Record<string, unknown>>;

function claimFits(pattern: string, value: unknown): boolean {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return false;
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's').test(String(value));
}

function audienceFits(wanted: string, audience: unknown): boolean {
  return Array.isArray(audience) ? audience.includes(wanted) : audience === wanted;
}

/**
 * Gives a short machine token for an identity token whose signature, issuer and times were checked.
 * @throws IdentityError where no trust fits its claims
 */
export function* exchange(ctx: VaultContext, key: KeyObject, issuer: string, claims: Claims): Operation<MadeToken> {
  const trust = (yield* allTrusts(ctx)).find(
    (one) =>
      one.issuer === issuer &&
      audienceFits(one.audience, claims.aud) &&
      Object.entries(one.claims).every(([name, pattern]) => claimFits(pattern, claims[name])),
  );
  if (!trust) {
    throw new IdentityError(
      'KT_UNAUTHENTICATED',
      'No trust fits that identity token.',
      'Compare its claims (aud, sub, repository, …) with the trusts of the environment.',
    );
  }
  const subject = typeof claims.sub === 'string' ? claims.sub.slice(0, 80) : trust.name;
  return yield* issueToken(ctx, key, `${trust.name}: ${subject}`, {
    project: trust.project,
    environment: trust.environment,
    permissions: trust.permissions.filter(isPermission),
    names: trust.names,
    expiresAt: ctx.clock() + (trust.seconds ?? 900) * 1000,
  });
}
