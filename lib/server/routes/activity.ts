// What happens in an environment: counted by day, and told as it happens.
import { z } from 'zod';
import { activity, type DayCount } from '../../audit/activity.ts';
import { logTransaction, type Operation } from '../../store/operation.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { Place } from '../../vault/places.ts';
import { sent } from '../change.ts';
import type { Telling } from '../events.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';
import { rotationsSince } from './rotations.ts';

const BASE = '/v1/projects/:project/environments/:environment';
const DAY_MS = 24 * 60 * 60 * 1000;

export function registerActivity(app: Api, service: Service): void {
  app.get(
    `${BASE}/activity`,
    {
      config: { permission: 'monitor' },
      schema: {
        tags: ['oversight'],
        summary: 'Reads, changes, refused and failed attempts by day, from the audit log',
        params: schema.inEnvironment,
        querystring: z.object({ days: z.coerce.number().int().min(1).max(366).default(30) }),
        response: {
          200: z.object({
            since: schema.when.describe(
              'Since when it is counted whole: later than asked for where there is too much.',
            ),
            days: z.array(
              z.object({ day: schema.when, reads: z.int(), changes: z.int(), denied: z.int(), failed: z.int() }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    (request) => service.vault.read(countDays(contextOf(service, request), request.params, request.query.days)),
  );
  app.get(
    `${BASE}/events`,
    {
      config: { permission: 'list' },
      schema: {
        tags: ['rotations'],
        summary:
          'A stream of server-sent events: `rotation` for each state that one reaches, `change` when anything has',
        params: schema.inEnvironment,
        response: { 200: z.unknown(), ...schema.problems },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(service, request);
      const environment = ctx.environment(request.params);
      const where = { project: environment.project, environment: environment.name };
      const event = { action: 'secret.list', ...where, details: { events: true } } as const;
      await service.vault.read(ctx.authorize('list', event));
      await service.vault.read(logTransaction(ctx.log([event])));
      let since = ctx.clock();
      const told = new Map<string, string>();
      service.events.open(request, reply, async (changed) => {
        // Who it is, and what they may, anew each time.
        const caller = await service.callers.identify(request);
        const now = service.callers.context(request, caller);
        await service.vault.read(now.authorize('list', event));
        const moved = await service.vault.read(rotationsSince(now, now.environment(where), since));
        const fresh = moved.filter((one) => told.get(one.id) !== `${one.state} ${one.updatedAt}`);
        for (const one of fresh) told.set(one.id, `${one.state} ${one.updatedAt}`);
        since = Math.max(since, ...moved.map((one) => one.updatedAt));
        const tellings: Telling[] = fresh.map((data) => ({ event: 'rotation', data }));
        if (changed || fresh.length > 0) tellings.push({ event: 'change', data: { at: now.clock() } });
        return tellings;
      });
      return sent(reply);
    },
  );
}

function* countDays(ctx: VaultContext, at: Place, days: number): Operation<{ since: number; days: DayCount[] }> {
  const environment = ctx.environment(at);
  const where = { project: environment.project, environment: environment.name };
  yield* ctx.authorize('monitor', { action: 'monitoring.run', ...where });
  const now = ctx.clock();
  const since = Math.floor(now / DAY_MS) * DAY_MS - (days - 1) * DAY_MS;
  const found = yield* activity({ ...where, since, now });
  yield* logTransaction(ctx.log([{ action: 'monitoring.run', ...where, details: { activity: days } }]));
  return { since: found.since, days: found.days.map((one) => ({ ...one })) };
}
