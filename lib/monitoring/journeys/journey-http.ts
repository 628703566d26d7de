// HTTP for journeys: fetch with one jar of cookies, and answers that say what was wanted and what came.

export interface JourneyRequest {
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface JourneyAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
  /** @throws Error where the status is another: with the method, the path and the status, never the body */
  expect(...statuses: number[]): JourneyAnswer;
}

export class JourneyHttp {
  readonly #base: string;
  readonly #cookies = new Map<string, string>();

  constructor(base: string) {
    this.#base = base;
  }

  /** Forgets who is signed in. */
  forget(): void {
    this.#cookies.clear();
  }

  get(path: string, request: JourneyRequest = {}): Promise<JourneyAnswer> {
    return this.request('GET', path, request);
  }

  post(path: string, json?: unknown, request: JourneyRequest = {}): Promise<JourneyAnswer> {
    return this.request('POST', path, { json, ...request });
  }

  async request(method: string, path: string, { json, headers = {} }: JourneyRequest = {}): Promise<JourneyAnswer> {
    const url = new URL(path, `${this.#base}/`);
    const own = url.origin === new URL(this.#base).origin;
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      method,
      redirect: 'manual',
      headers: {
        // As a page of the same site sends it.
        ...(own && { origin: url.origin }),
        ...(own && cookie !== '' && { cookie }),
        ...(json !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    if (own) this.#keep(response);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') && text !== '';
    const answer: JourneyAnswer = {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? (JSON.parse(text) as Record<string, unknown>) : undefined,
      expect(...statuses) {
        if (statuses.includes(response.status)) return answer;
        const code = typeof answer.json?.code === 'string' ? ` (${answer.json.code})` : '';
        throw new Error(`${method} ${url.pathname} answers ${response.status}${code}; wanted ${statuses.join(' or ')}`);
      },
    };
    return answer;
  }

  #keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';');
      const at = pair.indexOf('=');
      const name = pair.slice(0, at).trim();
      const gone = attributes.some((one) => /^\s*max-age=0\s*$/i.test(one));
      if (gone) this.#cookies.delete(name);
      else this.#cookies.set(name, pair.slice(at + 1));
    }
  }
}
