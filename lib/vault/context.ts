// What every engine operation is handed: who asks, with which keys, clock and randomness.
import type { KeyObject } from 'node:crypto';
import type { Actor, AuditEvent } from '../audit/entry.ts';
import type { AuditLog } from '../audit/log.ts';
import { type Catalog, nameKey } from '../catalog/catalog.ts';
import { fingerprintOf } from '../crypto/fingerprint.ts';
import { LeakKey } from '../crypto/leak-print.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { RootKey } from '../crypto/root-key.ts';
import type { Suite } from '../crypto/suites/suite.ts';
import { AccessDeniedError } from '../errors.ts';
import { all, first, logTransaction, type Operation } from '../store/operation.ts';
import { selectKeys } from '../store/statements/keys.ts';
import { selectEnvironments } from '../store/statements/places.ts';
import { selectGeneration } from '../store/statements/vault-facts.ts';
import type { Access } from './access.ts';
import { Keyring } from './keyring.ts';
import type { KmsLease } from './kms/lease.ts';
import { type Environment, findEnvironment, type Place, projectNotFound } from './places.ts';
import type { Permission } from './policy.ts';

export interface VaultStateOptions {
  readonly clock: () => number;
  readonly random: RandomSource;
  readonly suite: Suite;
  readonly catalog: Catalog;
  readonly audit: AuditLog;
  readonly rootKey: RootKey;
  readonly keyring: Keyring;
  readonly environments: ReadonlyMap<number, Environment>;
}

/** What all callers of one opened vault share: keys and environments, as this process last saw them. */
export class VaultState {
  readonly clock: () => number;
  readonly random: RandomSource;
  readonly suite: Suite;
  readonly catalog: Catalog;
  readonly audit: AuditLog;
  rootKey: RootKey;
  keyring: Keyring;
  environments: ReadonlyMap<number, Environment>;
  /** Where a key service wraps the root key: whether values may be opened, and things changed, now. */
  lease: KmsLease | undefined;
  #fingerprintKey: KeyObject | undefined;
  #leakKey: LeakKey | undefined;

  constructor(options: VaultStateOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.suite = options.suite;
    this.catalog = options.catalog;
    this.audit = options.audit;
    this.rootKey = options.rootKey;
    this.keyring = options.keyring;
    this.environments = options.environments;
  }

  get fingerprintKey(): KeyObject {
    this.#fingerprintKey ??= this.keyring.fingerprintKey;
    return this.#fingerprintKey;
  }

  get leakKey(): LeakKey {
    this.#leakKey ??= new LeakKey(this.keyring.leakKey);
    return this.#leakKey;
  }

  /** Reads keys and environments anew, keeping the keys that are open already. */
  *refresh(): Operation<void> {
    const loaded = yield* loadKeyring(this.rootKey, this.keyring);
    this.keyring = loaded.keyring;
    this.environments = loaded.environments;
  }
}

/** One caller's view of an opened vault. */
export class VaultContext {
  readonly state: VaultState;
  readonly actor: Actor;
  readonly access: Access;
  /** Told, now and then, how many secrets (or entries) an operation has done: for a progress bar. */
  onProgress: (done: number, total?: number) => void = () => undefined;

  /**
   * @param actor who asks; every entry of the audit log names it
   * @param access what it may do
   */
  constructor(state: VaultState, actor: Actor, access: Access) {
    this.state = state;
    this.actor = actor;
    this.access = access;
  }

  get clock(): () => number {
    return this.state.clock;
  }

  get random(): RandomSource {
    return this.state.random;
  }

  get suite(): Suite {
    return this.state.suite;
  }

  get catalog(): Catalog {
    return this.state.catalog;
  }

  get audit(): AuditLog {
    return this.state.audit;
  }

  get principal(): string {
    return this.actor.principal;
  }

  get rootKey(): RootKey {
    return this.state.rootKey;
  }

  set rootKey(to: RootKey) {
    this.state.rootKey = to;
  }

  get keyring(): Keyring {
    return this.state.keyring;
  }

  get environments(): ReadonlyMap<number, Environment> {
    return this.state.environments;
  }

  fingerprint(value: Uint8Array): Buffer {
    return fingerprintOf(this.state.fingerprintKey, value);
  }

  /** Appends to the audit log, in the caller's transaction. */
  log(events: readonly AuditEvent[]): Operation<void> {
    return this.audit.append(events, this.actor);
  }

  /** Whether it is allowed, without a word in the log: to leave out of a list what the caller may not see. */
  mayReach(permission: Permission, environment: Environment, name: string): boolean {
    return this.access.denial(permission, { ...placeOf(environment), name }) === undefined;
  }

  /** @throws NotFoundError, the same for a project that is not there and one that the caller has nothing to do with */
  environment(at: Place): Environment {
    return findEnvironment(this.environments.values(), at, (project) => this.access.knows(project));
  }

  /** @throws NotFoundError, as `environment` does */
  project(name: string): { readonly id: number; readonly name: string } {
    const [found] = this.projectEnvironments(name);
    if (found) return { id: found.projectId, name: found.project };
    throw projectNotFound(name);
  }

  /** A project's environments, in the order in which they were made; none where the caller has nothing to do with it. */
  projectEnvironments(name: string): Environment[] {
    const key = nameKey(name);
    return [...this.environments.values()].filter(
      (one) => nameKey(one.project) === key && this.access.knows(one.project),
    );
  }

  refresh(): Operation<void> {
    return this.state.refresh();
  }

  /**
   * Makes sure that this process has the keys of now. First in every write transaction: another process may have
   * started a new data key a moment ago.
   */
  *beginChange(): Operation<void> {
    this.state.lease?.beforeChange();
    const generation = yield* first(selectGeneration, {});
    if (generation && generation.keys !== this.keyring.generation) yield* this.refresh();
  }

  /**
   * The one place that asks whether something may be done. Refuses what may not; the attempt is durable in the audit log
   * before the error is thrown. Not inside a transaction: the entry must stay when the rest does not.
   */
  *authorize(permission: Permission, event: AuditEvent): Operation<void> {
    const why = this.access.denial(permission, {
      ...(event.project && { project: event.project }),
      ...(event.environment && { environment: event.environment }),
      ...(event.secret && { name: event.secret }),
    });
    if (!why) return;
    const details = { ...event.details, reason: why };
    yield* logTransaction(this.log([{ ...event, outcome: 'denied', details }]));
    throw new AccessDeniedError(
      `${this.principal} may not do that here: ${why}.`,
      'Ask whoever set the scope, or open the vault without one.',
    );
  }
}

function placeOf({ project, name }: Environment): { project: string; environment: string } {
  return { project, environment: name };
}

/** Loads the keyring and the environments that its keys belong to. */
export function* loadKeyring(
  root: RootKey,
  before?: Keyring,
): Operation<{ keyring: Keyring; environments: ReadonlyMap<number, Environment> }> {
  const generation = yield* first(selectGeneration, {});
  const environments = new Map<number, Environment>();
  for (const row of yield* all(selectEnvironments, {})) {
    environments.set(row.id, {
      id: row.id,
      name: row.name,
      project: row.project,
      createdAt: row.created_at,
      projectId: row.project_id,
      twoPeople: row.two_people === 1,
    });
  }
  const rows = yield* all(selectKeys, {});
  const opened = new Map(before?.opened);
  for (const row of rows) if (row.state === 'destroyed') opened.delete(row.key_id);
  return { keyring: new Keyring(root, rows, environments, generation?.keys ?? 0, opened), environments };
}
