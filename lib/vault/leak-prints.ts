// Leak prints in the vault: made when a value is sealed, kept sealed themselves, and given to the leak guard without any
// value being opened.
import type { SecretRule } from '../catalog/catalog.ts';
import type { LeakPrint } from '../crypto/leak-print.ts';
import { all, first, logTransaction, type Operation, quietTransaction } from '../store/operation.ts';
import { selectPrints, selectUnprinted, setPrint } from '../store/statements/leaks.ts';
import { findVersion } from '../store/statements/secrets.ts';
import type { VaultContext } from './context.ts';
import { openVersion } from './read.ts';
import { openPrint, sealPrint } from './sealed-print.ts';

const PAGE = 1_000;

/** A version with what it is found by. */
export interface PrintedVersion {
  readonly secretId: number;
  readonly name: string;
  readonly project: string;
  readonly environment: string;
  readonly version: number;
  /** Whether it still opens something as far as the vault knows: in use, or before that in its grace. */
  readonly valid: boolean;
  readonly print: LeakPrint;
}

/** Addresses, public keys and settings stand in files by right. */
function isLookedFor(rule: SecretRule): boolean {
  if (rule.known?.secret === false || rule.type.name === 'public_key') return false;
  return !rule.url || rule.formats.length > 0;
}

/**
 * Makes the prints of versions that were sealed before there were any: their values are opened once for it.
 * @returns how many
 */
function* printOlderVersions(ctx: VaultContext): Operation<number> {
  let done = 0;
  for (;;) {
    const rows = yield* all(selectUnprinted, { limit: PAGE });
    if (rows.length === 0) break;
    yield* quietTransaction(printRows(ctx, rows));
    done += rows.length;
    ctx.onProgress(done);
  }
  if (done > 0) yield* logTransaction(ctx.log([{ action: 'leak.print', details: { versions: done } }]));
  return done;
}

interface UnprintedRow {
  readonly secret_id: number;
  readonly number: number;
  readonly envelope: Uint8Array;
  readonly name_key: string;
  readonly environment_id: number;
}

function* printRows(ctx: VaultContext, rows: readonly UnprintedRow[]): Operation<void> {
  for (const row of rows) {
    const environment = ctx.environments.get(row.environment_id);
    if (!environment) {
      yield* ctx.refresh();
      continue;
    }
    const find = { secretId: row.secret_id, number: row.number };
    const value = yield* openVersion(ctx, environment, row.name_key, row, first(findVersion, find));
    const leakPrint = sealPrint(ctx, row.secret_id, row.number, value);
    value.fill(0);
    yield* all(setPrint, { ...find, leakPrint });
  }
}

export interface LoadedPrints {
  readonly versions: readonly PrintedVersion[];
  /** Values that are too short or too easily guessed to be looked for, or no secrets. */
  readonly left: number;
}

/** Every version of the vault that can be looked for, current and past. @throws AccessDeniedError */
export function* loadPrints(ctx: VaultContext): Operation<LoadedPrints> {
  yield* ctx.authorize('validate', { action: 'leak.scan' });
  yield* printOlderVersions(ctx);
  const versions: PrintedVersion[] = [];
  let left = 0;
  let after = { secretId: 0, number: 0 };
  for (;;) {
    const rows = yield* all(selectPrints, { ...after, limit: PAGE });
    for (const row of rows) {
      const environment = ctx.environments.get(row.environment_id);
      const own = { type: row.type, intervalDays: row.interval_days };
      const sealed = row.leak_print;
      if (!environment || !sealed || !isLookedFor(ctx.catalog.rule(row.name, own))) {
        left += 1;
        continue;
      }
      const print = openPrint(ctx, row.secret_id, row.number, sealed);
      if (!print) {
        left += 1;
        continue;
      }
      versions.push({
        secretId: row.secret_id,
        name: row.name,
        project: environment.project,
        environment: environment.name,
        version: row.number,
        valid: row.deleted_at === null && (row.number === row.current_version || row.number === row.previous_version),
        print,
      });
    }
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    after = { secretId: last.secret_id, number: last.number };
  }
  return { versions, left };
}
