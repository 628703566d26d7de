// The thread that asks a server for a process that cannot wait.
import { type MessagePort, workerData } from 'node:worker_threads';
import { ClientError, type ClientOptions, createClient } from '../client/client.ts';
import { answerCalls } from '../store/sleeping-calls.ts';

export interface SyncClientInput {
  readonly options: Pick<ClientOptions, 'url' | 'token' | 'project' | 'environment'>;
  readonly port: MessagePort;
  /** [0] counts the answers. */
  readonly signals: Int32Array;
}

export interface SyncRequest {
  readonly method: string;
  /** Below the environment's own path; whole where it begins with /v1. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export type SyncAnswer =
  | { readonly text: string; readonly etag: string | undefined }
  | { readonly failure: { readonly code: string; readonly status: number; readonly message: string } };

const { options, port, signals } = workerData as SyncClientInput;
const client = createClient({ ...options, refreshMs: 0 });

async function answer({ method, path, body, headers }: SyncRequest): Promise<SyncAnswer> {
  const { project, environment } = await client.place();
  const base = `/v1/projects/${encodeURIComponent(project)}/environments/${encodeURIComponent(environment)}`;
  const response = await client.request(method, path.startsWith('/v1/') ? path : base + path, {
    ...(body !== undefined && { body }),
    ...(headers && { headers }),
  });
  return { text: await response.text(), etag: response.headers.get('etag') ?? undefined };
}

answerCalls<SyncRequest, SyncAnswer>({ port, signals }, (request) =>
  answer(request).catch((error: Error): SyncAnswer => {
    const { code, status } = error instanceof ClientError ? error : { code: 'KT_UNREACHABLE', status: 0 };
    return { failure: { code, status, message: error.message } };
  }),
);
