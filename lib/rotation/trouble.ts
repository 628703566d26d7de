// What keeps a step from being taken, in words, and whether it may pass.
import { ProviderError } from '../providers/provider.ts';
import { SyncError } from '../sync/destination.ts';

export interface Trouble {
  /** For people; never a value. */
  readonly what: string;
  /** False where trying again will not help. */
  readonly passing: boolean;
  /** True where nothing is wrong: something takes its time. */
  readonly underWay?: boolean;
  /** Milliseconds after which to try again; by how often it failed where not given. */
  readonly afterMs?: number | undefined;
}

/** An error that the world outside has a right to, as trouble; undefined for any other. */
export function troubleOf(error: unknown): Trouble | undefined {
  if (error instanceof ProviderError) {
    return { what: sentence(error.message), passing: error.passing, afterMs: error.retryAfterMs };
  }
  if (error instanceof SyncError) return { what: sentence(error.message), passing: error.passing };
  return undefined;
}

export function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
