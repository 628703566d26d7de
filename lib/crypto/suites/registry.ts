// The suites that envelopes can name, found by their number or their name.
import { a256cbcHs512 } from './a256cbc-hs512.ts';
import { a256gcm } from './a256gcm.ts';
import type { Suite, SuiteName } from './suite.ts';

const SUITES: readonly Suite[] = [a256cbcHs512, a256gcm];

export const SUITE_NAMES: readonly SuiteName[] = SUITES.map((suite) => suite.name);
export const DEFAULT_SUITE: Suite = a256cbcHs512;

export function suiteById(id: number): Suite | undefined {
  return SUITES.find((suite) => suite.id === id);
}

export function suiteByName(name: string): Suite | undefined {
  return SUITES.find((suite) => suite.name === name);
}
