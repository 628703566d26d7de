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
import { KeyturnError, RootKeyError } from '../errors.ts';
import { createFile, readTextIfThere, replaceFile } from './files.ts';
import type { VaultHome } from './home.ts';

export type Env = Readonly<Record<string, string | undefined>>;

function surroundings(home: VaultHome, env: Env) {
  return { env, readFile: readTextIfThere, defaultFile: home.rootKeyFile };
}

/** The key that the environment or the key file gives now, if any. */
export function configuredRootKey(home: VaultHome, env: Env): RootKeySource | undefined {
  return currentRootKeySource(surroundings(home, env));
}

/** Makes parameters for a vault whose root key is to come from a passphrase. */
export function newPassphraseParameters(random: RandomSource): PassphraseParameters {
  return { ...DEFAULT_ARGON2_COST, salt: random(16).toString('base64url') };
}

function newKeyText(random: RandomSource): string {
  const bytes = random(KEY_BYTES);
  const text = `${bytes.toString('base64')}\n`;
  bytes.fill(0);
  return text;
}

/** Makes a root key file (mode 0600) where there is none, and gives its source. */
export function createRootKeyFile(home: VaultHome, random: RandomSource): RootKeySource {
  try {
    createFile([home.rootKeyFile], newKeyText(random));
  } catch (error) {
    // Another process that makes the same vault was first: its key is the one.
    if (!(error instanceof RangeError)) throw error;
  }
  const source = currentRootKeySource(surroundings(home, {}));
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
  if (current && found?.id === wantedId) return { rootKey: found, label: current.label, previous: false };
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
  if (source.label !== `${home.rootKeyFile}.next`) return { rootKey, label: source.label, previous: true };
  finishRootKeyFileChange(home);
  return { rootKey, label: home.rootKeyFile, previous: false };
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
export function beginRootKeyFileChange(home: VaultHome, random: RandomSource): RootKeySource {
  replaceFile(`${home.rootKeyFile}.next`, newKeyText(random));
  const source = otherRootKeySources(surroundings(home, {})).find((one) => one.label === `${home.rootKeyFile}.next`);
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
