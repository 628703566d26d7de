// The root key's effects: finding the right key for a vault, making a key file, and changing it so that a cut at any
// moment leaves a vault that opens.
import { existsSync, renameSync } from 'node:fs';
import { DEFAULT_ARGON2_COST } from '../crypto/kdf.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { RootKey } from '../crypto/root-key.ts';
import {
  currentRootKeySource,
  otherRootKeySources,
  type PassphraseParameters,
  type RootKeySource,
} from '../crypto/root-key-source.ts';
import { KEY_BYTES } from '../crypto/sealing-key.ts';
import { type KmsKey, kmsKeyText, parseKmsKey, type WrappedRootKey } from '../crypto/wrapped-root-key.ts';
import { KeyturnError, RootKeyError } from '../errors.ts';
import { createFile, readTextIfThere, replaceFile } from './files.ts';
import type { VaultHome } from './home.ts';
import { checkWrapped, unwrapAhead, unwrapRootKey, wrapRootKey } from './kms/kms-sync.ts';
import { CACHE_MS, CHECK_MS, KmsLease } from './kms/lease.ts';

export type Env = Readonly<Record<string, string | undefined>>;

function surroundings(home: VaultHome, env: Env) {
  return {
    env,
    readFile: readTextIfThere,
    defaultFile: home.rootKeyFile,
    unwrap: (wrapped: WrappedRootKey) => unwrapRootKey(wrapped, env),
  };
}

/** The key that the environment or the key file gives now, if any. */
export function configuredRootKey(home: VaultHome, env: Env): RootKeySource | undefined {
  return currentRootKeySource(surroundings(home, env));
}

/** Makes parameters for a vault whose root key is to come from a passphrase. */
export function newPassphraseParameters(random: RandomSource): PassphraseParameters {
  return { ...DEFAULT_ARGON2_COST, salt: random(16).toString('base64url') };
}

/** A new root key as text: wrapped by a key service where one is named. @throws KmsError */
export function newKeyText(random: RandomSource, env: Env = {}, kms = env.KEYTURN_KMS || undefined): string {
  const bytes = random(KEY_BYTES);
  try {
    return `${kms === undefined ? bytes.toString('base64') : wrapRootKey(kmsKeyNamed(kms), bytes, env)}\n`;
  } finally {
    bytes.fill(0);
  }
}

function kmsKeyNamed(text: string): KmsKey {
  const key = parseKmsKey(text);
  if (key) return key;
  throw new RootKeyError(
    'KT_ROOT_KEY_INVALID',
    `"${text}" names no key of a key service.`,
    'Write awskms:<key ARN>, gcpkms:<resource name>, or transit:<mount>/<key>.',
  );
}

/** Makes a root key file (mode 0600) where there is none, and gives its source. */
export function createRootKeyFile(home: VaultHome, random: RandomSource, env: Env = {}): RootKeySource {
  try {
    createFile([home.rootKeyFile], newKeyText(random, env));
  } catch (error) {
    // Another process that makes the same vault was first: its key is the one.
    if (!(error instanceof RangeError)) throw error;
  }
  const { SECRETS_ENCRYPTION_KEY: _, SECRETS_ENCRYPTION_KEY_FILE: __, ...rest } = env;
  const source = currentRootKeySource(surroundings(home, rest));
  if (!source) throw new RootKeyError('KT_ROOT_KEY_MISSING', 'The key file is gone.', 'Run it again.');
  return source;
}

/** The root key found for a vault. */
export interface FoundRootKey {
  readonly rootKey: RootKey;
  /** The place it came from. */
  readonly label: string;
  /** True where it is not the current one: a change of the root key is under way. */
  readonly previous: boolean;
  /** Where a key service wraps it. */
  readonly wrapped?: WrappedRootKey | undefined;
}

/**
 * Finds the key that a vault is under: the current one, else one kept for a change.
 * @throws RootKeyError naming the key id wanted, never a key
 */
export function findRootKey(
  home: VaultHome,
  env: Env,
  wantedId: string,
  passphrase: PassphraseParameters | undefined,
): FoundRootKey {
  const at = surroundings(home, env);
  const current = currentRootKeySource(at);
  const found = current && tryRootKey(current, passphrase);
  if (current && found?.id === wantedId) {
    return { rootKey: found, label: current.label, previous: false, wrapped: current.wrapped };
  }
  const others = otherRootKeySources(at);
  if (!current && others.length === 0) {
    throw new RootKeyError(
      'KT_ROOT_KEY_MISSING',
      `This vault is under the root key ${wantedId}, and there is none at hand.`,
      `Set SECRETS_ENCRYPTION_KEY or SECRETS_ENCRYPTION_KEY_FILE, or put the key file back at ${home.rootKeyFile}.`,
    );
  }
  const seen: string[] = [];
  if (current) seen.push(`${current.label} ${found ? `holds ${found.id}` : 'does not fit'}`);
  for (const source of others) {
    const rootKey = tryRootKey(source, passphrase);
    if (rootKey?.id === wantedId) return foundElsewhere(home, source, rootKey);
    seen.push(`${source.label} ${rootKey ? `holds ${rootKey.id}` : 'does not fit'}`);
  }
  throw new RootKeyError(
    'KT_ROOT_KEY_WRONG',
    `This vault is under the root key ${wantedId}, but ${seen.join('; ')}.`,
    'Give the key that the vault was made with (during a change also as SECRETS_ENCRYPTION_KEY_PREVIOUS).',
  );
}

/** A key file whose change was cut off after the vault was under the new key is brought into place now. */
function foundElsewhere(home: VaultHome, source: RootKeySource, rootKey: RootKey): FoundRootKey {
  const { label, wrapped } = source;
  if (label !== `${home.rootKeyFile}.next`) return { rootKey, label, previous: true, wrapped };
  finishRootKeyFileChange(home);
  return { rootKey, label: home.rootKeyFile, previous: false, wrapped };
}

/** A passphrase does not fit a vault under a raw key: that is "another key", not an end to the search. */
function tryRootKey(source: RootKeySource, passphrase: PassphraseParameters | undefined): RootKey | undefined {
  try {
    return source.rootKey(passphrase);
  } catch (error) {
    if (error instanceof KeyturnError && error.code === 'KT_ROOT_KEY_WRONG') return undefined;
    throw error;
  }
}

/**
 * Puts a new key beside the key file, durably, before anything is wrapped under it. Cut off after that, the vault still
 * opens: whichever key it is under is there.
 */
export function beginRootKeyFileChange(
  home: VaultHome,
  random: RandomSource,
  env: Env = {},
  kms?: string,
): RootKeySource {
  replaceFile(`${home.rootKeyFile}.next`, newKeyText(random, env, kms));
  const without = { ...env, SECRETS_ENCRYPTION_KEY_PREVIOUS: undefined };
  const source = otherRootKeySources(surroundings(home, without)).find(
    (one) => one.label === `${home.rootKeyFile}.next`,
  );
  if (!source) throw new RootKeyError('KT_ROOT_KEY_MISSING', 'The new key file is gone.', 'Run it again.');
  return source;
}

/** Brings the new key file into its place. The old one stays as `.previous`: backups made before are under it. */
export function finishRootKeyFileChange(home: VaultHome): void {
  const next = `${home.rootKeyFile}.next`;
  if (!existsSync(next)) return;
  if (existsSync(home.rootKeyFile)) renameSync(home.rootKeyFile, `${home.rootKeyFile}.previous`);
  renameSync(next, home.rootKeyFile);
}

/** How a root key's place is told: its label, and the service that wraps it. */
export function placeOfRootKey({ label, wrapped }: Pick<FoundRootKey, 'label' | 'wrapped'>): string {
  return wrapped ? `${label}, wrapped by ${kmsKeyText(wrapped.key)}` : label;
}

/** Unwraps what is wrapped of the keys at hand, without holding anybody up: a server does so before it opens. @throws KmsError */
export async function unwrapKeysAhead(home: VaultHome, env: Env): Promise<void> {
  const at = surroundings(home, env);
  const sources = [currentRootKeySource(at), ...otherRootKeySources(at)];
  for (const source of sources) if (source?.wrapped) await unwrapAhead(source.wrapped, env);
}

/**
 * The lease on a root key that a key service wraps; undefined for any other. `KEYTURN_KMS_CACHE_MINUTES` says how long reads
 * are served while the service is away (60), `KEYTURN_KMS_CHECK_SECONDS` how often it is asked (60).
 */
export function leaseFor(wrapped: WrappedRootKey | undefined, env: Env, clock: () => number): KmsLease | undefined {
  if (!wrapped) return undefined;
  const cacheMs = numberIn(env, 'KEYTURN_KMS_CACHE_MINUTES', CACHE_MS / 60_000) * 60_000;
  const everyMs = numberIn(env, 'KEYTURN_KMS_CHECK_SECONDS', CHECK_MS / 1000) * 1000;
  return new KmsLease({ check: () => checkWrapped(wrapped, env), clock, cacheMs, everyMs });
}

function numberIn(env: Env, name: string, otherwise: number): number {
  const number = Number(env[name] || Number.NaN);
  return Number.isFinite(number) && number >= 0 ? number : otherwise;
}

/** The service that wraps a root key, as `KEYTURN_KMS` names it: a new key is wrapped by the same one. */
export function wrappedBy({ wrapped }: Pick<FoundRootKey, 'wrapped'>): string | undefined {
  return wrapped && kmsKeyText(wrapped.key);
}
