// The audit log of a period, counted once for all that a report says of it.
import { checkpointHash } from '../audit/checkpoint.ts';
import { verifyStore } from '../audit/read.ts';
import { all, type Operation } from '../store/operation.ts';
import type { AuditEntryTable } from '../store/schema.ts';
import { selectChains, selectCheckpoints, selectEntriesBefore } from '../store/statements/audit.ts';
import type { VaultContext } from '../vault/context.ts';
import type { AuditRange } from './model.ts';
import type { Period } from './period.ts';

const PAGE = 2_000;
const HOUR_MS = 60 * 60_000;

export interface LogFacts {
  readonly entries: number;
  readonly chains: AuditRange['chains'];
  /** How often each action was done: `secret.read`, and apart `secret.read denied`, `secret.read failed`. */
  readonly actions: ReadonlyMap<string, number>;
  readonly reads: number;
  readonly denied: number;
  readonly failed: number;
  /** Reads and refusals by the period's hours, from its beginning. */
  readonly readsByHour: readonly number[];
  readonly deniedByHour: readonly number[];
  /** Who read how often. */
  readonly readers: ReadonlyMap<string, number>;
  /** Who was refused how often. */
  readonly refused: ReadonlyMap<string, number>;
  /** Entries about leak scans that found a known value. */
  readonly leaksFound: number;
}

/** Counts a period's entries, page by page from the newest on. */
export function* logFacts(period: Period): Operation<LogFacts> {
  const hours = Math.ceil((period.to - period.from) / HOUR_MS);
  const counting = {
    entries: 0,
    reads: 0,
    denied: 0,
    failed: 0,
    leaksFound: 0,
    actions: new Map<string, number>(),
    readers: new Map<string, number>(),
    refused: new Map<string, number>(),
    readsByHour: Array.from({ length: hours }, () => 0),
    deniedByHour: Array.from({ length: hours }, () => 0),
  };
  const chains: { chain: string; first: number; last: number }[] = [];
  for (const { chain } of yield* all(selectChains, {})) {
    const range = yield* countChain(chain, period, counting);
    if (range) chains.push({ chain, ...range });
  }
  return { ...counting, chains };
}

interface Counting {
  entries: number;
  reads: number;
  denied: number;
  failed: number;
  leaksFound: number;
  readonly actions: Map<string, number>;
  readonly readers: Map<string, number>;
  readonly refused: Map<string, number>;
  readonly readsByHour: number[];
  readonly deniedByHour: number[];
}

function* countChain(chain: string, period: Period, counting: Counting) {
  let before = Number.MAX_SAFE_INTEGER;
  let first: number | undefined;
  let last = 0;
  for (;;) {
    const rows = yield* all(selectEntriesBefore, { chain, before, limit: PAGE });
    for (const row of rows) {
      before = row.seq;
      if (row.time >= period.to) continue;
      if (row.time < period.from) return first === undefined ? undefined : { first, last };
      first = row.seq;
      last = Math.max(last, row.seq);
      count(row, period, counting);
    }
    if (rows.length < PAGE) return first === undefined ? undefined : { first, last };
  }
}

function add(map: Map<string, number>, key: string, more = 1): void {
  map.set(key, (map.get(key) ?? 0) + more);
}

function count(row: AuditEntryTable, period: Period, counting: Counting): void {
  const hour = Math.floor((row.time - period.from) / HOUR_MS);
  counting.entries += 1;
  add(counting.actions, row.outcome === 'ok' ? row.action : `${row.action} ${row.outcome}`);
  if (row.outcome === 'denied') {
    counting.denied += 1;
    counting.deniedByHour[hour] = (counting.deniedByHour[hour] ?? 0) + 1;
    add(counting.refused, row.principal);
    return;
  }
  if (row.outcome === 'failed') {
    counting.failed += 1;
    return;
  }
  if (row.action === 'leak.scan' && (JSON.parse(row.details ?? '{}') as { known?: number }).known)
    counting.leaksFound += 1;
  const reads = readsOf(row);
  if (reads === 0) return;
  counting.reads += reads;
  counting.readsByHour[hour] = (counting.readsByHour[hour] ?? 0) + reads;
  add(counting.readers, row.principal, reads);
}

/** How many readings an entry tells of: one, a set's, or those that were counted. */
function readsOf(row: AuditEntryTable): number {
  if (row.action !== 'secret.read' && row.action !== 'secret.use') return 0;
  const details = JSON.parse(row.details ?? '{}') as Record<string, unknown>;
  if (row.action === 'secret.use' && details.purpose !== undefined) return 0;
  if (row.secret !== null) return 1;
  const counts = Object.entries(details).filter(([, value]) => typeof value === 'number');
  return counts.reduce((sum, [key, value]) => sum + (key.includes('@') ? Number(value) : 1), 0);
}

/** What of the log a report rests on. @param verified true to verify the whole log for it */
export function* auditRange(ctx: VaultContext, facts: LogFacts, verified: boolean): Operation<AuditRange> {
  const checkpoints = yield* all(selectCheckpoints, {});
  const last = checkpoints.at(-1);
  const verdict = verified ? yield* verifyStore(ctx.audit) : undefined;
  return {
    entries: facts.entries,
    chains: facts.chains,
    checkpoint: last
      ? {
          number: last.number,
          time: new Date(last.time).toISOString(),
          hash: checkpointHash(last.body).toString('hex'),
          signature: Buffer.from(last.signature).toString('base64url'),
        }
      : null,
    verdict: verdict ? { intact: verdict.intact, complete: verdict.complete, entries: verdict.entries } : null,
  };
}
