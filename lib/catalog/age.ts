// How old a secret is against how old it may become.
import type { SecretRule } from './catalog.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** The guide: an alert at 80 % of a secret's greatest age. */
const WARN_AT = 0.8;

export type AgeState = 'fresh' | 'due soon' | 'overdue' | 'no interval';

export interface Age {
  readonly days: number;
  /** Days; undefined for what does not age. */
  readonly intervalDays: number | undefined;
  /** Age as a part of the interval: 1 is due. */
  readonly part: number | undefined;
  readonly state: AgeState;
  /** Milliseconds since 1970. */
  readonly dueAt: number | undefined;
}

/** @param rotatedAt when its value came into use; both in milliseconds since 1970 */
export function ageOf(rule: SecretRule, rotatedAt: number, now: number): Age {
  const age = Math.max(0, now - rotatedAt);
  const { intervalDays } = rule;
  const days = Math.floor(age / DAY_MS);
  if (intervalDays === undefined)
    return { days, intervalDays, part: undefined, state: 'no interval', dueAt: undefined };
  const part = age / (intervalDays * DAY_MS);
  return { days, intervalDays, part, state: stateOf(part), dueAt: rotatedAt + intervalDays * DAY_MS };
}

function stateOf(part: number): AgeState {
  if (part >= 1) return 'overdue';
  return part >= WARN_AT ? 'due soon' : 'fresh';
}
