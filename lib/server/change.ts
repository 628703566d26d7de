// Answers to requests that change something: by themselves or in the company of others, and once only where they carry
// an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): the same request again is answered as the first was.
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { asBuffer, equalBytes } from '../crypto/bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { RequestError, UsageError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import { findIdempotent, insertIdempotent } from '../store/statements/service.ts';
import type { VaultContext } from '../vault/context.ts';
import { contextOf, type Service } from './service.ts';

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ChangeOptions {
  /** True for changes of secrets alone: they share one sync with others. */
  readonly together?: boolean;
}

/** Runs a change and sends its answer. */
export async function change(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (ctx: VaultContext) => Operation<Answer>,
  options: ChangeOptions = {},
): Promise<never> {
  const ctx = contextOf(service, request);
  const key = request.headers['idempotency-key'];
  const operation = key === undefined ? work(ctx) : once(service, ctx, request, keyText(key), work(ctx));
  const answer = await (options.together ? service.vault.together(operation) : service.vault.run(operation));
  reply.code(answer.status);
  if (answer.headers) reply.headers(answer.headers);
  reply.send(answer.body);
  return sent(reply);
}

/** Fastify wants an asynchronous handler to give its reply back, where its types ask for the body. */
export function sent(reply: FastifyReply): never {
  return reply as never;
}

function keyText(key: string | string[]): string {
  if (typeof key === 'string' && key.length >= 1 && key.length <= 255) return key;
  throw new UsageError('An Idempotency-Key has from 1 to 255 characters.');
}

/** What a request asks for, as a hash: another one under the same key is a mistake of the client's. */
function requestHash(request: FastifyRequest): Buffer {
  const { 'if-match': match, 'if-none-match': noneMatch, 'keyturn-approval': approval } = request.headers;
  const asked = JSON.stringify([request.method, request.url, match, noneMatch, approval, request.body ?? null]);
  return createHash('sha256').update(asked).digest();
}

function* once(
  service: Service,
  ctx: VaultContext,
  request: FastifyRequest,
  given: string,
  work: Operation<Answer>,
): Operation<Answer> {
  const key = createHash('sha256')
    .update(JSON.stringify([ctx.principal, given]))
    .digest('base64url');
  const hash = requestHash(request);
  const outcome = yield* transaction(firstOrAgain(service, ctx, { key, hash }, work));
  // What failed is not kept: its own parts are undone or logged, and the client may try again.
  if ('error' in outcome) throw outcome.error;
  return outcome.answer;
}

function* firstOrAgain(
  service: Service,
  ctx: VaultContext,
  { key, hash }: { key: string; hash: Buffer },
  work: Operation<Answer>,
): Operation<{ answer: Answer } | { error: unknown }> {
  const { serverKey } = service.vault;
  const context = ['keyturn/v1/idempotency', key];
  const known = yield* first(findIdempotent, { key });
  if (known) {
    if (!equalBytes(known.request, hash)) {
      const what = 'That Idempotency-Key was used for another request.';
      return { error: new RequestError('KT_IDEMPOTENCY_MISMATCH', what, 'Make a new key for each new request.') };
    }
    const opened = openEnvelope(serverKey, context, asBuffer(known.answer));
    const answer = JSON.parse(opened.toString('utf8')) as Answer;
    opened.fill(0);
    return { answer: { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } } };
  }
  let answer: Answer;
  try {
    answer = yield* work;
  } catch (error) {
    return { error };
  }
  const text = Buffer.from(JSON.stringify(answer), 'utf8');
  yield* all(insertIdempotent, {
    key,
    request: hash,
    status: answer.status,
    answer: sealEnvelope(serverKey, ctx.suite, context, text, ctx.random),
    now: ctx.clock(),
  });
  text.fill(0);
  return { answer };
}
