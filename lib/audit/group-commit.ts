// Group commit: everything that wants to be durable in one moment shares one write and one fsync, and each caller goes
// on when that is done.

interface Waiting<T> {
  readonly item: T;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers items until the event loop comes round, then writes them together.
 * @example
 * const commits = new GroupCommit((events) => store.run(transaction(log.append(events))));
 * await commits.add(event);   // durable here
 */
export class GroupCommit<T> {
  readonly #write: (items: readonly T[]) => void;
  #waiting: Waiting<T>[] = [];

  /** @param write makes the items durable: all, or none and throws. */
  constructor(write: (items: readonly T[]) => void) {
    this.#write = write;
  }

  /** Resolves when the item is durable; rejects, with the same error for all of the group, when it is not. */
  add(item: T): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const group = this.#waiting;
    this.#waiting = [];
    try {
      this.#write(group.map((one) => one.item));
    } catch (error) {
      for (const one of group) one.reject(error);
      return;
    }
    for (const one of group) one.resolve();
  }
}
