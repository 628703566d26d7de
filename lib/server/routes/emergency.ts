// The emergency: one secret that is in wrong hands, or everything that a place ever held.
import { z } from 'zod';
import { updateAlerts } from '../../monitoring/alert-run.ts';
import { beginDestinationCompromise, compromise, reviewIncident, turnItem } from '../../rotation/compromise.ts';
import { rotatorOf } from '../../rotation/rotator.ts';
import type { Operation } from '../../store/operation.ts';
import type { VaultContext } from '../../vault/context.ts';
import { type Answer, changeOutside } from '../change.ts';
import { hasValue, valueFor } from '../request-parts.ts';
import * as schema from '../schemas.ts';
import type { Api, Service } from '../service.ts';

const BASE = '/v1/projects/:project/environments/:environment';

const rotatorFor = (service: Service, ctx: VaultContext) =>
  rotatorOf({ context: ctx, home: service.vault.home }, service.world);

const token = z.object({ id: z.string(), name: z.string() });
const reader = z.object({
  principal: z.string(),
  source: z.string(),
  reads: z.int(),
  firstAt: schema.when,
  lastAt: schema.when,
});

export function registerEmergency(app: Api, service: Service): void {
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
        body: schema.value.describe('The value is for what its provider does not make by API.').extend({
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
    async (request, reply) => {
      const { since, freeze, why, ...given } = request.body;
      const { name } = request.params;
      const value = hasValue(given) ? await valueFor(service, request.params, name, given) : undefined;
      try {
        return await changeOutside(service, request, reply, function* (ctx): Operation<Answer> {
          const input = { at: request.params, name, since, freeze, why, value };
          const result = yield* compromise(ctx, rotatorFor(service, ctx), input);
          // Told now, and by the server itself: who may rotate need not see what else there is to tell.
          yield* updateAlerts(service.vault.system, service.alerts);
          return {
            status: 200,
            body: { ...result, rotation: result.rotation && schema.shownRotation(result.rotation) },
          };
        });
      } finally {
        value?.fill(0);
      }
    },
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
