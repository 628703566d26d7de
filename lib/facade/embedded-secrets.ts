// The facade on a vault of its own, in a file or a database. Opens it when first used; `getSecret` and `setSecret` are
// synchronous, and each is durable, in the audit log too, when it returns.
import type { AuditDetails, AuditEvent } from '../audit/entry.ts';
import { nameKey } from '../catalog/catalog.ts';
import { projectConfig } from '../config/config.ts';
import type { OperationsConfig } from '../config/operations.ts';
import { asUtf8 } from '../crypto/bytes.ts';
import { SecretValue } from '../crypto/secret-value.ts';
import { isKeyturnError, NotFoundError, type StoreError, UsageError } from '../errors.ts';
import type { RotationResult } from '../rotation/results.ts';
import type { Rotator } from '../rotation/rotator.ts';
import type { World } from '../rotation/world.ts';
import { first, transaction } from '../store/operation.ts';
import { findSecret } from '../store/statements/secrets.ts';
import { EmbeddedVault } from '../vault/embedded-vault.ts';
import { vaultHome } from '../vault/home.ts';
import { allSummaries, listSecrets } from '../vault/list.ts';
import { DEFAULT_ENVIRONMENT, DEFAULT_PROJECT } from '../vault/names.ts';
import { OpenedCache } from '../vault/opened-cache.ts';
import type { Place } from '../vault/places.ts';
import { logReads, type OpenedVersion, openCurrent, openNumbered } from '../vault/read.ts';
import type { SecretSummary, SetResult } from '../vault/results.ts';
import { UsageCounter, type UseCount } from '../vault/usage-counter.ts';
import { VersionWatcher } from '../vault/version-watcher.ts';
import { deleteSecret, setSecret } from '../vault/write.ts';
import { KeptSchedule } from './kept-schedule.ts';
import type {
  GetOptions,
  RotatedEvent,
  RotateOptions,
  Secrets,
  SecretsManagerOptions,
  ValidVersion,
} from './secrets.ts';

/** How long, in ms, a value that another process has replaced may still be given. This process's own changes show at once. */
const STALE_MS = 100;
/** How often, in ms, counted reads are written to the audit log. */
const FLUSH_MS = 5_000;
const CACHED_VALUES = 256;
/** How long, in ms, a rotation waits for what is on its way to a destination. */
const PATIENCE_MS = 10 * 60_000;

/** Every open manager, so that one exit handler serves them all. */
const open = new Set<EmbeddedSecrets>();
process.on('exit', () => {
  for (const manager of open) manager.close();
});

export class EmbeddedSecrets implements Secrets {
  readonly #options: SecretsManagerOptions;
  readonly #cache: OpenedCache;
  readonly #usage = new UsageCounter();
  /** First openings that are being written to the log. */
  readonly #pending = new Map<UseCount, Promise<void>>();
  readonly #watcher = new VersionWatcher<RotatedEvent>(
    {
      dataVersion: () => this.#vault().vault.store.dataVersion(),
      versions: () => {
        const { vault, at } = this.#vault();
        return new Map(vault.run(allSummaries(vault.context.environment(at))).map((one) => [one.name, one.version]));
      },
    },
    (change) => ({ ...change, environment: this.#vault().at.environment }),
  );
  #opened: { vault: EmbeddedVault; at: Place; operations: OperationsConfig } | undefined;
  #world: World | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #dataVersion = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #schedule: KeptSchedule | undefined;

  constructor(options: SecretsManagerOptions = {}) {
    this.#options = options;
    this.#cache = new OpenedCache(options.cachedValues ?? CACHED_VALUES);
  }

  /**
   * The value in use, as text. The first reading of a version by this process is durable in the audit log before it
   * returns; repeats are counted and logged every few seconds.
   * @param name compared without case
   * @throws NotFoundError KT_SECRET_NOT_FOUND naming the places looked in; UsageError for a binary value
   *   (`getSecretValue`); StoreError, RootKeyError, DecryptionError, AccessDeniedError
   */
  getSecret(name: string, options: GetOptions = {}): string {
    const cached = this.#cached(name);
    if (cached) return cached.toString('utf8');
    const opened = this.#read(name, options);
    if (typeof opened === 'string') return opened;
    return this.#asText(opened);
  }

  /** The value in use as a `SecretValue`: it does not show itself when printed, and may be binary. */
  getSecretValue(name: string, options: GetOptions = {}): SecretValue {
    const cached = this.#cached(name);
    if (cached) return new SecretValue(cached);
    const opened = this.#read(name, options);
    return typeof opened === 'string' ? SecretValue.fromText(opened) : this.#asValue(opened);
  }

  /** Like `getSecretValue`, for servers: the first readings of one moment share one durable write. */
  async readSecret(name: string): Promise<SecretValue> {
    const cached = this.#cached(name);
    if (cached) return new SecretValue(cached);
    const { vault, at } = this.#vault();
    const { context } = vault;
    vault.run(context.authorize('read', this.#readEvent(at, name)));
    const opened = vault.run(openCurrent(context, context.environment(at), name));
    await this.#countTogether(opened);
    return this.#asValue(opened);
  }

  /**
   * The versions that are valid now: the one in use, then the one before it while its grace lasts. A verifier of
   * signatures accepts any of them.
   */
  getSecretVersions(name: string): ValidVersion[] {
    const { vault, at } = this.#vault();
    const { context } = vault;
    const environment = context.environment(at);
    vault.run(context.authorize('read', this.#readEvent(at, name)));
    const row = vault.run(first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) }));
    if (!row || row.deleted_at !== null) return [{ version: 0, value: this.getSecret(name), validUntil: undefined }];
    const current = this.#numbered(name, row.current_version, undefined);
    const until = row.previous_valid_until ?? 0;
    if (!row.previous_version || until <= context.clock()) return [current];
    return [current, this.#numbered(name, row.previous_version, until)];
  }

  /**
   * Sets a value: a new version, in use at once.
   * @param type one of the catalogue's; by the name where not given
   * @param rotationDays the secret's own interval in days; its type's where not given
   * @throws UsageError, ConflictError, StoreError, AccessDeniedError
   */
  setSecret(name: string, value: string | Uint8Array | SecretValue, type?: string, rotationDays?: number): SetResult {
    const { vault, at } = this.#vault();
    const bytes = toBytes(value);
    try {
      return vault.run(
        setSecret(vault.context, {
          at,
          name,
          value: bytes,
          ...(type !== undefined && { type }),
          ...(rotationDays !== undefined && { intervalDays: rotationDays }),
        }),
      );
    } finally {
      bytes.fill(0);
      this.#cache.clear();
    }
  }

  /**
   * Rotates a secret: a backup first, then the new version is verified and promoted; the one before stays valid for
   * the grace. A failure leaves the one before in use. A value that is weak, but of the right form, comes into use with a
   * warning in the result.
   * @param newValue made here where not given, for types that can be
   * @throws RotationError, NeedsPersonError (a provider issues it: give the new value), NotFoundError, …
   */
  async rotateSecret(
    name: string,
    newValue?: string | Uint8Array | SecretValue,
    options: RotateOptions = {},
  ): Promise<RotationResult> {
    const { vault, at } = this.#vault();
    const value = newValue === undefined ? undefined : toBytes(newValue);
    try {
      const { rotator } = await this.#turning();
      const result = await vault.perform(rotator.rotate({ at, name, ...(value && { value }), ...options }));
      this.#cache.clear();
      this.#watcher.announce({ name: result.name, version: result.version });
      return result;
    } finally {
      value?.fill(0);
      this.#cache.clear();
    }
  }

  /** Names and facts of all secrets; never a value. */
  listSecrets(): SecretSummary[] {
    const { vault, at } = this.#vault();
    return vault.run(listSecrets(vault.context, at));
  }

  /** Takes a secret away. Its versions stay; `keyturn restore NAME` brings it back. */
  deleteSecret(name: string): void {
    const { vault, at } = this.#vault();
    try {
      vault.run(deleteSecret(vault.context, at, name));
    } finally {
      this.#cache.clear();
    }
  }

  /**
   * Calls back when a secret has got a new version, by this process (at once) or another (within about a second).
   * @returns a function that ends it
   */
  onRotated(listener: (event: RotatedEvent) => void): () => void {
    return this.#watcher.listen(listener);
  }

  /** Opens the vault, so that what is wrong with it shows now. */
  async load(): Promise<void> {
    this.#vault();
  }

  /** Forgets what is open, so that the next reading shows what another process has just written. */
  async refresh(): Promise<void> {
    this.#cache.clear();
  }

  /** Writes what was counted, zeroes what is open, and closes the vault. The next use opens it again. */
  close(): void {
    this.#watcher.stop();
    clearTimeout(this.#flushTimer);
    this.#schedule?.stop();
    this.#flushTimer = undefined;
    open.delete(this);
    const { vault } = this.#opened ?? {};
    if (!vault) return;
    try {
      this.#flush();
    } finally {
      this.#cache.clear();
      this.#opened = undefined;
      this.#world = undefined;
      vault.close();
    }
  }

  #vault(): { vault: EmbeddedVault; at: Place; operations: OperationsConfig } {
    if (this.#opened) return this.#opened;
    const env = this.#options.env ?? process.env;
    const home = vaultHome(this.#options.directory ?? process.cwd(), env);
    const config = projectConfig(home.root);
    const { principal, scope, clock } = this.#options;
    const vault = EmbeddedVault.open({
      home,
      env,
      catalog: config.catalog,
      suite: config.suite,
      source: 'secrets-manager',
      ...(principal !== undefined && { principal }),
      ...(scope && { scope }),
      ...(clock && { clock }),
    });
    this.#opened = {
      vault,
      operations: config.operations,
      at: {
        project: this.#options.project ?? config.project ?? DEFAULT_PROJECT,
        environment: this.#options.environment ?? env.KEYTURN_ENV ?? config.environment ?? DEFAULT_ENVIRONMENT,
      },
    };
    this.#dataVersion = vault.store.dataVersion();
    if (this.#options.schedule) this.#schedule = this.#keepSchedule(vault);
    open.add(this);
    return this.#opened;
  }

  /** What lies beyond the vault is loaded when first needed: reading secrets never does. */
  async #turning(): Promise<{ rotator: Rotator; world: World }> {
    const { vault, at, operations } = this.#vault();
    const [{ rotatorOf }, { worldOf }] = await Promise.all([
      import('../rotation/rotator.ts'),
      import('../rotation/world-of.ts'),
    ]);
    const { random, clock } = vault.context;
    const env = this.#options.env ?? process.env;
    this.#world ??= worldOf({ operations, root: vault.home.root, at, env, random, clock, patienceMs: PATIENCE_MS });
    return { rotator: rotatorOf(vault, this.#world), world: this.#world };
  }

  #keepSchedule(vault: EmbeddedVault): KeptSchedule {
    return new KeptSchedule({
      vault,
      turning: () => this.#turning(),
      onTurned: (turned) => {
        this.#cache.clear();
        for (const { name, version } of turned) this.#watcher.announce({ name, version });
      },
      onError: (error) => this.#options.onError?.(error),
    });
  }

  /** The warm path: a value that is open in memory and not stale. */
  #cached(name: string): Buffer | undefined {
    const found = this.#cache.get(nameKey(name));
    // Where a key service has said no, what is open is not given either: the way around the cache says why.
    if (!found || this.#stale() || this.#opened?.vault.context.state.lease?.writesRefused) return undefined;
    this.#addUse(found.count);
    return found.value;
  }

  /** Asks, at most every 100 ms, whether another process has committed anything; if so, forgets what is open. */
  #stale(): boolean {
    const now = performance.now();
    if (now - this.#checkedAt < STALE_MS) return false;
    this.#checkedAt = now;
    const { vault } = this.#vault();
    const dataVersion = vault.store.dataVersion();
    if (dataVersion === this.#dataVersion) return false;
    this.#dataVersion = dataVersion;
    this.#cache.clear();
    return true;
  }

  #read(name: string, options: GetOptions): OpenedVersion | string {
    const fallback = options.fallbackToEnvironment ?? this.#options.fallbackToEnvironment ?? false;
    try {
      const { vault, at } = this.#vault();
      const { context } = vault;
      vault.run(context.authorize('read', this.#readEvent(at, name)));
      const opened = vault.run(openCurrent(context, context.environment(at), name));
      this.#count(opened);
      return opened;
    } catch (error) {
      if (!isAbsent(error)) throw error;
      return this.#instead(name, fallback, error);
    }
  }

  #readEvent(at: Place, name: string): AuditEvent {
    return { action: 'secret.read', ...at, secret: name };
  }

  /** What the vault does not have: the environment variable where that is allowed, else the error. Logged either way. */
  #instead(name: string, fallback: boolean, error: NotFoundError | StoreError): string {
    const value = fallback ? (this.#options.env ?? process.env)[nameKey(name)] : undefined;
    const found = value !== undefined && value !== '';
    const { vault, at } = this.#opened ?? {};
    // Where there is no vault at all there is no log either.
    if (vault && at) {
      const details: AuditDetails = found ? { from: 'environment variable' } : { code: error.code };
      const event: AuditEvent = { ...this.#readEvent(at, name), outcome: found ? 'ok' : 'failed', details };
      vault.run(transaction(vault.context.log([event])));
    }
    if (found) return value;
    if (!vault && !fallback) throw error;
    const looked = [
      vault ? `the vault at ${vault.home.folder}` : error.text.what.replace(/\.$/, ''),
      fallback
        ? `the environment variable ${nameKey(name)}`
        : 'environment variables were not looked at (fallbackToEnvironment is off)',
    ].join('; ');
    throw new NotFoundError(
      'KT_SECRET_NOT_FOUND',
      `${vault ? error.text.what : `Secret not found: ${name}.`} Looked in: ${looked}.`,
      error.text.next,
    );
  }

  /** The first opening of a version is durable before its value goes anywhere; repeats are counted. */
  #count(opened: OpenedVersion): void {
    const { count, first: firstTime } = this.#usage.of(opened);
    if (!firstTime) {
      this.#addUse(count);
      return;
    }
    const { vault } = this.#vault();
    try {
      vault.run(logReads(vault.context, [opened], {}));
    } catch (error) {
      this.#usage.forget(opened);
      opened.value.fill(0);
      throw error;
    }
  }

  /** The same for many at once. Who comes while the first opening is being written waits for that. */
  async #countTogether(opened: OpenedVersion): Promise<void> {
    const { count, first: firstTime } = this.#usage.of(opened);
    const { vault } = this.#vault();
    try {
      if (firstTime) this.#pending.set(count, vault.logTogether(opened));
      else this.#addUse(count);
      await this.#pending.get(count);
    } catch (error) {
      this.#usage.forget(opened);
      opened.value.fill(0);
      throw error;
    } finally {
      this.#pending.delete(count);
    }
  }

  #addUse(count: UseCount): void {
    this.#usage.add(count);
    this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  #flush(): void {
    clearTimeout(this.#flushTimer);
    this.#flushTimer = undefined;
    const { vault } = this.#opened ?? {};
    if (!vault || !this.#usage.dirty) return;
    this.#usage.settled(vault.run(transaction(this.#usage.flush(vault.context))));
  }

  #numbered(name: string, version: number, validUntil: number | undefined): ValidVersion {
    const cached = this.#cache.get(nameKey(name));
    if (cached?.count.version === version) {
      this.#addUse(cached.count);
      return { version, value: cached.value.toString('utf8'), validUntil };
    }
    const { vault, at } = this.#vault();
    const opened = vault.run(openNumbered(vault.context, vault.context.environment(at), name, version));
    this.#count(opened);
    return { version, value: this.#asText(validUntil === undefined ? opened : { ...opened, validUntil }), validUntil };
  }

  /** Gives the text, and keeps the bytes in the cache or zeroes them. */
  #asText(opened: OpenedVersion): string {
    const text = asUtf8(opened.value);
    this.#keep(opened);
    if (text === undefined)
      throw new UsageError(`${opened.name} is binary, not text.`, 'Read it with `getSecretValue`.');
    return text;
  }

  #asValue(opened: OpenedVersion): SecretValue {
    const value = new SecretValue(opened.value);
    this.#keep(opened);
    return value;
  }

  #keep(opened: OpenedVersion): void {
    const isText = asUtf8(opened.value) !== undefined;
    if (!this.#cache.enabled || opened.validUntil !== undefined || !isText) {
      opened.value.fill(0);
      return;
    }
    this.#cache.put(nameKey(opened.name), { value: opened.value, count: this.#usage.of(opened).count });
  }
}

function isAbsent(error: unknown): error is NotFoundError | StoreError {
  return isKeyturnError(error) && (error.code === 'KT_SECRET_NOT_FOUND' || error.code === 'KT_VAULT_NOT_FOUND');
}

function toBytes(value: string | Uint8Array | SecretValue): Buffer {
  if (value instanceof SecretValue) return value.bytes();
  return typeof value === 'string' ? Buffer.from(value, 'utf8') : Buffer.from(value);
}
