// Calls to providers and destinations: bounded in time and size, repeated where that is safe, and quiet about secrets. A
// call ends in an answer, or in words about why there is none; never in an error that holds what was sent.

/** How long one attempt may take, in ms. */
const TIMEOUT_MS = 10_000;
/** How often a call that may be repeated is tried again. */
const RETRIES = 2;
/** A provider that asks for more patience than this (ms) is reported as throttling instead of waited for. */
const PATIENCE_MS = 5_000;
const FIRST_PAUSE_MS = 250;
const MAX_BODY_BYTES = 1024 * 1024;

export interface HttpRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is: for a body that was signed. */
  readonly raw?: { readonly type: string; readonly body: string };
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>> | URLSearchParams;
  /** True where sending it twice is as sending it once. GET, PUT and DELETE are. */
  readonly repeatable?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, where it is JSON; undefined where it is not. */
  readonly json: unknown;
}

/** There is no answer: `reason` says why, in words for people. */
export interface NoAnswer {
  readonly status: 0;
  readonly reason: string;
}

export interface HttpOptions {
  readonly fetch?: typeof fetch;
  readonly wait?: (ms: number) => Promise<void>;
  readonly timeoutMs?: number;
  readonly retries?: number;
  /** Milliseconds since 1970: a Retry-After may be a date. */
  readonly clock?: () => number;
}

/** Milliseconds that a Retry-After asks for (RFC 9110, 10.2.3): seconds or a date. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  if (/^\d{1,6}$/.test(text.trim())) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

export class Http {
  readonly #fetch: typeof fetch;
  readonly #wait: (ms: number) => Promise<void>;
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #clock: () => number;

  constructor(options: HttpOptions = {}) {
    this.#fetch = options.fetch ?? fetch;
    this.#wait = options.wait ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms)));
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#retries = options.retries ?? RETRIES;
    this.#clock = options.clock ?? Date.now;
  }

  /** Sends a request; where it may be repeated, up to two times more after a cut, a 5xx or a 429 that asks for a moment. */
  async send(request: HttpRequest): Promise<HttpAnswer | NoAnswer> {
    const repeatable = request.repeatable ?? request.method !== 'POST';
    const retries = repeatable ? this.#retries : 0;
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#once(request);
      const pause = attempt < retries ? this.#pauseAfter(answer, attempt) : undefined;
      if (pause === undefined) return answer;
      await this.#wait(pause);
    }
  }

  #pauseAfter(answer: HttpAnswer | NoAnswer, attempt: number): number | undefined {
    const own = FIRST_PAUSE_MS * 2 ** attempt;
    if (!('headers' in answer)) return own;
    if (answer.status !== 429 && answer.status < 500) return undefined;
    const asked = retryAfterMs(answer.headers, this.#clock()) ?? own;
    return asked <= PATIENCE_MS ? asked : undefined;
  }

  async #once(request: HttpRequest): Promise<HttpAnswer | NoAnswer> {
    try {
      const response = await this.#fetch(request.url, {
        method: request.method ?? 'GET',
        // A redirect would carry the key to somewhere else.
        redirect: 'manual',
        signal: AbortSignal.timeout(this.#timeoutMs),
        headers: { accept: 'application/json', 'user-agent': 'keyturn', ...bodyHeaders(request), ...request.headers },
        body: bodyOf(request),
      });
      const text = await limited(response);
      return { status: response.status, headers: response.headers, text, json: parsed(response, text) };
    } catch (error) {
      return { status: 0, reason: reasonOf(error, this.#timeoutMs) };
    }
  }
}

function bodyHeaders(request: HttpRequest): Record<string, string> {
  if (request.raw) return { 'content-type': request.raw.type };
  return request.json === undefined ? {} : { 'content-type': 'application/json' };
}

function bodyOf(request: HttpRequest): string | URLSearchParams | null {
  if (request.raw) return request.raw.body;
  if (request.json !== undefined) return JSON.stringify(request.json);
  return request.form === undefined ? null : new URLSearchParams(request.form);
}

async function limited(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > MAX_BODY_BYTES) break;
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function parsed(response: Response, text: string): unknown {
  if (!/json/.test(response.headers.get('content-type') ?? '')) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    // Cut or broken: as good as no JSON at all.
    return undefined;
  }
}

/** Why there is no answer, from the error's own code: its message may hold the address, and that a key. */
function reasonOf(error: unknown, timeoutMs: number): string {
  const { name, cause } = error as { name?: string; cause?: { code?: string } };
  if (name === 'TimeoutError') return `it did not answer within ${Math.round(timeoutMs / 1000)} s`;
  const code = cause?.code;
  if (code === 'ECONNREFUSED') return 'it refused the connection';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name was not found';
  if (code === 'ECONNRESET' || code === 'UND_ERR_SOCKET') return 'the connection was cut';
  if (code !== undefined && /CERT|TLS|SSL/.test(code)) return `its certificate is not trusted (${code})`;
  return `it cannot be reached (${code ?? name ?? 'error'})`;
}
