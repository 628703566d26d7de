// Counts uses in memory, between the moments at which they are written down. The audit log has each use by itself, so
// that what a kill loses here is a count only.

export interface Uses {
  readonly count: number;
  /** Of the last one: ms since 1970. */
  readonly at: number;
  /** Of the last one: by whom, or from where. */
  readonly by: string;
}

export class UseCounts<Key extends number | string> {
  #counts = new Map<Key, { count: number; at: number; by: string }>();

  add(key: Key, at: number, by: string, count = 1): void {
    const known = this.#counts.get(key);
    if (!known) {
      this.#counts.set(key, { count, at, by });
      return;
    }
    known.count += count;
    known.at = at;
    known.by = by;
  }

  /**
   * Takes what was counted, in the order of the keys: two writers that take rows in different orders would wait for each
   * other. Give it back with `add` where it could not be written.
   */
  take(): (readonly [Key, Uses])[] {
    const taken = [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#counts = new Map();
    return taken;
  }
}
