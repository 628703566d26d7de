// The thread that talks to PostgreSQL for a process that cannot wait: it gets a request, and wakes the other side when
// the answer is there.
import { type MessagePort, workerData } from 'node:worker_threads';
import type { Client } from 'pg';
import type { ErrorText } from '../errors.ts';
import { connect } from './postgres/connection.ts';
import { ChangeListener } from './postgres/listener.ts';
import { migratePostgres } from './postgres/migrate.ts';
import type { PlannedQuery } from './postgres/plan.ts';
import { answerCalls } from './sleeping-calls.ts';

export interface WorkerInput {
  readonly url: string;
  readonly label: string;
  readonly port: MessagePort;
  /** [0] counts the answers; [1] the changes by other processes. */
  readonly signals: Int32Array;
}

export type Request =
  | { readonly kind: 'open'; readonly make: boolean }
  | { readonly kind: 'query'; readonly queries: readonly PlannedQuery[] }
  | { readonly kind: 'close' };

export type Answer =
  | {
      readonly rows: readonly unknown[];
      readonly command: string;
      readonly announcement?: string;
      readonly from?: number;
    }
  | { readonly failure: { readonly message: string; readonly code: string | undefined; readonly text?: ErrorText } };

const { url, label, port, signals } = workerData as WorkerInput;
let client: Client | undefined;
let listener: ChangeListener | undefined;

/** One that is lost (the database restarted) is made anew for the request after. */
async function connected(): Promise<Client> {
  const made = await connect(url, { pipeline: true } as object);
  made.once('end', () => {
    if (client === made) client = undefined;
  });
  return made;
}

async function open(make: boolean): Promise<Answer> {
  client = await connected();
  const from = await migratePostgres(client, label, make);
  listener = await ChangeListener.start(url);
  listener.onChange(() => void Atomics.add(signals, 1, 1));
  return { rows: [], command: 'OPEN', announcement: listener.announcement, from };
}

async function answer(request: Request): Promise<Answer> {
  if (request.kind === 'open') return open(request.make);
  if (request.kind === 'close') {
    await listener?.stop();
    await client?.end();
    return { rows: [], command: 'CLOSE' };
  }
  client ??= await connected();
  const live = client;
  const results = await Promise.all(
    request.queries.map(({ name, text, values = [] }) =>
      live.query({ text, values: [...values], ...(name !== undefined && { name }) }),
    ),
  );
  const last = results.at(-1);
  // Buffers cross over as plain bytes.
  return { rows: (last?.rows ?? []) as unknown[], command: last?.command ?? '' };
}

answerCalls<Request, Answer>(
  { port, signals },
  (request) =>
    answer(request).catch((error: Error & { code?: string; text?: ErrorText }): Answer => {
      const { message, code, text: told } = error;
      return { failure: { message, code, ...(told && { text: told }) } };
    }),
  ({ kind }) => {
    if (kind === 'close') port.close();
  },
);
