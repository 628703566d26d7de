// The restore drill: brings the newest backup back into a scratch vault, opens every secret there, and compares each with
// what this vault knows of that version. A backup that was never restored is a hope.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { nameKey } from '../catalog/catalog.ts';
import { asBuffer, equalBytes } from '../crypto/bytes.ts';
import { FileError } from '../errors.ts';
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import { insertDrill, selectDrills } from '../store/statements/assurance.ts';
import { findSecret, findVersion } from '../store/statements/secrets.ts';
import { listBackups, openBackupFile, readBackupFile } from './backup-files.ts';
import type { BackupRecord } from './backup-format.ts';
import { restoreRecords } from './backups.ts';
import type { VaultContext } from './context.ts';
import { ensureEnvironment } from './create.ts';
import { EmbeddedVault } from './embedded-vault.ts';
import type { VaultHome } from './home.ts';
import { findEnvironment } from './places.ts';
import { openCurrent } from './read.ts';
import type { Env } from './root-key-files.ts';

const KEY_BYTES = 32;
/** So many that did not agree are named. */
const NAMED = 20;

interface DrillTimes {
  /** Reading and opening the backup, making the scratch vault whole, and opening and comparing everything there; ms. */
  readonly readMs: number;
  readonly restoreMs: number;
  readonly compareMs: number;
}

export interface DrillResult {
  readonly id: string;
  /** The backup's file name, and when it was made (ISO 8601). */
  readonly backup: string;
  readonly backupMadeAt: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly tookMs: number;
  readonly passed: boolean;
  readonly secrets: number;
  /** Values that are exactly the version that the vault has under that number. */
  readonly same: number;
  /** Values whose secret or version this vault has no longer: nothing to compare with. */
  readonly gone: number;
  /** Secrets that differ, or did not open: project/environment/NAME. */
  readonly wrong: readonly string[];
  readonly times: DrillTimes;
}

export interface DrillInput {
  readonly home: VaultHome;
  readonly env: Env;
  /** The backup to drill with; the newest where not given. */
  readonly file?: string | undefined;
}

/**
 * Drills, and keeps the evidence. The scratch vault is below the system's folder for temporary files, under a root key that
 * is in memory only, and is gone afterwards.
 * @throws FileError KT_BACKUP_INVALID where there is no backup, or it does not open
 */
export function* drill(ctx: VaultContext, input: DrillInput): Operation<DrillResult> {
  yield* ctx.authorize('backup', { action: 'drill.run' });
  const startedAt = ctx.clock();
  const started = performance.now();
  const path = input.file ?? newestBackup(input.home);
  const parsed = readBackupFile(path);
  const records = openBackupFile(input.home, input.env, path, parsed);
  const readMs = performance.now() - started;
  try {
    const scratch = scratchVault(ctx);
    try {
      const restoring = performance.now();
      restoreInto(scratch.vault, records, basename(path));
      const restoreMs = performance.now() - restoring;
      const comparing = performance.now();
      const compared = yield* compare(ctx, scratch.vault, records);
      const compareMs = performance.now() - comparing;
      const times = { readMs: round(readMs), restoreMs: round(restoreMs), compareMs: round(compareMs) };
      const result = {
        id: `drl-${new Date(startedAt).toISOString().slice(0, 10)}-${ctx.random(4).toString('hex')}`,
        backup: basename(path),
        backupMadeAt: parsed.header.createdAt,
        startedAt,
        tookMs: round(performance.now() - started),
        passed: compared.wrong.length === 0,
        secrets: records.length,
        ...compared,
        times,
      };
      yield* quietTransaction(keep(ctx, result));
      return result;
    } finally {
      scratch.end();
    }
  } finally {
    for (const record of records) record.value.fill(0);
  }
}

function round(ms: number): number {
  return Math.round(ms);
}

function newestBackup(home: VaultHome): string {
  const [newest] = listBackups(home);
  if (newest) return newest.path;
  throw new FileError('KT_BACKUP_INVALID', {
    what: `There is no backup in ${home.backups}.`,
    left: 'Nothing was drilled.',
    next: 'Make one with `keyturn backup create`.',
  });
}

function scratchVault(ctx: VaultContext): { vault: EmbeddedVault; end(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-drill-'));
  const key = ctx.random(KEY_BYTES);
  const home: VaultHome = {
    folder: join(folder, '.keyturn'),
    database: join(folder, '.keyturn', 'keyturn.db'),
    rootKeyFile: join(folder, '.keyturn', 'root.key'),
    root: folder,
    backups: join(folder, 'backups'),
  };
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const { vault } = EmbeddedVault.create({
      home,
      env: { SECRETS_ENCRYPTION_KEY: key.toString('base64url') },
      clock: ctx.clock,
      random: ctx.random,
      principal: ctx.principal,
      source: 'drill',
      catalog: ctx.catalog,
    });
    return {
      vault,
      end() {
        vault.close();
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  } finally {
    key.fill(0);
  }
}

function restoreInto(vault: EmbeddedVault, records: readonly BackupRecord[], file: string): void {
  const places = new Map(records.map((one) => [JSON.stringify([one.project, one.environment]), one]));
  for (const place of places.values()) vault.run(ensureEnvironment(vault.context, place));
  vault.run(restoreRecords(vault.context, records, file));
}

type Compared = Pick<DrillResult, 'same' | 'gone' | 'wrong'>;

/** Opens each secret of the scratch vault, and compares its fingerprint with the live vault's of that version. */
function* compare(ctx: VaultContext, scratch: EmbeddedVault, records: readonly BackupRecord[]): Operation<Compared> {
  let same = 0;
  let gone = 0;
  const wrong: string[] = [];
  for (const [index, record] of records.entries()) {
    ctx.onProgress(index, records.length);
    const fingerprint = restoredFingerprint(ctx, scratch, record);
    const known = yield* knownFingerprint(ctx, record);
    if (!fingerprint) wrong.push(nameOf(record));
    else if (!known) gone += 1;
    else if (equalBytes(fingerprint, known)) same += 1;
    else wrong.push(nameOf(record));
  }
  return { same, gone, wrong: wrong.slice(0, NAMED) };
}

function nameOf({ project, environment, name }: BackupRecord): string {
  return `${project}/${environment}/${name}`;
}

/** Undefined where the restored secret is not there or does not open. */
function restoredFingerprint(ctx: VaultContext, scratch: EmbeddedVault, record: BackupRecord): Buffer | undefined {
  const environment = scratch.context.environment(record);
  try {
    const { value } = scratch.run(openCurrent(scratch.context, environment, record.name));
    const fingerprint = ctx.fingerprint(value);
    value.fill(0);
    return fingerprint;
  } catch {
    // That is what a drill is to find out: it is told by name, as wrong.
    return undefined;
  }
}

function* knownFingerprint(ctx: VaultContext, record: BackupRecord): Operation<Buffer | undefined> {
  const key = nameKey(record.environment);
  const here = [...ctx.environments.values()].some(
    (one) => nameKey(one.name) === key && nameKey(one.project) === nameKey(record.project),
  );
  if (!here) return undefined;
  const environment = findEnvironment(ctx.environments.values(), record, () => true);
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(record.name) });
  const version = row && (yield* first(findVersion, { secretId: row.id, number: record.version }));
  return version && asBuffer(version.fingerprint);
}

function* keep(ctx: VaultContext, result: DrillResult): Operation<void> {
  const { id, backup, startedAt, tookMs, passed, secrets, same, gone, wrong, times, backupMadeAt } = result;
  const details = JSON.stringify({ same, gone, wrong, times, backupMadeAt });
  const row = { id, backup, started_at: startedAt, took_ms: tookMs, passed: passed ? 1 : 0, secrets, details };
  yield* all(insertDrill, row);
  yield* ctx.log([
    {
      action: 'drill.run',
      outcome: passed ? 'ok' : 'failed',
      details: { drill: id, backup, secrets, same, gone, wrong: wrong.length, ms: tookMs },
    },
  ]);
}

/** The drills since a moment, the newest first. */
export function* listDrills(ctx: VaultContext, since: number, limit: number): Operation<DrillResult[]> {
  yield* ctx.authorize('monitor', { action: 'drill.run' });
  return (yield* all(selectDrills, { since, limit })).map((row) => {
    const details = JSON.parse(row.details) as Pick<DrillResult, 'same' | 'gone' | 'wrong' | 'times' | 'backupMadeAt'>;
    const { id, backup, secrets } = row;
    const passed = row.passed === 1;
    return { id, backup, startedAt: row.started_at, tookMs: row.took_ms, passed, secrets, ...details };
  });
}
