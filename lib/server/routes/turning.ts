// What turns by itself: live checks, the schedule, who uses a secret, what providers can do.
import { z } from 'zod';
import type { Provider } from '../../providers/provider.ts';
import { checkEnvironment, checkSecret, lastChecks } from '../../rotation/checks.ts';
import { rotatorOf } from '../../rotation/rotator.ts';
import { turnsAhead } from '../../rotation/tick.ts';
import { usesOf } from '../../rotation/uses.ts';
import { logTransaction } from '../../store/operation.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { Place } from '../../vault/places.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const BASE = '/v1/projects/:project/environments/:environment';
const DAY_MS = 24 * 60 * 60_000;

export function registerTurning(app: Api, service: Service): void {
  checks(app, service);
  uses(app, service);
  schedule(app, service);
  providers(app, service);
}

const check = z
  .object({
    name: z.string(),
    environment: z.string(),
    version: z.int(),
    status: z.enum(['valid', 'restricted', 'refused', 'throttled', 'unreachable', 'unchecked']),
    detail: z.string().describe('What was found, in words; never a value.'),
    provider: z.string().nullable(),
    mode: z.enum(['test', 'live']).nullable(),
    expiresAt: schema.when.nullable().describe('When the provider will end it by itself.'),
    tookMs: z.int(),
    checkedAt: schema.when,
  })
  .meta({ id: 'LiveCheck' });

function checks(app: Api, service: Service): void {
  app.post(
    `${BASE}/secrets/:name/check`,
    {
      config: { permission: 'validate', reads: true },
      schema: {
        tags: ['oversight'],
        summary: 'Ask the provider whether a key works: a read-only call; the last answer is kept',
        params: schema.ofSecret,
        response: { 200: check, ...schema.problems },
      },
    },
    (request) =>
      service.vault.read(checkSecret(contextOf(service, request), service.world, request.params, request.params.name)),
  );
  app.post(
    `${BASE}/checks`,
    {
      config: { permission: 'validate', reads: true },
      schema: {
        tags: ['oversight'],
        summary: 'Ask about every secret of an environment, a bounded number at a time',
        params: schema.inEnvironment,
        response: { 200: z.object({ checks: z.array(check) }), ...schema.problems },
      },
    },
    async (request) => ({
      checks: await service.vault.read(checkEnvironment(contextOf(service, request), service.world, request.params)),
    }),
  );
  app.get(
    `${BASE}/checks`,
    {
      config: { permission: 'monitor' },
      schema: {
        tags: ['oversight'],
        summary: 'The last check of each secret; asks nobody',
        params: schema.inEnvironment,
        response: { 200: z.object({ checks: z.array(check) }), ...schema.problems },
      },
    },
    (request) => service.vault.read(showChecks(contextOf(service, request), request.params)),
  );
}

function* showChecks(ctx: VaultContext, at: Place) {
  const environment = ctx.environment(at);
  const where = { project: environment.project, environment: environment.name };
  yield* ctx.authorize('monitor', { action: 'monitoring.run', ...where });
  yield* logTransaction(ctx.log([{ action: 'monitoring.run', ...where, details: { checks: true } }]));
  return { checks: yield* lastChecks(ctx, environment) };
}

function uses(app: Api, service: Service): void {
  app.get(
    `${BASE}/secrets/:name/uses`,
    {
      config: { permission: 'list' },
      schema: {
        tags: ['secrets'],
        summary: 'Who uses a secret: destinations, services; and its last live check',
        params: schema.ofSecret,
        response: {
          200: z.object({
            name: z.string(),
            destinations: z.array(
              z.object({
                id: z.string(),
                title: z.string(),
                as: z.string(),
                version: z.int().nullable(),
                state: z.string(),
              }),
            ),
            services: z.array(z.string()),
            lastCheck: z
              .object({ version: z.int(), status: z.string(), detail: z.string(), checkedAt: schema.when })
              .nullable(),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const { project, environment, name } = request.params;
      const found = await service.vault.read(usesOf(ctx, service.world, request.params, name));
      const event = { action: 'secret.history', project, environment, secret: name } as const;
      await service.vault.read(logTransaction(ctx.log([event])));
      return { ...found, destinations: [...found.destinations], services: [...found.services] };
    },
  );
}

function schedule(app: Api, service: Service): void {
  app.get(
    `${BASE}/schedule`,
    {
      config: { permission: 'list' },
      schema: {
        tags: ['rotations'],
        summary: 'What will turn when, the next first',
        params: schema.inEnvironment,
        querystring: z.object({
          days: z.coerce.number().int().min(1).max(3650).default(365),
          limit: z.coerce.number().int().min(1).max(100_000).optional().describe('The next so many only.'),
        }),
        response: {
          200: z.object({
            turns: z.array(
              z.object({
                name: z.string(),
                environment: z.string(),
                type: z.string(),
                at: schema.when,
                overdue: z.boolean(),
                byItself: z.boolean().describe('False where a person gives the new value.'),
              }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    (request) => service.vault.read(showSchedule(service, contextOf(service, request), request.params, request.query)),
  );
}

function* showSchedule(
  service: Service,
  ctx: VaultContext,
  at: Place,
  { days, limit }: { days: number; limit?: number | undefined },
) {
  const environment = ctx.environment(at);
  const until = ctx.clock() + days * DAY_MS;
  const turns = yield* turnsAhead(
    ctx,
    service.world,
    rotatorOf({ context: ctx, home: service.vault.home }, service.world),
    environment,
    until,
  );
  const where = { project: environment.project, environment: environment.name };
  yield* logTransaction(ctx.log([{ action: 'secret.list', ...where, details: { schedule: true } }]));
  return { turns: turns.slice(0, limit) };
}

function providers(app: Api, service: Service): void {
  app.get(
    '/v1/providers',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['oversight'],
        summary: 'What can be checked live and renewed by itself, provider by provider',
        response: {
          200: z.object({
            providers: z.array(
              z.object({
                id: z.string(),
                title: z.string(),
                docs: z.string(),
                unconfirmed: z.array(z.string()),
                kinds: z.array(
                  z.object({
                    type: z.string(),
                    title: z.string(),
                    formats: z.array(z.string()),
                    check: z.boolean(),
                    renews: z.enum(['by itself', 'given an admin key', 'by a person']),
                    admin: z.string().nullable(),
                    signature: z.string().nullable(),
                    page: z.string(),
                    words: z.string(),
                  }),
                ),
              }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      await service.vault.read(
        logTransaction(contextOf(service, request).log([{ action: 'secret.list', details: { providers: true } }])),
      );
      return { providers: service.world.providers.all.map((one) => shownProvider(service, one)) };
    },
  );
}

function shownProvider(service: Service, provider: Provider) {
  const admin = service.world.providers.config(provider).admin !== undefined;
  return {
    id: provider.id,
    title: provider.title,
    docs: provider.docs,
    unconfirmed: [...provider.unconfirmed],
    kinds: Object.entries(provider.kinds).map(([type, kind]) => ({
      type,
      title: kind.title,
      formats: kind.formats.map((one) => one.words),
      check: kind.check !== undefined,
      renews: kind.renewal
        ? admin
          ? ('by itself' as const)
          : ('given an admin key' as const)
        : ('by a person' as const),
      admin: kind.adminWords ?? null,
      signature: kind.signature?.words ?? null,
      page: kind.byHand.page,
      words: kind.byHand.words,
    })),
  };
}
