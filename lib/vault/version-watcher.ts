// Watches the versions in use, to tell listeners when one changes, by this process or another.

/** How often, in ms, changes by other processes are looked for. */
const WATCH_MS = 1_000;

export interface VersionChange {
  readonly name: string;
  readonly version: number;
}

export interface WatchedVersions {
  /** Changes whenever another process has committed: then, and only then, the versions are looked at. */
  dataVersion(): number;
  /** The versions in use, by name. */
  versions(): Map<string, number>;
}

export class VersionWatcher<Change extends VersionChange> {
  readonly #listeners = new Set<(change: Change) => void>();
  readonly #watched: WatchedVersions;
  readonly #describe: (change: VersionChange) => Change;
  #known = new Map<string, number>();
  #dataVersion = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param describe adds what listeners are to know besides */
  constructor(watched: WatchedVersions, describe: (change: VersionChange) => Change) {
    this.#watched = watched;
    this.#describe = describe;
  }

  /** @returns a function that ends it */
  listen(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener);
    if (!this.#timer) {
      this.#dataVersion = this.#watched.dataVersion();
      this.#known = this.#watched.versions();
      this.#timer = setInterval(() => this.#look(), WATCH_MS).unref();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.stop();
    };
  }

  /** Tells of a change that this process made. */
  announce(change: VersionChange): void {
    this.#known.set(change.name, change.version);
    for (const listener of this.#listeners) listener(this.#describe(change));
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const dataVersion = this.#watched.dataVersion();
    if (dataVersion === this.#dataVersion) return;
    this.#dataVersion = dataVersion;
    const before = this.#known;
    this.#known = this.#watched.versions();
    for (const [name, version] of this.#known) {
      if (before.has(name) && before.get(name) !== version) this.announce({ name, version });
    }
  }
}
