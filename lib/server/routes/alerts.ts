// /v1/alerts and /v1/incidents: what is wrong, who deals with it, who was told, and how it was dealt with.
import { z } from 'zod';
import { closeIncident, listIncidents, noteIncident, showIncident } from '../../incidents/incidents.ts';
import { acknowledgeAlert, listAlerts, muteAlert, reopenAlert } from '../../monitoring/alert-book.ts';
import { listDeliveries, testChannels } from '../../monitoring/alert-delivery.ts';
import { logTransaction, type Operation } from '../../store/operation.ts';
import type { VaultContext } from '../../vault/context.ts';
import { type Answer, change, changeOutside } from '../change.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const LISTED = 500;

const severity = z.enum(['critical', 'high', 'medium', 'low', 'info']);

const alert = z
  .object({
    id: z.string(),
    kind: z.string(),
    severity,
    state: z.enum(['open', 'acknowledged', 'muted', 'resolved']),
    project: z.string().nullable(),
    environment: z.string().nullable(),
    secret: z.string().nullable(),
    what: z.string(),
    mend: z.string(),
    openedAt: schema.when,
    toldAt: schema.when.nullable(),
    acknowledgedBy: z.string().nullable(),
    acknowledgedAt: schema.when.nullable(),
    mutedUntil: schema.when.nullable(),
    muteReason: z.string().nullable(),
    resolvedAt: schema.when.nullable(),
  })
  .meta({ id: 'Alert' });

const ofAlert = z.object({ id: schema.id });

export function registerAlerts(app: Api, service: Service): void {
  looking(app, service);
  handling(app, service);
  incidents(app, service);
}

/** Looking at alerts is in the log, like every look. */
function* looked<T>(ctx: VaultContext, what: string, found: Operation<T>): Operation<T> {
  const result = yield* found;
  yield* logTransaction(ctx.log([{ action: 'monitoring.run', details: { looked: what } }]));
  return result;
}

function looking(app: Api, service: Service): void {
  app.get(
    '/v1/alerts',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['alerts'],
        summary: 'The open alerts of what you may monitor, the worst first; with `since`, resolved ones too',
        querystring: z.object({ since: z.coerce.number().int().min(0).optional() }),
        response: { 200: z.object({ alerts: z.array(alert) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      return { alerts: await service.vault.read(looked(ctx, 'alerts', listAlerts(ctx, request.query.since))) };
    },
  );
  app.get(
    '/v1/alerts/deliveries',
    {
      config: { permission: 'monitor' },
      schema: {
        tags: ['alerts'],
        summary: 'What was told by which channel, and what has not arrived',
        response: {
          200: z.object({
            deliveries: z.array(
              z.object({
                id: z.string(),
                alert: z.string().nullable(),
                channel: z.string(),
                event: z.enum(['fired', 'again', 'resolved', 'test', 'report']),
                state: z.enum(['waiting', 'delivered', 'given-up']),
                attempts: z.int(),
                error: z.string().nullable(),
                createdAt: schema.when,
                nextAt: schema.when.nullable(),
                endedAt: schema.when.nullable(),
              }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      return { deliveries: await service.vault.read(looked(ctx, 'deliveries', listDeliveries(ctx, LISTED))) };
    },
  );
  app.post(
    '/v1/alerts/test',
    {
      config: { permission: 'settings' },
      schema: {
        tags: ['alerts'],
        summary: 'Send a test message by every channel, or one, now',
        body: z.object({ channel: z.string().max(40).optional() }),
        response: {
          200: z.object({
            results: z.array(z.object({ channel: z.string(), title: z.string(), error: z.string().nullable() })),
          }),
          ...schema.problems,
        },
      },
    },
    (request, reply) =>
      changeOutside(service, request, reply, function* (ctx): Operation<Answer> {
        const results = yield* testChannels(ctx, service.alerts.world, request.body.channel);
        return { status: 200, body: { results } };
      }),
  );
}

function handling(app: Api, service: Service): void {
  app.post(
    '/v1/alerts/:id/acknowledge',
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['alerts'],
        summary: 'Say that you deal with it: it is told again only if it becomes worse',
        params: ofAlert,
        response: { 200: alert, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 200, body: yield* acknowledgeAlert(ctx, request.params.id) };
      }),
  );
  app.post(
    '/v1/alerts/:id/mute',
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['alerts'],
        summary: 'Tell nobody of it until a moment, with a reason',
        params: ofAlert,
        body: z.object({ until: schema.when, reason: z.string().min(1).max(200) }),
        response: { 200: alert, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        const { until, reason } = request.body;
        return { status: 200, body: yield* muteAlert(ctx, request.params.id, until, reason) };
      }),
  );
  app.post(
    '/v1/alerts/:id/reopen',
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['alerts'],
        summary: 'Take an acknowledgement or a mute back',
        params: ofAlert,
        response: { 200: alert, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 200, body: yield* reopenAlert(ctx, request.params.id) };
      }),
  );
}

const incident = z.object({
  id: z.string(),
  kind: z.enum(['compromise', 'destination', 'rotation', 'leak']),
  title: z.string(),
  project: z.string().nullable(),
  environment: z.string().nullable(),
  subject: z.string().nullable(),
  openedAt: schema.when,
  openedBy: z.string(),
  closedAt: schema.when.nullable(),
  closedBy: z.string().nullable(),
});

const whole = incident
  .extend({
    timeline: z.array(z.object({ at: schema.when, by: z.string(), what: z.string() })),
    items: z.array(
      z.object({
        secretId: z.int(),
        name: z.string(),
        project: z.string(),
        environment: z.string(),
        state: z.enum(['waiting', 'turning', 'needs-person', 'done', 'skipped']),
        why: z.string(),
        rotation: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Incident' });

function incidents(app: Api, service: Service): void {
  app.get(
    '/v1/incidents',
    {
      config: { permission: 'any' },
      schema: {
        tags: ['emergency'],
        summary: 'The newest incidents of what you may monitor',
        response: { 200: z.object({ incidents: z.array(incident) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      return { incidents: await service.vault.read(looked(ctx, 'incidents', listIncidents(ctx, LISTED))) };
    },
  );
  app.get(
    '/v1/incidents/:id',
    {
      config: { permission: 'monitor' },
      schema: {
        tags: ['emergency'],
        summary: 'One incident, with its timeline and what has to turn',
        params: ofAlert,
        response: { 200: whole, ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const found = await service.vault.read(looked(ctx, request.params.id, showIncident(ctx, request.params.id)));
      return { ...found, timeline: [...found.timeline], items: found.items.map((one) => ({ ...one })) };
    },
  );
  app.post(
    '/v1/incidents/:id/notes',
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['emergency'],
        summary: 'Add a line to the timeline',
        params: ofAlert,
        body: z.object({ what: z.string().min(1).max(1000) }),
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* noteIncident(ctx, request.params.id, request.body.what);
        return { status: 204 };
      }),
  );
  app.post(
    '/v1/incidents/:id/close',
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['emergency'],
        summary: 'End it, with a word why',
        params: ofAlert,
        body: z.object({ why: z.string().min(1).max(1000) }),
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* closeIncident(ctx, request.params.id, request.body.why);
        return { status: 204 };
      }),
  );
}
