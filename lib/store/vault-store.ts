// What the embedded vault wants of a store: each call is done when it returns.
import type { Operation } from './operation.ts';

export interface VaultStore {
  /** The file's path, or the database's address without its password. */
  readonly path: string;
  /** Runs an operation to its end, in this call. */
  run<T>(operation: Operation<T>): T;
  /** Changes whenever another process has committed something. */
  dataVersion(): number;
  /** The database's own check of its structure: 'ok', or what is wrong. */
  integrity(): string[];
  /** How many bytes a write-ahead log that is folded back later has; 0 where there is none. */
  logBytes(): number;
  /** Folds such a log back, so that overwritten pages are gone. */
  truncateLog(): void;
  close(): void;
}
