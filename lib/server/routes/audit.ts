// /v1/audit: reading, exporting, verifying, anchoring and forwarding the log. Each of these is in the log itself.
import { Readable } from 'node:stream';
import { z } from 'zod';
import { anchorOf, parseAnchor } from '../../audit/checkpoint.ts';
import { type AuditFilter, entriesPage } from '../../audit/read.ts';
import { UsageError } from '../../errors.ts';
import { logTransaction, type Operation, transaction } from '../../store/operation.ts';
import { exportLines, verifyLog } from '../audit-pages.ts';
import { type Answer, change, sent } from '../change.ts';
import { addForward, removeForward } from '../forwarder.ts';
import { definedOnly } from '../request-parts.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const entry = z
  .object({
    chain: z.string(),
    seq: z.int(),
    time: schema.when,
    principal: z.string(),
    action: z.string(),
    outcome: z.enum(['ok', 'denied', 'failed']),
    project: z.string().nullable(),
    environment: z.string().nullable(),
    secret: z.string().nullable(),
    version: z.int().nullable(),
    source: z.string(),
    details: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: 'AuditEntry' });

const verdict = z.looseObject({
  intact: z.boolean().describe('Every entry there is as it was written.'),
  complete: z.boolean().describe('Nothing is missing that checkpoints and anchors know of.'),
  entries: z.int(),
  checkpoints: z.int(),
  uncovered: z.int(),
});

function fromCursor(cursor: string | undefined): Record<string, number> | undefined {
  if (cursor === undefined) return undefined;
  const parsed = z
    .record(z.string(), z.int().min(0))
    .safeParse(parseJson(Buffer.from(cursor, 'base64url').toString('utf8')));
  if (parsed.success) return parsed.data;
  throw new UsageError('That is no cursor of ours.', 'Send the `next` of the page before.');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is no cursor: the schema says so.
    return undefined;
  }
}

export function registerAudit(app: Api, service: Service): void {
  reading(app, service);
  forwarding(app, service);
}

function reading(app: Api, service: Service): void {
  app.get(
    '/v1/audit',
    {
      config: { permission: 'audit' },
      schema: {
        tags: ['audit'],
        summary:
          'Read the log, newest first. With `project`, the permission is asked for there; else for the whole vault',
        description:
          'A page may have fewer entries than asked for, or none, and still have a `next`: so much was looked through.',
        querystring: schema.page.extend({
          cursor: z.string().max(4000).optional(),
          project: schema.place.optional(),
          environment: schema.place.optional(),
          secret: schema.name.optional(),
          principal: z.string().max(300).optional(),
          action: z.string().max(64).optional().describe('An action, or its part before the dot.'),
          outcome: z.enum(['ok', 'denied', 'failed']).optional(),
          since: z.coerce.number().int().min(0).optional(),
          until: z.coerce.number().int().min(0).optional(),
        }),
        response: { 200: z.object({ entries: z.array(entry), next: schema.next }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const { limit, cursor, ...filter } = request.query;
      const where = filter.project === undefined ? {} : { project: ctx.project(filter.project).name };
      await service.vault.read(ctx.authorize('audit', { action: 'audit.read', ...where }));
      await service.vault.read(logTransaction(ctx.log([{ action: 'audit.read', ...where }])));
      const given: AuditFilter = definedOnly(filter);
      const page = await service.vault.read(entriesPage(given, limit, fromCursor(cursor)));
      return {
        entries: page.entries.map(({ hash: _h, mac: _m, details, ...one }) => ({
          ...one,
          details: details === null ? null : (JSON.parse(details) as Record<string, unknown>),
        })),
        next: page.next ? Buffer.from(JSON.stringify(page.next), 'utf8').toString('base64url') : null,
      };
    },
  );
  app.get(
    '/v1/audit/export',
    {
      config: { permission: 'audit' },
      schema: {
        tags: ['audit'],
        summary:
          'Stream the whole log: JSON lines (which `keyturn audit verify FILE` verifies with no vault at hand), or CSV',
        querystring: z.object({ format: z.enum(['jsonl', 'csv']).default('jsonl') }),
        response: { 200: z.unknown(), ...schema.problems },
      },
    },
    async (request, reply) => {
      const ctx = contextOf(service, request);
      const csv = request.query.format === 'csv';
      await service.vault.read(ctx.authorize('audit', { action: 'audit.export' }));
      await service.vault.run(
        transaction(
          (function* () {
            yield* ctx.log([{ action: 'audit.export', details: { format: request.query.format } }]);
            yield* ctx.audit.checkpoint();
          })(),
        ),
      );
      reply
        .header('content-type', csv ? 'text/csv; charset=utf-8' : 'application/x-ndjson; charset=utf-8')
        .header('content-disposition', `attachment; filename="keyturn-audit.${csv ? 'csv' : 'jsonl'}"`)
        .send(Readable.from(exportLines(service.vault, csv)));
      return sent(reply);
    },
  );
  app.post(
    '/v1/audit/verify',
    {
      config: { permission: 'audit', reads: true },
      schema: {
        tags: ['audit'],
        summary: 'Verify the whole log: chains, MACs, checkpoints, and anchors that you have kept',
        body: z.object({ anchors: z.array(z.string().max(100)).max(1000).default([]) }),
        response: { 200: verdict, ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      await service.vault.read(ctx.authorize('audit', { action: 'audit.verify' }));
      const anchors = request.body.anchors.map((text) => {
        const anchor = parseAnchor(text);
        if (anchor) return anchor;
        throw new UsageError('One of the anchors is none.', 'An anchor looks like kta1-12-… and is one line.');
      });
      const result = await verifyLog(service.vault, anchors);
      const details = { intact: result.intact, complete: result.complete, entries: result.entries };
      await service.vault.read(logTransaction(ctx.log([{ action: 'audit.verify', details }])));
      return { ...result };
    },
  );
  app.post(
    '/v1/audit/anchor',
    {
      config: { permission: 'audit' },
      schema: {
        tags: ['audit'],
        summary: 'Sign how far the log has come; keep the line where nobody here can change it',
        body: z.object({}),
        response: { 200: z.object({ anchor: z.string(), publicKey: z.string() }), ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* ctx.authorize('audit', { action: 'audit.anchor' });
        const checkpoint = yield* transaction(
          (function* () {
            yield* ctx.log([{ action: 'audit.anchor' }]);
            return yield* ctx.audit.checkpoint();
          })(),
        );
        return {
          status: 200,
          body: { anchor: anchorOf(checkpoint), publicKey: ctx.audit.publicKey.toString('base64url') },
        };
      }),
  );
}

const forward = z.object({
  id: z.string(),
  name: z.string(),
  kind: z.enum(['webhook', 'syslog', 'file']),
  to: z.string(),
  delivered: z.int(),
  error: z.string().nullable(),
  updatedAt: schema.when,
});

const target = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('webhook'), url: z.url().max(2000), secret: z.string().min(16).max(200).optional() }),
  z.object({
    kind: z.literal('syslog'),
    host: z.string().min(1).max(253),
    port: z.int().min(1).max(65_535),
    tls: z.boolean().default(true),
  }),
  z.object({ kind: z.literal('file'), path: z.string().min(2).max(1000) }),
]);

function forwarding(app: Api, service: Service): void {
  app.get(
    '/v1/audit/forwards',
    {
      config: { permission: 'settings' },
      schema: {
        tags: ['audit'],
        summary: 'List where the log is forwarded to, and how far',
        response: { 200: z.object({ forwards: z.array(forward) }), ...schema.problems },
      },
    },
    async (request) => ({ forwards: await service.vault.read(service.forwarder.list(contextOf(service, request))) }),
  );
  app.post(
    '/v1/audit/forwards',
    {
      config: { permission: 'settings' },
      schema: {
        tags: ['audit'],
        summary: 'Forward the log to a webhook, a syslog server or a file: at least once, in order, from its beginning',
        body: z.object({ name: z.string().min(1).max(100), target }),
        response: { 201: forward, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        const { name, target: to } = request.body;
        return { status: 201, body: yield* addForward(ctx, service.vault, name, to) };
      }),
  );
  app.delete(
    '/v1/audit/forwards/:id',
    {
      config: { permission: 'settings' },
      schema: {
        tags: ['audit'],
        summary: 'Forward no more',
        params: z.object({ id: schema.id }),
        response: { 204: schema.empty, ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* removeForward(ctx, request.params.id);
        return { status: 204 };
      }),
  );
}
