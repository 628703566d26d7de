// Looks through the audit log, each entry once and in the order of time, and keeps who reads what and how each principal
// usually behaves; what is out of the ordinary is kept with the sentence that explains it, its numbers, and the entries that
// show it. Bounded: so many entries a run, and a large log from before is a baseline that takes several.
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import type { AuditEntryTable } from '../store/schema.ts';
import { selectChains, selectEntriesAfter } from '../store/statements/audit.ts';
import { findBaseline, insertAnomaly, putBaseline, putReader, selectReaders } from '../store/statements/readers.ts';
import { findFact, putFact } from '../store/statements/vault-facts.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Unusual } from './baseline.ts';
import { eventsOf, introductionOf, type SeenEvent } from './events.ts';
import { judge, newWatched, type Watched, type WatchedReader } from './judge.ts';

const CURSOR = 'observed';
const PAGE = 1_000;
const PAGES = 10;
const DAY_MS = 24 * 60 * 60_000;
/** What is older than this (ms) when it is looked at is a baseline only: nobody needs an alert of last month. */
const FRESH_MS = DAY_MS;

/** Looks through what has come since the last time. @returns how many entries */
export function* observe(ctx: VaultContext): Operation<number> {
  let seen = 0;
  for (let page = 0; page < PAGES; page += 1) {
    const { count, more } = yield* quietTransaction(onePage(ctx));
    seen += count;
    if (!more) break;
  }
  return seen;
}

/** A page of all chains together: what several servers wrote is put in the order of time. */
function* onePage(ctx: VaultContext): Operation<{ count: number; more: boolean }> {
  const fact = yield* first(findFact, { key: CURSOR });
  const cursor = JSON.parse(fact?.value ?? '{}') as Record<string, number>;
  const found: AuditEntryTable[] = [];
  // Beyond the end of a chain whose page is full, nothing is known of what that chain has: others wait there.
  let until = Number.MAX_SAFE_INTEGER;
  for (const { chain } of yield* all(selectChains, {})) {
    const entries = yield* all(selectEntriesAfter, { chain, after: cursor[chain] ?? 0, limit: PAGE });
    const last = entries.at(-1);
    if (last && entries.length === PAGE) until = Math.min(until, last.time);
    found.push(...entries);
  }
  const entries = inOrder(found, until);
  if (entries.length === 0) return { count: 0, more: false };
  yield* takeIn(ctx, entries);
  for (const entry of entries) cursor[entry.chain] = Math.max(cursor[entry.chain] ?? 0, entry.seq);
  yield* all(putFact, { key: CURSOR, value: JSON.stringify(cursor) });
  return { count: entries.length, more: until !== Number.MAX_SAFE_INTEGER };
}

/** In the order of time, and those of one chain in their own, whatever its clock did. */
function inOrder(entries: readonly AuditEntryTable[], until: number): AuditEntryTable[] {
  const latest = new Map<string, number>();
  const timed = entries.map((entry) => {
    const time = Math.max(entry.time, latest.get(entry.chain) ?? 0);
    latest.set(entry.chain, time);
    return { entry, time };
  });
  return timed
    .filter((one) => one.time <= until)
    .sort((a, b) => a.time - b.time || (a.entry.chain === b.entry.chain ? a.entry.seq - b.entry.seq : 0))
    .map((one) => one.entry);
}

/** What a page has loaded, and writes back at its end. */
interface Page {
  readonly baselines: Map<string, Watched>;
  readonly readers: Map<string, { readonly of: SeenEvent; readonly readers: Map<string, WatchedReader> }>;
}

function* takeIn(ctx: VaultContext, entries: readonly AuditEntryTable[]): Operation<void> {
  const page: Page = { baselines: new Map(), readers: new Map() };
  for (const entry of entries) {
    const introduced = introductionOf(entry);
    if (introduced) (yield* baselineOf(page, introduced.principal, introduced.at)).introducedAt = introduced.at;
    for (const event of eventsOf(entry)) {
      const stored = yield* baselineOf(page, event.principal, event.at);
      const unusual = judge(stored, yield* readersOf(page, event), event);
      if (ctx.clock() - event.at > FRESH_MS) continue;
      for (const one of unusual) yield* tell(ctx, event, one);
    }
  }
  for (const [principal, state] of page.baselines) {
    yield* all(putBaseline, { principal, state: JSON.stringify(state), now: ctx.clock() });
  }
  for (const { of, readers } of page.readers.values()) {
    const { project, environment, secret = '' } = of;
    for (const { principal, fresh, firstAt, lastAt } of readers.values()) {
      if (fresh === 0) continue;
      yield* all(putReader, { project, environment, secretKey: secret, principal, reads: fresh, firstAt, lastAt });
    }
  }
}

function* baselineOf(page: Page, principal: string, at: number): Operation<Watched> {
  const loaded = page.baselines.get(principal);
  if (loaded) return loaded;
  const row = yield* first(findBaseline, { principal });
  const stored = row ? (JSON.parse(row.state) as Watched) : newWatched(at);
  page.baselines.set(principal, stored);
  return stored;
}

/** Everybody who read the secret that an event is about; nobody where it is about none. */
function* readersOf(page: Page, event: SeenEvent): Operation<Map<string, WatchedReader>> {
  const { project, environment, secret } = event;
  if (secret === undefined) return new Map();
  const key = JSON.stringify([project, environment, secret]);
  const loaded = page.readers.get(key);
  if (loaded) return loaded.readers;
  const readers = new Map<string, WatchedReader>();
  for (const row of yield* all(selectReaders, { project, environment, secretKey: secret })) {
    const { principal, reads, first_at: firstAt, last_at: lastAt } = row;
    readers.set(principal, { principal, reads, firstAt, lastAt, fresh: 0 });
  }
  page.readers.set(key, { of: event, readers });
  return readers;
}

/** Kinds that are about one secret; the others are about what a principal does. */
const OF_SECRET: readonly string[] = ['new-reader', 'awakened'];

function* tell(ctx: VaultContext, event: SeenEvent, unusual: Unusual): Operation<void> {
  const { project, environment, principal, at } = event;
  const secret = OF_SECRET.includes(unusual.kind) ? (event.secret ?? null) : null;
  const day = Math.floor(at / DAY_MS);
  // One for one day: each kind is told once a day of one principal.
  const id = [unusual.kind, project, environment, secret ?? '', principal, day].join('/');
  const { kind, severity, what } = unusual;
  const numbers = JSON.stringify(unusual.numbers);
  const evidence = JSON.stringify(unusual.evidence);
  yield* all(insertAnomaly, {
    id,
    kind,
    severity,
    what,
    at,
    principal,
    project,
    environment,
    secret,
    numbers,
    evidence,
  });
  yield* ctx.log([
    {
      action: 'monitoring.run',
      ...(project !== '' && { project }),
      ...(environment !== '' && { environment }),
      ...(secret !== null && { secret }),
      details: { anomaly: kind, principal },
    },
  ]);
}
