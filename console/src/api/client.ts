// Asking the server: typed by its own OpenAPI document, with errors as the problem details that it answers.
import createClient from 'openapi-fetch';
import { words } from '../words.ts';
import type { components, paths } from './schema.d.ts';

export type Schema = components['schemas'];

type ProblemDetails = Schema['Problem'];

/** An answer that is an error, or none at all. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly left: string | undefined;
  readonly next: string | undefined;
  /** What a second person has to approve. */
  readonly approval: string | undefined;
  readonly request: string | undefined;

  constructor(status: number, details: Partial<ProblemDetails>) {
    super(details.detail ?? words.errors.unknown);
    this.status = status;
    this.code = details.code ?? 'unknown';
    this.left = details.left;
    this.next =
      details.next ?? (details.errors ? details.errors.map((one) => `${one.at}: ${one.what}`).join('; ') : undefined);
    this.approval = details.approval;
    this.request = details.instance;
  }
}

/** Told when the server says that nobody is signed in (any longer). */
let signedOut: () => void = () => undefined;
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: (request) => fetchOnce(request) });

async function fetchOnce(request: Request): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(request);
  } catch {
    throw new Problem(0, { code: 'unreachable', detail: words.errors.unreachable, next: words.errors.unreachableNext });
  }
  if (response.status === 401 && !request.url.includes('/api/auth/')) signedOut();
  return response;
}

interface Result<T> {
  readonly data?: T | undefined;
  readonly error?: unknown;
  readonly response: Response;
}

/** The body of an answer. @throws Problem */
export async function body<T>(asked: Promise<Result<T>>): Promise<NonNullable<T>> {
  const { data, error, response } = await asked;
  if (response.ok) return data as NonNullable<T>;
  throw new Problem(response.status, problemDetails(error));
}

function problemDetails(error: unknown): Partial<ProblemDetails> {
  if (typeof error === 'object' && error !== null) return error;
  return {};
}

/** Asks better-auth's own routes, which are not in the document. @throws Problem */
export async function authRequest<T>(path: string, content?: unknown): Promise<T> {
  const response = await fetchOnce(
    new Request(`${window.location.origin}/api/auth${path}`, {
      method: content === undefined ? 'GET' : 'POST',
      ...(content !== undefined && { body: JSON.stringify(content), headers: { 'content-type': 'application/json' } }),
    }),
  );
  const text = await response.text();
  const answer: unknown = text === '' ? null : JSON.parse(text);
  if (response.ok) return answer as T;
  const { message, detail, ...details } = (answer ?? {}) as Partial<ProblemDetails> & { message?: string };
  throw new Problem(response.status, { ...details, detail: detail ?? message ?? words.errors.unknown });
}

/** One more key for each change: a retry after a cut is answered as the first was. */
export function once(): { 'idempotency-key': string } {
  return { 'idempotency-key': crypto.randomUUID() };
}
