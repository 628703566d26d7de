// People: their grants, invitations, and roles of the vault's own. Signing in is better-auth's (server/sign-in.ts).
import { createHash } from 'node:crypto';
import { AccessDeniedError, ConflictError, NotFoundError, UsageError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { GrantTable, InvitationTable } from '../store/schema.ts';
import {
  deleteGrant,
  deleteGrantsOf,
  deleteRole,
  insertGrant,
  putRole,
  selectGrants,
  selectRoles,
} from '../store/statements/access.ts';
import {
  acceptInvitation,
  deleteInvitation,
  deleteInvitationsOfKind,
  deletePerson,
  findInvitationByHash,
  findPerson,
  findPersonByEmail,
  insertInvitation,
  selectInvitations,
  selectPeople,
} from '../store/statements/service.ts';
import type { Grant } from '../vault/access.ts';
import type { VaultContext } from '../vault/context.ts';
import { isRole, PERMISSIONS, type Permission, ROLE_PERMISSIONS } from '../vault/policy.ts';
import { checkedPermissions } from './tokens.ts';

const INVITATION_MS = 7 * 24 * 60 * 60 * 1000;
/** A link that makes an owner is good for this long. */
const OWNER_LINK_MS = 24 * 60 * 60 * 1000;

/** A role in a place: what a person gets. */
export interface GivenRole {
  readonly role: string;
  readonly project?: string | undefined;
  readonly environment?: string | undefined;
}

export interface GrantSummary extends GivenRole {
  readonly id: string;
}

export interface PersonSummary {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly grants: readonly GrantSummary[];
}

export interface RoleSummary {
  readonly name: string;
  readonly builtIn: boolean;
  readonly permissions: readonly Permission[];
}

interface RolePlace {
  readonly role: string;
  readonly projectId: number | null;
  readonly environmentId: number | null;
  readonly where: { readonly project?: string; readonly environment?: string };
}

/** The permissions of a role, built in or custom; undefined for one that is not there. */
function* permissionsOf(role: string): Operation<readonly Permission[] | undefined> {
  if (isRole(role)) return ROLE_PERMISSIONS[role];
  const row = (yield* all(selectRoles, {})).find((one) => one.name === role);
  return row && (JSON.parse(row.permissions) as Permission[]);
}

/** @throws NotFoundError, UsageError; AccessDeniedError where the role is more than its giver has */
function* checkGiving(ctx: VaultContext, given: GivenRole): Operation<RolePlace> {
  const permissions = yield* permissionsOf(given.role);
  if (!permissions)
    throw new NotFoundError('KT_NOT_FOUND', 'There is no such role.', 'The list of roles has those that there are.');
  if (given.environment !== undefined && given.project === undefined)
    throw new UsageError('An environment needs its project.');
  const place = rolePlace(ctx, given);
  const details = { role: given.role };
  yield* ctx.authorize(given.role === 'owner' ? 'owners' : 'people', { action: 'grant.give', ...place.where, details });
  for (const permission of permissions) {
    if (ctx.access.denial(permission, place.where) === undefined) continue;
    yield* ctx.authorize(permission, { action: 'grant.give', ...place.where, details });
  }
  return place;
}

function rolePlace(ctx: VaultContext, given: GivenRole): RolePlace {
  const { role, project, environment } = given;
  if (project === undefined) return { role, projectId: null, environmentId: null, where: {} };
  if (environment === undefined) {
    const found = ctx.project(project);
    return { role, projectId: found.id, environmentId: null, where: { project: found.name } };
  }
  const found = ctx.environment({ project, environment });
  return {
    role,
    projectId: found.projectId,
    environmentId: found.id,
    where: { project: found.project, environment: found.name },
  };
}

function grantSummary(
  ctx: VaultContext,
  row: Pick<GrantTable, 'id' | 'role' | 'project_id' | 'environment_id'>,
): GrantSummary {
  const environments = [...ctx.environments.values()];
  const project = environments.find((one) => one.projectId === row.project_id)?.project;
  const environment = environments.find((one) => one.id === row.environment_id)?.name;
  return {
    id: row.id,
    role: row.role,
    ...(project !== undefined && { project }),
    ...(environment !== undefined && { environment }),
  };
}

/** Everybody, with what they may do, as far as it lies in places that the caller administers. */
export function* listPeople(ctx: VaultContext): Operation<PersonSummary[]> {
  const grants = yield* all(selectGrants, {});
  const people = yield* all(selectPeople, {});
  const everywhere = ctx.access.denial('people', {}) === undefined;
  return people
    .map(({ id, name, email }) => ({
      id,
      name,
      email,
      grants: grants
        .filter((grant) => grant.person_id === id)
        .map((grant) => grantSummary(ctx, grant))
        .filter((grant) => everywhere || mayAdminister(ctx, grant)),
    }))
    .filter((person) => everywhere || person.grants.length > 0);
}

function mayAdminister(ctx: VaultContext, { project, environment }: GivenRole): boolean {
  const at = { ...(project !== undefined && { project }), ...(environment !== undefined && { environment }) };
  return ctx.access.denial('people', at) === undefined;
}

/** Gives a person a role in a place. */
export function* giveRole(ctx: VaultContext, personId: string, given: GivenRole): Operation<GrantSummary> {
  const place = yield* checkGiving(ctx, given);
  const person = yield* first(findPerson, { id: personId });
  if (!person) throw noPerson();
  return yield* transaction(insertRole(ctx, person, place));
}

function* insertRole(
  ctx: VaultContext,
  person: { id: string; email: string },
  place: RolePlace,
): Operation<GrantSummary> {
  const id = ctx.random(8).toString('hex');
  const { role, projectId, environmentId, where } = place;
  yield* all(insertGrant, {
    id,
    personId: person.id,
    role,
    projectId,
    environmentId,
    now: ctx.clock(),
    by: ctx.principal,
  });
  yield* ctx.log([{ action: 'grant.give', ...where, details: { person: person.email, role, grant: id } }]);
  return { id, role, ...where };
}

/** Takes a role from a person. The last owner keeps theirs. */
export function* takeRole(ctx: VaultContext, personId: string, grantId: string): Operation<void> {
  const grants = yield* all(selectGrants, {});
  const row = grants.find((one) => one.id === grantId && one.person_id === personId);
  if (!row || !mayAdminister(ctx, grantSummary(ctx, row)))
    throw new NotFoundError('KT_NOT_FOUND', 'There is no such grant.');
  const { project, environment } = grantSummary(ctx, row);
  const where = { ...(project !== undefined && { project }), ...(environment !== undefined && { environment }) };
  yield* ctx.authorize(row.role === 'owner' ? 'owners' : 'people', { action: 'grant.take', ...where });
  if (isLastOwner(grants, row))
    throw new ConflictError('A vault keeps at least one owner.', 'Make another owner first.');
  yield* transaction(
    (function* () {
      yield* all(deleteGrant, { id: grantId });
      yield* ctx.log([
        { action: 'grant.take', ...where, details: { person: personId, role: row.role, grant: grantId } },
      ]);
    })(),
  );
}

type OwnerRow = Pick<GrantTable, 'role' | 'project_id' | 'person_id'>;

function isLastOwner(grants: readonly OwnerRow[], row: OwnerRow): boolean {
  const owns = (one: OwnerRow) => one.role === 'owner' && one.project_id === null;
  return owns(row) && grants.filter(owns).length === 1;
}

/** Takes a person away, with their sign-ins and grants. The audit log keeps their name. */
export function* removePerson(ctx: VaultContext, personId: string): Operation<void> {
  const grants = yield* all(selectGrants, {});
  const mine = grants.filter((one) => one.person_id === personId);
  const isOwner = mine.some((one) => one.role === 'owner');
  yield* ctx.authorize(isOwner ? 'owners' : 'people', { action: 'person.remove', details: { person: personId } });
  const person = yield* first(findPerson, { id: personId });
  if (!person) throw noPerson();
  if (mine.some((one) => isLastOwner(grants, one))) {
    throw new ConflictError('A vault keeps at least one owner.', 'Make another owner first.');
  }
  yield* transaction(
    (function* () {
      yield* all(deleteGrantsOf, { personId });
      yield* all(deletePerson, { id: personId });
      yield* ctx.log([{ action: 'person.remove', details: { person: person.email } }]);
    })(),
  );
}

function noPerson(): NotFoundError {
  return new NotFoundError('KT_NOT_FOUND', 'There is no such person.', 'The list of people has those that there are.');
}

/** What a person may do, as grants with the permissions of their roles. */
export function* grantsOf(ctx: VaultContext, personId: string): Operation<Grant[]> {
  const found: Grant[] = [];
  for (const row of yield* all(selectGrants, {})) {
    if (row.person_id !== personId) continue;
    const permissions = yield* permissionsOf(row.role);
    const { project, environment } = grantSummary(ctx, row);
    // A place that is not there any more gives nothing: it must not turn into "everywhere".
    if (row.project_id !== null && project === undefined) continue;
    if (row.environment_id !== null && environment === undefined) continue;
    if (permissions) found.push({ permissions: new Set(permissions), project, environment });
  }
  return found;
}

export interface InvitationSummary extends GivenRole {
  readonly id: string;
  readonly kind: InvitationTable['kind'];
  readonly email: string | null;
  readonly createdBy: string;
  readonly expiresAt: number;
}

function summaryOf(ctx: VaultContext, row: InvitationTable): InvitationSummary {
  const { id: _, ...given } = grantSummary(ctx, row);
  return {
    ...given,
    id: row.id,
    kind: row.kind,
    email: row.email,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
  };
}

/** One-time links are kept as their hash: 256 random bits need no slow one. */
function linkHash(secret: string): Buffer {
  return createHash('sha256').update('keyturn/v1/link\n').update(secret).digest();
}

function* insertLink(
  ctx: VaultContext,
  kind: InvitationTable['kind'],
  email: string | null,
  place: Omit<RolePlace, 'where'>,
  lifeMs: number,
): Operation<{ id: string; secret: string; expiresAt: number }> {
  const secret = ctx.random(32).toString('base64url');
  const id = ctx.random(8).toString('hex');
  const now = ctx.clock();
  yield* all(insertInvitation, {
    id,
    hash: linkHash(secret),
    kind,
    email,
    role: place.role,
    projectId: place.projectId,
    environmentId: place.environmentId,
    now,
    by: ctx.principal,
    expiresAt: now + lifeMs,
  });
  return { id, secret, expiresAt: now + lifeMs };
}

/** Invites somebody, who gets the role when they accept. @returns the link's secret part, shown this once */
export function* invite(
  ctx: VaultContext,
  email: string,
  given: GivenRole,
): Operation<{ id: string; secret: string; expiresAt: number }> {
  const place = yield* checkGiving(ctx, given);
  return yield* transaction(
    (function* () {
      const link = yield* insertLink(ctx, 'invitation', email.toLowerCase(), place, INVITATION_MS);
      const details = { invitation: link.id, email, role: given.role };
      yield* ctx.log([{ action: 'person.invite', ...place.where, details }]);
      return link;
    })(),
  );
}

export function* listInvitations(ctx: VaultContext): Operation<InvitationSummary[]> {
  const rows = yield* all(selectInvitations, { now: ctx.clock() });
  return rows
    .filter((row) => row.kind === 'invitation')
    .map((row) => summaryOf(ctx, row))
    .filter((one) => mayAdminister(ctx, one));
}

export function* withdrawInvitation(ctx: VaultContext, id: string): Operation<void> {
  const found = (yield* listInvitations(ctx)).find((one) => one.id === id);
  if (!found) throw new NotFoundError('KT_NOT_FOUND', 'There is no such invitation.');
  yield* transaction(
    (function* () {
      yield* all(deleteInvitation, { id });
      yield* ctx.log([{ action: 'person.invite', details: { invitation: id, withdrawn: true } }]);
    })(),
  );
}

/** Whether anybody owns the vault yet. */
export function* hasOwner(): Operation<boolean> {
  const grants = yield* all(selectGrants, {});
  return grants.some((one) => one.role === 'owner' && one.project_id === null);
}

/** A new one-time link for the first owner; those made before are void. Undefined where there is an owner. */
export function* ownerLink(ctx: VaultContext): Operation<string | undefined> {
  if (yield* hasOwner()) return undefined;
  return yield* transaction(
    (function* () {
      yield* all(deleteInvitationsOfKind, { kind: 'owner' });
      const place = { role: 'owner', projectId: null, environmentId: null };
      return (yield* insertLink(ctx, 'owner', null, place, OWNER_LINK_MS)).secret;
    })(),
  );
}

/** A one-time link for somebody who cannot sign in any more. Made on the host only. */
export function* recoveryLink(ctx: VaultContext, email: string): Operation<string> {
  return yield* transaction(
    (function* () {
      const place = { role: 'owner', projectId: null, environmentId: null };
      const link = yield* insertLink(ctx, 'recovery', email.toLowerCase(), place, OWNER_LINK_MS);
      yield* ctx.log([{ action: 'person.recover', details: { email, link: link.id } }]);
      return link.secret;
    })(),
  );
}

/** The invitation behind a link's secret part. @throws NotFoundError, the same for one that is wrong, used or too old */
export function* openLink(ctx: VaultContext, secret: string): Operation<InvitationTable> {
  const row = yield* first(findInvitationByHash, { hash: linkHash(secret) });
  const stale = row?.kind === 'owner' && (yield* hasOwner());
  if (row && row.accepted_at === null && row.expires_at > ctx.clock() && !stale) return row;
  throw new NotFoundError('KT_NOT_FOUND', 'That link is not valid (any longer).', 'Ask for a new one.');
}

/** Uses a link up for a person who is there by now, and gives them its role. */
export function* redeemLink(
  ctx: VaultContext,
  link: InvitationTable,
  person: { readonly id: string; readonly email: string },
): Operation<void> {
  yield* transaction(
    (function* () {
      const used = yield* first(acceptInvitation, { id: link.id, now: ctx.clock() });
      if (!used) throw new ConflictError('That link was used meanwhile.');
      if (link.kind === 'owner' && (yield* hasOwner())) throw new ConflictError('There is an owner already.');
      if (link.kind === 'recovery') return;
      const { id: _, role, ...where } = grantSummary(ctx, link);
      yield* ctx.log([{ action: 'person.join', details: { email: person.email, invitation: link.id } }]);
      yield* insertRole(ctx, person, { role, projectId: link.project_id, environmentId: link.environment_id, where });
    })(),
  );
}

export function* listRoles(): Operation<RoleSummary[]> {
  const builtIn = Object.entries(ROLE_PERMISSIONS).map(([name, permissions]) => ({ name, builtIn: true, permissions }));
  const custom = (yield* all(selectRoles, {})).map((row) => ({
    name: row.name,
    builtIn: false,
    permissions: JSON.parse(row.permissions) as Permission[],
  }));
  return [...builtIn, ...custom];
}

/** Makes or changes a custom role: those who have it have the new permissions at once. */
export function* saveRole(ctx: VaultContext, name: string, texts: readonly string[]): Operation<RoleSummary> {
  if (isRole(name) || !/^[a-z][a-z0-9-]{0,39}$/.test(name)) {
    throw new UsageError('That cannot be the name of a role.', 'Use up to 40 small letters, digits and hyphens.');
  }
  const permissions = checkedPermissions(texts, PERMISSIONS);
  yield* ctx.authorize('people', { action: 'role.put', details: { role: name } });
  for (const permission of permissions)
    yield* ctx.authorize(permission, { action: 'role.put', details: { role: name } });
  yield* transaction(
    (function* () {
      yield* all(putRole, { name, permissions: JSON.stringify(permissions), now: ctx.clock(), by: ctx.principal });
      yield* ctx.log([{ action: 'role.put', details: { role: name, permissions: permissions.join(',') } }]);
    })(),
  );
  return { name, builtIn: false, permissions };
}

export function* removeRole(ctx: VaultContext, name: string): Operation<void> {
  yield* ctx.authorize('people', { action: 'role.delete', details: { role: name } });
  if (isRole(name)) throw new AccessDeniedError('A built-in role cannot be deleted.');
  yield* transaction(
    (function* () {
      const gone = yield* first(deleteRole, { name });
      if (!gone) throw new NotFoundError('KT_NOT_FOUND', 'There is no such role.');
      yield* ctx.log([{ action: 'role.delete', details: { role: name } }]);
    })(),
  );
}

/** Whether an address belongs to somebody who may do anything: an account of a joining that was cut off may not. */
export function* isSomebody(email: string): Operation<boolean> {
  const person = yield* first(findPersonByEmail, { email });
  return person !== undefined && (yield* all(selectGrants, {})).some((one) => one.person_id === person.id);
}
