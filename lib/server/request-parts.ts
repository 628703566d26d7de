// What a request about a secret carries besides its path: a value, conditions on what is there, an approval.
import type { FastifyRequest } from 'fastify';
import { nameKey } from '../catalog/catalog.ts';
import { RequestError, UsageError } from '../errors.ts';
import { first, type Operation } from '../store/operation.ts';
import { findSecret } from '../store/statements/secrets.ts';
import type { VaultContext } from '../vault/context.ts';
import type { SealedToIntake } from '../vault/intake.ts';
import type { Place } from '../vault/places.ts';
import { secretTag } from '../vault/write.ts';
import type { Service } from './service.ts';

/** A value as requests carry it. */
export interface GivenValue {
  readonly value?: string | undefined;
  readonly base64?: string | undefined;
  readonly sealed?: SealedToIntake | undefined;
}

/** Whether a request carries a value at all. */
export function hasValue(body: GivenValue): boolean {
  return body.value !== undefined || body.base64 !== undefined || body.sealed !== undefined;
}

/**
 * The value that a request carries for a secret. The caller zeroes it.
 * @throws UsageError where not exactly one form is given, it is not base64, or it was sealed for another secret;
 *   RequestError where it was sealed to a key that is gone
 */
export async function valueFor(service: Service, at: Place, name: string, body: GivenValue): Promise<Buffer> {
  const given = [body.value, body.base64, body.sealed].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new UsageError('A value comes as `value`, as `base64`, or as `sealed`.', 'Give one of the three.');
  }
  if (body.sealed) return service.intake.open(body.sealed, { ...at, name });
  if (body.value !== undefined) return Buffer.from(body.value, 'utf8');
  const text = body.base64 ?? '';
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64').replace(/=+$/, '') === text.replace(/=+$/, '')) return bytes;
  throw new UsageError('`base64` is not base64.');
}

/** The tag of an If-Match; '*' where whatever is there may be overwritten; undefined where the header is not there. */
export function ifMatch(request: FastifyRequest): string | undefined {
  const text = request.headers['if-match'];
  if (text === undefined || text === '*') return text;
  const match = /^(?:W\/)?"([^"]{1,64})"$/.exec(text);
  if (match?.[1]) return match[1];
  throw new UsageError('If-Match holds no ETag of ours.', 'Send the ETag as it came, with its quotes.');
}

/** What the conditions of a request say about the secret's state, for the engine to check in its transaction. */
export function* conditions(
  ctx: VaultContext,
  request: FastifyRequest,
  at: Place,
  name: string,
): Operation<{ expectVersion?: number; expectTag?: string }> {
  if (request.headers['if-none-match'] === '*') return { expectVersion: 0 };
  const match = ifMatch(request);
  if (match === '*') return {};
  if (match !== undefined) return { expectTag: match };
  const environment = ctx.environment(at);
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
  if (!row || row.deleted_at !== null || row.current_version === 0) return { expectVersion: 0 };
  throw new RequestError(
    'KT_PRECONDITION_REQUIRED',
    `${row.name} is there already.`,
    'Send If-Match with the ETag that you have seen, or `If-Match: *` to overwrite whatever is there.',
  );
}

/** A conflict with a condition that the client sent is "precondition failed" in HTTP's words (RFC 9110, 13.1.1). */
export function* asPrecondition<T>(request: FastifyRequest, body: Operation<T>): Operation<T> {
  try {
    return yield* body;
  } catch (error) {
    const conditional = request.headers['if-match'] !== undefined || request.headers['if-none-match'] !== undefined;
    const { code, text } = error as { code?: string; text?: { what: string; next?: string } };
    if (!conditional || code !== 'KT_CONFLICT' || !text) throw error;
    throw new RequestError('KT_PRECONDITION_FAILED', text.what, text.next ?? 'Look at it again, then decide.');
  }
}

export function* tagNow(ctx: VaultContext, at: Place, name: string): Operation<string> {
  const row = yield* first(findSecret, { environmentId: ctx.environment(at).id, nameKey: nameKey(name) });
  return row ? `"${secretTag(row)}"` : '';
}

/** The approval that a request carries, and its reason for the one who decides. */
export function approvalOf(request: FastifyRequest): { approval?: string; reason?: string } {
  const approval = request.headers['keyturn-approval'];
  const reason = request.headers['keyturn-reason'];
  return {
    ...(typeof approval === 'string' && { approval }),
    ...(typeof reason === 'string' && { reason }),
  };
}

type DefinedOnly<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is undefined: the engine reads "not given" from a property that is not there. */
export function definedOnly<T extends object>(given: T): DefinedOnly<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as DefinedOnly<T>;
}
