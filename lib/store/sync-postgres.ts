// PostgreSQL for a process that cannot wait: the facade's getSecret is synchronous, and commands run to their end. A
// thread of its own talks to the database; this side sleeps until the answer is there. Loaded only where
// KEYTURN_DATABASE_URL is set.
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { StoreError } from '../errors.ts';
import type { Operation, Step } from './operation.ts';
import { labelOf, postgresError } from './postgres/connection.ts';
import { type Compile, PostgresStatements, TransactionPlan } from './postgres/plan.ts';
import type { Answer, Request, WorkerInput } from './postgres-worker.ts';
import { SleepingCaller } from './sleeping-calls.ts';
import type { VaultStore } from './vault-store.ts';

/** How long, in ms, an answer may take. A statement of ours takes milliseconds; a lock may be waited for. */
const ANSWER_MS = 60_000;

export interface SyncPostgresOptions {
  readonly compile: Compile;
  /** Whether an empty database is to be given its tables. */
  readonly make?: boolean;
  /** Called with each statement's SQL before it runs. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

type Given = Exclude<Answer, { failure: unknown }>;

export class SyncPostgres implements VaultStore {
  readonly path: string;
  /** The schema's version before it was brought up to date. */
  readonly from: number;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #caller: SleepingCaller<Request, Answer>;
  readonly #signals = new Int32Array(new SharedArrayBuffer(8));
  readonly #plan: TransactionPlan;
  readonly #onStatement: ((sql: string) => void) | undefined;
  #open = true;

  /** Connects, and brings the schema up to date. @throws StoreError */
  constructor(url: string, options: SyncPostgresOptions) {
    this.path = labelOf(url);
    this.#onStatement = options.onStatement;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#caller = new SleepingCaller({ port: port1, signals: this.#signals }, ANSWER_MS);
    const workerData: WorkerInput = { url, label: this.path, port: port2, signals: this.#signals };
    // This file is TypeScript in the source tree and JavaScript where it was built; its neighbour is the same.
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
    this.#worker = new Worker(new URL(`./postgres-worker${extension}`, import.meta.url), {
      workerData,
      transferList: [port2],
      // The address may hold a password: it is handed over, not inherited.
      execArgv: [],
    });
    // A process ends when its own work does.
    this.#worker.unref();
    port1.unref();
    const opened = this.#ask({ kind: 'open', make: options.make ?? false });
    this.from = opened.from ?? 0;
    const announcement = opened.announcement ?? '';
    this.#plan = new TransactionPlan({
      statements: new PostgresStatements(options.compile),
      label: this.path,
      announcement: () => announcement,
      // All embedded processes write to the one chain.
      sharedChain: true,
    });
  }

  run<T>(operation: Operation<T>): T {
    let next = operation.next([]);
    while (!next.done) {
      let rows: readonly unknown[];
      try {
        rows = this.#step(next.value);
      } catch (error) {
        next = operation.throw(postgresError(this.path, error));
        continue;
      }
      next = operation.next(rows);
    }
    return next.value;
  }

  dataVersion(): number {
    return Atomics.load(this.#signals, 1);
  }

  /** PostgreSQL has no check of its own that a client could ask for. */
  integrity(): string[] {
    return ['ok'];
  }

  logBytes(): number {
    return 0;
  }

  truncateLog(): void {
    // PostgreSQL cuts its write-ahead log by itself.
  }

  close(): void {
    if (!this.#open) return;
    this.#ask({ kind: 'close' });
    this.#open = false;
    this.#port.close();
  }

  #step(step: Step): readonly unknown[] {
    const queries = this.#plan.queries(step);
    for (const { text } of queries) this.#onStatement?.(text);
    try {
      const { rows, command } = this.#ask({ kind: 'query', queries });
      this.#plan.done(step, command);
      return rows;
    } catch (error) {
      if (step.kind === 'begin' && !this.#plan.inTransaction) this.#endBroken();
      throw error;
    }
  }

  /** A transaction that did not begin as it should is over. Where the connection is gone, so is that. */
  #endBroken(): void {
    try {
      this.#ask({ kind: 'query', queries: [{ text: 'rollback' }] });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
    }
  }

  #ask(request: Request): Given {
    if (!this.#open) {
      throw new StoreError('KT_VAULT_CLOSED', { what: 'The vault was closed.', next: 'Open it again.' });
    }
    const answer = this.#caller.ask(request);
    if (!answer) {
      throw new StoreError('KT_STORE_UNREACHABLE', {
        what: `The database at ${this.path} has not answered for ${ANSWER_MS / 1000} s.`,
        left: 'What was on its way may or may not have been done.',
        next: 'Try again.',
      });
    }
    if (!('failure' in answer)) return answer;
    const { message: text, code, text: told } = answer.failure;
    if (told) throw new StoreError(code as StoreError['code'] & 'KT_VAULT_NOT_FOUND', told);
    throw postgresError(this.path, Object.assign(new Error(text), code === undefined ? {} : { code }));
  }
}
