// What the facade gives, whether the vault is this process's own or a server's.
import type { SecretValue } from '../crypto/secret-value.ts';
import type { RotationResult } from '../rotation/results.ts';
import type { AccessScope } from '../vault/access.ts';
import type { SecretSummary, SetResult } from '../vault/results.ts';

export interface SecretsManagerOptions {
  /** Where to look for `.keyturn/`, upwards; the working directory where not given. */
  readonly directory?: string;
  /** `process.env` where not given. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The configuration's, else `default`. */
  readonly project?: string;
  /** `KEYTURN_ENV`, else the configuration's, else `development`. */
  readonly environment?: string;
  /** How many values are kept opened in memory: 256 where not given, 0 for none. See docs/threat-model.md. */
  readonly cachedValues?: number;
  /** Let `getSecret` fall back to environment variables for names that the vault does not have. */
  readonly fallbackToEnvironment?: boolean;
  /** What this manager may do; everything where not given. Attempts beyond it are denied and logged. */
  readonly scope?: AccessScope;
  /** Who asks, for the audit log; the operating system's user where not given. */
  readonly principal?: string;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  /**
   * Lets this process turn, by the schedule, what is due in its vault, and end what is past its grace: for an application
   * without a server. Any number of processes may do so. Not where the vault is a server's: that does it itself.
   */
  readonly schedule?: boolean;
  /** Told when a tick of the schedule fails; the next one tries again. */
  readonly onError?: (error: unknown) => void;
}

export interface GetOptions {
  /** Overrides the manager's own. */
  readonly fallbackToEnvironment?: boolean;
}

export interface ValidVersion {
  readonly version: number;
  readonly value: string;
  /** Milliseconds since 1970; undefined for the version in use. */
  readonly validUntil: number | undefined;
}

export interface RotateOptions {
  /** Milliseconds for which the version before stays valid; the type's own where not given. */
  readonly graceMs?: number;
}

export interface RotatedEvent {
  readonly name: string;
  readonly environment: string;
  readonly version: number;
}

/** One project's secrets in one environment. */
export interface Secrets {
  load(): Promise<void>;
  refresh(): Promise<void>;
  getSecret(name: string, options?: GetOptions): string;
  getSecretValue(name: string, options?: GetOptions): SecretValue;
  readSecret(name: string): Promise<SecretValue>;
  getSecretVersions(name: string): ValidVersion[];
  setSecret(name: string, value: string | Uint8Array | SecretValue, type?: string, rotationDays?: number): SetResult;
  rotateSecret(
    name: string,
    newValue?: string | Uint8Array | SecretValue,
    options?: RotateOptions,
  ): Promise<RotationResult>;
  listSecrets(): SecretSummary[];
  deleteSecret(name: string): void;
  onRotated(listener: (event: RotatedEvent) => void): () => void;
  close(): void;
}
