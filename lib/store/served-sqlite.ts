// The embedded store as a server uses it: SQLite does not wait, so each call is done when it returns.
import { cannotWait, type Operation } from './operation.ts';
import type { ServedStore, Settled } from './served-store.ts';
import type { SqliteStore } from './sqlite.ts';

/** All processes write to one chain: SQLite lets one of them write at a time. */
const CHAIN = 'main';
/** How old, in ms, what is answered from memory may be, where another process has changed it. */
const LOOK_MS = 50;
/** How long, in ms, one caller's work goes on before others have a turn. */
const TURN_MS = 10;

export class ServedSqlite implements ServedStore {
  readonly #store: SqliteStore;
  readonly #listeners: (() => void)[] = [];
  #dataVersion: number;
  #lookedAt = 0;

  constructor(store: SqliteStore) {
    this.#store = store;
    this.#dataVersion = store.dataVersion();
  }

  get label(): string {
    return this.#store.path;
  }

  /** Asks, at most every 50 ms, whether another process has changed something; then nothing in memory is older. */
  get coherent(): boolean {
    const now = performance.now();
    if (now - this.#lookedAt > LOOK_MS) {
      this.#lookedAt = now;
      this.#look();
    }
    return true;
  }

  chain(): string {
    return CHAIN;
  }

  /** Lets others in between the steps of long work (never inside a transaction): a server answers many at once. */
  async run<T>(operation: Operation<T>): Promise<T> {
    this.#look();
    let since = performance.now();
    let next = operation.next([]);
    while (!next.done) {
      if (!this.#store.inTransaction && performance.now() - since > TURN_MS) {
        await new Promise(setImmediate);
        since = performance.now();
      }
      let rows: readonly unknown[];
      try {
        const step = next.value;
        if (step.kind !== 'outside') rows = this.#store.step(step);
        else if (this.#store.inTransaction) throw cannotWait();
        else rows = [await step.work()];
      } catch (error) {
        next = operation.throw(error);
        continue;
      }
      next = operation.next(rows);
    }
    return next.value;
  }

  async runTogether(operations: readonly Operation<unknown>[]): Promise<Settled[]> {
    return this.#store.runTogether(operations);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** The chain has other writers here: nobody keeps its head. */
  onUndone(): void {
    // There is nothing to tell.
  }

  async ping(): Promise<void> {
    this.#look();
  }

  async close(): Promise<void> {
    this.#store.close();
  }

  #look(): void {
    const dataVersion = this.#store.dataVersion();
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    for (const listener of this.#listeners) listener();
  }
}
