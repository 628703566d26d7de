// Rotating, rolling back, and looking at rotations; validation, monitoring and the report of an environment.
import { z } from 'zod';
import { nameKey } from '../../catalog/catalog.ts';
import { requireApproval } from '../../identity/approvals.ts';
import { monitor } from '../../monitoring/monitor.ts';
import { buildReport, reportMarkdown } from '../../reporting/validation-report.ts';
import { rotatorOf } from '../../rotation/rotator.ts';
import { rotationPlan } from '../../rotation/uses.ts';
import { all, logTransaction, type Operation } from '../../store/operation.ts';
import { selectRotationsSince } from '../../store/statements/rotations.ts';
import { validate } from '../../validation/validate.ts';
import type { VaultContext } from '../../vault/context.ts';
import type { Environment, Place } from '../../vault/places.ts';
import { type Answer, changeOutside } from '../change.ts';
import { approvalOf, hasValue, valueFor } from '../request-parts.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const BASE = '/v1/projects/:project/environments/:environment';
const LISTED = 500;

export function registerRotations(app: Api, service: Service): void {
  rotating(app, service);
  overseeing(app, service);
}

function rotating(app: Api, service: Service): void {
  const rotatorFor = (ctx: VaultContext) => rotatorOf({ context: ctx, home: service.vault.home }, service.world);
  app.post(
    `${BASE}/secrets/:name/rotate`,
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['rotations'],
        summary: 'Rotate a secret: a backup first, then state by state; the version before stays valid for the grace',
        description:
          'Without a value, one is made where the type allows it; else the rotation waits, and the answer is 409 KT_NEEDS_PERSON.',
        params: schema.ofSecret,
        body: schema.value.extend({
          graceMs: z
            .int()
            .min(0)
            .max(90 * 24 * 3_600_000)
            .optional(),
        }),
        response: { 200: schema.rotation, ...schema.problems },
      },
    },
    async (request, reply) => {
      const { graceMs, ...given } = request.body;
      const { name } = request.params;
      const value = hasValue(given) ? await valueFor(service, request.params, name, given) : undefined;
      try {
        return await changeOutside(service, request, reply, function* (ctx, id): Operation<Answer> {
          yield* requireApproval(ctx, 'rotate', request.params, name, approvalOf(request));
          const rotate = {
            at: request.params,
            name,
            ...(value && { value }),
            ...(graceMs !== undefined && { graceMs }),
            ...(id !== undefined && { id }),
          };
          return { status: 200, body: schema.shownRotation(yield* rotatorFor(ctx).rotate(rotate)) };
        });
      } finally {
        value?.fill(0);
      }
    },
  );
  app.post(
    `${BASE}/secrets/:name/rotate/plan`,
    {
      config: { permission: 'rotate', reads: true },
      schema: {
        tags: ['rotations'],
        summary: 'What a rotation would do: a dry run, which changes nothing and asks nobody',
        params: schema.ofSecret,
        body: z.object({ graceMs: z.int().min(0).optional() }),
        response: {
          200: z.object({
            name: z.string(),
            environment: z.string(),
            fromVersion: z.int(),
            maker: z.string(),
            byItself: z.boolean(),
            graceMs: z.int(),
            destinations: z.array(z.string()),
            services: z.array(z.string()),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const { graceMs } = request.body;
      const input = { ...request.params, graceMs };
      const plan = await service.vault.read(rotationPlan(ctx, rotatorFor(ctx), service.world, input));
      const { project, environment, name } = request.params;
      const event = { action: 'rotation.plan', project, environment, secret: name, details: { dryRun: true } } as const;
      await service.vault.read(logTransaction(ctx.log([event])));
      return { ...plan, destinations: [...plan.destinations], services: [...plan.services] };
    },
  );
  app.post(
    `${BASE}/secrets/:name/rollback`,
    {
      config: { permission: 'rotate' },
      schema: {
        tags: ['rotations'],
        summary: 'Bring an earlier value back, as a new version',
        params: schema.ofSecret,
        body: z.object({
          version: z
            .int()
            .min(1)
            .max(2_147_483_647)
            .optional()
            .describe('The one before the one in use where not given.'),
        }),
        response: { 200: schema.rotation, ...schema.problems },
      },
    },
    (request, reply) =>
      changeOutside(service, request, reply, function* (ctx): Operation<Answer> {
        const { name } = request.params;
        yield* requireApproval(ctx, 'rotate', request.params, name, approvalOf(request));
        const result = yield* rotatorFor(ctx).rollback(request.params, name, request.body.version);
        return { status: 200, body: schema.shownRotation(result) };
      }),
  );
  app.get(
    `${BASE}/rotations`,
    {
      config: { permission: 'list' },
      schema: {
        tags: ['rotations'],
        summary: 'Rotations of an environment that moved since a moment, newest first',
        params: schema.inEnvironment,
        querystring: z.object({ since: z.coerce.number().int().min(0).default(0) }),
        response: {
          200: z.object({
            rotations: z.array(
              z.object({
                id: z.string(),
                name: z.string(),
                state: z.string(),
                needsValue: z.boolean(),
                fromVersion: z.int(),
                toVersion: z.int().nullable(),
                graceUntil: schema.when.nullable(),
                error: z.string().nullable(),
                startedAt: schema.when,
                updatedAt: schema.when,
                startedBy: z.string(),
              }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    (request) => service.vault.read(listRotations(contextOf(service, request), request.params, request.query.since)),
  );
}

function* listRotations(ctx: VaultContext, at: Place, since: number) {
  const environment = ctx.environment(at);
  const where = { project: environment.project, environment: environment.name };
  yield* ctx.authorize('list', { action: 'secret.list', ...where });
  const rotations = yield* rotationsSince(ctx, environment, since);
  yield* logTransaction(ctx.log([{ action: 'secret.list', ...where, details: { rotations: true } }]));
  return { rotations };
}

/** Rotations of an environment that moved since a moment, newest first, as answers show them. */
export function* rotationsSince(ctx: VaultContext, environment: Environment, since: number) {
  const rows = yield* all(selectRotationsSince, { since, limit: LISTED });
  return rows
    .filter((row) => row.environment_id === environment.id && ctx.mayReach('list', environment, row.name))
    .map((row) => ({
      id: row.id,
      name: row.name,
      state: row.state,
      needsValue: row.needs_value === 1,
      fromVersion: row.from_version,
      toVersion: row.to_version,
      graceUntil: row.grace_until,
      error: row.error,
      startedAt: row.started_at,
      updatedAt: row.updated_at,
      startedBy: row.started_by,
    }));
}

const finding = z.looseObject({ severity: z.string(), secret: z.string(), environment: z.string(), what: z.string() });

function overseeing(app: Api, service: Service): void {
  app.post(
    `${BASE}/validate`,
    {
      config: { permission: 'validate', reads: true },
      schema: {
        tags: ['oversight'],
        summary: 'Judge every value: form, strength, reuse, and what is missing. Gives findings, never values',
        params: schema.inEnvironment,
        body: z.object({ names: z.array(schema.name).max(1000).optional() }),
        response: {
          200: z.object({
            findings: z.array(finding),
            missing: z.array(z.string()),
            critical: z.object({ present: z.int(), wanted: z.int() }),
            secrets: z.array(z.looseObject({ name: z.string(), type: z.string(), version: z.int() })),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const { names } = request.body;
      const only = names && { only: new Set(names.map(nameKey)) };
      const result = await service.vault.read(validate(ctx, [ctx.environment(request.params)], only));
      const { missing, critical } = result;
      const secrets = result.secrets.map(({ findings: _, strength, ...one }) => ({
        ...one,
        strength: strength ?? null,
      }));
      return { findings: result.findings.map((one) => ({ ...one })), missing: [...missing], critical, secrets };
    },
  );
  app.get(
    `${BASE}/monitoring`,
    {
      config: { permission: 'monitor' },
      schema: {
        tags: ['oversight'],
        summary: 'Ages, use and alerts',
        params: schema.inEnvironment,
        response: {
          200: z.looseObject({
            at: schema.when,
            secrets: z.array(z.looseObject({})),
            alerts: z.array(z.looseObject({})),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const result = await service.vault.read(monitor(ctx, [ctx.environment(request.params)], { strength: false }));
      return {
        ...result,
        secrets: result.secrets.map((one) => ({ ...one })),
        alerts: result.alerts.map((one) => ({ ...one })),
      };
    },
  );
  app.get(
    `${BASE}/report`,
    {
      config: { permission: 'validate' },
      schema: {
        tags: ['oversight'],
        summary: 'The detailed report: validation and monitoring in one, as JSON or Markdown',
        params: schema.inEnvironment,
        querystring: z.object({ format: z.enum(['json', 'markdown']).default('json') }),
        response: { 200: z.unknown(), ...schema.problems },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(service, request);
      const environments = [ctx.environment(request.params)];
      const validation = await service.vault.read(validate(ctx, environments));
      const monitoring = await service.vault.read(monitor(ctx, environments, { strength: false }));
      const report = buildReport(ctx.audit.vaultId, validation, monitoring);
      if (request.query.format === 'json') return reply.send(report);
      return reply
        .header('content-type', 'text/markdown; charset=utf-8')
        .send(Buffer.from(reportMarkdown(report), 'utf8'));
    },
  );
}
