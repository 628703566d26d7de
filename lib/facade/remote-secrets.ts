// The facade on a server (KEYTURN_URL and KEYTURN_TOKEN): the same calls, so that an application's code is the same. The
// environment's set is fetched once, by `load()` or by the first `getSecret`, which waits for it; then it is refreshed in
// the background.
import { randomUUID } from 'node:crypto';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { ClientError, createClient, type KeyturnClient, type ValueSet } from '../client/client.ts';
import { SecretValue } from '../crypto/secret-value.ts';
import { type ErrorCode, KeyturnError, NotFoundError } from '../errors.ts';
import type { RotationResult } from '../rotation/results.ts';
import { SleepingCaller } from '../store/sleeping-calls.ts';
import type { SecretSummary, SetResult } from '../vault/results.ts';
import type {
  GetOptions,
  RotatedEvent,
  RotateOptions,
  Secrets,
  SecretsManagerOptions,
  ValidVersion,
} from './secrets.ts';
import type { SyncAnswer, SyncClientInput, SyncRequest } from './sync-client-worker.ts';

const ANSWER_MS = 60_000;

export interface RemotePlace {
  readonly url: string;
  readonly token: string;
  readonly project: string | undefined;
  readonly environment: string | undefined;
}

/** Our own error for what the server or the way to it says. */
function translated(error: unknown): unknown {
  if (!(error instanceof ClientError)) return error;
  if (error.code === 'KT_SECRET_NOT_FOUND') return new NotFoundError('KT_SECRET_NOT_FOUND', error.message);
  const code = error.code === 'KT_UNREACHABLE' ? 'KT_REMOTE_FAILED' : error.code;
  return new KeyturnError(code as ErrorCode, { what: error.message });
}

function translating<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translated(error);
  }
}

function valueBody(value: string | Uint8Array | SecretValue): { value: string } | { base64: string } {
  if (typeof value === 'string') return { value };
  const bytes = value instanceof SecretValue ? value.bytes() : Buffer.from(value);
  const text = bytes.toString('base64');
  bytes.fill(0);
  return { base64: text };
}

const secretPath = (name: string) => `/secrets/${encodeURIComponent(name)}`;

export class RemoteSecrets implements Secrets {
  readonly #options: SecretsManagerOptions;
  readonly #at: RemotePlace;
  readonly #client: KeyturnClient;
  #bridge: { worker: Worker; port: MessagePort; caller: SleepingCaller<SyncRequest, SyncAnswer> } | undefined;

  constructor(options: SecretsManagerOptions, at: RemotePlace) {
    this.#options = options;
    this.#at = at;
    // A refresh that fails leaves the last good set; the one after may work.
    this.#client = createClient({ ...at, onError: () => undefined });
  }

  async load(): Promise<void> {
    try {
      await this.#client.load();
    } catch (error) {
      throw translated(error);
    }
  }

  async refresh(): Promise<void> {
    try {
      await this.#client.refresh();
    } catch (error) {
      throw translated(error);
    }
  }

  getSecret(name: string, options: GetOptions = {}): string {
    const fallback = options.fallbackToEnvironment ?? this.#options.fallbackToEnvironment ?? false;
    try {
      return this.#loaded().getSecret(name as never);
    } catch (error) {
      const value = fallback ? (this.#options.env ?? process.env)[name.toUpperCase()] : undefined;
      if (error instanceof ClientError && error.code === 'KT_SECRET_NOT_FOUND' && value) return value;
      throw translated(error);
    }
  }

  getSecretValue(name: string, options: GetOptions = {}): SecretValue {
    return SecretValue.fromText(this.getSecret(name, options));
  }

  async readSecret(name: string): Promise<SecretValue> {
    await this.load();
    return this.getSecretValue(name);
  }

  getSecretVersions(name: string): ValidVersion[] {
    return translating(() => this.#loaded().getSecretVersions(name as never));
  }

  setSecret(name: string, value: string | Uint8Array | SecretValue, type?: string, rotationDays?: number): SetResult {
    const body = {
      ...valueBody(value),
      ...(type !== undefined && { type }),
      ...(rotationDays !== undefined && { intervalDays: rotationDays }),
    };
    const result = this.#ask({ method: 'PUT', path: secretPath(name), body, headers: { 'if-match': '*' } });
    this.#fetch();
    return result as SetResult;
  }

  async rotateSecret(
    name: string,
    newValue?: string | Uint8Array | SecretValue,
    options: RotateOptions = {},
  ): Promise<RotationResult> {
    try {
      const { project, environment } = await this.#client.place();
      const base = `/v1/projects/${encodeURIComponent(project)}/environments/${encodeURIComponent(environment)}`;
      const body = { ...(newValue !== undefined && valueBody(newValue)), ...options };
      const response = await this.#client.request('POST', `${base}${secretPath(name)}/rotate`, {
        body,
        // A retry after a cut must not rotate twice.
        headers: { 'idempotency-key': randomUUID() },
      });
      const result = (await response.json()) as Omit<RotationResult, 'backupFile'>;
      await this.#client.load();
      return { ...result, backupFile: null };
    } catch (error) {
      throw translated(error);
    }
  }

  listSecrets(): SecretSummary[] {
    const found: SecretSummary[] = [];
    let cursor = '';
    for (;;) {
      const page = this.#ask({ method: 'GET', path: `/secrets?limit=1000${cursor}` }) as {
        secrets: SecretSummary[];
        next: string | null;
      };
      found.push(...page.secrets);
      if (page.next === null) return found;
      cursor = `&cursor=${page.next}`;
    }
  }

  deleteSecret(name: string): void {
    this.#ask({ method: 'DELETE', path: secretPath(name) });
    this.#fetch();
  }

  onRotated(listener: (event: RotatedEvent) => void): () => void {
    const environment = this.#at.environment ?? '';
    return this.#loaded().onRotated((event) => listener({ ...event, environment }));
  }

  close(): void {
    this.#client.close();
    this.#bridge?.port.close();
    void this.#bridge?.worker.terminate();
    this.#bridge = undefined;
  }

  /** The client with its set, fetched now where that was not done before. */
  #loaded(): KeyturnClient {
    if (!this.#client.loaded) this.#fetch();
    return this.#client;
  }

  #fetch(): void {
    const { text, etag } = this.#request({ method: 'GET', path: '/values?previous=true' });
    this.#client.use(JSON.parse(text) as ValueSet, etag);
  }

  #ask(request: SyncRequest): unknown {
    return translating(() => JSON.parse(this.#request(request).text));
  }

  /** Sleeps until the server has answered. @throws ClientError */
  #request(request: SyncRequest): { text: string; etag: string | undefined } {
    this.#bridge ??= this.#start();
    const answer = this.#bridge.caller.ask(request);
    if (!answer) throw new ClientError('KT_UNREACHABLE', 0, `The server at ${this.#at.url} does not answer.`);
    if (!('failure' in answer)) return answer;
    throw new ClientError(answer.failure.code, answer.failure.status, answer.failure.message);
  }

  #start() {
    const { port1: port, port2 } = new MessageChannel();
    const signals = new Int32Array(new SharedArrayBuffer(4));
    const workerData: SyncClientInput = { options: { ...this.#at }, port: port2, signals };
    // This file is TypeScript in the source tree and JavaScript where it was built; its neighbour is the same.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
    const worker = new Worker(new URL(`./sync-client-worker${extension}`, import.meta.url), {
      workerData,
      transferList: [port2],
      execArgv: [],
    });
    worker.unref();
    port.unref();
    const caller = new SleepingCaller<SyncRequest, SyncAnswer>({ port, signals }, ANSWER_MS);
    return { worker, port, caller };
  }
}
