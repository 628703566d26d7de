// Making a vault, a project or an environment: their rows and their wrapped keys, in one transaction each.
import { nameKey } from '../catalog/catalog.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { RootKey } from '../crypto/root-key.ts';
import type { PassphraseParameters } from '../crypto/root-key-source.ts';
import { KEY_BYTES, KEY_ID_BYTES } from '../crypto/sealing-key.ts';
import { StoreError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { KeyPurpose } from '../store/schema.ts';
import { insertKey } from '../store/statements/keys.ts';
import { insertEnvironment, insertProject, selectProjects } from '../store/statements/places.ts';
import { bumpKeys, putFact, selectFacts } from '../store/statements/vault-facts.ts';
import type { VaultContext } from './context.ts';
import { checkPlaceName } from './names.ts';
import { type Environment, environmentScope, type Place } from './places.ts';

/** Makes a new random key, wrapped by the root key, and gives its row. */
export function* createKey(
  root: RootKey,
  random: RandomSource,
  key: { purpose: KeyPurpose; environment?: Environment; number: number; now: number },
): Operation<number> {
  const keyId = random(KEY_ID_BYTES).toString('hex');
  const bytes = random(KEY_BYTES);
  const scope = key.environment ? environmentScope(key.environment) : '';
  const wrapped = root.wrap({ keyId, purpose: key.purpose, scope }, bytes, random);
  bytes.fill(0);
  const row = yield* first(insertKey, {
    keyId,
    purpose: key.purpose,
    environmentId: key.environment?.id ?? null,
    number: key.number,
    wrapped,
    now: key.now,
  });
  return row?.id ?? 0;
}

export interface NewVault {
  readonly rootKey: RootKey;
  readonly passphrase: PassphraseParameters | undefined;
  readonly random: RandomSource;
  readonly now: number;
}

/**
 * Writes the facts and keys of a new, empty vault. Runs in one transaction.
 * @throws StoreError KT_VAULT_EXISTS where another process was first
 */
export function* initializeVault(at: NewVault): Operation<void> {
  const { rootKey, random, now } = at;
  const facts = yield* all(selectFacts, {});
  if (facts.length > 0)
    throw new StoreError('KT_VAULT_EXISTS', { what: 'Another process has made the vault meanwhile.' });
  yield* all(putFact, { key: 'vault_id', value: random(16).toString('hex') });
  yield* all(putFact, { key: 'root_key_id', value: rootKey.id });
  yield* all(putFact, { key: 'created_at', value: String(now) });
  if (at.passphrase) yield* all(putFact, { key: 'passphrase', value: JSON.stringify(at.passphrase) });
  for (const purpose of ['audit', 'checkpoint', 'fingerprint'] as const) {
    yield* createKey(rootKey, random, { purpose, number: 1, now });
  }
}

/**
 * Makes sure that a project and an environment are there.
 * @returns true when the environment was made by this call.
 */
export function* ensureEnvironment(ctx: VaultContext, at: Place): Operation<boolean> {
  checkPlaceName('project', at.project);
  checkPlaceName('environment', at.environment);
  yield* ctx.authorize('places', { action: 'environment.create', project: at.project, environment: at.environment });
  const made = yield* transaction(ensureEnvironmentRows(ctx, at));
  yield* ctx.refresh();
  return made;
}

function* ensureEnvironmentRows(ctx: VaultContext, at: Place): Operation<boolean> {
  yield* ctx.refresh();
  const same = (one: Environment) =>
    nameKey(one.project) === nameKey(at.project) && nameKey(one.name) === nameKey(at.environment);
  if ([...ctx.environments.values()].some(same)) return false;
  const now = ctx.clock();
  const projects = yield* all(selectProjects, {});
  let project = projects.find((one) => one.name_key === nameKey(at.project));
  if (!project) {
    const made = yield* first(insertProject, { name: at.project, nameKey: nameKey(at.project), now });
    project = { id: made?.id ?? 0, name: at.project, name_key: nameKey(at.project), created_at: now };
    yield* ctx.log([{ action: 'project.create', project: at.project }]);
  }
  const row = yield* first(insertEnvironment, {
    projectId: project.id,
    name: at.environment,
    nameKey: nameKey(at.environment),
    now,
  });
  const environment = {
    id: row?.id ?? 0,
    name: at.environment,
    project: project.name,
    projectId: project.id,
    twoPeople: false,
    createdAt: now,
  };
  yield* createKey(ctx.rootKey, ctx.random, { purpose: 'data', environment, number: 1, now });
  yield* all(bumpKeys, {});
  yield* ctx.log([{ action: 'environment.create', project: project.name, environment: environment.name }]);
  return true;
}
