// The remote SDK: fetch and nothing else, so that it runs in Node, on the edge, in workers, and in browsers with a
// session. `load()` fetches the environment's set once; after that `getSecret` is synchronous, and the set is refreshed
// in the background. When the server is away, the last good set stays.
import { ClientError, problemOf } from './client-error.ts';
import { type MemorySeal, memorySeal } from './memory-seal.ts';
import { backoffMs, retryAfterMs, wait } from './retry.ts';

export { ClientError } from './client-error.ts';
export { type VersionReportOptions, versionReport } from './version-report.ts';

/**
 * The names that there are, for completion and checking. `keyturn types` writes a declaration that fills it in:
 * @example
 * declare module 'keyturn/client' { interface KnownSecrets { JWT_SECRET: string } }
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be filled in
export interface KnownSecrets {}

/** A name of the declaration, in capitals or small letters; any text where there is no declaration. */
export type SecretName = keyof KnownSecrets extends never
  ? string
  : Extract<keyof KnownSecrets, string> | Lowercase<Extract<keyof KnownSecrets, string>>;

export interface ClientOptions {
  /** The server's address: `https://keyturn.example`. */
  readonly url: string;
  /** A machine token; left out in a browser, which has a session. */
  readonly token?: string | undefined;
  /** The token's own where not given, if it has one only. */
  readonly project?: string | undefined;
  readonly environment?: string | undefined;
  /** Milliseconds between refreshes, give or take a fifth; 60,000 where not given, 0 for none. */
  readonly refreshMs?: number;
  /** How often a request is tried; 4 where not given. */
  readonly attempts?: number;
  /** Milliseconds that one attempt may take; 10,000 where not given. */
  readonly timeoutMs?: number;
  /** Told when a refresh fails; the last good set is in use meanwhile. */
  readonly onError?: (error: unknown) => void;
  /** `fetch` where not given. */
  readonly fetch?: typeof fetch;
}

export interface ValidVersion {
  readonly version: number;
  readonly value: string;
  /** Milliseconds since 1970; undefined for the version in use. */
  readonly validUntil: number | undefined;
}

export interface RotatedEvent {
  readonly name: string;
  readonly version: number;
}

interface Value {
  readonly name: string;
  readonly version: number;
  readonly value?: string;
  readonly base64?: string;
  readonly validUntil?: number;
}

/** What `/values` answers. */
export interface ValueSet {
  readonly secrets: readonly Value[];
  readonly previous?: readonly Value[];
}

interface Kept {
  readonly name: string;
  readonly version: number;
  readonly sealed: Uint8Array;
  readonly validUntil: number | undefined;
}

/** The least time, in ms, between two refreshes that somebody asks for. */
const REFRESH_PAUSE_MS = 250;

export interface Place {
  readonly project: string;
  readonly environment: string;
}

/**
 * One environment's secrets, from a server.
 * @example
 * const keyturn = createClient({ url: process.env.KEYTURN_URL, token: process.env.KEYTURN_TOKEN });
 * await keyturn.load();
 * keyturn.getSecret('jwt_secret');
 */
export class KeyturnClient {
  readonly #options: ClientOptions;
  readonly #seal: MemorySeal = memorySeal();
  readonly #listeners = new Set<(event: RotatedEvent) => void>();
  #kept: ReadonlyMap<string, readonly Kept[]> | undefined;
  #etag: string | undefined;
  #place: Place | undefined;
  #loading: Promise<void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;
  #next: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ClientOptions) {
    this.#options = options;
    const { project, environment } = options;
    if (environment !== undefined) this.#place = { project: project ?? 'default', environment };
  }

  get loaded(): boolean {
    return this.#kept !== undefined;
  }

  /** Fetches the set, and keeps it fresh from then on. Calls at the same time share one. @throws ClientError */
  load(): Promise<void> {
    this.#loading ??= this.#refresh().finally(() => {
      this.#loading = undefined;
      this.#schedule();
    });
    return this.#loading;
  }

  /**
   * Asks now whether there is something newer: for a signature that none of the versions at hand verifies, which may be by
   * one that came into use a moment ago. Calls at the same time share one question, and questions are at least a quarter
   * of a second apart, so that wrong signatures cannot make it ask more. @throws ClientError
   */
  refresh(): Promise<void> {
    this.#next ??= this.#afterPause().then(() => {
      this.#next = undefined;
      this.#askedAt = performance.now();
      return this.#refresh();
    });
    return this.#next;
  }

  async #afterPause(): Promise<void> {
    const pause = this.#askedAt + REFRESH_PAUSE_MS - performance.now();
    if (pause > 0) await wait(pause);
  }

  /** The value in use, as text. @throws ClientError KT_NOT_LOADED, KT_SECRET_NOT_FOUND */
  getSecret(name: SecretName): string {
    const [current] = this.#versions(name);
    return current ? this.#open(current) : '';
  }

  /** The value in use as bytes, binary or not. The caller's own copy. */
  getSecretBytes(name: SecretName): Uint8Array {
    const [current] = this.#versions(name);
    return current ? this.#seal.open(current.sealed) : new Uint8Array();
  }

  /** The versions that are valid now: the one in use, then the one before while its grace lasts. */
  getSecretVersions(name: SecretName): ValidVersion[] {
    const now = Date.now();
    return this.#versions(name)
      .filter((one) => one.validUntil === undefined || one.validUntil > now)
      .map((one) => ({ version: one.version, value: this.#open(one), validUntil: one.validUntil }));
  }

  /** The names that there are. */
  names(): string[] {
    return [...(this.#kept?.values() ?? [])].flatMap(([one]) => (one ? [one.name] : []));
  }

  /** Calls back when a refresh brings another version. @returns a function that ends it */
  onRotated(listener: (event: RotatedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the refreshing, and forgets the values. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#kept = undefined;
  }

  /** Takes over a set that was fetched another way. */
  use(set: ValueSet, etag: string | undefined): void {
    const before = this.#kept;
    const kept = new Map<string, Kept[]>();
    for (const one of set.secrets) kept.set(one.name.toUpperCase(), [this.#keep(one)]);
    for (const one of set.previous ?? []) kept.get(one.name.toUpperCase())?.push(this.#keep(one));
    this.#kept = kept;
    this.#etag = etag;
    for (const [key, [now]] of kept) {
      const old = before?.get(key)?.[0];
      if (now && old && old.version !== now.version) {
        for (const listener of this.#listeners) listener({ name: now.name, version: now.version });
      }
    }
  }

  /** Asks the server, again where that may help. @throws ClientError */
  async request(
    method: string,
    path: string,
    init: { body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<Response> {
    const attempts = this.#options.attempts ?? 4;
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt >= attempts;
      try {
        const response = await this.#send(method, path, init);
        if (response.ok || response.status === 304) return response;
        const again = response.status === 429 || response.status >= 500;
        if (last || !again) throw await problemOf(response);
        await wait(retryAfterMs(response.headers.get('retry-after')) ?? backoffMs(attempt));
      } catch (error) {
        if (error instanceof ClientError) throw error;
        if (last)
          throw new ClientError('KT_UNREACHABLE', 0, `The Keyturn server at ${this.#options.url} cannot be reached.`, {
            cause: error,
          });
        await wait(backoffMs(attempt));
      }
    }
  }

  /** Where the secrets are: as given, or the one place that the token reaches. @throws ClientError */
  async place(): Promise<Place> {
    if (this.#place) return this.#place;
    const response = await this.request('GET', '/v1/whoami');
    const { environments } = (await response.json()) as { environments: Place[] };
    const [only, ...more] = environments;
    if (!only || more.length > 0) {
      throw new ClientError('KT_USAGE', 0, 'The token reaches several environments: name the one that is meant.');
    }
    this.#place = only;
    return only;
  }

  #send(method: string, path: string, init: { body?: unknown; headers?: Record<string, string> }): Promise<Response> {
    const { url, token, timeoutMs = 10_000 } = this.#options;
    const { body } = init;
    const ask = this.#options.fetch ?? fetch;
    return ask(url.replace(/\/$/, '') + path, {
      method,
      redirect: 'error',
      credentials: token === undefined ? 'include' : 'omit',
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...init.headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
  }

  async #refresh(): Promise<void> {
    const { project, environment } = await this.place();
    const path = `/v1/projects/${encodeURIComponent(project)}/environments/${encodeURIComponent(environment)}/values?previous=true`;
    const headers: Record<string, string> =
      this.#etag !== undefined && this.#kept ? { 'if-none-match': this.#etag } : {};
    const response = await this.request('GET', path, { headers });
    if (this.#closed || response.status === 304) return;
    this.use((await response.json()) as ValueSet, response.headers.get('etag') ?? undefined);
  }

  #schedule(): void {
    const { refreshMs = 60_000 } = this.#options;
    if (refreshMs === 0 || this.#closed || !this.#kept) return;
    clearTimeout(this.#timer);
    // A fifth more or less: a thousand processes that were started together do not ask together.
    const pause = refreshMs * (0.8 + Math.random() * 0.4);
    this.#timer = setTimeout(() => {
      this.load().catch((error: unknown) => this.#options.onError?.(error));
    }, pause);
    // In Node, a process ends when its own work does.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  #versions(name: string): readonly Kept[] {
    if (!this.#kept) throw new ClientError('KT_NOT_LOADED', 0, 'The secrets are not loaded yet: `await load()` first.');
    const found = this.#kept.get(name.toUpperCase());
    if (found) return found;
    const at = this.#place ? ` in ${this.#place.project}/${this.#place.environment}` : '';
    throw new ClientError(
      'KT_SECRET_NOT_FOUND',
      404,
      `Secret not found: ${name} is not${at}, or is not in the token's scope.`,
    );
  }

  #keep(one: Value): Kept {
    const bytes = one.value === undefined ? decodeBase64(one.base64 ?? '') : new TextEncoder().encode(one.value);
    const sealed = this.#seal.seal(bytes);
    bytes.fill(0);
    return { name: one.name, version: one.version, sealed, validUntil: one.validUntil };
  }

  #open(kept: Kept): string {
    const bytes = this.#seal.open(kept.sealed);
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch (error) {
      throw new ClientError('KT_USAGE', 0, `${kept.name} is binary: read it with getSecretBytes.`, { cause: error });
    } finally {
      bytes.fill(0);
    }
  }
}

function decodeBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}

export function createClient(options: ClientOptions): KeyturnClient {
  return new KeyturnClient(options);
}
