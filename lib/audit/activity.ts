// The log counted by day: how much was read, changed and refused. Looks back from the newest entry, and not through more
// than it may: who counts says how far it came.
import { all, type Operation } from '../store/operation.ts';
import type { AuditEntryTable } from '../store/schema.ts';
import { selectChains, selectEntriesBefore } from '../store/statements/audit.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const PAGE = 2_000;
/** Entries looked through of each chain at most. */
const LOOKED_THROUGH = 50_000;

export interface DayCount {
  /** When the day begins, milliseconds since 1970, UTC. */
  readonly day: number;
  reads: number;
  changes: number;
  denied: number;
  failed: number;
}

export interface Activity {
  readonly days: readonly DayCount[];
  /** Since when everything was counted, milliseconds since 1970: later than asked for where there was too much. */
  readonly since: number;
}

export interface ActivityFilter {
  readonly project: string;
  readonly environment: string;
  readonly since: number;
  readonly now: number;
}

const READS = new Set(['secret.read']);
const CHANGES = new Set(['secret.set', 'secret.delete', 'secret.restore', 'secret.describe', 'rotation.move']);

export function* activity(filter: ActivityFilter): Operation<Activity> {
  const days = new Map<number, DayCount>();
  for (let day = dayOf(filter.since); day <= filter.now; day += DAY_MS) {
    days.set(day, { day, reads: 0, changes: 0, denied: 0, failed: 0 });
  }
  let { since } = filter;
  for (const { chain } of yield* all(selectChains, {})) {
    since = Math.max(since, yield* countChain(chain, filter, days));
  }
  return { days: [...days.values()], since };
}

/** @returns since when the chain was counted whole */
function* countChain(chain: string, filter: ActivityFilter, days: Map<number, DayCount>): Operation<number> {
  let before = Number.MAX_SAFE_INTEGER;
  for (let looked = 0; looked < LOOKED_THROUGH; looked += PAGE) {
    const rows = yield* all(selectEntriesBefore, { chain, before, limit: PAGE });
    for (const row of rows) {
      if (row.time < filter.since) return filter.since;
      before = row.seq;
      if (isIn(row, filter)) count(row, days.get(dayOf(row.time)));
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return filter.since;
    if (looked + PAGE >= LOOKED_THROUGH) return last.time;
  }
  return filter.since;
}

function dayOf(time: number): number {
  return Math.floor(time / DAY_MS) * DAY_MS;
}

/** What is refused before it is known where it was to go belongs to every place. */
function isIn(row: AuditEntryTable, { project, environment }: ActivityFilter): boolean {
  if (row.project === null) return row.outcome === 'denied';
  if (row.project.toUpperCase() !== project.toUpperCase()) return false;
  return row.environment === null || row.environment.toUpperCase() === environment.toUpperCase();
}

function count(row: AuditEntryTable, day: DayCount | undefined): void {
  if (!day) return;
  if (row.outcome === 'denied') day.denied += 1;
  else if (row.outcome === 'failed') day.failed += 1;
  else if (READS.has(row.action)) day.reads += readsIn(row);
  else if (CHANGES.has(row.action)) day.changes += 1;
}

/** A reading of many secrets is one entry, with their names in its details; repeats are told by their number. */
function readsIn(row: AuditEntryTable): number {
  if (row.details === null || row.secret !== null) return 1;
  const details = JSON.parse(row.details) as Record<string, unknown>;
  const names = Object.entries(details).filter(([, version]) => typeof version === 'number');
  return Math.max(1, names.length);
}
