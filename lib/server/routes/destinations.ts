// Destinations: what is where, sending it there, comparing, and taking away.
import { z } from 'zod';
import { logTransaction, type Operation } from '../../store/operation.ts';
import type { Destination } from '../../sync/destination.ts';
import { asOurs, checkDrift, destinationOf, destinationStatus, prune, pushTo } from '../../sync/overview.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { Environment, Place } from '../../vault/places.ts';
import { type Answer, changeOutside } from '../change.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const BASE = '/v1/projects/:project/environments/:environment';

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

export function registerDestinations(app: Api, service: Service): void {
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
        const { names = [] } = request.body;
        // Asked for by name, it is sent again whatever is believed to be there.
        yield* told(pushTo(ctx, service.world, to, names, names.length > 0));
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
