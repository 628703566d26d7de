// What the SDK throws: the server's own code and words, or one of its own.

export class ClientError extends Error {
  /** `KT_…`, as in the server's problems. */
  readonly code: string;
  /** The HTTP status; 0 where there was no answer. */
  readonly status: number;

  constructor(code: string, status: number, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'ClientError';
    this.code = code;
    this.status = status;
  }
}

/** Reads problem details (RFC 9457). What is none (a proxy's page) is named by its status. */
export async function problemOf(response: Response): Promise<ClientError> {
  const { status } = response;
  if (!response.headers.get('content-type')?.includes('problem+json')) {
    return new ClientError('KT_UNREACHABLE', status, `The server answered ${status}, and not as Keyturn does.`);
  }
  const problem = (await response.json()) as { code: string; detail: string; next?: string };
  return new ClientError(problem.code, status, [problem.detail, problem.next].filter(Boolean).join(' '));
}
