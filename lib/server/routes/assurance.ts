// /v1/reports, /v1/anomalies, /v1/drills and /v1/journeys: what proves that things are as they should be.
import { z } from 'zod';
import { NotFoundError } from '../../errors.ts';
import { listAnomalies } from '../../monitoring/anomalies.ts';
import { keepRun, listRuns, showRun } from '../../monitoring/journeys/kept-runs.ts';
import { FORMATS, writeReport } from '../../reporting/formats.ts';
import { parsePeriod } from '../../reporting/period.ts';
import { listReports, makeReport, type ReportInput, readReport } from '../../reporting/reports.ts';
import { listDrills } from '../../vault/drill.ts';
import { changeOutside, sent } from '../change.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const DAY_MS = 24 * 60 * 60_000;
const TAGS = ['assurance'];
const DRILLS = 200;
const PICTURE_CHARACTERS = 3_000_000;

const lookBack = z.object({ days: z.coerce.number().int().min(1).max(400).default(30) });

const TYPES = {
  html: 'text/html; charset=utf-8',
  json: 'application/json; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  md: 'text/markdown; charset=utf-8',
} as const;

export function registerAssurance(app: Api, service: Service): void {
  reports(app, service);
  anomalies(app, service);
  drills(app, service);
  journeys(app, service);
}

function reports(app: Api, service: Service): void {
  const summary = z
    .object({
      id: z.string(),
      kind: z.enum(['daily', 'weekly', 'monthly', 'incident']),
      period: z.string(),
      createdAt: schema.when,
      createdBy: z.string(),
      headline: z.string(),
    })
    .meta({ id: 'Report' });
  app.get(
    '/v1/reports',
    {
      config: { permission: 'monitor' },
      schema: {
        tags: TAGS,
        summary: 'The reports that were made, the newest first',
        response: { 200: z.object({ reports: z.array(summary) }), ...schema.problems },
      },
    },
    async (request) => ({ reports: await service.vault.read(listReports(contextOf(service, request))) }),
  );
  app.post(
    '/v1/reports',
    {
      config: { permission: 'audit' },
      schema: {
        tags: TAGS,
        summary: 'Make a report: of the last day, week or month that is over, of a named one, or of an incident',
        body: z.union([
          z.strictObject({ kind: z.enum(['daily', 'weekly', 'monthly']), period: z.string().max(20).optional() }),
          z.strictObject({ kind: z.literal('incident'), incident: schema.id }),
        ]),
        response: { 201: summary, ...schema.problems },
      },
    },
    (request, reply) => {
      const { body } = request;
      const input: ReportInput =
        body.kind === 'incident'
          ? body
          : { kind: body.kind, period: body.period === undefined ? undefined : parsePeriod(body.kind, body.period) };
      return changeOutside(service, request, reply, function* (ctx) {
        const { report } = yield* makeReport(ctx, input, service.reports.around());
        const { id, kind, period, headline } = report;
        const createdAt = Date.parse(report.createdAt);
        return { status: 201, body: { id, kind, period, headline, createdAt, createdBy: ctx.principal } };
      });
    },
  );
  app.get(
    '/v1/reports/:id',
    {
      config: { permission: 'audit' },
      schema: {
        tags: TAGS,
        summary: 'A report as it was signed: HTML, JSON, CSV or Markdown',
        params: z.object({ id: schema.id }),
        querystring: z.object({ format: z.enum(FORMATS).default('json') }),
        response: { 200: z.unknown(), ...schema.problems },
      },
    },
    async (request, reply) => {
      const signed = await service.vault.read(readReport(contextOf(service, request), request.params.id));
      const { format } = request.query;
      const { kind, period } = signed.report;
      reply
        .type(TYPES[format])
        .header('content-disposition', `attachment; filename="${kind}-${period}.${format}"`)
        .serializer((text: unknown) => text as string)
        .send(writeReport(signed, format));
      return sent(reply);
    },
  );
}

function anomalies(app: Api, service: Service): void {
  const anomaly = z
    .object({
      kind: z.string(),
      severity: z.enum(['high', 'medium']),
      at: schema.when,
      principal: z.string(),
      project: z.string().nullable(),
      environment: z.string().nullable(),
      secret: z.string().nullable(),
      what: z.string(),
      numbers: z.record(z.string(), z.number()),
      evidence: z
        .array(z.object({ chain: z.string(), seq: z.int() }))
        .readonly()
        .describe('Entries of the audit log that show it.'),
    })
    .meta({ id: 'Anomaly' });
  app.get(
    '/v1/anomalies',
    {
      config: { permission: 'monitor' },
      schema: {
        tags: TAGS,
        summary: 'What was out of the ordinary, each with its sentence, its numbers and the entries that show it',
        querystring: lookBack,
        response: { 200: z.object({ anomalies: z.array(anomaly) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const since = ctx.clock() - request.query.days * DAY_MS;
      return { anomalies: await service.vault.read(listAnomalies(ctx, since)) };
    },
  );
}

function drills(app: Api, service: Service): void {
  const drill = z
    .object({
      id: z.string(),
      backup: z.string(),
      backupMadeAt: z.string(),
      startedAt: schema.when,
      tookMs: z.int(),
      passed: z.boolean(),
      secrets: z.int(),
      same: z.int(),
      gone: z.int(),
      wrong: z.array(z.string()).readonly(),
      times: z.object({ readMs: z.int(), restoreMs: z.int(), compareMs: z.int() }),
    })
    .meta({ id: 'Drill' });
  app.get(
    '/v1/drills',
    {
      config: { permission: 'monitor' },
      schema: {
        tags: TAGS,
        summary: 'The restore drills, the newest first',
        querystring: lookBack,
        response: { 200: z.object({ drills: z.array(drill) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const since = ctx.clock() - request.query.days * DAY_MS;
      return { drills: await service.vault.read(listDrills(ctx, since, DRILLS)) };
    },
  );
}

const step = z.object({
  name: z.string().max(100),
  outcome: z.enum(['passed', 'failed', 'skipped']),
  ms: z.int().min(0),
  tries: z.int().min(0),
  error: z.string().max(1000).nullable(),
});
const run = z
  .object({
    id: z.string().regex(/^run-[0-9a-z-]{1,60}$/),
    journey: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/),
    target: z.string().max(500),
    startedAt: schema.when,
    tookMs: z.int().min(0).max(86_400_000),
    passed: z.boolean(),
    error: z.string().max(1200).nullable(),
    steps: z.array(step).max(100).readonly(),
  })
  .meta({ id: 'JourneyRun' });

function journeys(app: Api, service: Service): void {
  app.get(
    '/v1/journeys',
    {
      config: { permission: 'monitor' },
      schema: {
        tags: TAGS,
        summary: 'Runs of synthetic journeys, the newest first',
        querystring: lookBack,
        response: { 200: z.object({ runs: z.array(run) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const since = ctx.clock() - request.query.days * DAY_MS;
      return { runs: await service.vault.read(listRuns(ctx, since)) };
    },
  );
  app.post(
    '/v1/projects/:project/environments/:environment/journeys',
    {
      config: { permission: 'monitor' },
      bodyLimit: 2 * PICTURE_CHARACTERS,
      schema: {
        tags: TAGS,
        summary: 'Keep the run of a journey that ran elsewhere, in CI: with a token of the place that it is about',
        params: schema.inEnvironment,
        body: run.extend({ screenshot: z.base64().max(PICTURE_CHARACTERS).optional() }),
        response: { 201: z.object({ id: z.string() }), ...schema.problems },
      },
    },
    (request, reply) => {
      const { screenshot, ...kept } = request.body;
      return changeOutside(service, request, reply, function* (ctx) {
        const picture = screenshot === undefined ? undefined : Buffer.from(screenshot, 'base64');
        yield* keepRun(ctx, kept, picture, ctx.environment(request.params));
        return { status: 201, body: { id: kept.id } };
      });
    },
  );
  app.get(
    '/v1/journeys/:id/screenshot',
    {
      config: { permission: 'monitor' },
      schema: {
        tags: TAGS,
        summary: 'The page on which a run failed, as PNG',
        params: z.object({ id: schema.id }),
        response: { 200: z.unknown(), ...schema.problems },
      },
    },
    async (request, reply) => {
      const { screenshot } = await service.vault.read(showRun(contextOf(service, request), request.params.id));
      if (!screenshot) throw new NotFoundError('KT_NOT_FOUND', 'That run has no picture.');
      reply.type('image/png').send(Buffer.from(screenshot));
      return sent(reply);
    },
  );
}
