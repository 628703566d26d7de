// What a server wants of a store: operations that wait, and groups that share one transaction.
import type { Operation } from './operation.ts';

/** How an operation of a group ended. */
export type Settled = { readonly value: unknown } | { readonly error: unknown };

export interface ServedStore {
  /** Names the store in messages, without a password. */
  readonly label: string;
  /** The name of this process's chain of the audit log. */
  chain(): string;
  /** False while changes by other processes may go unseen: nothing may be answered from memory then. */
  readonly coherent: boolean;
  /** Runs an operation by itself. */
  run<T>(operation: Operation<T>): Promise<T>;
  /**
   * Runs operations in one transaction, with one sync to the disk; each one's own transactions are savepoints.
   * @param alone false where they only append to the log
   * @returns how each ended, once all is durable
   * @throws StoreError when nothing of it could be made durable
   */
  runTogether(operations: readonly Operation<unknown>[], alone: boolean): Promise<Settled[]>;
  /** Calls back when another process may have changed something. */
  onChange(listener: () => void): void;
  /** Calls back when something was rolled back, or may have been: a failed statement, a cut connection. */
  onUndone(listener: () => void): void;
  /** Resolves when the database answers; rejects when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
