// The facade of the guide: `import { secretsManager } from '@/lib/secrets-manager'`. On the vault of this project, or, where
// KEYTURN_URL and KEYTURN_TOKEN are set, on a server: the same code runs embedded and remote.
import type { KeyturnConfig } from './config/keyturn-config.ts';
import type { SecretValue } from './crypto/secret-value.ts';
import { EmbeddedSecrets } from './facade/embedded-secrets.ts';
import { openRemote } from './facade/open-remote.ts';
import type {
  GetOptions,
  RotatedEvent,
  RotateOptions,
  Secrets,
  SecretsManagerOptions,
  ValidVersion,
} from './facade/secrets.ts';
import type { RotationResult } from './rotation/results.ts';
import type { SecretSummary, SetResult } from './vault/results.ts';

export type { KeyturnConfig } from './config/keyturn-config.ts';
export { SecretValue } from './crypto/secret-value.ts';
export * from './errors.ts';
export type { GetOptions, RotatedEvent, RotateOptions, SecretsManagerOptions, ValidVersion } from './facade/secrets.ts';
export type { RotationResult } from './rotation/results.ts';
export type { AccessScope, OperationName } from './vault/access.ts';
export type { SecretSummary, SetResult } from './vault/results.ts';

/**
 * One project's secrets in one environment.
 * @example
 * const jwtSecret = secretsManager.getSecret('jwt_secret');
 * secretsManager.setSecret('new_secret', 'value', 'api_key', 90);
 * await secretsManager.rotateSecret('jwt_secret', 'new_value');
 */
export class SecretsManager implements Secrets {
  readonly #options: SecretsManagerOptions;
  #chosen: Secrets | undefined;

  constructor(options: SecretsManagerOptions = {}) {
    this.#options = options;
  }

  /**
   * Opens the vault, or fetches the set from the server, so that what is wrong shows now. Not needed: the first
   * `getSecret` does the same, and waits for it.
   */
  load(): Promise<void> {
    return this.#secrets().load();
  }

  /**
   * Asks now whether there is something newer: for a signature that none of `getSecretVersions` verifies, which may be by a
   * version that came into use a moment ago in another process. Cheap, and never more than four times a second.
   * @example
   * if (!verifies(token)) { await secretsManager.refresh(); return verifies(token); }
   */
  refresh(): Promise<void> {
    return this.#secrets().refresh();
  }

  /**
   * The value in use, as text. On a vault of one's own, the first reading of a version by this process is durable in the
   * audit log before it returns; repeats are counted and logged every few seconds. From a server, it is the set as it
   * was last fetched: a minute old at most, while the server can be reached.
   * @param name compared without case
   * @throws NotFoundError KT_SECRET_NOT_FOUND naming the places looked in; UsageError for a binary value
   *   (`getSecretValue`); StoreError, RootKeyError, DecryptionError, AccessDeniedError
   */
  getSecret(name: string, options: GetOptions = {}): string {
    return this.#secrets().getSecret(name, options);
  }

  /** The value in use as a `SecretValue`: it does not show itself when printed, and may be binary. */
  getSecretValue(name: string, options: GetOptions = {}): SecretValue {
    return this.#secrets().getSecretValue(name, options);
  }

  /** Like `getSecretValue`, for servers: the first readings of one moment share one durable write. */
  readSecret(name: string): Promise<SecretValue> {
    return this.#secrets().readSecret(name);
  }

  /**
   * The versions that are valid now: the one in use, then the one before it while its grace lasts. A verifier of
   * signatures accepts any of them.
   */
  getSecretVersions(name: string): ValidVersion[] {
    return this.#secrets().getSecretVersions(name);
  }

  /**
   * Sets a value: a new version, in use at once.
   * @param type one of the catalogue's; by the name where not given
   * @param rotationDays the secret's own interval in days; its type's where not given
   * @throws UsageError, ConflictError, StoreError, AccessDeniedError
   */
  setSecret(name: string, value: string | Uint8Array | SecretValue, type?: string, rotationDays?: number): SetResult {
    return this.#secrets().setSecret(name, value, type, rotationDays);
  }

  /**
   * Rotates a secret: a backup first, then the new version is verified and promoted; the one before stays valid for
   * the grace. A failure leaves the one before in use. A value that is weak, but of the right form, comes into use with a
   * warning in the result.
   * @param newValue made where the vault is if not given, for types that can be
   * @throws RotationError, NeedsPersonError (a provider issues it: give the new value), NotFoundError, …
   */
  rotateSecret(
    name: string,
    newValue?: string | Uint8Array | SecretValue,
    options: RotateOptions = {},
  ): Promise<RotationResult> {
    return this.#secrets().rotateSecret(name, newValue, options);
  }

  /** Names and facts of all secrets; never a value. */
  listSecrets(): SecretSummary[] {
    return this.#secrets().listSecrets();
  }

  /** Takes a secret away. Its versions stay; `keyturn restore NAME` brings it back. */
  deleteSecret(name: string): void {
    this.#secrets().deleteSecret(name);
  }

  /**
   * Calls back when a secret has got a new version, by this process (at once), another (within about a second), or
   * elsewhere, where the vault is a server's (with the next refresh).
   * @returns a function that ends it
   */
  onRotated(listener: (event: RotatedEvent) => void): () => void {
    return this.#secrets().onRotated(listener);
  }

  /** Writes what was counted, forgets what is open, and closes the vault. The next use opens it again. */
  close(): void {
    this.#chosen?.close();
    this.#chosen = undefined;
  }

  #secrets(): Secrets {
    this.#chosen ??= openRemote(this.#options) ?? new EmbeddedSecrets(this.#options);
    return this.#chosen;
  }
}

/** Types a configuration file: `export default defineConfig({ … })`. */
export function defineConfig(config: KeyturnConfig): KeyturnConfig {
  return config;
}

/** The project's secrets, opened on first use: the vault nearest to the working directory, in the environment `KEYTURN_ENV`. */
export const secretsManager = new SecretsManager();
