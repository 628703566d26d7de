// The embedded vault: one process's opening of the vault in a folder. It joins store, keys, audit log and context, and
// runs operations to their end in the call.
import { hostname, userInfo } from 'node:os';
import { GroupCommit } from '../audit/group-commit.ts';
import { AuditLog, EMBEDDED_CHAIN } from '../audit/log.ts';
import { Catalog } from '../catalog/catalog.ts';
import { type RandomSource, systemRandom } from '../crypto/random.ts';
import { DEFAULT_SUITE } from '../crypto/suites/registry.ts';
import type { Suite } from '../crypto/suites/suite.ts';
import { StoreError } from '../errors.ts';
import { createStore, openStore, type StorePlace } from '../store/open-store.ts';
import { type Operation, transaction } from '../store/operation.ts';
import { perform } from '../store/perform.ts';
import type { SqliteOptions } from '../store/sqlite.ts';
import type { VaultStore } from '../store/vault-store.ts';
import { type AccessScope, scopedAccess } from './access.ts';
import { loadKeyring, VaultContext, VaultState } from './context.ts';
import { ensureEnvironment, initializeVault } from './create.ts';
import { type Facts, readFacts } from './facts.ts';
import type { VaultHome } from './home.ts';
import { DEFAULT_PROJECT, STANDARD_ENVIRONMENTS } from './names.ts';
import { logReads, type OpenedVersion } from './read.ts';
import {
  configuredRootKey,
  createRootKeyFile,
  type Env,
  type FoundRootKey,
  findRootKey,
  leaseFor,
  newPassphraseParameters,
} from './root-key-files.ts';

export interface VaultOptions extends SqliteOptions {
  readonly home: VaultHome;
  readonly env: Env;
  readonly clock?: () => number;
  readonly random?: RandomSource;
  /** Who asks; the operating system's user where not given. */
  readonly principal?: string;
  /** What program asks, in a few words; the process id is added. */
  readonly source?: string;
  readonly catalog?: Catalog;
  readonly scope?: AccessScope;
  /** The suite for new versions. */
  readonly suite?: Suite;
}

export interface CreatedVault {
  readonly vault: EmbeddedVault;
  /** The key file that was made, where no key was given. */
  readonly rootKeyFile: string | undefined;
}

/** The operating system's user; its number where it has no name (a container). */
function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch {
    // userInfo throws where the user id has no entry in the password database.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

/** Where a vault's store is. */
export function storePlace({ home, env }: Pick<VaultOptions, 'home' | 'env'>): StorePlace {
  return { file: home.database, url: env.KEYTURN_DATABASE_URL || undefined };
}

function vaultExists(path: string): StoreError {
  return new StoreError('KT_VAULT_EXISTS', {
    what: `There is a vault at ${path} already.`,
    left: 'It was not touched.',
  });
}

export class EmbeddedVault {
  readonly home: VaultHome;
  readonly store: VaultStore;
  readonly context: VaultContext;
  /** Where the root key came from, and whether it is one kept for a change. */
  readonly rootKeySource: Omit<FoundRootKey, 'rootKey'>;
  readonly #reads: GroupCommit<OpenedVersion>;

  private constructor(options: VaultOptions, store: VaultStore, facts: Facts, root: FoundRootKey) {
    this.home = options.home;
    this.store = store;
    this.rootKeySource = { label: root.label, previous: root.previous, wrapped: root.wrapped };
    const clock = options.clock ?? Date.now;
    const principal = options.principal ?? operatingSystemUser();
    const { keyring, environments } = store.run(loadKeyring(root.rootKey));
    const audit = new AuditLog({
      vaultId: facts.vaultId,
      chain: EMBEDDED_CHAIN,
      macKey: keyring.auditKey,
      signingKey: () => this.context.keyring.signingKey(),
      clock,
    });
    const state = new VaultState({
      clock,
      random: options.random ?? systemRandom,
      suite: options.suite ?? DEFAULT_SUITE,
      catalog: options.catalog ?? new Catalog(),
      rootKey: root.rootKey,
      audit,
      keyring,
      environments,
    });
    state.lease = leaseFor(root.wrapped, options.env, clock);
    const source = `${options.source ?? 'embedded'} ${process.pid}@${hostname()}`;
    this.context = new VaultContext(state, { principal, source }, scopedAccess(options.scope ?? {}));
    this.#reads = new GroupCommit((opened) => this.run(logReads(this.context, opened, {})));
  }

  /**
   * Makes a vault in the folder: its database, its keys, the standard environments, and a root key file (mode 0600)
   * where no root key is given. A making that was cut off is finished by the next call.
   * @throws StoreError KT_VAULT_EXISTS, …; RootKeyError
   */
  static create(options: VaultOptions): CreatedVault {
    const { home, env } = options;
    const random = options.random ?? systemRandom;
    const store = EmbeddedVault.#newStore(options);
    let source = configuredRootKey(home, env);
    const rootKeyFile = source ? undefined : home.rootKeyFile;
    source ??= createRootKeyFile(home, random, env);
    const passphrase = source.passphrase ? newPassphraseParameters(random) : undefined;
    const rootKey = source.rootKey(passphrase);
    const now = (options.clock ?? Date.now)();
    try {
      store.run(transaction(initializeVault({ rootKey, passphrase, random, now })));
    } catch (error) {
      store.close();
      throw error;
    }
    const facts = store.run(readFacts());
    if (!facts) throw new StoreError('KT_STORE_UNUSABLE', { what: 'The new vault has no facts.' });
    const root = { rootKey, label: source.label, previous: false, wrapped: source.wrapped };
    const vault = new EmbeddedVault(options, store, facts, root);
    vault.run(transaction(vault.context.log([{ action: 'vault.create' }])));
    vault.#ensureStandardEnvironments();
    return { vault, rootKeyFile };
  }

  /** A new file, or one whose making was cut off before its facts were there. */
  static #newStore(options: VaultOptions): VaultStore {
    const place = storePlace(options);
    try {
      const made = createStore(place, options);
      if (!made.run(readFacts())) return made;
      made.close();
      throw vaultExists(made.path);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'KT_VAULT_EXISTS' || place.url !== undefined) throw error;
      const { store } = openStore(place, options);
      if (!store.run(readFacts())) return store;
      store.close();
      throw error;
    }
  }

  #ensureStandardEnvironments(): void {
    for (const environment of STANDARD_ENVIRONMENTS) {
      this.run(ensureEnvironment(this.context, { project: DEFAULT_PROJECT, environment }));
    }
  }

  /**
   * Opens the vault in the folder.
   * @throws StoreError KT_VAULT_NOT_FOUND, …; RootKeyError KT_ROOT_KEY_MISSING, KT_ROOT_KEY_WRONG
   */
  static open(options: VaultOptions): EmbeddedVault {
    const { home, env } = options;
    const { store } = openStore(storePlace(options), options);
    try {
      const facts = store.run(readFacts());
      if (!facts) {
        throw new StoreError('KT_VAULT_NOT_FOUND', {
          what: `There is no vault at ${store.path}: its making was cut off.`,
          left: 'It holds nothing.',
          next: 'Finish it with `keyturn init`.',
        });
      }
      return new EmbeddedVault(options, store, facts, findRootKey(home, env, facts.rootKeyId, facts.passphrase));
    } catch (error) {
      store.close();
      throw error;
    }
  }

  /** Runs an operation to its end. @throws StoreError KT_VAULT_CLOSED after `close` */
  run<T>(operation: Operation<T>): T {
    return this.store.run(operation);
  }

  /** Runs an operation that waits for things outside of the store: providers, destinations, channels. */
  perform<T>(operation: Operation<T>): Promise<T> {
    return perform((part) => this.store.run(part), operation);
  }

  /** Makes a read durable in the log in the company of others: all reads of one moment share one write. */
  logTogether(opened: OpenedVersion): Promise<void> {
    return this.#reads.add(opened);
  }

  close(): void {
    this.context.state.lease?.stop();
    this.store.close();
  }
}
