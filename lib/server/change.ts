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
  return send(reply, await (options.together ? service.vault.together(operation) : service.vault.run(operation)));
}

function send(reply: FastifyReply, answer: Answer): never {
  reply.code(answer.status);
  if (answer.headers) reply.headers(answer.headers);
  reply.send(answer.body);
  return sent(reply);
}

/**
 * Runs a change that asks something outside of the store, and so cannot be one transaction. It has to be one that may be
 * repeated: a retry after a cut goes on with what was begun (a rotation that is on its way is taken up, not begun twice).
 * @param work is given a name that is the same for the same Idempotency-Key, to name with what must not happen twice
 */
export async function changeOutside(
  service: Service,
  request: FastifyRequest,
  reply: FastifyReply,
  work: (ctx: VaultContext, id: string | undefined) => Operation<Answer>,
): Promise<never> {
  const ctx = contextOf(service, request);
  const given = request.headers['idempotency-key'];
  const key = given === undefined ? undefined : keyFor(ctx, keyText(given));
  const operation = key === undefined ? work(ctx, undefined) : replayed(service, ctx, request, key, work);
  return send(reply, await service.vault.run(operation));
}

function* replayed(
  service: Service,
  ctx: VaultContext,
  request: FastifyRequest,
  key: string,
  work: (ctx: VaultContext, id: string) => Operation<Answer>,
): Operation<Answer> {
  const hash = requestHash(request);
  const known = yield* knownAnswer(service, { key, hash });
  if (known) return known;
  const answer = yield* work(ctx, createHash('sha256').update(key).digest('hex').slice(0, 16));
  // Two at once did the same work; the answer that is kept first stays.
  yield* transaction(keepAnswer(service, ctx, { key, hash }, answer));
  return answer;
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
  const key = keyFor(ctx, given);
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
  try {
    const known = yield* knownAnswer(service, { key, hash });
    if (known) return { answer: known };
  } catch (error) {
    return { error };
  }
  let answer: Answer;
  try {
    answer = yield* work;
  } catch (error) {
    return { error };
  }
  yield* keepAnswer(service, ctx, { key, hash }, answer);
  return { answer };
}

/** Names a client's key by whoever sent it: two principals' keys are never the same. */
function keyFor(ctx: VaultContext, given: string): string {
  return createHash('sha256')
    .update(JSON.stringify([ctx.principal, given]))
    .digest('base64url');
}

function sealedFor(key: string): string[] {
  return ['keyturn/v1/idempotency', key];
}

/** The answer that was given already. @throws RequestError where another request had the same key */
function* knownAnswer(service: Service, { key, hash }: { key: string; hash: Buffer }): Operation<Answer | undefined> {
  const known = yield* first(findIdempotent, { key });
  if (!known) return undefined;
  if (!equalBytes(known.request, hash)) {
    const what = 'That Idempotency-Key was used for another request.';
    throw new RequestError('KT_IDEMPOTENCY_MISMATCH', what, 'Make a new key for each new request.');
  }
  const opened = openEnvelope(service.vault.serverKey, sealedFor(key), asBuffer(known.answer));
  const answer = JSON.parse(opened.toString('utf8')) as Answer;
  opened.fill(0);
  return { ...answer, headers: { ...answer.headers, 'idempotency-replayed': 'true' } };
}

/** Keeps an answer, sealed: it may hold a token that is shown once. In the caller's transaction. */
function* keepAnswer(
  service: Service,
  ctx: VaultContext,
  { key, hash }: { key: string; hash: Buffer },
  answer: Answer,
): Operation<void> {
  if (yield* first(findIdempotent, { key })) return;
  const text = Buffer.from(JSON.stringify(answer), 'utf8');
  yield* all(insertIdempotent, {
    key,
    request: hash,
    status: answer.status,
    answer: sealEnvelope(service.vault.serverKey, ctx.suite, sealedFor(key), text, ctx.random),
    now: ctx.clock(),
  });
  text.fill(0);
}
