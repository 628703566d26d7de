// Backups as operations: gathering what a backup holds, and bringing values back as new versions.
import { nameKey } from '../catalog/catalog.ts';
import { asBuffer, equalBytes } from '../crypto/bytes.ts';
import type { PassphraseParameters } from '../crypto/root-key-source.ts';
import { all, first, logTransaction, type Operation, transaction } from '../store/operation.ts';
import { findSecret, findVersion, selectSealedPage } from '../store/statements/secrets.ts';
import { selectFacts } from '../store/statements/vault-facts.ts';
import { type BackupRecord, sealBackup } from './backup-format.ts';
import type { VaultContext } from './context.ts';
import type { Environment } from './places.ts';
import { openVersion } from './read.ts';
import { environmentPlace, setInTransaction } from './write.ts';

/**
 * Seals every secret's version in use, in all projects and environments, into the text of a backup file.
 * The log has it before it is given.
 */
export function* createBackup(
  ctx: VaultContext,
  reason: 'asked' | 'rotation' | 'restore',
): Operation<{ text: string; secrets: number }> {
  // Who may rotate may make the backup that a rotation begins with, and was asked about that.
  if (reason !== 'rotation') yield* ctx.authorize('backup', { action: 'backup.create' });
  const records: BackupRecord[] = [];
  for (const environment of ctx.environments.values()) records.push(...(yield* recordsOf(ctx, environment)));
  const facts = { vault: ctx.audit.vaultId, now: ctx.clock(), passphrase: yield* passphraseParameters() };
  const text = sealBackup(ctx.rootKey, records, facts, ctx.random);
  for (const record of records) record.value.fill(0);
  const details = { reason, secrets: records.length };
  yield* logTransaction(ctx.log([{ action: 'backup.create', details }]));
  return { text, secrets: records.length };
}

/** The vault's passphrase parameters, where its root key comes from a passphrase. */
function* passphraseParameters(): Operation<PassphraseParameters | undefined> {
  const rows = yield* all(selectFacts, {});
  const text = rows.find((row) => row.key === 'passphrase')?.value;
  return text === undefined ? undefined : (JSON.parse(text) as PassphraseParameters);
}

function* recordsOf(ctx: VaultContext, environment: Environment): Operation<BackupRecord[]> {
  const records: BackupRecord[] = [];
  const limit = 500;
  let after = '';
  for (;;) {
    const rows = yield* all(selectSealedPage, { environmentId: environment.id, after, limit });
    for (const row of rows) {
      const again = first(findVersion, { secretId: row.id, number: row.number });
      records.push({
        ...environmentPlace(environment),
        name: row.name,
        type: row.type,
        intervalDays: row.interval_days,
        owner: row.owner,
        labels: JSON.parse(row.labels) as Record<string, string>,
        version: row.number,
        rotatedAt: row.rotated_at,
        value: yield* openVersion(ctx, environment, row.name_key, row, again),
      });
    }
    ctx.onProgress(records.length);
    const last = rows.at(-1);
    if (!last || rows.length < limit) return records;
    after = last.name_key;
  }
}

export interface RestoreLine {
  readonly project: string;
  readonly environment: string;
  readonly name: string;
  /** What a restore does (or, in a dry run, would do) with it. */
  readonly outcome: 'unchanged' | 'new-version' | 'added';
  readonly version: number;
}

/** Names compare without case; none given means all. */
export function selectRecords(records: readonly BackupRecord[], names: readonly string[]): BackupRecord[] {
  if (names.length === 0) return [...records];
  const wanted = new Set(names.map(nameKey));
  return records.filter((record) => wanted.has(nameKey(record.name)));
}

/** What restoring would change. Writes nothing. */
export function* planRestore(ctx: VaultContext, records: readonly BackupRecord[]): Operation<RestoreLine[]> {
  const lines: RestoreLine[] = [];
  for (const record of records) {
    const environment = ctx.environment(record);
    const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(record.name) });
    const where = { project: record.project, environment: record.environment, name: record.name };
    if (!row || row.deleted_at !== null || row.current_version === 0) {
      lines.push({ ...where, outcome: 'added', version: (row?.latest_version ?? 0) + 1 });
      continue;
    }
    const version = yield* first(findVersion, { secretId: row.id, number: row.current_version });
    const same = version && equalBytes(asBuffer(version.fingerprint), ctx.fingerprint(record.value));
    lines.push(
      same
        ? { ...where, outcome: 'unchanged', version: row.current_version }
        : { ...where, outcome: 'new-version', version: row.latest_version + 1 },
    );
  }
  return lines;
}

/**
 * Restores records: each that differs becomes a new version; history is never rewritten. One transaction: all or none.
 * The environments must be there.
 */
export function* restoreRecords(
  ctx: VaultContext,
  records: readonly BackupRecord[],
  file: string,
): Operation<RestoreLine[]> {
  yield* ctx.authorize('restore', { action: 'backup.restore' });
  return yield* transaction(restoreInTransaction(ctx, records, file));
}

function* restoreInTransaction(
  ctx: VaultContext,
  records: readonly BackupRecord[],
  file: string,
): Operation<RestoreLine[]> {
  const lines = yield* planRestore(ctx, records);
  let changed = 0;
  for (const [index, record] of records.entries()) {
    if (lines[index]?.outcome === 'unchanged') continue;
    changed += 1;
    ctx.onProgress(index, records.length);
    yield* setInTransaction(ctx, ctx.environment(record), {
      at: record,
      name: record.name,
      value: record.value,
      type: record.type,
      intervalDays: record.intervalDays,
      owner: record.owner,
      labels: record.labels,
      origin: 'restore',
    });
  }
  const details = { file, secrets: records.length, changed };
  yield* ctx.log([{ action: 'backup.restore', details }]);
  return lines;
}
