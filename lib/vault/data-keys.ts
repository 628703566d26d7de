// Turning the vault's own keys: the root key (rewraps the other keys only) and data keys (re-seals versions in batches
// that can be cut off and go on later, while reads and writes go on).
import { nameKey } from '../catalog/catalog.ts';
import { asBuffer } from '../crypto/bytes.ts';
import { openEnvelope, readEnvelopeHeader, sealEnvelope, versionContext } from '../crypto/envelope.ts';
import type { RootKey } from '../crypto/root-key.ts';
import type { PassphraseParameters } from '../crypto/root-key-source.ts';
import { DecryptionError, UsageError } from '../errors.ts';
import { all, first, logTransaction, type Operation, transaction } from '../store/operation.ts';
import type { KeyPurpose } from '../store/schema.ts';
import { countVersionsByKey, destroyKey, retireKey, rewrapKey } from '../store/statements/keys.ts';
import { countVersionsToReseal, replaceEnvelope, selectVersionsToReseal } from '../store/statements/secrets.ts';
import { bumpKeys, deleteFact, putFact } from '../store/statements/vault-facts.ts';
import type { VaultContext } from './context.ts';
import { createKey } from './create.ts';
import { placeOfKey } from './keyring.ts';
import type { Environment, Place } from './places.ts';

export interface KeySummary {
  readonly keyId: string;
  readonly purpose: KeyPurpose;
  readonly environment: string | null;
  readonly number: number;
  readonly state: 'active' | 'retiring' | 'destroyed';
  readonly createdAt: number;
  readonly destroyedAt: number | null;
  /** How many versions are sealed under it; 0 for keys that seal none. */
  readonly versions: number;
}

/** All keys of the vault, by id: never their bytes. */
export function* listKeys(ctx: VaultContext): Operation<{ rootKeyId: string; keys: KeySummary[] }> {
  yield* ctx.authorize('keys', { action: 'key.list' });
  yield* ctx.refresh();
  const counts = new Map<number, number>();
  for (const row of yield* all(countVersionsByKey, {})) counts.set(row.data_key, Number(row.versions));
  yield* logTransaction(ctx.log([{ action: 'key.list' }]));
  const keys = ctx.keyring.rows.map((row): KeySummary => {
    const environment = row.environment_id === null ? undefined : ctx.environments.get(row.environment_id);
    return {
      keyId: row.key_id,
      purpose: row.purpose,
      environment: environment ? `${environment.project}/${environment.name}` : null,
      number: row.number,
      state: row.state,
      createdAt: row.created_at,
      destroyedAt: row.destroyed_at,
      versions: counts.get(row.id) ?? 0,
    };
  });
  return { rootKeyId: ctx.rootKey.id, keys };
}

/**
 * Puts the vault under a new root key: all other keys are rewrapped, in one transaction.
 * @param passphrase the parameters where the new root key comes from a passphrase
 * @returns how many keys were rewrapped
 */
export function* rotateRootKey(
  ctx: VaultContext,
  to: RootKey,
  passphrase: PassphraseParameters | undefined,
): Operation<number> {
  yield* ctx.authorize('keys', { action: 'key.rotate_root' });
  if (to.id === ctx.rootKey.id) {
    throw new UsageError('The vault is under that root key already.', 'Give a new one.');
  }
  const count = yield* transaction(rewrapAll(ctx, to, passphrase));
  ctx.rootKey = to;
  yield* ctx.refresh();
  return count;
}

function* rewrapAll(ctx: VaultContext, to: RootKey, passphrase: PassphraseParameters | undefined): Operation<number> {
  yield* ctx.refresh();
  let count = 0;
  for (const row of ctx.keyring.rows) {
    if (row.wrapped === null) continue;
    const place = placeOfKey(row, ctx.environments);
    const bytes = ctx.rootKey.unwrap(place, asBuffer(row.wrapped));
    yield* all(rewrapKey, { id: row.id, wrapped: to.wrap(place, bytes, ctx.random) });
    bytes.fill(0);
    count += 1;
  }
  yield* all(putFact, { key: 'root_key_id', value: to.id });
  yield* all(putFact, { key: 'root_rotated_at', value: String(ctx.clock()) });
  if (passphrase) yield* all(putFact, { key: 'passphrase', value: JSON.stringify(passphrase) });
  else yield* all(deleteFact, { key: 'passphrase' });
  yield* all(bumpKeys, {});
  const details = { from: ctx.rootKey.id, to: to.id, keys: count };
  yield* ctx.log([{ action: 'key.rotate_root', details }]);
  return count;
}

/** Where a re-sealing stands. */
export interface ResealProgress {
  readonly done: number;
  readonly total: number;
}

/** How many versions one transaction re-seals: it holds the write lock for some 10 ms. */
export const RESEAL_BATCH = 500;

/** One environment's change of data key. Each method is an operation of its own; others may come in between. */
export class DataKeyRotation {
  readonly environment: Environment;
  readonly #ctx: VaultContext;
  #after = { secret: 0, number: 0 };
  #done = 0;
  #total = 0;

  constructor(ctx: VaultContext, at: Place) {
    this.#ctx = ctx;
    this.environment = ctx.environment(at);
  }

  get progress(): ResealProgress {
    return { done: this.#done, total: this.#total };
  }

  /**
   * Starts a new data key, or takes up a rotation that was cut off.
   * @returns true when one was taken up
   */
  *begin(): Operation<boolean> {
    const event = this.#event({});
    yield* this.#ctx.authorize('keys', event);
    const resumed = yield* transaction(this.#begin());
    // After the commit, never before: a keyring must not hold a key that was rolled back.
    yield* this.#ctx.refresh();
    const dataKey = this.#ctx.keyring.activeDataKey(this.environment.id).row;
    const left = yield* first(countVersionsToReseal, { environmentId: this.environment.id, dataKey });
    this.#total = Number(left?.count ?? 0);
    return resumed;
  }

  *#begin(): Operation<boolean> {
    const ctx = this.#ctx;
    yield* ctx.refresh();
    const mine = ctx.keyring.rows.filter((row) => row.environment_id === this.environment.id);
    if (mine.some((row) => row.state === 'retiring')) return true;
    const active = mine.find((row) => row.state === 'active');
    const number = (active?.number ?? 0) + 1;
    if (active) yield* all(retireKey, { id: active.id });
    yield* createKey(ctx.rootKey, ctx.random, {
      purpose: 'data',
      environment: this.environment,
      number,
      now: ctx.clock(),
    });
    yield* all(bumpKeys, {});
    yield* ctx.log([this.#event({ number })]);
    return false;
  }

  /**
   * Re-seals the next batch, in one transaction.
   * @returns false when nothing was left
   */
  *step(): Operation<boolean> {
    const count = yield* transaction(this.#step());
    this.#done += count;
    return count > 0;
  }

  *#step(): Operation<number> {
    const ctx = this.#ctx;
    yield* ctx.beginChange();
    const dataKey = ctx.keyring.activeDataKey(this.environment.id);
    const rows = yield* all(selectVersionsToReseal, {
      environmentId: this.environment.id,
      dataKey: dataKey.row,
      afterSecret: this.#after.secret,
      afterNumber: this.#after.number,
      limit: RESEAL_BATCH,
    });
    const { project, name } = this.environment;
    for (const row of rows) {
      const envelope = asBuffer(row.envelope);
      const header = readEnvelopeHeader(envelope);
      const old = header && ctx.keyring.byKeyId(header.keyId);
      if (!old) throw new DecryptionError();
      const context = versionContext(nameKey(project), nameKey(name), row.name_key, row.number);
      const value = openEnvelope(old, context, envelope);
      yield* all(replaceEnvelope, {
        secretId: row.secret_id,
        number: row.number,
        envelope: sealEnvelope(dataKey.key, ctx.suite, context, value, ctx.random),
        dataKey: dataKey.row,
      });
      value.fill(0);
      this.#after = { secret: row.secret_id, number: row.number };
    }
    return rows.length;
  }

  /** Destroys the old keys once nothing is sealed under them. */
  *finish(): Operation<void> {
    yield* transaction(this.#finish());
    yield* this.#ctx.refresh();
  }

  *#finish(): Operation<void> {
    const ctx = this.#ctx;
    yield* ctx.refresh();
    const dataKey = ctx.keyring.activeDataKey(this.environment.id).row;
    const left = yield* first(countVersionsToReseal, { environmentId: this.environment.id, dataKey });
    if (Number(left?.count ?? 0) > 0) return;
    for (const row of ctx.keyring.rows) {
      if (row.environment_id !== this.environment.id || row.state !== 'retiring') continue;
      yield* all(destroyKey, { id: row.id, now: ctx.clock() });
      yield* ctx.log([{ ...this.#event({ number: row.number }), action: 'key.destroy' }]);
    }
    yield* all(bumpKeys, {});
  }

  #event(details: Record<string, number>) {
    const { project, name: environment } = this.environment;
    return { action: 'key.rotate_data', project, environment, details } as const;
  }
}
