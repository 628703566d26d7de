// What the soak's clients were told: every acknowledged operation, so that a checker can hold the vault against it.
import { randomBytes } from 'node:crypto';

/** In every value that a client writes: what is searched for on the disks. */
export const PLAIN_MARK = 'Plain7QzK';

/**
 * How long after a change another server may still give what was before it, in ms. Servers tell each other within milliseconds; the
 * rest is for event loops that share two cores with the load. KEYTURN_SOAK_STALE_MS, for a machine that does other work as well.
 */
export const STALE_BOUND_MS = Number(process.env.KEYTURN_SOAK_STALE_MS ?? 1000);

export function newValue(): string {
  return `${PLAIN_MARK}-${randomBytes(18).toString('base64url')}`;
}

interface Write {
  readonly value: string;
  /** Undefined where no answer came: it may be there or not. */
  version?: number;
  /** When the answer had come, in ms of this process's own clock. */
  at?: number;
}

/** All writes to one name, by the one client that writes it. */
export class NameRecord {
  readonly writes: Write[] = [];
  /** How often each version was given out, to whoever asked. */
  readonly reads = new Map<number, number>();

  /** The newest version that every read begun now has to give, or a newer one. */
  floor(now: number): number {
    for (let index = this.writes.length - 1; index >= 0; index -= 1) {
      const { version, at } = this.writes[index] ?? {};
      if (version !== undefined && at !== undefined && at <= now - STALE_BOUND_MS) return version;
    }
    return 0;
  }

  /** The last acknowledged write, and the values of what was sent after it. */
  get last(): { write: Write | undefined; since: string[] } {
    const index = this.writes.findLastIndex((one) => one.version !== undefined);
    return { write: this.writes[index], since: this.writes.slice(index + 1).map((one) => one.value) };
  }
}

export class SoakRecord {
  readonly names = new Map<string, NameRecord>();
  /** Ids of rotations that a client was told are done. */
  readonly rotations = new Set<string>();
  /** What did not hold while it ran. */
  readonly violations: string[] = [];
  readonly counts = { writes: 0, reads: 0, bulk: 0, rotations: 0, revocations: 0, refused: 0, lost: 0 };

  of(name: string): NameRecord {
    const known = this.names.get(name) ?? new NameRecord();
    this.names.set(name, known);
    return known;
  }

  violated(what: string): void {
    this.violations.push(what);
  }
}
