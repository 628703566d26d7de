// The tick of the schedule: works out when secrets are due, and turns those that are. Any number of processes may tick: a
// rotation of a secret is on its way once, whoever began it.
import { hash } from 'node:crypto';
import { isKeyturnError, NeedsPersonError } from '../errors.ts';
import { all, first, type Operation, quietTransaction, transaction } from '../store/operation.ts';
import { clearDue, selectDue, selectUndated, setDue } from '../store/statements/schedule.ts';
import { findFact, putFact } from '../store/statements/vault-facts.ts';
import type { VaultContext } from '../vault/context.ts';
import { allSummaries } from '../vault/list.ts';
import type { Environment } from '../vault/places.ts';
import { environmentPlace } from '../vault/write.ts';
import type { RotationResult } from './results.ts';
import type { Rotator } from './rotator.ts';
import { dueAfter, isOpen, nextOpening, type Timing, timingOf, turnsUntil } from './schedule.ts';
import type { World } from './world.ts';

const HOUR_MS = 60 * 60_000;
/** So many due times are worked out in one tick: a first one over very many secrets takes several. */
const DATED_AT_ONCE = 500;
const TURNED_AT_ONCE = 100;
/** What did not succeed, or waits for a person, is not begun again before this (ms). */
const AGAIN_MS = 6 * HOUR_MS;
/** What never is due. */
const NEVER = Number.MAX_SAFE_INTEGER;
const STAMP = 'schedule_stamp';

export interface TickResult {
  /** How many due times were worked out. */
  readonly dated: number;
  readonly turned: readonly RotationResult[];
  readonly failed: readonly { readonly name: string; readonly environment: string; readonly error: string }[];
  readonly needsPerson: readonly { readonly name: string; readonly environment: string }[];
}

interface Found {
  readonly turned: RotationResult[];
  readonly failed: { name: string; environment: string; error: string }[];
  readonly needsPerson: { name: string; environment: string }[];
}

interface Row {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  readonly interval_days: number | null;
  readonly environment_id: number;
  readonly rotated_at: number;
}

export class Ticker {
  readonly #ctx: VaultContext;
  readonly #world: World;
  #stamped = false;

  constructor(ctx: VaultContext, world: World) {
    this.#ctx = ctx;
    this.#world = world;
  }

  /**
   * One tick.
   * @param rotator makes a backup where its last one does not hold what is turned: the same one for all ticks of a process
   */
  *tick(rotator: Rotator): Operation<TickResult> {
    yield* this.#stamp();
    const dated = yield* this.#date();
    const now = this.#ctx.clock();
    const found: Found = { turned: [], failed: [], needsPerson: [] };
    for (const row of yield* all(selectDue, { now, limit: TURNED_AT_ONCE })) {
      const environment = this.#ctx.environments.get(row.environment_id);
      const timing = this.#timing(row);
      if (!environment || !timing) continue;
      if (!isOpen(timing, now)) {
        yield* this.#put(row, nextOpening(timing, now));
        continue;
      }
      const ended = timing.automatic && (yield* this.#turn(rotator, environment, row, found));
      if (!ended) yield* this.#put(row, now + AGAIN_MS);
    }
    return { dated, ...found };
  }

  /** @returns true where it has turned, and so is due anew */
  *#turn(rotator: Rotator, environment: Environment, row: Row, found: Found): Operation<boolean> {
    const where = { name: row.name, environment: environment.name };
    try {
      const result = yield* rotator.rotate({ at: environmentPlace(environment), name: row.name, reason: 'schedule' });
      found.turned.push(result);
      return result.state === 'grace' || result.state === 'revoked';
    } catch (error) {
      if (!isKeyturnError(error)) throw error;
      if (error instanceof NeedsPersonError) found.needsPerson.push(where);
      else found.failed.push({ ...where, error: error.message });
      return false;
    }
  }

  #timing(row: Row): Timing | undefined {
    const secret = { name: row.name, type: row.type, intervalDays: row.interval_days };
    return timingOf(this.#world.schedule, secret, this.#ctx.catalog.rule(row.name, secret));
  }

  #put(row: Row, at: number): Operation<unknown> {
    return quietTransaction(all(setDue, { id: row.id, at, rotatedAt: row.rotated_at }));
  }

  /** Works out when the secrets are due that have changed since that was done last. */
  *#date(): Operation<number> {
    const rows = yield* all(selectUndated, { limit: DATED_AT_ONCE });
    if (rows.length === 0) return 0;
    yield* quietTransaction(this.#dateAll(rows));
    return rows.length;
  }

  *#dateAll(rows: readonly Row[]): Operation<void> {
    for (const row of rows) {
      const timing = this.#timing(row);
      const at = timing ? dueAfter(timing, row.rotated_at, String(row.id)) : NEVER;
      yield* all(setDue, { id: row.id, at, rotatedAt: row.rotated_at });
    }
  }

  /** Rules that have changed since due times were worked out make all of them old: seen once a process. */
  *#stamp(): Operation<void> {
    if (this.#stamped) return;
    const stamp = hash('sha256', JSON.stringify([this.#world.schedule, this.#ctx.catalog.rulesText]), 'hex');
    const known = yield* first(findFact, { key: STAMP });
    if (known?.value !== stamp) {
      yield* transaction(
        (function* () {
          yield* all(clearDue, {});
          yield* all(putFact, { key: STAMP, value: stamp });
        })(),
      );
    }
    this.#stamped = true;
  }
}

/** One turn that is to come. */
export interface PlannedTurn {
  readonly name: string;
  readonly environment: string;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** True where it would have been due before now. */
  readonly overdue: boolean;
  /** False where a person has to give the new value, or turns of it are not automatic. */
  readonly byItself: boolean;
}

/** What will turn when, up to a moment, the next first. */
export function* turnsAhead(
  ctx: VaultContext,
  world: World,
  rotator: Rotator,
  environment: Environment,
  until: number,
): Operation<PlannedTurn[]> {
  yield* ctx.authorize('list', { action: 'schedule.run', ...environmentPlace(environment) });
  const now = ctx.clock();
  const found: PlannedTurn[] = [];
  for (const one of yield* allSummaries(environment)) {
    if (!ctx.mayReach('list', environment, one.name)) continue;
    const timing = timingOf(world.schedule, one, ctx.catalog.rule(one.name, one));
    if (!timing) continue;
    const byItself = timing.automatic && !rotator.needsPerson(one);
    const overdue = dueAfter(timing, one.rotatedAt, String(one.id)) < now;
    let first = true;
    for (const at of turnsUntil(timing, one.rotatedAt, String(one.id), now, until)) {
      const { name, type } = one;
      found.push({ name, environment: environment.name, type, at, overdue: first && overdue, byItself });
      first = false;
    }
  }
  return found.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1));
}
