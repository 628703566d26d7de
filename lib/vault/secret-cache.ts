// What a server keeps of the secrets that are asked for: where they are, their tag, and their opened values, so that a
// read of one that is asked for often costs no look-up and no decryption. Dropped as a whole whenever anything changes,
// here or on another server. The trade is the one of opened-cache.ts (docs/threat-model.md).

export interface CachedSecret {
  readonly secretId: number;
  readonly name: string;
  readonly version: number;
  readonly tag: string;
  /** The answer, as it is sent. Whoever sends it sends a copy: it is zeroed when it is dropped. */
  readonly answer: Buffer;
}

/** The oldest goes first when it is full. */
export class SecretCache {
  readonly #capacity: number;
  readonly #known = new Map<string, CachedSecret>();
  #generation = 0;

  /** @param capacity how many secrets at most; 0 switches the cache off */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Grows with each drop: what was looked up before one must not be put in after it. */
  get generation(): number {
    return this.#generation;
  }

  get(key: string): CachedSecret | undefined {
    return this.#known.get(key);
  }

  /** @param generation of before the look-up */
  put(key: string, secret: CachedSecret, generation: number): void {
    if (this.#capacity === 0 || generation !== this.#generation) return;
    this.#known.set(key, secret);
    if (this.#known.size <= this.#capacity) return;
    const oldest = this.#known.entries().next();
    if (oldest.done) return;
    oldest.value[1].answer.fill(0);
    this.#known.delete(oldest.value[0]);
  }

  clear(): void {
    this.#generation += 1;
    if (this.#known.size === 0) return;
    for (const { answer } of this.#known.values()) answer.fill(0);
    this.#known.clear();
  }
}
