// What a rotation gives back.
import type { Death, RotationState } from '../store/states.ts';

export interface RotationResult {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
  readonly state: RotationState;
  readonly fromVersion: number;
  /** The version in use now. */
  readonly version: number;
  /** Milliseconds since 1970, while the version before is still valid. */
  readonly previousValidUntil: number | null;
  readonly backupFile: string | null;
  /** What is wrong with the new value, though not so wrong that it could not be used. */
  readonly warnings: readonly string[];
  /** What the next state waits for, in words; null where it waits for nothing, or for its time. */
  readonly trouble: string | null;
  /** When that is tried again, milliseconds since 1970. */
  readonly nextAt: number | null;
  /** Whether the revoked value was seen to be refused. */
  readonly death: Death | null;
}
