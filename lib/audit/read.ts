// Reading the log back: pages with filters, and verification against the store.

import { all, type Operation } from '../store/operation.ts';
import type { AuditEntryTable } from '../store/schema.ts';
import {
  selectChains,
  selectCheckpoints,
  selectEntriesAfter,
  selectEntriesBefore,
  selectNotOk,
} from '../store/statements/audit.ts';
import { checkpointHash } from './checkpoint.ts';
import type { AuditLog } from './log.ts';
import { checkCheckpoints, conclude, LogVerifier, type Verdict } from './verify.ts';

const PAGE = 2_000;
/** Denied and failed attempts are few: this many are looked through. */
const NOT_OK_ENTRIES = 100_000;

export interface AuditFilter {
  /** The secret's name, compared without case. */
  readonly secret?: string;
  readonly environment?: string;
  readonly principal?: string;
  /** An action, or its part before the dot. */
  readonly action?: string;
  readonly outcome?: AuditEntryTable['outcome'];
  readonly project?: string;
  /** Milliseconds since 1970. */
  readonly since?: number;
  readonly until?: number;
}

function matches(entry: AuditEntryTable, filter: AuditFilter): boolean {
  if (filter.secret && !isAbout(entry, filter.secret.toUpperCase())) return false;
  if (filter.project && entry.project?.toUpperCase() !== filter.project.toUpperCase()) return false;
  if (filter.until !== undefined && entry.time > filter.until) return false;
  if (filter.environment && entry.environment?.toUpperCase() !== filter.environment.toUpperCase()) return false;
  if (filter.principal && entry.principal !== filter.principal) return false;
  if (filter.action && entry.action !== filter.action && !entry.action.startsWith(`${filter.action}.`)) return false;
  return !filter.outcome || entry.outcome === filter.outcome;
}

/** A reading of many secrets is one entry, with their names in its details. */
function isAbout(entry: AuditEntryTable, secret: string): boolean {
  if (entry.secret !== null) return entry.secret.toUpperCase() === secret;
  const details = entry.details?.toUpperCase() ?? '';
  return details.includes(`"${secret}":`) || details.includes(`"${secret}@`);
}

/** How many entries of a chain one page looks through at most: a filter that fits nothing must not hold up everybody. */
const LOOKED_THROUGH = 50_000;

export interface EntriesPage {
  readonly entries: AuditEntryTable[];
  /** Where the next page begins: by chain, before which entry; undefined where there is nothing older. */
  readonly next: Readonly<Record<string, number>> | undefined;
}

/**
 * A page of the entries that match, newest first.
 * @param before by chain, the entry before which to look; from the newest where not given
 */
export function* entriesPage(
  filter: AuditFilter,
  limit: number,
  before: Readonly<Record<string, number>> = {},
): Operation<EntriesPage> {
  const candidates: AuditEntryTable[] = [];
  const reached = new Map<string, number>();
  for (const { chain } of yield* all(selectChains, {})) {
    const found = yield* matchingBefore(chain, filter, limit, before[chain] ?? Number.MAX_SAFE_INTEGER);
    candidates.push(...found.entries);
    reached.set(chain, found.reached);
  }
  candidates.sort((a, b) => b.time - a.time || (a.chain === b.chain ? b.seq - a.seq : a.chain < b.chain ? -1 : 1));
  const entries = candidates.slice(0, limit);
  // What was found and does not fit on this page comes first on the next.
  for (const left of candidates.slice(limit)) {
    reached.set(left.chain, Math.max(reached.get(left.chain) ?? 0, left.seq + 1));
  }
  const more = [...reached].some(([, from]) => from > 1);
  return { entries, next: more ? Object.fromEntries(reached) : undefined };
}

/** One chain's part of a page. `reached` is the entry before which to look next; 0 where there is nothing older. */
function* matchingBefore(
  chain: string,
  filter: AuditFilter,
  limit: number,
  before: number,
): Operation<{ entries: AuditEntryTable[]; reached: number }> {
  const entries: AuditEntryTable[] = [];
  let reached = before;
  for (let looked = 0; looked < LOOKED_THROUGH && reached > 1; looked += PAGE) {
    const rows = yield* all(selectEntriesBefore, { chain, before: reached, limit: PAGE });
    for (const row of rows) {
      if (filter.since !== undefined && row.time < filter.since) return { entries, reached: 0 };
      reached = row.seq;
      if (matches(row, filter)) entries.push(row);
      if (entries.length === limit) return { entries, reached };
    }
    if (rows.length < PAGE) return { entries, reached: 0 };
  }
  return { entries, reached };
}

/** The newest entries that match, newest first. Looks back no further than it has to. */
export function* newestEntries(filter: AuditFilter, limit: number): Operation<AuditEntryTable[]> {
  if (filter.outcome && filter.outcome !== 'ok') {
    const rows = yield* all(selectNotOk, { outcome: filter.outcome, since: filter.since ?? 0, limit: NOT_OK_ENTRIES });
    return rows.filter((row) => matches(row, filter)).slice(0, limit);
  }
  const found: AuditEntryTable[] = [];
  for (const { chain } of yield* all(selectChains, {})) found.push(...(yield* newestOfChain(chain, filter, limit)));
  return found.sort((a, b) => b.time - a.time || b.seq - a.seq).slice(0, limit);
}

function* newestOfChain(chain: string, filter: AuditFilter, limit: number): Operation<AuditEntryTable[]> {
  const found: AuditEntryTable[] = [];
  let before = Number.MAX_SAFE_INTEGER;
  // Mostly the newest are what is wanted; only what a filter leaves out makes it look further, a page at a time.
  let page = Math.min(limit, PAGE);
  while (found.length < limit) {
    const rows = yield* all(selectEntriesBefore, { chain, before, limit: page });
    for (const row of rows) {
      if (filter.since !== undefined && row.time < filter.since) return found;
      if (matches(row, filter)) found.push(row);
    }
    const last = rows.at(-1);
    if (!last || rows.length < page) break;
    before = last.seq;
    page = PAGE;
  }
  return found.slice(0, limit);
}

/** Gives every entry to `visit`, chain by chain, in order. */
export function* forEachEntry(visit: (entry: AuditEntryTable) => void): Operation<void> {
  for (const { chain } of yield* all(selectChains, {})) {
    let after = 0;
    for (;;) {
      const rows = yield* all(selectEntriesAfter, { chain, after, limit: PAGE });
      for (const row of rows) visit(row);
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) break;
      after = last.seq;
    }
  }
}

/** The first anchor whose checkpoint is not here any more, or is another one. */
export function lostAnchor(
  checkpoints: readonly { readonly number: number; readonly body: string }[],
  anchors: readonly { readonly number: number; readonly hash: Buffer }[],
): { readonly number: number } | undefined {
  return anchors.find(({ number, hash }) => {
    const kept = checkpoints.find((checkpoint) => checkpoint.number === number);
    return !kept || !checkpointHash(kept.body).equals(hash);
  });
}

/**
 * Verifies the whole log in the store.
 * @param anchors checkpoints that were kept elsewhere; each must still be here.
 */
export function* verifyStore(
  log: AuditLog,
  anchors: readonly { number: number; hash: Buffer }[] = [],
  onProgress: (entries: number) => void = () => undefined,
): Operation<Verdict> {
  const checkpoints = yield* all(selectCheckpoints, {});
  const checked = checkCheckpoints(log.publicKey, checkpoints);
  const verifier = new LogVerifier(log.vaultId, log.macKey, checked.bodies);
  yield* forEachEntry((entry) => {
    verifier.push(entry);
    if (verifier.entries % PAGE === 0) onProgress(verifier.entries);
  });
  const lost = lostAnchor(checkpoints, anchors);
  return conclude({
    checked,
    chains: verifier.chains,
    entries: verifier.entries,
    checkpoints: checkpoints.length,
    macsChecked: true,
    ...(lost && { lostAnchor: lost.number }),
  });
}
