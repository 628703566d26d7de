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
  /** Milliseconds since 1970. */
  readonly since?: number;
}

function matches(entry: AuditEntryTable, filter: AuditFilter): boolean {
  if (filter.secret && entry.secret?.toUpperCase() !== filter.secret.toUpperCase()) return false;
  if (filter.environment && entry.environment?.toUpperCase() !== filter.environment.toUpperCase()) return false;
  if (filter.principal && entry.principal !== filter.principal) return false;
  if (filter.action && entry.action !== filter.action && !entry.action.startsWith(`${filter.action}.`)) return false;
  return !filter.outcome || entry.outcome === filter.outcome;
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
  while (found.length < limit) {
    const rows = yield* all(selectEntriesBefore, { chain, before, limit: PAGE });
    for (const row of rows) {
      if (filter.since !== undefined && row.time < filter.since) return found;
      if (matches(row, filter)) found.push(row);
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    before = last.seq;
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
  const lost = anchors.find(({ number, hash }) => {
    const kept = checkpoints.find((checkpoint) => checkpoint.number === number);
    return !kept || !checkpointHash(kept.body).equals(hash);
  });
  return conclude({
    checked,
    chains: verifier.chains,
    entries: verifier.entries,
    checkpoints: checkpoints.length,
    macsChecked: true,
    ...(lost && { lostAnchor: lost.number }),
  });
}
