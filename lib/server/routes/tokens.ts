// /v1/tokens, /v1/trusts and /v1/auth/exchange: how programs prove who they are.
import { z } from 'zod';
import { createToken, endToken, listTokens, rotateToken, thawToken } from '../../identity/tokens.ts';
import { createTrust, listTrusts, removeTrust } from '../../identity/trusts.ts';
import { logTransaction, type Operation } from '../../store/operation.ts';
import { sourceOf } from '../caller.ts';
import { type Answer, change } from '../change.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const HOUR_MS = 3_600_000;

const scope = {
  project: schema.place,
  environment: schema.place.optional().describe('All of the project’s where not given.'),
  permissions: z.array(z.string().max(40)).min(1).max(20),
  names: z.array(z.string().min(1).max(200)).min(1).max(200).optional().describe('Names, or patterns with `*`.'),
  addresses: z.array(z.string().max(64)).min(1).max(100).optional().describe('Addresses or networks: 10.0.0.0/8.'),
  expiresAt: schema.when.optional(),
  maxUses: z.int().min(1).max(1_000_000_000).optional(),
};

const token = z
  .object({
    ...scope,
    id: z.string(),
    name: z.string(),
    kind: z.enum(['machine', 'oidc']),
    uses: z.int(),
    createdAt: schema.when,
    createdBy: z.string(),
    lastUsedAt: schema.when.nullable(),
    lastUsedFrom: z.string().nullable(),
    revokedAt: schema.when.nullable(),
    replacedBy: z.string().nullable(),
    frozenAt: schema.when.nullable().describe('Refused since then, until it is thawed.'),
  })
  .meta({ id: 'Token' });

const made = z.object({ token: z.string().describe('Shown this once; kept nowhere.'), summary: token });

export function registerTokens(app: Api, service: Service): void {
  machine(app, service);
  trusts(app, service);
}

function machine(app: Api, service: Service): void {
  app.get(
    '/v1/tokens',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'List the machine tokens of the places that you administer; never the tokens themselves',
        querystring: schema.page,
        response: { 200: z.object({ tokens: z.array(token), next: schema.next }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const { limit, cursor } = request.query;
      const found = await service.vault.read(listTokens(ctx, cursor ?? '', limit + 1));
      await service.vault.read(logTransaction(ctx.log([{ action: 'token.list' }])));
      const tokens = found.slice(0, limit).map(plain);
      return { tokens, next: found.length > limit ? (tokens.at(-1)?.id ?? null) : null };
    },
  );
  app.post(
    '/v1/tokens',
    {
      config: { permission: 'tokens' },
      schema: {
        tags: ['access'],
        summary: 'Make a machine token: no wider than what you may do yourself',
        body: z.object({ name: z.string().min(1).max(100), ...scope }),
        response: { 201: made, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        const { name, ...given } = request.body;
        return { status: 201, body: yield* createToken(ctx, service.tokenKey, name, given) };
      }),
  );
  app.post(
    '/v1/tokens/:id/rotate',
    {
      config: { permission: 'tokens' },
      schema: {
        tags: ['access'],
        summary: 'Make a new token of the same scope; the old one stays valid for a grace',
        params: z.object({ id: schema.id }),
        body: z.object({
          graceMs: z
            .int()
            .min(0)
            .max(30 * 24 * HOUR_MS)
            .default(HOUR_MS),
        }),
        response: { 201: made, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return {
          status: 201,
          body: yield* rotateToken(ctx, service.tokenKey, request.params.id, request.body.graceMs),
        };
      }),
  );
  app.post(
    '/v1/tokens/:id/thaw',
    {
      config: { permission: 'tokens' },
      schema: {
        tags: ['access'],
        summary: 'Let a token in again that a compromise has frozen',
        params: z.object({ id: schema.id }),
        response: { 200: token, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 200, body: yield* thawToken(ctx, request.params.id) };
      }),
  );
  app.delete(
    '/v1/tokens/:id',
    {
      config: { permission: 'tokens' },
      schema: {
        tags: ['access'],
        summary: 'Revoke a token: every server refuses it from now on',
        params: z.object({ id: schema.id }),
        response: { 200: token, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 200, body: yield* endToken(ctx, request.params.id) };
      }),
  );
}

/** Arrays that a schema may write to: the engine's are read-only. */
function plain<
  T extends {
    permissions: readonly string[];
    names?: readonly string[] | undefined;
    addresses?: readonly string[] | undefined;
  },
>(one: T) {
  return {
    ...one,
    permissions: [...one.permissions],
    names: one.names && [...one.names],
    addresses: one.addresses && [...one.addresses],
  };
}

const trustInput = {
  name: z.string().min(1).max(100),
  issuer: z
    .string()
    .max(500)
    .describe(
      'https://token.actions.githubusercontent.com for GitHub Actions, https://oidc.vercel.com/TEAM for Vercel.',
    ),
  audience: z.string().min(1).max(500),
  claims: z
    .record(z.string().min(1).max(100), z.string().min(1).max(500))
    .describe('What claims must be, with `*` for any characters.'),
  project: schema.place,
  environment: schema.place,
  permissions: z.array(z.string().max(40)).min(1).max(20),
  names: z.array(z.string().min(1).max(200)).min(1).max(200).optional(),
  seconds: z.int().optional().describe('How long a token given for one lives: 60 to 3600, 900 where not given.'),
};

const trust = z.object({ ...trustInput, id: z.string(), createdBy: z.string() });

function trusts(app: Api, service: Service): void {
  app.get(
    '/v1/trusts',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['access'],
        summary: 'List the identity providers of programs that are trusted',
        response: { 200: z.object({ trusts: z.array(trust) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const found = await service.vault.read(listTrusts(ctx));
      await service.vault.read(logTransaction(ctx.log([{ action: 'trust.list' }])));
      return {
        trusts: found.map((one) => ({
          ...one,
          claims: { ...one.claims },
          permissions: [...one.permissions],
          names: one.names && [...one.names],
        })),
      };
    },
  );
  app.post(
    '/v1/trusts',
    {
      config: { permission: 'tokens' },
      schema: {
        tags: ['access'],
        summary: 'Trust an identity provider’s tokens that carry certain claims',
        body: z.object(trustInput),
        response: { 201: trust, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 201, body: yield* createTrust(ctx, request.body) };
      }),
  );
  app.delete(
    '/v1/trusts/:id',
    {
      config: { permission: 'tokens' },
      schema: {
        tags: ['access'],
        summary: 'Trust it no more; tokens that were given live out their minutes',
        params: z.object({ id: schema.id }),
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* removeTrust(ctx, request.params.id);
        return { status: 204 };
      }),
  );
  app.post(
    '/v1/auth/exchange',
    {
      config: { open: true },
      schema: {
        tags: ['access'],
        summary: 'Exchange a job’s own identity token (GitHub Actions, Vercel) for a short machine token',
        body: z.object({ token: z.string().min(10).max(16_000) }),
        response: {
          201: z.object({ token: z.string(), expiresAt: schema.when, project: z.string(), environment: z.string() }),
          ...schema.problems,
        },
      },
    },
    async (request, reply) => {
      const { token: text, summary } = await service.exchange.exchange(request.body.token, sourceOf(request));
      const { project, environment = '', expiresAt = 0 } = summary;
      return reply.code(201).send({ token: text, expiresAt, project, environment });
    },
  );
}
