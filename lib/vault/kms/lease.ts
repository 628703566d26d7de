// The lease on a root key that a key management service wraps. The service is asked again and again whether it would still
// unwrap it. While it is away, what is open keeps serving reads for a set time, and writes are refused; where it says no,
// everything is.
import { isKeyturnError, KmsError } from '../../errors.ts';

/** How often, in ms, the service is asked. */
export const CHECK_MS = 60_000;
/** Reads are served for so long (ms) after the last good answer. */
export const CACHE_MS = 60 * 60_000;

export interface LeaseOptions {
  /** @throws KmsError */
  readonly check: () => Promise<void>;
  readonly clock: () => number;
  /** How long reads are served without a good answer, ms. */
  readonly cacheMs?: number;
  /** How often it is asked, ms. */
  readonly everyMs?: number;
}

export class KmsLease {
  readonly #options: LeaseOptions;
  readonly #timer: NodeJS.Timeout;
  #goodAt: number;
  #trouble: KmsError | undefined;
  #checking: Promise<void> | undefined;

  /** The root key was unwrapped a moment ago. */
  constructor(options: LeaseOptions) {
    this.#options = options;
    this.#goodAt = options.clock();
    this.#timer = setInterval(() => void this.check(), options.everyMs ?? CHECK_MS).unref();
  }

  /** Asks the service now. Never rejects: what it says holds from then on. */
  check(): Promise<void> {
    this.#checking ??= this.#ask().finally(() => {
      this.#checking = undefined;
    });
    return this.#checking;
  }

  async #ask(): Promise<void> {
    try {
      await this.#options.check();
      this.#goodAt = this.#options.clock();
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble =
        isKeyturnError(error) && error instanceof KmsError
          ? error
          : new KmsError('KT_KMS_UNAVAILABLE', 'The key service could not be asked.', 'Try again when it answers.');
    }
  }

  /** Whether writes are refused now. */
  get writesRefused(): boolean {
    return this.#trouble !== undefined;
  }

  /** @throws KmsError where the service did not answer well when it was asked last */
  beforeChange(): void {
    if (!this.#trouble) return;
    throw new KmsError(
      this.#trouble.code as 'KT_KMS_UNAVAILABLE',
      `${this.#trouble.text.what} Until it answers, nothing is changed.`,
      'Reads are served meanwhile; try again when it answers.',
    );
  }

  /** @throws KmsError where it says no, or has not answered well for longer than reads are served */
  beforeUse(): void {
    if (!this.#trouble) return;
    const cacheMs = this.#options.cacheMs ?? CACHE_MS;
    if (this.#trouble.code === 'KT_KMS_UNAVAILABLE' && this.#options.clock() - this.#goodAt < cacheMs) return;
    throw this.#trouble;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
