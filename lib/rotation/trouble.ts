// What keeps a step from being taken, in words, and whether it may pass.
import { OutsideError } from '../errors.ts';
import { ProviderError } from '../providers/provider.ts';

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
  if (!(error instanceof OutsideError)) return undefined;
  const afterMs = error instanceof ProviderError ? error.retryAfterMs : undefined;
  return { what: sentence(error.message), passing: error.passing, afterMs };
}

export function sentence(text: string): string {
  const first = text.slice(0, 1).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
