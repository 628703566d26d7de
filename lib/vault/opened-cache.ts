// The few values that a process keeps opened, so that a warm `getSecret` costs no decryption. Everything else stays
// sealed in memory. Values leave it zeroed. The trade: while a value is in here, whoever can read this process's memory
// can read it; without the cache that holds for the moment of each read only (docs/threat-model.md).
import type { UseCount } from './usage-counter.ts';

export interface CachedValue {
  readonly value: Buffer;
  readonly count: UseCount;
}

/** Least recently used goes first. */
export class OpenedCache {
  readonly #capacity: number;
  readonly #values = new Map<string, CachedValue>();

  /** @param capacity how many values at most; 0 switches the cache off. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get enabled(): boolean {
    return this.#capacity > 0;
  }

  get size(): number {
    return this.#values.size;
  }

  get(key: string): CachedValue | undefined {
    const found = this.#values.get(key);
    // The order matters only once something has to go.
    if (found && this.#values.size >= this.#capacity) {
      this.#values.delete(key);
      this.#values.set(key, found);
    }
    return found;
  }

  /** Takes the value over, and zeroes it when it leaves. */
  put(key: string, cached: CachedValue): void {
    this.#drop(key);
    this.#values.set(key, cached);
    if (this.#values.size <= this.#capacity) return;
    const oldest = this.#values.keys().next();
    if (!oldest.done) this.#drop(oldest.value);
  }

  clear(): void {
    for (const cached of this.#values.values()) cached.value.fill(0);
    this.#values.clear();
  }

  #drop(key: string): void {
    this.#values.get(key)?.value.fill(0);
    this.#values.delete(key);
  }
}
