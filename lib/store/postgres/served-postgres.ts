// PostgreSQL as a server uses it: a pool for reading, one connection for writing (a server's chain of the audit log has
// one writer), and one that listens for what other servers change. Any number of servers work on one database.
import { type Client, Pool } from 'pg';
import { cannotWait, type Operation, type Step } from '../operation.ts';
import type { ServedStore, Settled } from '../served-store.ts';
import { connect, isConnectionError, labelOf, PLANS, poolConfig, postgresError } from './connection.ts';
import { ChangeListener } from './listener.ts';
import { migratePostgres } from './migrate.ts';
import { type Compile, PostgresStatements } from './plan.ts';
import { PostgresRunner } from './runner.ts';

const READERS = 8;
/** How long, in ms, work waits for a database that is away (restarting) before it is refused. */
const RECONNECT_MS = 5_000;
const RECONNECT_PAUSE_MS = 200;

export interface PostgresOptions {
  readonly url: string;
  readonly compile: Compile;
}

/** One holder's time with the writing connection. */
interface Turn {
  readonly runner: PostgresRunner;
  /** Gives it back; with an error of the connection, that is thrown away. */
  end(error?: unknown): undefined;
}

export class ServedPostgres implements ServedStore {
  readonly label: string;
  readonly #url: string;
  readonly #pool: Pool;
  readonly #statements: PostgresStatements;
  readonly #listener: ChangeListener;
  readonly #undone: (() => void)[] = [];
  #writer: Client | undefined;
  /** The end of the line of those who want to write. */
  #turn: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(options: PostgresOptions, listener: ChangeListener) {
    this.label = labelOf(options.url);
    this.#url = options.url;
    this.#statements = new PostgresStatements(options.compile);
    this.#pool = new Pool(poolConfig(options.url, READERS));
    // A connection that breaks while idle is taken out of the pool by the pool itself.
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => {
      // Comes before whatever the connection was made for; if it fails, so does that.
      client.query(PLANS).catch(() => undefined);
    });
    this.#listener = listener;
  }

  /** Connects, and brings the schema up to date. @throws StoreError */
  static async open(options: PostgresOptions): Promise<ServedPostgres> {
    const client = await connect(options.url);
    try {
      await migratePostgres(client, labelOf(options.url), true);
    } catch (error) {
      throw postgresError(labelOf(options.url), error);
    } finally {
      await client.end();
    }
    return new ServedPostgres(options, await ChangeListener.start(options.url));
  }

  get coherent(): boolean {
    return this.#listener.listening;
  }

  /** The schema that the vault's tables are in. */
  get schema(): string {
    return this.#listener.schema;
  }

  chain(): string {
    return this.#listener.chain;
  }

  onChange(listener: () => void): void {
    this.#listener.onChange(listener);
  }

  onUndone(listener: () => void): void {
    this.#undone.push(listener);
  }

  async ping(): Promise<void> {
    try {
      await this.#pool.query('select 1');
    } catch (error) {
      throw postgresError(this.label, error);
    }
  }

  /** What is outside of transactions goes to the pool; each transaction waits for its turn on the writing connection. */
  async run<T>(operation: Operation<T>): Promise<T> {
    let turn: Turn | undefined;
    let next = operation.next([]);
    try {
      while (!next.done) {
        const step = next.value;
        try {
          if (step.kind === 'begin') turn ??= await this.#takeTurn();
          const rows = await this.#answer(step, turn);
          if (turn && !turn.runner.inTransaction) turn = turn.end();
          next = operation.next(rows);
        } catch (error) {
          if (turn && !turn.runner.inTransaction) turn = turn.end(error);
          next = operation.throw(step.kind === 'outside' ? error : postgresError(this.label, error));
        }
      }
      return next.value;
    } finally {
      turn?.end();
    }
  }

  async runTogether(operations: readonly Operation<unknown>[], alone: boolean): Promise<Settled[]> {
    const turn = await this.#takeTurn();
    try {
      // One that only appends to the log writes once, in one statement: that is a transaction by itself.
      const [only, ...more] = operations;
      if (!alone && only && more.length === 0) {
        const settled = await settle(turn.runner, only);
        turn.end();
        return [settled];
      }
      await turn.runner.step({ kind: 'begin', alone, tells: alone });
      const settled: Settled[] = [];
      try {
        for (const operation of operations) settled.push(await settle(turn.runner, operation));
      } catch (error) {
        // Where the connection is gone, so is the transaction.
        await turn.runner.step({ kind: 'rollback' }).catch(() => undefined);
        throw error;
      }
      await turn.runner.step({ kind: 'commit' });
      turn.end();
      return settled;
    } catch (error) {
      turn.end(error);
      throw postgresError(this.label, error);
    }
  }

  async close(): Promise<void> {
    await this.#turn;
    this.#closed = true;
    await this.#listener.stop();
    await this.#writer?.end();
    await this.#pool.end();
  }

  /** No connection is held while something outside is waited for. */
  async #answer(step: Step, turn: Turn | undefined): Promise<readonly unknown[]> {
    if (step.kind !== 'outside') return turn ? turn.runner.step(step) : this.#read(step);
    if (turn) throw cannotWait();
    return [await step.work()];
  }

  async #read(step: Parameters<PostgresRunner['step']>[0]): Promise<readonly unknown[]> {
    const client = await this.#pool.connect();
    try {
      return await this.#runner(client as unknown as Client).step(step);
    } finally {
      client.release();
    }
  }

  #runner(client: Client): PostgresRunner {
    const { label } = this;
    const options = {
      label,
      statements: this.#statements,
      announcement: () => this.#listener.announcement,
      sharedChain: false,
    };
    return new PostgresRunner(client, options, () => {
      for (const listener of this.#undone) listener();
    });
  }

  /** Waits for the writing connection: its holders come one after the other. */
  async #takeTurn(): Promise<Turn> {
    const before = this.#turn;
    const { promise, resolve: leave } = Promise.withResolvers<void>();
    this.#turn = promise;
    await before;
    try {
      const client = await this.#connectedWriter();
      const end = (error?: unknown): undefined => {
        if (error !== undefined && isConnectionError(error)) this.#drop(client);
        leave();
      };
      return { runner: this.#runner(client), end };
    } catch (error) {
      leave();
      throw error;
    }
  }

  #drop(client: Client): void {
    if (this.#writer === client) this.#writer = undefined;
    // It may be half open; whether closing it works does not matter any more.
    client.end().catch(() => undefined);
  }

  /** A database that restarts is waited for: what comes meanwhile is late, not refused. */
  async #connectedWriter(): Promise<Client> {
    const until = performance.now() + RECONNECT_MS;
    while (!this.#writer) {
      try {
        const client = await connect(this.#url, { pipeline: true } as object);
        client.once('end', () => {
          if (this.#writer === client) this.#writer = undefined;
        });
        this.#writer = client;
      } catch (error) {
        if (this.#closed || performance.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_PAUSE_MS));
      }
    }
    return this.#writer;
  }
}

/**
 * An operation's own failure is its own; one of the database ends the group. There is no savepoint around the whole: what
 * an operation logged before it failed (a denied attempt) has to stay.
 */
async function settle(runner: PostgresRunner, operation: Operation<unknown>): Promise<Settled> {
  try {
    return { value: await runner.run(operation) };
  } catch (error) {
    if ((error as { code?: string }).code?.startsWith('KT_STORE')) throw error;
    return { error };
  }
}
