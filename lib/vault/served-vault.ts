// The vault as a server opens it: many callers at once, each with a context of its own, over one store that may be
// shared with other servers.

import type { Actor, AuditEvent } from '../audit/entry.ts';
import { AuditLog } from '../audit/log.ts';
import { Catalog } from '../catalog/catalog.ts';
import { type RandomSource, systemRandom } from '../crypto/random.ts';
import type { SealingKey } from '../crypto/sealing-key.ts';
import { DEFAULT_SUITE } from '../crypto/suites/registry.ts';
import type { Suite } from '../crypto/suites/suite.ts';
import { StoreError } from '../errors.ts';
import { all, logTransaction, type Operation, quietTransaction, transaction } from '../store/operation.ts';
import type { ServedStore } from '../store/served-store.ts';
import { touchToken } from '../store/statements/access.ts';
import { addUsage } from '../store/statements/secrets.ts';
import { bumpKeys } from '../store/statements/vault-facts.ts';
import { type Access, scopedAccess } from './access.ts';
import { CommitGroups } from './commit-groups.ts';
import { loadKeyring, VaultContext, VaultState } from './context.ts';
import { createKey, ensureEnvironment, initializeVault } from './create.ts';
import { readFacts } from './facts.ts';
import type { VaultHome } from './home.ts';
import { DEFAULT_PROJECT, STANDARD_ENVIRONMENTS } from './names.ts';
import {
  configuredRootKey,
  createRootKeyFile,
  type Env,
  type FoundRootKey,
  findRootKey,
  leaseFor,
  newPassphraseParameters,
  unwrapKeysAhead,
} from './root-key-files.ts';
import { SecretCache } from './secret-cache.ts';
import { UseCounts, type Uses } from './use-counts.ts';

/** How often, in ms, counted reads are written down, and checkpoints are looked after. */
const HOUSEKEEPING_MS = 5_000;
/** Checkpoints that come with entries are at least this long (ms) apart. */
const CHECKPOINT_MS = 1_000;
/** A checkpoint is due after this long (ms) in any case, if there was an entry. */
const CHECKPOINT_MAX_MS = 60 * 60 * 1000;
const CACHED_VALUES = 10_000;

export interface ServedVaultOptions {
  readonly home: VaultHome;
  readonly env: Env;
  readonly store: ServedStore;
  readonly clock?: () => number;
  readonly random?: RandomSource;
  readonly catalog?: Catalog;
  readonly suite?: Suite;
  /** The server's own name in the log, for what it does by itself. */
  readonly source: string;
  /** How many opened values are kept in memory: 10,000 where not given, 0 for none. */
  readonly cachedValues?: number;
  /** Told when housekeeping fails; what was counted is kept for the next turn. */
  readonly onError?: (error: unknown) => void;
}

export class ServedVault {
  readonly home: VaultHome;
  readonly store: ServedStore;
  readonly state: VaultState;
  readonly cache: SecretCache;
  /** The server itself: what it does without being asked. */
  readonly system: VaultContext;
  readonly rootKeySource: Omit<FoundRootKey, 'rootKey'>;
  readonly #groups: CommitGroups;
  readonly #separateCheckpoints: boolean;
  readonly #serverKey: SealingKey;
  readonly #reads = new UseCounts<number>();
  readonly #tokens = new UseCounts<string>();
  readonly #onError: (error: unknown) => void;
  readonly #listeners: (() => void)[] = [];
  readonly #writeListeners: (() => void)[] = [];
  #entriesSince = 0;
  #checkpointedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #working: Promise<void> = Promise.resolve();

  private constructor(
    options: ServedVaultOptions,
    state: VaultState,
    serverKey: SealingKey,
    rootKeySource: Omit<FoundRootKey, 'rootKey'>,
  ) {
    this.home = options.home;
    this.store = options.store;
    this.state = state;
    this.rootKeySource = rootKeySource;
    this.#serverKey = serverKey;
    this.#onError = options.onError ?? (() => undefined);
    this.#separateCheckpoints = options.store.chain() !== 'main';
    this.#groups = new CommitGroups(options.store, state.audit);
    this.cache = new SecretCache(options.cachedValues ?? CACHED_VALUES);
    this.system = new VaultContext(state, { principal: 'keyturn', source: options.source }, scopedAccess({}));
    this.store.onChange(() => this.#changed());
    this.store.onUndone(() => state.audit.forgetHead());
    this.#timer = setInterval(() => this.#housekeep(), HOUSEKEEPING_MS).unref();
  }

  /**
   * Opens the vault in a store; makes one where there is none.
   * @throws RootKeyError where its root key is not at hand; StoreError
   */
  static async open(options: ServedVaultOptions): Promise<ServedVault> {
    const { home, env, store } = options;
    const clock = options.clock ?? Date.now;
    const random = options.random ?? systemRandom;
    let made = false;
    let facts = await store.run(readFacts());
    let root: FoundRootKey;
    await unwrapKeysAhead(home, env);
    if (facts) {
      root = findRootKey(home, env, facts.rootKeyId, facts.passphrase);
    } else {
      const source = configuredRootKey(home, env) ?? createRootKeyFile(home, random, env);
      const passphrase = source.passphrase ? newPassphraseParameters(random) : undefined;
      const { label, wrapped } = source;
      root = { rootKey: source.rootKey(passphrase), label, previous: false, wrapped };
      await store.run(transaction(initializeVault({ rootKey: root.rootKey, passphrase, random, now: clock() })));
      facts = await store.run(readFacts());
      made = true;
    }
    if (!facts) throw new StoreError('KT_STORE_UNUSABLE', { what: 'The vault has no facts.' });
    const loaded = await store.run(loadKeyring(root.rootKey));
    let { keyring } = loaded;
    const state: VaultState = new VaultState({
      clock,
      random,
      suite: options.suite ?? DEFAULT_SUITE,
      catalog: options.catalog ?? new Catalog(),
      rootKey: root.rootKey,
      keyring,
      environments: loaded.environments,
      audit: new AuditLog({
        vaultId: facts.vaultId,
        chain: () => store.chain(),
        macKey: keyring.auditKey,
        signingKey: () => state.keyring.signingKey(),
        clock,
        checkpointEvery: store.chain() === 'main' ? CHECKPOINT_MS : 'never',
        soleWriter: store.chain() !== 'main',
      }),
    });
    if (!keyring.serverKey) {
      await store.run(transaction(ensureServerKey(state)));
      await store.run(state.refresh());
      keyring = state.keyring;
    }
    const { serverKey } = keyring;
    if (!serverKey) throw new StoreError('KT_STORE_UNUSABLE', { what: 'The vault has no key for its server.' });
    const { rootKey: _, ...from } = root;
    const vault = new ServedVault(options, state, serverKey, from);
    state.lease = leaseFor(root.wrapped, env, clock);
    if (made) await vault.#furnish();
    return vault;
  }

  /** What a new vault starts with. */
  async #furnish(): Promise<void> {
    await this.run(transaction(this.system.log([{ action: 'vault.create' }])));
    for (const environment of STANDARD_ENVIRONMENTS) {
      await this.run(ensureEnvironment(this.system, { project: DEFAULT_PROJECT, environment }));
    }
  }

  get clock(): () => number {
    return this.state.clock;
  }

  /** The key that a server's own keys are derived from: of tokens, of sessions, of what it keeps sealed. */
  get serverKey(): SealingKey {
    return this.#serverKey;
  }

  context(actor: Actor, access: Access): VaultContext {
    return new VaultContext(this.state, actor, access);
  }

  /** Calls back when anything may have changed, here or elsewhere, that is kept in memory. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Calls back when anything may have changed at all, values of secrets too: often, so it has to be cheap. */
  onWrite(listener: () => void): void {
    this.#writeListeners.push(listener);
  }

  /**
   * Runs an operation by itself. For what has many steps, waits for something outside, changes who may do what, or turns the
   * vault's keys. What is kept in memory is forgotten with each of its commits, not only at its end.
   */
  async run<T>(operation: Operation<T>): Promise<T> {
    try {
      return await this.store.run(afterCommits(operation, () => this.#changed()));
    } finally {
      this.#changed();
    }
  }

  /** Runs an operation that changes nothing but the log, without touching what is kept in memory. */
  read<T>(operation: Operation<T>): Promise<T> {
    return this.store.run(operation);
  }

  /** Runs a change of secrets in the company of others: they share one sync to the disk. */
  async together<T>(operation: Operation<T>): Promise<T> {
    try {
      return await this.#groups.run(operation);
    } finally {
      this.cache.clear();
      for (const listener of this.#writeListeners) listener();
    }
  }

  /** Makes an event durable, in the company of others. */
  log(event: AuditEvent, actor: Actor): Promise<void> {
    this.#entriesSince += 1;
    return this.#groups.log(event, actor);
  }

  /** Counts a read of a secret; written down every few seconds. The log has each of them by itself. */
  countRead(secretId: number, at: number, by: string): void {
    this.#reads.add(secretId, at, by);
  }

  /** Counts a use of a token. @param from the address that it came from */
  countToken(id: string, at: number, from: string): void {
    this.#tokens.add(id, at, from);
  }

  /** Writes what was counted, and signs how far the log has come. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.state.lease?.stop();
    await this.#groups.drained();
    await this.#working;
    try {
      await this.#writeUsage();
      if (this.#separateCheckpoints && this.#entriesSince > 0) {
        await this.store.run(quietTransaction(this.state.audit.checkpoint()));
      }
    } finally {
      this.cache.clear();
      await this.store.close();
    }
  }

  #changed(): void {
    this.cache.clear();
    for (const listener of this.#listeners) listener();
    for (const listener of this.#writeListeners) listener();
  }

  #housekeep(): void {
    // A database that is away is met again at the next turn; what was counted is kept until then.
    this.#working = this.#working.then(() => this.#writeUsage().then(() => this.#checkpoint())).catch(this.#onError);
  }

  async #writeUsage(): Promise<void> {
    const reads = this.#reads.take();
    const tokens = this.#tokens.take();
    if (reads.length + tokens.length === 0) return;
    try {
      await this.store.run(logTransaction(writeUsage(reads, tokens)));
    } catch (error) {
      for (const [id, { at, by, count }] of reads) this.#reads.add(id, at, by, count);
      for (const [id, { at, by, count }] of tokens) this.#tokens.add(id, at, by, count);
      throw error;
    }
  }

  async #checkpoint(): Promise<void> {
    const due = this.clock() - this.#checkpointedAt > CHECKPOINT_MAX_MS || this.#entriesSince >= 256;
    if (!this.#separateCheckpoints || this.#entriesSince === 0 || !due) return;
    this.#entriesSince = 0;
    this.#checkpointedAt = this.clock();
    await this.store.run(quietTransaction(this.state.audit.checkpoint()));
  }
}

/** Hands an operation's steps on, and calls back after each outermost commit of something that others keep in memory. */
function* afterCommits<T>(operation: Operation<T>, committed: () => void): Operation<T> {
  const telling: boolean[] = [];
  let next = operation.next([]);
  while (!next.done) {
    const step = next.value;
    let rows: readonly unknown[];
    try {
      rows = yield step;
    } catch (error) {
      if (step.kind === 'commit' || step.kind === 'rollback') telling.pop();
      next = operation.throw(error);
      continue;
    }
    if (step.kind === 'begin') telling.push(step.tells);
    else if (step.kind === 'commit' || step.kind === 'rollback') {
      const tells = telling.pop();
      if (tells && telling.length === 0) committed();
    }
    next = operation.next(rows);
  }
  return next.value;
}

function* writeUsage(
  reads: readonly (readonly [number, Uses])[],
  tokens: readonly (readonly [string, Uses])[],
): Operation<void> {
  for (const [secretId, { count, at, by }] of reads) yield* all(addUsage, { secretId, reads: count, at, by });
  for (const [id, { count, at, by }] of tokens) yield* all(touchToken, { id, at, from: by, uses: count });
}

/** Servers that start together make one key. */
function* ensureServerKey(state: VaultState): Operation<void> {
  yield* state.refresh();
  if (state.keyring.serverKey) return;
  yield* createKey(state.rootKey, state.random, { purpose: 'server', number: 1, now: state.clock() });
  yield* all(bumpKeys, {});
}
