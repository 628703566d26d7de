// Counts repeated reads in memory, between flushes to the audit log. The first opening of each version by a process is
// durable in the log before its value is given; repeats are flushed as one entry every few seconds and at exit.
import type { AuditEvent } from '../audit/entry.ts';
import { all, type Operation } from '../store/operation.ts';
import { addUsage } from '../store/statements/secrets.ts';
import type { VaultContext } from './context.ts';
import type { OpenedVersion } from './read.ts';

/** How often one version was read since the last flush. */
export interface UseCount {
  readonly secretId: number;
  readonly name: string;
  readonly version: number;
  readonly project: string;
  readonly environment: string;
  reads: number;
}

/** Names in one entry, so that an entry stays a few kilobytes. */
const NAMES_IN_ENTRY = 100;

export class UsageCounter {
  readonly #counts = new Map<string, UseCount>();
  #dirty = false;

  /** The count of a version, and whether this process opens it for the first time. */
  of(opened: OpenedVersion): { count: UseCount; first: boolean } {
    const key = `${opened.secretId}/${opened.version}`;
    const known = this.#counts.get(key);
    if (known) return { count: known, first: false };
    const { secretId, name, version, environment } = opened;
    const count = { secretId, name, version, project: environment.project, environment: environment.name, reads: 0 };
    this.#counts.set(key, count);
    return { count, first: true };
  }

  /** Takes back a first opening that could not be made durable. */
  forget(opened: OpenedVersion): void {
    this.#counts.delete(`${opened.secretId}/${opened.version}`);
  }

  add(count: UseCount): void {
    count.reads += 1;
    this.#dirty = true;
  }

  get dirty(): boolean {
    return this.#dirty;
  }

  /** Writes the counts. Runs in a transaction; call `settled` with what it gives once that is committed. */
  *flush(ctx: VaultContext): Operation<ReadonlyMap<UseCount, number>> {
    const taken = new Map<UseCount, number>();
    for (const count of this.#counts.values()) if (count.reads > 0) taken.set(count, count.reads);
    const at = ctx.clock();
    yield* ctx.log(useEvents(taken));
    for (const [count, reads] of taken) {
      yield* all(addUsage, { secretId: count.secretId, reads, at, by: ctx.principal });
    }
    return taken;
  }

  settled(taken: ReadonlyMap<UseCount, number>): void {
    for (const [count, reads] of taken) count.reads -= reads;
    this.#dirty = [...this.#counts.values()].some((count) => count.reads > 0);
  }
}

function useEvents(taken: ReadonlyMap<UseCount, number>): AuditEvent[] {
  // Map.groupBy is not in Node 20.
  const places = new Map<string, [UseCount, number][]>();
  for (const one of taken) {
    const place = `${one[0].project}/${one[0].environment}`;
    const others = places.get(place);
    if (others) others.push(one);
    else places.set(place, [one]);
  }
  const events: AuditEvent[] = [];
  for (const counts of places.values()) {
    for (let from = 0; from < counts.length; from += NAMES_IN_ENTRY) {
      const part = counts.slice(from, from + NAMES_IN_ENTRY);
      const place = part[0]?.[0];
      if (!place) continue;
      const details = Object.fromEntries(part.map(([count, reads]) => [`${count.name}@${count.version}`, reads]));
      events.push({ action: 'secret.use', project: place.project, environment: place.environment, details });
    }
  }
  return events;
}
