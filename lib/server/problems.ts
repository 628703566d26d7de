// Errors as problem details (RFC 9457). Each says what happened, what was left as it was and what to do next; none ever
// holds a value, a key, a stack trace or another project's name.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ApprovalRequiredError, type ErrorCode, IdentityError, isKeyturnError, type KeyturnError } from '../errors.ts';

export const problemSchema = z
  .object({
    type: z.string().describe('A reference to what the code means: /docs#errors.'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Stable, KT_…'),
    detail: z.string().describe('What happened.'),
    left: z.string().optional().describe('What was left as it was.'),
    next: z.string().optional().describe('What to do next.'),
    instance: z.string().describe('The request id, as in the header x-request-id and in the log.'),
    approval: z.string().optional().describe('What a second person has to approve.'),
    errors: z
      .array(z.object({ at: z.string(), what: z.string() }))
      .optional()
      .describe('Where the request does not fit its schema.'),
  })
  .meta({ id: 'Problem' });

type Problem = z.infer<typeof problemSchema>;

/** The HTTP status that each code is answered with. */
export const STATUS: Readonly<Record<ErrorCode, number>> = {
  KT_USAGE: 400,
  KT_CONFIG_INVALID: 400,
  KT_INPUT_INVALID: 400,
  KT_SECRET_NOT_FOUND: 404,
  KT_VERSION_NOT_FOUND: 404,
  KT_ENVIRONMENT_NOT_FOUND: 404,
  KT_PROJECT_NOT_FOUND: 404,
  KT_NOT_FOUND: 404,
  KT_CONFLICT: 409,
  KT_ACCESS_DENIED: 403,
  KT_DECRYPTION_FAILED: 503,
  KT_ROOT_KEY_MISSING: 503,
  KT_ROOT_KEY_WRONG: 503,
  KT_ROOT_KEY_INVALID: 503,
  KT_VAULT_NOT_FOUND: 503,
  KT_VAULT_EXISTS: 409,
  KT_VAULT_CLOSED: 503,
  KT_STORE_UNUSABLE: 503,
  KT_STORE_UNREACHABLE: 503,
  KT_STORE_BUSY: 503,
  KT_STORE_FULL: 507,
  KT_STORE_READ_ONLY: 503,
  KT_STORE_CORRUPT: 503,
  KT_STORE_TOO_NEW: 503,
  KT_BACKUP_INVALID: 422,
  KT_FILE_UNUSABLE: 503,
  KT_ROTATION_FAILED: 422,
  KT_NEEDS_PERSON: 409,
  KT_AUDIT_INVALID: 422,
  KT_UNAUTHENTICATED: 401,
  KT_RATE_LIMITED: 429,
  KT_APPROVAL_REQUIRED: 403,
  KT_PRECONDITION_REQUIRED: 428,
  KT_PRECONDITION_FAILED: 412,
  KT_IDEMPOTENCY_MISMATCH: 422,
  KT_READ_ONLY: 403,
  KT_SEALED: 503,
  KT_KMS_UNAVAILABLE: 503,
  KT_KMS_REFUSED: 503,
  KT_OVERLOADED: 503,
  KT_TOO_LARGE: 413,
  KT_INTAKE_KEY_GONE: 409,
  KT_REAUTHENTICATION_REQUIRED: 403,
  KT_REMOTE_FAILED: 502,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'The request cannot be understood',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not there',
  405: 'Not that way',
  409: 'In conflict with what is there',
  412: 'Changed meanwhile',
  413: 'Too large',
  415: 'Not JSON',
  422: 'Cannot be done as asked',
  428: 'A condition is needed',
  429: 'Too many attempts',
  500: 'A defect of ours',
  502: 'Another server failed',
  503: 'Not now',
  507: 'No room left',
};

/** Every code, for the reference page. */
export function problemCodes(): { code: string; status: number; title: string }[] {
  return Object.entries(STATUS).map(([code, status]) => ({ code, status, title: TITLES[status] ?? '' }));
}

function statusOf(error: KeyturnError): number {
  return STATUS[error.code] ?? 500;
}

function problem(
  request: FastifyRequest,
  status: number,
  code: string,
  text: { what: string; left?: string | undefined; next?: string | undefined },
): Problem {
  return {
    type: `/docs#${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    code,
    detail: text.what,
    ...(text.left !== undefined && { left: text.left }),
    ...(text.next !== undefined && { next: text.next }),
    instance: request.id,
  };
}

/** An HTTP header or cookie that a browser sent in one of these is no error of ours to explain at length. */
function frameworkProblem(request: FastifyRequest, error: FastifyError): Problem | undefined {
  const status = error.statusCode ?? 500;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const errors = error.validation.map((one) => ({
      at: one.instancePath || '/',
      what: one.message ?? 'does not fit',
    }));
    const next = '/openapi.json has the schema; /docs shows it.';
    return { ...problem(request, 400, 'KT_USAGE', { what: 'The request does not fit its schema.', next }), errors };
  }
  if (status === 413) return problem(request, 413, 'KT_TOO_LARGE', { what: 'The request is too large.' });
  if (status === 415) return problem(request, 415, 'KT_USAGE', { what: 'A body has to be application/json.' });
  if (status >= 400 && status < 500)
    return problem(request, status, 'KT_USAGE', { what: 'The request cannot be understood.' });
  if (status === 503) {
    return problem(request, 503, 'KT_OVERLOADED', {
      what: 'The server has more to do than it can.',
      next: 'Try again shortly.',
    });
  }
  return undefined;
}

/** @returns the answer, and the error to log where it is a defect */
function problemOf(request: FastifyRequest, error: unknown): { problem: Problem; defect: boolean } {
  if (isKeyturnError(error)) {
    const status = statusOf(error);
    const made = problem(request, status, error.code, error.text);
    const approval = error instanceof ApprovalRequiredError ? { approval: error.approval } : {};
    return { problem: { ...made, ...approval }, defect: status === 500 };
  }
  const known = error instanceof Error ? frameworkProblem(request, error as FastifyError) : undefined;
  if (known) return { problem: known, defect: false };
  const text = {
    what: 'Something went wrong in Keyturn.',
    next: 'Report it with the request id: the log has the rest.',
  };
  return { problem: problem(request, 500, 'KT_INTERNAL', text), defect: true };
}

const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: unknown): void {
  const { problem: made, defect } = problemOf(request, error);
  if (defect) request.log.error({ requestId: request.id, err: error }, 'a defect');
  if (error instanceof IdentityError && error.retryAfter !== undefined) reply.header('retry-after', error.retryAfter);
  else if (made.status === 503) reply.header('retry-after', '1');
  if (made.status === 401) reply.header('www-authenticate', 'Bearer');
  void reply.code(made.status).header('content-type', PROBLEM_TYPE).serializer(JSON.stringify).send(made);
}
