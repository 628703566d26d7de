// The rotation's state machine, and nothing else: which state may follow which.
import type { RotationState } from '../store/states.ts';

const NEXT: Readonly<Record<RotationState, readonly RotationState[]>> = {
  planned: ['issued', 'failed'],
  issued: ['verified', 'failed'],
  verified: ['promoted', 'failed'],
  promoted: ['distributed', 'failed'],
  distributed: ['grace', 'failed'],
  grace: ['revoked', 'failed'],
  revoked: [],
  failed: ['rolled_back'],
  rolled_back: [],
};

export const ROTATION_STATES = Object.keys(NEXT) as RotationState[];

export function mayFollow(from: RotationState, to: RotationState): boolean {
  return NEXT[from].includes(to);
}

/** A rotation in one of these is over. */
export function isFinal(state: RotationState): boolean {
  return NEXT[state].length === 0;
}

/** From these on, the new version is the one in use: a failure has to restore the one before. */
export function isPromoted(state: RotationState): boolean {
  return state === 'promoted' || state === 'distributed' || state === 'grace';
}
