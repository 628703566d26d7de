// What every engine operation is handed: who asks, with which keys, clock and randomness.
import type { KeyObject } from 'node:crypto';
import type { AuditEvent } from '../audit/entry.ts';
import type { AuditLog } from '../audit/log.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { fingerprintOf } from '../crypto/fingerprint.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { RootKey } from '../crypto/root-key.ts';
import type { Suite } from '../crypto/suites/suite.ts';
import { AccessDeniedError } from '../errors.ts';
import { selectKeys } from '../store/keys.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import { selectEnvironments } from '../store/places.ts';
import { selectGeneration } from '../store/vault-facts.ts';
import { type AccessScope, denial, type OperationName } from './access.ts';
import { Keyring } from './keyring.ts';
import { type Environment, findEnvironment, type Place } from './places.ts';

export interface VaultContextOptions {
  readonly clock: () => number;
  readonly random: RandomSource;
  /** Who asks; every entry of the audit log names it. */
  readonly principal: string;
  readonly suite: Suite;
  readonly catalog: Catalog;
  readonly scope: AccessScope;
  readonly audit: AuditLog;
  readonly rootKey: RootKey;
  readonly keyring: Keyring;
  readonly environments: ReadonlyMap<number, Environment>;
}

export class VaultContext {
  readonly clock: () => number;
  readonly random: RandomSource;
  readonly principal: string;
  readonly suite: Suite;
  readonly catalog: Catalog;
  readonly scope: AccessScope;
  readonly audit: AuditLog;
  rootKey: RootKey;
  keyring: Keyring;
  environments: ReadonlyMap<number, Environment>;
  /** Told, now and then, how many secrets (or entries) an operation has done: for a progress bar. */
  onProgress: (done: number, total?: number) => void = () => undefined;
  #fingerprintKey: KeyObject | undefined;

  constructor(options: VaultContextOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.principal = options.principal;
    this.suite = options.suite;
    this.catalog = options.catalog;
    this.scope = options.scope;
    this.audit = options.audit;
    this.rootKey = options.rootKey;
    this.keyring = options.keyring;
    this.environments = options.environments;
  }

  fingerprint(value: Uint8Array): Buffer {
    this.#fingerprintKey ??= this.keyring.fingerprintKey;
    return fingerprintOf(this.#fingerprintKey, value);
  }

  /** Whether the scope allows it, without a word in the log: to leave out of a list what the caller may not see. */
  mayReach(operation: OperationName, environment: string, name: string): boolean {
    return denial(this.scope, operation, { environment, name }) === undefined;
  }

  environment(at: Place): Environment {
    return findEnvironment(this.environments.values(), at);
  }

  /** Reads keys and environments anew, keeping the keys that are open already. */
  *refresh(): Operation<void> {
    const loaded = yield* loadKeyring(this.rootKey, this.keyring);
    this.keyring = loaded.keyring;
    this.environments = loaded.environments;
  }

  /**
   * Makes sure that this process has the keys of now. First in every write transaction: another process may have
   * started a new data key a moment ago.
   */
  *beginChange(): Operation<void> {
    const generation = yield* first(selectGeneration, {});
    if (generation && generation.keys !== this.keyring.generation) yield* this.refresh();
  }

  /**
   * Refuses what the scope does not allow; the attempt is durable in the audit log before the error is thrown.
   * Not inside a transaction: the entry must stay when the rest does not.
   */
  *authorize(operation: OperationName, event: AuditEvent): Operation<void> {
    const why = denial(this.scope, operation, {
      ...(event.environment && { environment: event.environment }),
      ...(event.secret && { name: event.secret }),
    });
    if (!why) return;
    const details = { ...event.details, reason: why };
    yield* transaction(this.audit.append([{ ...event, outcome: 'denied', details }]));
    throw new AccessDeniedError(
      `${this.principal} may not do that here: ${why}.`,
      'Ask whoever set the scope, or open the vault without one.',
    );
  }
}

/** Loads the keyring and the environments that its keys belong to. */
export function* loadKeyring(
  root: RootKey,
  before?: Keyring,
): Operation<{ keyring: Keyring; environments: ReadonlyMap<number, Environment> }> {
  const generation = yield* first(selectGeneration, {});
  const environments = new Map<number, Environment>();
  for (const row of yield* all(selectEnvironments, {})) {
    environments.set(row.id, { id: row.id, name: row.name, project: row.project, createdAt: row.created_at });
  }
  const rows = yield* all(selectKeys, {});
  const opened = new Map(before?.opened);
  for (const row of rows) if (row.state === 'destroyed') opened.delete(row.key_id);
  return { keyring: new Keyring(root, rows, environments, generation?.keys ?? 0, opened), environments };
}
