// The embedded store as a server uses it: SQLite does not wait, so each call is done when it returns.
import type { Operation } from './operation.ts';
import type { ServedStore, Settled } from './served-store.ts';
import type { SqliteStore } from './sqlite.ts';

/** All processes write to one chain: SQLite lets one of them write at a time. */
const CHAIN = 'main';

export class ServedSqlite implements ServedStore {
  readonly coherent = true;
  readonly #store: SqliteStore;
  readonly #listeners: (() => void)[] = [];
  #dataVersion: number;

  constructor(store: SqliteStore) {
    this.#store = store;
    this.#dataVersion = store.dataVersion();
  }

  get label(): string {
    return this.#store.path;
  }

  chain(): string {
    return CHAIN;
  }

  async run<T>(operation: Operation<T>): Promise<T> {
    this.#look();
    return this.#store.run(operation);
  }

  async runTogether(operations: readonly Operation<unknown>[]): Promise<Settled[]> {
    return this.#store.runTogether(operations);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async ping(): Promise<void> {
    this.#look();
  }

  async close(): Promise<void> {
    this.#store.close();
  }

  /** Asks whether another process has committed anything. Costs about a microsecond. */
  look(): void {
    this.#look();
  }

  #look(): void {
    const dataVersion = this.#store.dataVersion();
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    for (const listener of this.#listeners) listener();
  }
}
