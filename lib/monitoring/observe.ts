// Looks through the audit log, each entry once, and keeps who reads what; what is out of the ordinary is kept with the sentence
// that explains it. Bounded: so many entries a run, and a large log from before is a baseline that takes several.
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import type { AuditEntryTable } from '../store/schema.ts';
import { selectChains, selectEntriesAfter } from '../store/statements/audit.ts';
import { countFresh, insertAnomaly, putReader, selectReaders } from '../store/statements/readers.ts';
import { findFact, putFact } from '../store/statements/vault-facts.ts';
import type { VaultContext } from '../vault/context.ts';
import { BURST_WINDOW_MS, type Unusual, unusualBurst, unusualReading } from './unusual.ts';

const CURSOR = 'observed';
const PAGE = 1_000;
const PAGES = 10;
/** What is older than this (ms) when it is looked at is a baseline only: nobody needs an alert of last month. */
const FRESH_MS = 24 * 60 * 60_000;

interface Reads {
  readonly project: string;
  readonly environment: string;
  readonly secret: string;
  readonly principal: string;
  reads: number;
  readonly firstAt: number;
  lastAt: number;
}

/** A token that is exchanged anew for every job is one reader: its id is left out. */
function readerOf(principal: string): string {
  return principal.replace(/ \([0-9a-f]{8,}\)$/, '');
}

/** The secrets that an entry tells of having been read, with how often; none where it is about something else. */
function readIn(entry: AuditEntryTable): [name: string, count: number][] {
  if (entry.outcome !== 'ok' || (entry.action !== 'secret.read' && entry.action !== 'secret.use')) return [];
  const details = JSON.parse(entry.details ?? '{}') as Record<string, unknown>;
  // What the vault itself does with a value is no reading by somebody.
  if (entry.action === 'secret.use' && details.purpose !== undefined) return [];
  if (entry.secret !== null) return [[entry.secret, 1]];
  const named = Object.entries(details).filter(([, value]) => typeof value === 'number');
  // A reading of a whole set names versions; counted repeats name versions behind an @, and count.
  return named.map(([key, value]) => [key.split('@')[0] ?? key, key.includes('@') ? Number(value) : 1]);
}

function gather(entries: readonly AuditEntryTable[]): Reads[] {
  const found = new Map<string, Reads>();
  for (const entry of entries) {
    if (entry.project === null || entry.environment === null) continue;
    for (const [name, count] of readIn(entry)) {
      const principal = readerOf(entry.principal);
      const { project, environment, time } = entry;
      const secret = name.toUpperCase();
      const key = JSON.stringify([project, environment, secret, principal]);
      const known = found.get(key);
      if (known) {
        known.reads += count;
        known.lastAt = time;
      } else found.set(key, { project, environment, secret, principal, reads: count, firstAt: time, lastAt: time });
    }
  }
  return [...found.values()];
}

/** Looks through what has come since the last time. @returns how many entries */
export function* observe(ctx: VaultContext): Operation<number> {
  let seen = 0;
  for (const { chain } of yield* all(selectChains, {})) {
    for (let page = 0; page < PAGES; page += 1) {
      const count = yield* quietTransaction(onePage(ctx, chain));
      seen += count;
      if (count < PAGE) break;
    }
  }
  return seen;
}

function* onePage(ctx: VaultContext, chain: string): Operation<number> {
  const fact = yield* first(findFact, { key: CURSOR });
  const cursor = JSON.parse(fact?.value ?? '{}') as Record<string, number>;
  const entries = yield* all(selectEntriesAfter, { chain, after: cursor[chain] ?? 0, limit: PAGE });
  const last = entries.at(-1);
  if (!last) return 0;
  for (const reads of gather(entries)) yield* keep(ctx, reads);
  yield* all(putFact, { key: CURSOR, value: JSON.stringify({ ...cursor, [chain]: last.seq }) });
  return entries.length;
}

function* keep(ctx: VaultContext, reads: Reads): Operation<void> {
  const { project, environment, secret, principal } = reads;
  const where = { project, environment, secretKey: secret };
  const before = (yield* all(selectReaders, where)).map((row) => ({
    principal: row.principal,
    reads: row.reads,
    firstAt: row.first_at,
    lastAt: row.last_at,
  }));
  yield* all(putReader, { ...where, principal, reads: reads.reads, firstAt: reads.firstAt, lastAt: reads.lastAt });
  if (ctx.clock() - reads.lastAt > FRESH_MS) return;
  const unusual = unusualReading({ principal, secret, at: reads.firstAt }, before);
  if (unusual) yield* tell(ctx, reads, secret, unusual);
  if (before.some((one) => one.principal === principal)) return;
  const fresh = yield* first(countFresh, { principal, since: reads.firstAt - BURST_WINDOW_MS });
  const knownSince = Number(fresh?.known_since ?? reads.firstAt);
  const burst = unusualBurst(principal, Number(fresh?.fresh ?? 0), knownSince, reads.firstAt);
  // One for one hour: the window is named by when it began.
  if (burst) yield* tell(ctx, reads, null, burst);
}

function* tell(ctx: VaultContext, reads: Reads, secret: string | null, unusual: Unusual): Operation<void> {
  const { project, environment, principal, firstAt: at } = reads;
  const window = secret === null ? Math.floor(at / BURST_WINDOW_MS) : at;
  const id = [unusual.kind, project, environment, secret ?? '', principal, window].join('/');
  yield* all(insertAnomaly, { id, ...unusual, at, principal, project, environment, secret });
  yield* ctx.log([
    {
      action: 'monitoring.run',
      project,
      environment,
      ...(secret !== null && { secret }),
      details: { anomaly: unusual.kind, principal },
    },
  ]);
}
