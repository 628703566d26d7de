// What turns by itself and where it goes: live checks, the schedule, the emergency, destinations, providers.
import { z } from 'zod';
import { updateAlerts } from '../../monitoring/alert-run.ts';
import type { Provider } from '../../providers/provider.ts';
import { checkEnvironment, checkSecret, lastChecks } from '../../rotation/checks.ts';
import { beginDestinationCompromise, compromise, reviewIncident, turnItem } from '../../rotation/compromise.ts';
import { rotatorOf } from '../../rotation/rotator.ts';
import { turnsAhead } from '../../rotation/tick.ts';
import { usesOf } from '../../rotation/uses.ts';
import { logTransaction, type Operation } from '../../store/operation.ts';
import type { Destination } from '../../sync/destination.ts';
import { asOurs, checkDrift, destinationOf, destinationStatus, prune, pushTo } from '../../sync/overview.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { Environment, Place } from '../../vault/places.ts';
import { type Answer, changeOutside } from '../change.ts';
import { bytesOf } from '../request-parts.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const BASE = '/v1/projects/:project/environments/:environment';
const DAY_MS = 24 * 60 * 60_000;

const rotatorFor = (service: Service, ctx: VaultContext) =>
  rotatorOf({ context: ctx, home: service.vault.home }, service.world);

export function registerTurning(app: Api, service: Service): void {
  checks(app, service);
  emergency(app, service);
  uses(app, service);
  schedule(app, service);
  destinations(app, service);
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

const token = z.object({ id: z.string(), name: z.string() });
const reader = z.object({
  principal: z.string(),
  source: z.string(),
  reads: z.int(),
  firstAt: schema.when,
  lastAt: schema.when,
});

function emergency(app: Api, service: Service): void {
  app.post(
    `${BASE}/secrets/:name/compromise`,
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['emergency'],
        summary:
          'A value is in wrong hands: turn it now without grace, end the old one, freeze tokens, see who read it',
        description:
          'Asks for no approval: an emergency does not wait for a second person. Everybody is alerted. Repeated, it goes on with the open incident.',
        params: schema.ofSecret,
        body: z.object({
          value: z
            .string()
            .max(65_536)
            .optional()
            .describe('The new value, for what its provider does not make by API.'),
          base64: z.string().max(90_000).optional(),
          since: schema.when.optional().describe('Since when it may be known; since it came into use where not given.'),
          freeze: z
            .enum(['named', 'all', 'none'])
            .default('named')
            .describe('Which tokens that may read it to freeze.'),
          why: z.string().max(500).optional(),
        }),
        response: {
          200: z.object({
            incident: z.string(),
            name: z.string(),
            environment: z.string(),
            rotation: schema.rotation.nullable(),
            needsPerson: z.string().nullable(),
            readers: z.array(reader),
            frozen: z.array(token),
            left: z.array(token),
          }),
          ...schema.problems,
        },
      },
    },
    (request, reply) =>
      changeOutside(service, request, reply, function* (ctx): Operation<Answer> {
        const { since, freeze, why, ...given } = request.body;
        const value = given.value === undefined && given.base64 === undefined ? undefined : bytesOf(given);
        try {
          const input = { at: request.params, name: request.params.name, since, freeze, why, value };
          const result = yield* compromise(ctx, rotatorFor(service, ctx), input);
          // Told now, and by the server itself: who may rotate need not see what else there is to tell.
          yield* updateAlerts(service.vault.system, service.alerts);
          return {
            status: 200,
            body: { ...result, rotation: result.rotation && schema.shownRotation(result.rotation) },
          };
        } finally {
          value?.fill(0);
        }
      }),
  );
  app.post(
    '/v1/destinations/:destination/compromise',
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['emergency'],
        summary: 'Everything that a destination ever held: turn what can be turned, in order; repeat it to go on',
        params: z.object({ destination: schema.id }),
        response: {
          200: z.object({
            incident: z.string(),
            closed: z.boolean(),
            items: z.array(z.object({ name: z.string(), environment: z.string(), state: z.string(), why: z.string() })),
          }),
          ...schema.problems,
        },
      },
    },
    (request, reply) =>
      changeOutside(service, request, reply, function* (ctx): Operation<Answer> {
        const begun = yield* beginDestinationCompromise(ctx, service.world, request.params.destination);
        yield* updateAlerts(service.vault.system, service.alerts);
        const rotator = rotatorFor(service, ctx);
        const before = yield* reviewIncident(ctx, begun.incident);
        for (const item of before.items) {
          if (item.state !== 'done' && item.state !== 'skipped') yield* turnItem(ctx, rotator, begun.incident, item);
        }
        const { incident, closed, items } = yield* reviewIncident(ctx, begun.incident);
        const shown = items.map(({ name, environment, state, why }) => ({ name, environment, state, why }));
        return { status: 200, body: { incident, closed, items: shown } };
      }),
  );
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
        querystring: z.object({ days: z.coerce.number().int().min(1).max(3650).default(365) }),
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
    (request) =>
      service.vault.read(showSchedule(service, contextOf(service, request), request.params, request.query.days)),
  );
}

function* showSchedule(service: Service, ctx: VaultContext, at: Place, days: number) {
  const environment = ctx.environment(at);
  const until = ctx.clock() + days * DAY_MS;
  const turns = yield* turnsAhead(ctx, service.world, rotatorFor(service, ctx), environment, until);
  const where = { project: environment.project, environment: environment.name };
  yield* logTransaction(ctx.log([{ action: 'secret.list', ...where, details: { schedule: true } }]));
  return { turns };
}

const placed = z.object({
  name: z.string(),
  as: z.string(),
  version: z.int(),
  sent: z.int().nullable(),
  state: z.string(),
  error: z.string().nullable(),
  pushedAt: schema.when.nullable(),
  liveAt: schema.when.nullable(),
  checkedAt: schema.when.nullable(),
});
const destination = z
  .object({
    id: z.string(),
    kind: z.enum(['vercel', 'github', 'dotenv', 'keyturn']),
    title: z.string(),
    project: z.string(),
    environment: z.string(),
    observed: z.boolean().describe('Whether the running application is asked which version it uses.'),
    secrets: z.array(placed),
  })
  .meta({ id: 'Destination' });

const ofDestination = schema.inEnvironment.extend({ destination: schema.id });

/** A destination that takes from the environment of the path. @throws NotFoundError for any other */
function destinationIn(service: Service, ctx: VaultContext, params: Place & { destination: string }): Destination {
  const { http } = service.world;
  return destinationOf({ http, destinations: inPlace(service, ctx.environment(params)) }, params.destination);
}

function inPlace(service: Service, environment: Environment): Destination[] {
  return service.world.destinations.filter(
    ({ from }) =>
      from.project.toUpperCase() === environment.project.toUpperCase() &&
      from.environment.toUpperCase() === environment.name.toUpperCase(),
  );
}

/** A destination's own failure, as an error of ours. */
function* told<T>(work: Operation<T>): Operation<T> {
  try {
    return yield* work;
  } catch (error) {
    throw asOurs(error);
  }
}

function destinations(app: Api, service: Service): void {
  app.get(
    `${BASE}/destinations`,
    {
      config: { permission: 'list' },
      schema: {
        tags: ['destinations'],
        summary: 'The destinations of an environment, and what is where, as far as is known',
        params: schema.inEnvironment,
        response: { 200: z.object({ destinations: z.array(destination) }), ...schema.problems },
      },
    },
    (request) => service.vault.read(showDestinations(service, contextOf(service, request), request.params)),
  );
  app.post(
    `${BASE}/destinations/:destination/push`,
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['destinations'],
        summary: 'Send the versions in use; named ones again in any case. What takes its time goes on by itself',
        params: ofDestination,
        body: z.object({ names: z.array(schema.name).min(1).max(1000).optional() }),
        response: { 200: destination, ...schema.problems },
      },
    },
    (request, reply) =>
      changeOutside(service, request, reply, function* (ctx): Operation<Answer> {
        const environment = ctx.environment(request.params);
        const where = { project: environment.project, environment: environment.name };
        yield* ctx.authorize('rotate', { action: 'secret.deliver', ...where });
        const to = destinationIn(service, ctx, request.params);
        yield* told(pushTo(ctx, service.world, to, request.body.names ?? []));
        return { status: 200, body: yield* destinationStatus(service.vault.system, to) };
      }),
  );
  app.post(
    `${BASE}/destinations/:destination/check`,
    {
      config: { permission: 'validate', reads: true },
      schema: {
        tags: ['destinations'],
        summary: 'Compare what is there with what was sent',
        params: ofDestination,
        response: {
          200: z.object({
            secrets: z.array(
              z.object({
                name: z.string(),
                as: z.string(),
                drift: z.enum(['same', 'different', 'missing', 'unknown']),
              }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      return service.vault.read(compare(service, ctx, request.params));
    },
  );
  app.post(
    `${BASE}/destinations/:destination/prune`,
    {
      config: { permission: 'delete' },
      schema: {
        tags: ['destinations'],
        summary: 'Take away what Keyturn put there and does not send there any more',
        params: ofDestination,
        body: z.object({ dryRun: z.boolean().default(false) }),
        response: { 200: z.object({ removed: z.array(z.string()), dryRun: z.boolean() }), ...schema.problems },
      },
    },
    (request, reply) =>
      changeOutside(service, request, reply, function* (ctx): Operation<Answer> {
        const environment = ctx.environment(request.params);
        const where = { project: environment.project, environment: environment.name };
        yield* ctx.authorize('delete', { action: 'destination.prune', ...where });
        const { dryRun } = request.body;
        const removed = yield* told(prune(ctx, service.world, destinationIn(service, ctx, request.params), dryRun));
        return { status: 200, body: { removed, dryRun } };
      }),
  );
}

function* compare(service: Service, ctx: VaultContext, params: Place & { destination: string }) {
  const environment = ctx.environment(params);
  const where = { project: environment.project, environment: environment.name };
  yield* ctx.authorize('validate', { action: 'destination.check', ...where });
  return { secrets: yield* told(checkDrift(ctx, service.world, destinationIn(service, ctx, params))) };
}

function* showDestinations(service: Service, ctx: VaultContext, at: Place) {
  const environment = ctx.environment(at);
  const where = { project: environment.project, environment: environment.name };
  yield* ctx.authorize('list', { action: 'secret.list', ...where });
  const found = [];
  for (const one of inPlace(service, environment)) {
    const { secrets, ...status } = yield* destinationStatus(ctx, one);
    found.push({ ...status, secrets: [...secrets] });
  }
  yield* logTransaction(ctx.log([{ action: 'secret.list', ...where, details: { destinations: found.length } }]));
  return { destinations: found };
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
