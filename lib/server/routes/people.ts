// /v1/people, invitations, roles, approvals and sessions; and the two open routes that one-time links lead to.
import { z } from 'zod';
import { ConflictError, NotFoundError, UsageError } from '../../errors.ts';
import { decide, listApprovals } from '../../identity/approvals.ts';
import { forgetFailures } from '../../identity/attempts.ts';
import {
  giveRole,
  hasOwner,
  invite,
  isSomebody,
  listInvitations,
  listPeople,
  listRoles,
  openLink,
  redeemLink,
  removePerson,
  removeRole,
  saveRole,
  takeRole,
  withdrawInvitation,
} from '../../identity/people.ts';
import { logTransaction, type Operation } from '../../store/operation.ts';
import { sourceOf } from '../caller.ts';
import { type Answer, change } from '../change.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const MIN_PASSWORD = 12;

const role = z.string().min(1).max(40);
const grant = z.object({
  id: z.string(),
  role: z.string(),
  project: z.string().optional(),
  environment: z.string().optional(),
});
const given = z.object({ role, project: schema.place.optional(), environment: schema.place.optional() });
const person = z
  .object({ id: z.string(), name: z.string(), email: z.string(), grants: z.array(grant) })
  .meta({ id: 'Person' });
const ofPerson = z.object({ person: schema.id });
const ofId = z.object({ id: schema.id });

export function registerPeople(app: Api, service: Service): void {
  people(app, service);
  invitations(app, service);
  roles(app, service);
  approvals(app, service);
  sessions(app, service);
  links(app, service);
}

function people(app: Api, service: Service): void {
  app.get(
    '/v1/people',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'List people and their roles, in the places that you administer',
        response: { 200: z.object({ people: z.array(person) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const found = await service.vault.read(listPeople(ctx));
      await service.vault.read(logTransaction(ctx.log([{ action: 'person.list' }])));
      return { people: found.map((one) => ({ ...one, grants: one.grants.map((each) => ({ ...each })) })) };
    },
  );
  app.post(
    '/v1/people/:person/grants',
    {
      config: { permission: 'people' },
      schema: {
        tags: ['access'],
        summary: 'Give a person a role: in an environment, a project, or everywhere',
        params: ofPerson,
        body: given,
        response: { 201: grant, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 201, body: yield* giveRole(ctx, request.params.person, request.body) };
      }),
  );
  app.delete(
    '/v1/people/:person/grants/:id',
    {
      config: { permission: 'people' },
      schema: {
        tags: ['access'],
        summary: 'Take a role from a person',
        params: ofPerson.extend(ofId.shape),
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* takeRole(ctx, request.params.person, request.params.id);
        return { status: 204 };
      }),
  );
  app.delete(
    '/v1/people/:person',
    {
      config: { permission: 'people' },
      schema: {
        tags: ['access'],
        summary: 'Take a person away, with their sessions and roles',
        params: ofPerson,
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* removePerson(ctx, request.params.person);
        return { status: 204 };
      }),
  );
}

const invitation = z.object({
  id: z.string(),
  kind: z.string(),
  email: z.string().nullable(),
  role: z.string(),
  project: z.string().optional(),
  environment: z.string().optional(),
  createdBy: z.string(),
  expiresAt: schema.when,
});

function invitations(app: Api, service: Service): void {
  app.get(
    '/v1/invitations',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'List the invitations that were not accepted yet',
        response: { 200: z.object({ invitations: z.array(invitation) }), ...schema.problems },
      },
    },
    async (request) => ({ invitations: await service.vault.read(listInvitations(contextOf(service, request))) }),
  );
  app.post(
    '/v1/invitations',
    {
      config: { permission: 'people' },
      schema: {
        tags: ['access'],
        summary: 'Invite somebody. Give them the link: it works once, for a week, and is shown this once',
        body: given.extend({ email: z.email().max(254) }),
        response: { 201: z.object({ id: z.string(), link: z.string(), expiresAt: schema.when }), ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        const { email, ...to } = request.body;
        const { id, secret, expiresAt } = yield* invite(ctx, email, to);
        return { status: 201, body: { id, link: linkOf(service, secret), expiresAt } };
      }),
  );
  app.delete(
    '/v1/invitations/:id',
    {
      config: { permission: 'people' },
      schema: {
        tags: ['access'],
        summary: 'Withdraw an invitation',
        params: ofId,
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* withdrawInvitation(ctx, request.params.id);
        return { status: 204 };
      }),
  );
}

/** The secret part is behind the #, which a browser sends to nobody: no log on the way has it. */
function linkOf(service: { readonly publicUrl: string }, secret: string): string {
  return `${service.publicUrl}/join#${secret}`;
}

const roleSummary = z.object({ name: z.string(), builtIn: z.boolean(), permissions: z.array(z.string()) });

function roles(app: Api, service: Service): void {
  app.get(
    '/v1/roles',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'List roles, built in and custom',
        response: { 200: z.object({ roles: z.array(roleSummary) }), ...schema.problems },
      },
    },
    async () => {
      const found = await service.vault.read(listRoles());
      return { roles: found.map((one) => ({ ...one, permissions: [...one.permissions] })) };
    },
  );
  app.put(
    '/v1/roles/:role',
    {
      config: { permission: 'people' },
      schema: {
        tags: ['access'],
        summary: 'Make or change a custom role, from permissions that you have yourself',
        params: z.object({ role }),
        body: z.object({ permissions: z.array(z.string().max(40)).min(1).max(40) }),
        response: { 200: roleSummary, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 200, body: yield* saveRole(ctx, request.params.role, request.body.permissions) };
      }),
  );
  app.delete(
    '/v1/roles/:role',
    {
      config: { permission: 'people' },
      schema: {
        tags: ['access'],
        summary: 'Delete a custom role; whoever had it has its permissions no more',
        params: z.object({ role }),
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* removeRole(ctx, request.params.role);
        return { status: 204 };
      }),
  );
}

const approval = z
  .object({
    id: z.string(),
    action: z.enum(['read', 'rotate', 'delete']),
    project: z.string(),
    environment: z.string(),
    secret: z.string(),
    reason: z.string(),
    requestedBy: z.string(),
    requestedAt: schema.when,
    expiresAt: schema.when,
    decision: z.enum(['approved', 'refused']).nullable(),
    decidedBy: z.string().nullable(),
    usedAt: schema.when.nullable(),
  })
  .meta({ id: 'Approval' });

function approvals(app: Api, service: Service): void {
  app.get(
    '/v1/approvals',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'List what waits for a second person: what you asked for, and what you may decide',
        response: { 200: z.object({ approvals: z.array(approval) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const found = await service.vault.read(listApprovals(ctx));
      await service.vault.read(logTransaction(ctx.log([{ action: 'approval.list' }])));
      return { approvals: found };
    },
  );
  app.post(
    '/v1/approvals/:id',
    {
      config: { permission: 'approve' },
      schema: {
        tags: ['access'],
        summary: 'Approve or refuse what another person asked for',
        params: ofId,
        body: z.object({ decision: z.enum(['approved', 'refused']) }),
        response: { 200: approval, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 200, body: yield* decide(ctx, request.params.id, request.body.decision) };
      }),
  );
}

const session = z.object({
  id: z.string(),
  createdAt: schema.when,
  expiresAt: schema.when,
  address: z.string(),
  client: z.string(),
  current: z.boolean(),
});

function sessions(app: Api, service: Service): void {
  app.get(
    '/v1/sessions',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'List your own sessions',
        response: { 200: z.object({ sessions: z.array(session) }), ...schema.problems },
      },
    },
    async (request) => {
      const mine = request.caller?.person;
      if (!mine) throw new UsageError('A program has no sessions.');
      const found = await service.signIn.sessions(mine.id);
      return {
        sessions: found.map((one) => ({
          ...one,
          createdAt: one.createdAt.getTime(),
          expiresAt: one.expiresAt.getTime(),
          current: one.id === mine.sessionId,
        })),
      };
    },
  );
  app.delete(
    '/v1/sessions/:id',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'End one of your own sessions',
        params: ofId,
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(service, request);
      const mine = request.caller?.person;
      const ended = mine && (await service.signIn.endSession(mine.id, request.params.id));
      if (!ended) throw new NotFoundError('KT_NOT_FOUND', 'There is no such session.');
      await service.vault.log({ action: 'auth.sign_out', details: { session: request.params.id } }, ctx.actor);
      return reply.code(204).send(null);
    },
  );
  app.delete(
    '/v1/people/:person/sessions',
    {
      config: { permission: 'people' },
      schema: {
        tags: ['access'],
        summary: 'End all of a person’s sessions',
        params: ofPerson,
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(service, request);
      const details = { person: request.params.person };
      await service.vault.read(ctx.authorize('people', { action: 'auth.sign_out', details }));
      await service.signIn.endSessions(request.params.person);
      await service.vault.log({ action: 'auth.sign_out', details }, ctx.actor);
      return reply.code(204).send(null);
    },
  );
}

function links(app: Api, service: Service): void {
  app.get(
    '/v1/sign-in',
    {
      config: { open: true },
      schema: {
        tags: ['access'],
        summary: 'How people sign in here, and whether anybody owns the vault yet',
        response: { 200: z.object({ singleSignOn: z.boolean(), owned: z.boolean() }), ...schema.problems },
      },
    },
    async () => ({ singleSignOn: service.signIn.oidc, owned: await service.vault.read(hasOwner()) }),
  );
  app.post(
    '/v1/join/look',
    {
      config: { open: true, reads: true },
      schema: {
        tags: ['access'],
        summary: 'What a one-time link is for',
        body: z.object({ link: z.string().min(20).max(100) }),
        response: {
          200: z.object({ kind: z.string(), email: z.string().nullable(), role: z.string() }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const { kind, email, role: of } = await service.vault.read(openLink(service.vault.system, request.body.link));
      return { kind, email, role: of };
    },
  );
  app.post(
    '/v1/join',
    {
      config: { open: true },
      schema: {
        tags: ['access'],
        summary: 'Use a one-time link: make the first owner, accept an invitation, or recover an account',
        body: z.object({
          link: z.string().min(20).max(100),
          email: z.email().max(254).optional().describe('For the first owner; an invitation has its own.'),
          name: z.string().min(1).max(100),
          password: z
            .string()
            .min(MIN_PASSWORD)
            .max(256)
            .optional()
            .describe('May be left out where single sign-on is set up.'),
        }),
        response: { 201: z.object({ email: z.string() }), ...schema.problems },
      },
    },
    async (request, reply) => {
      const { link: secret, name, password } = request.body;
      const { system } = service.vault;
      const link = await service.vault.read(openLink(system, secret));
      const email = (link.email ?? request.body.email)?.toLowerCase();
      if (email === undefined) throw new UsageError('An owner needs an email address.');
      if (password === undefined && !service.signIn.oidc)
        throw new UsageError('A password is needed: single sign-on is not set up.');
      // A link must not be a way to give somebody else's account a new password.
      if (link.kind !== 'recovery' && (await service.vault.read(isSomebody(email)))) {
        throw new ConflictError('There is an account of that address already.', 'Have a role given to it instead.');
      }
      const account = await service.signIn.setAccount(email, name, password);
      const ctx = service.vault.context({ principal: email, source: sourceOf(request), person: true }, system.access);
      await service.vault.run(redeemLink(ctx, link, account));
      if (link.kind === 'recovery') {
        await service.signIn.resetFactors(account.id);
        await service.signIn.endSessions(account.id);
        await service.vault.read(forgetFailures(`person:${email}`));
        await service.vault.log({ action: 'person.recover', details: { email } }, ctx.actor);
      }
      return reply.code(201).send({ email });
    },
  );
}
