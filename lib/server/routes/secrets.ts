// /v1/projects/:project/environments/:environment/secrets and /values: reading and changing secrets.
import type { FastifyReply, FastifyRequest, FastifySchemaCompiler } from 'fastify';
import { validatorCompiler } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { requireApproval } from '../../identity/approvals.ts';
import type { Operation } from '../../store/operation.ts';
import { listSecrets, secretHistory, withAge } from '../../vault/list.ts';
import type { Place } from '../../vault/places.ts';
import { readSecret, readValid, readVersion } from '../../vault/read.ts';
import type { SecretSummary } from '../../vault/results.ts';
import { SECRET_STATES, searchSecrets } from '../../vault/search.ts';
import {
  deleteSecret,
  describeSecret,
  restoreDeleted,
  type SetInput,
  secretTag,
  setSecret,
  setSecrets,
} from '../../vault/write.ts';
import { type Answer, change, sent } from '../change.ts';
import { askAgain } from '../fresh-sign-in.ts';
import { HotReader, valueJson } from '../hot-reader.ts';
import { approvalOf, asPrecondition, conditions, definedOnly, ifMatch, tagNow, valueFor } from '../request-parts.ts';
import * as schema from '../schemas.ts';
import { type Api, contextOf, type Service } from '../service.ts';

const BASE = '/v1/projects/:project/environments/:environment';

export function registerSecrets(app: Api, service: Service): void {
  const hot = new HotReader(service);
  reading(app, service, hot);
  bulk(app, service, hot);
  changing(app, service);
}

/**
 * The route that is asked most: a path that led here has its three parts, and there is seldom a query to look at. All
 * else is checked as on every route.
 */
const quickValidator: FastifySchemaCompiler<unknown> = (given) => {
  if (given.httpPart === 'params') return (value: unknown) => ({ value });
  const whole = validatorCompiler(given as never);
  return (value: unknown) => (hasKeys(value) ? whole(value) : { value: {} });
};

function hasKeys(value: unknown): boolean {
  for (const _ in value as object) return true;
  return false;
}

function reading(app: Api, service: Service, hot: HotReader): void {
  app.get(
    `${BASE}/secrets`,
    {
      config: { permission: 'list' },
      schema: {
        tags: ['secrets'],
        summary: 'List secrets: names and facts, never values',
        params: schema.inEnvironment,
        querystring: schema.page.extend({
          deleted: z.stringbool().default(false),
          search: z.string().max(200).optional().describe('Part of a name.'),
          type: z.string().max(64).optional(),
          state: z.enum(SECRET_STATES).optional(),
          offset: z.coerce
            .number()
            .int()
            .min(0)
            .max(10_000_000)
            .optional()
            .describe('Begin at this one, and say the total; instead of a cursor. So do `search`, `type` and `state`.'),
        }),
        response: {
          200: z.object({
            secrets: z.array(
              schema.secretSummary.extend({
                dueAt: schema.when.nullable().describe('When its value reaches its greatest age.'),
                age: z.enum(['fresh', 'due soon', 'overdue', 'no interval']),
              }),
            ),
            next: schema.next,
            total: z.int().nullable().describe('How many fit, where a search was asked for.'),
          }),
          ...schema.problems,
        },
      },
    },
    async (request) => {
      const { limit, cursor, deleted, search, type, state, offset } = request.query;
      const ctx = contextOf(service, request);
      if ([search, type, state, offset].some((one) => one !== undefined)) {
        const asked = { text: search ?? '', type: type ?? '', state: state ?? 'any', offset: offset ?? 0, limit };
        const page = await service.vault.read(searchSecrets(ctx, request.params, asked));
        return { secrets: page.secrets.map(shownSecret), next: null, total: page.total };
      }
      const found = await service.vault.read(
        listSecrets(ctx, request.params, {
          limit: limit + 1,
          deleted,
          ...(cursor !== undefined && { after: fromCursor(cursor) }),
        }),
      );
      const secrets = found.slice(0, limit).map((one) => shownSecret(withAge(ctx, one)));
      return { secrets, next: found.length > limit ? toCursor(secrets.at(-1)?.name ?? '') : null, total: null };
    },
  );
  app.get(
    `${BASE}/secrets/:name`,
    {
      config: { permission: 'read' },
      validatorCompiler: quickValidator,
      schema: {
        tags: ['secrets'],
        summary: 'Read a value',
        description:
          'The entry in the audit log is durable before the answer leaves. `If-None-Match` with the ETag gives 304.',
        params: schema.ofSecret,
        querystring: z.object({ version: z.coerce.number().int().min(1).max(2_147_483_647).optional() }),
        response: { 200: schema.secretValue, 304: schema.empty, ...schema.problems },
      },
    },
    (request, reply) => {
      const { version } = request.query;
      if (version === undefined && !request.caller?.person) return hot.answer(request, reply, request.params);
      return readOne(service, request, reply, request.params, version);
    },
  );
  app.get(
    `${BASE}/secrets/:name/versions`,
    {
      config: { permission: 'read' },
      schema: {
        tags: ['secrets'],
        summary: 'Read the values that are valid now: the one in use, then the one before while its grace lasts',
        params: schema.ofSecret,
        response: { 200: z.object({ versions: z.array(schema.secretValue) }), ...schema.problems },
      },
    },
    async (request) => {
      const ctx = contextOf(service, request);
      const { name } = request.params;
      await askAgain(service, request, { ...request.params, secret: name });
      const approval = requireApproval(ctx, 'read', request.params, name, approvalOf(request));
      await service.vault.read(approval);
      const opened = await service.vault.read(readValid(ctx, request.params, name));
      const versions = opened.map(valueJson);
      for (const one of opened) one.value.fill(0);
      return { versions };
    },
  );
  app.get(
    `${BASE}/secrets/:name/history`,
    {
      config: { permission: 'list' },
      schema: {
        tags: ['secrets'],
        summary: 'Show every version, never its value',
        params: schema.ofSecret,
        response: {
          200: z.object({
            name: z.string(),
            deletedAt: schema.when.nullable(),
            versions: z.array(
              z.object({
                number: z.int(),
                state: z.enum(['current', 'previous', 'issued', 'retired']),
                validUntil: schema.when.optional(),
                origin: z.string(),
                createdAt: schema.when,
                createdBy: z.string(),
                size: z.int(),
                fingerprint: z.string(),
                sameAsBefore: z.boolean(),
              }),
            ),
          }),
          ...schema.problems,
        },
      },
    },
    (request) => service.vault.read(secretHistory(contextOf(service, request), request.params, request.params.name)),
  );
}

async function readOne(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  params: Place & { name: string },
  version: number | undefined,
): Promise<never> {
  const ctx = contextOf(service, request);
  const { name } = params;
  await askAgain(service, request, { ...params, secret: name });
  await service.vault.read(requireApproval(ctx, 'read', params, name, approvalOf(request)));
  const opened = await service.vault.read(
    version === undefined ? readSecret(ctx, params, name) : readVersion(ctx, params, name, version),
  );
  if (version === undefined) reply.header('etag', await service.vault.read(tagNow(ctx, params, name)));
  const body = valueJson(opened);
  opened.value.fill(0);
  reply.send(body);
  return sent(reply);
}

function tagOf(one: {
  version: number;
  type: string;
  intervalDays: number | null;
  owner: string | null;
  labels: Readonly<Record<string, string>>;
}): string {
  return secretTag({
    current_version: one.version,
    type: one.type,
    interval_days: one.intervalDays,
    owner: one.owner,
    labels: JSON.stringify(one.labels),
  });
}

/** As answers show a secret: with its ETag, without the number that it has inside. */
export function shownSecret<T extends SecretSummary>({ id: _, ...one }: T) {
  return { ...one, tag: tagOf(one) };
}

function toCursor(name: string): string {
  return Buffer.from(name, 'utf8').toString('base64url');
}

/** @throws UsageError */
function fromCursor(cursor: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(cursor)) return Buffer.from(cursor, 'base64url').toString('utf8').slice(0, 200);
  throw new UsageError('That is no cursor of ours.', 'Send the `next` of the page before.');
}

function bulk(app: Api, service: Service, hot: HotReader): void {
  app.get(
    `${BASE}/values`,
    {
      config: { permission: 'read' },
      schema: {
        tags: ['secrets'],
        summary: 'Read many values at once: all that the caller may read, or named ones',
        description: 'The ETag covers the whole set: with `If-None-Match` an unchanged set is answered by 304.',
        params: schema.inEnvironment,
        querystring: z.object({
          names: z.string().max(20_000).optional().describe('Names, with commas between.'),
          previous: z.stringbool().default(false).describe('The versions before, too, while they are valid.'),
        }),
        response: {
          200: z.object({
            secrets: z.array(schema.secretValue),
            missing: z.array(z.string()),
            previous: z.array(schema.secretValue).optional(),
          }),
          304: schema.empty,
          ...schema.problems,
        },
      },
    },
    async (request, reply) => {
      const names = request.query.names?.split(',').filter((one) => one !== '');
      await askAgain(service, request, request.params);
      await service.vault.read(
        requireApproval(contextOf(service, request), 'read', request.params, '*', approvalOf(request)),
      );
      return hot.answerMany(request, reply, request.params, { names, previous: request.query.previous });
    },
  );
  const input = schema.value
    .extend({ name: schema.name, ifMatch: z.string().max(64).optional() })
    .extend(schema.description.shape);
  app.put(
    `${BASE}/secrets`,
    {
      bodyLimit: 8 * 1024 * 1024,
      config: { permission: 'write' },
      schema: {
        tags: ['secrets'],
        summary: 'Set many secrets: all, or none',
        params: schema.inEnvironment,
        body: z.object({
          secrets: z.array(input).min(1).max(1000),
          overwrite: z.boolean().default(false).describe('Overwrite what is there without having seen it.'),
        }),
        response: { 200: z.object({ secrets: z.array(schema.setResult) }), ...schema.problems },
      },
    },
    async (request, reply) => {
      const { secrets, overwrite } = request.body;
      const inputs: SetInput[] = [];
      try {
        for (const one of secrets) {
          const { name, ifMatch: tag, value: _v, base64: _b, sealed: _s, ...described } = one;
          const expected = tag !== undefined ? { expectTag: tag } : overwrite ? {} : { expectVersion: 0 };
          const value = await valueFor(service, request.params, name, one);
          inputs.push({ at: request.params, name, value, ...definedOnly(described), ...expected });
        }
        return await change(
          service,
          request,
          reply,
          function* (ctx): Operation<Answer> {
            return { status: 200, body: { secrets: yield* setSecrets(ctx, inputs) } };
          },
          { together: true },
        );
      } finally {
        for (const one of inputs) one.value.fill(0);
      }
    },
  );
}

function changing(app: Api, service: Service): void {
  app.put(
    `${BASE}/secrets/:name`,
    {
      bodyLimit: 256 * 1024,
      config: { permission: 'write' },
      schema: {
        tags: ['secrets'],
        summary: 'Set a value: a new version, in use at once',
        description:
          'A new secret needs no condition. To change one, send `If-Match` with the ETag that you have seen; `If-Match: *` overwrites whatever is there.',
        params: schema.ofSecret,
        body: schema.value.extend(schema.description.shape),
        response: { 200: schema.setResult, 201: schema.setResult, ...schema.problems },
      },
    },
    async (request, reply) => {
      const { value: _v, base64: _b, sealed: _s, ...described } = request.body;
      const { name } = request.params;
      const value = await valueFor(service, request.params, name, request.body);
      try {
        return await change(
          service,
          request,
          reply,
          function* (ctx): Operation<Answer> {
            const expected = yield* conditions(ctx, request, request.params, name);
            const input = { at: request.params, name, value, ...definedOnly(described), ...expected };
            const result = yield* asPrecondition(request, setSecret(ctx, input));
            const etag = yield* tagNow(ctx, request.params, name);
            return { status: result.outcome === 'added' ? 201 : 200, body: result, headers: { etag } };
          },
          { together: true },
        );
      } finally {
        value.fill(0);
      }
    },
  );
  app.patch(
    `${BASE}/secrets/:name`,
    {
      config: { permission: 'write' },
      schema: {
        tags: ['secrets'],
        summary: 'Describe a secret: type, interval, owner, labels',
        params: schema.ofSecret,
        body: schema.description,
        response: { 200: schema.setResult, ...schema.problems },
      },
    },
    (request, reply) => {
      const { name } = request.params;
      return change(
        service,
        request,
        reply,
        function* (ctx): Operation<Answer> {
          const expected = yield* conditions(ctx, request, request.params, name);
          const described = { ...definedOnly(request.body), ...expected };
          const result = yield* asPrecondition(request, describeSecret(ctx, request.params, name, described));
          const etag = yield* tagNow(ctx, request.params, name);
          return { status: 200, body: result, headers: { etag } };
        },
        { together: true },
      );
    },
  );
  app.delete(
    `${BASE}/secrets/:name`,
    {
      config: { permission: 'delete' },
      schema: {
        tags: ['secrets'],
        summary: 'Delete a secret; its versions stay, and it can be brought back',
        params: schema.ofSecret,
        response: { 200: z.object({ name: z.string() }), ...schema.problems },
      },
    },
    (request, reply) => {
      const { name } = request.params;
      return change(service, request, reply, function* (ctx): Operation<Answer> {
        yield* requireApproval(ctx, 'delete', request.params, name, approvalOf(request));
        const match = ifMatch(request);
        const tag = match === '*' ? undefined : match;
        return { status: 200, body: yield* asPrecondition(request, deleteSecret(ctx, request.params, name, tag)) };
      });
    },
  );
  app.post(
    `${BASE}/secrets/:name/restore`,
    {
      config: { permission: 'write' },
      schema: {
        tags: ['secrets'],
        summary: 'Bring a deleted secret back with the version that it had',
        params: schema.ofSecret,
        response: { 200: z.object({ name: z.string(), version: z.int() }), ...schema.problems },
      },
    },
    (request, reply) =>
      change(service, request, reply, function* (ctx): Operation<Answer> {
        return { status: 200, body: yield* restoreDeleted(ctx, request.params, request.params.name) };
      }),
  );
}
