// Where a root key can come from, behind one interface: the environment, a file, or a passphrase through Argon2id.
// The environment and the file system are handed in; this file decides order and reads the notation.
import { RootKeyError } from '../errors.ts';
import { type Argon2Cost, argon2id } from './kdf.ts';
import { RootKey } from './root-key.ts';
import { KEY_BYTES } from './sealing-key.ts';
import { isWrapped, parseWrapped, type WrappedRootKey } from './wrapped-root-key.ts';

const MIN_PASSPHRASE_LENGTH = 16;

/** How a passphrase becomes a key; kept in the vault, not secret. */
export interface PassphraseParameters extends Argon2Cost {
  /** 16 bytes, base64url. */
  readonly salt: string;
}

/** What Argon2id may cost at most: parameters come from a vault or a backup, and may have been written to do harm. */
const MOST = { memory: 4 * 1024 * 1024, passes: 64, parallelism: 64 };

function checkParameters(p: PassphraseParameters): void {
  const within = (['memory', 'passes', 'parallelism'] as const).every(
    (key) => Number.isInteger(p[key]) && p[key] >= 1 && p[key] <= MOST[key],
  );
  if (within && typeof p.salt === 'string' && p.memory >= 8 * p.parallelism) return;
  throw new RootKeyError(
    'KT_ROOT_KEY_INVALID',
    'The passphrase parameters are not ones that Keyturn writes.',
    'The vault or backup was changed outside Keyturn; use another copy.',
  );
}

/** One place that holds a root key. Giving the key may be slow (Argon2id takes about 0.1 s). */
export interface RootKeySource {
  /** Names the place for messages: `SECRETS_ENCRYPTION_KEY`, or a file's path. */
  readonly label: string;
  /** True where the text is a passphrase, so that opening needs the vault's parameters. */
  readonly passphrase: boolean;
  /** Where a key management service wraps it; undefined for one that is in the clear there. */
  readonly wrapped?: WrappedRootKey;
  /** @throws RootKeyError when a passphrase is given and the vault has no parameters for one; KmsError */
  rootKey(parameters: PassphraseParameters | undefined): RootKey;
}

function decodeRawKey(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(text)) return undefined;
  // Node's base64 decoder reads base64url too.
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === KEY_BYTES ? bytes : undefined;
}

/**
 * Reads a root key's notation: 32 bytes as 64 hexadecimal digits, base64 or base64url (43 characters, padding
 * optional); anything else is a passphrase of at least 16 characters.
 * @throws RootKeyError (KT_ROOT_KEY_INVALID) for a shorter one. The text is never in the message.
 */
export function parseRootKey(label: string, text: string, unwrap?: Unwrap): RootKeySource {
  const trimmed = text.trim();
  if (isWrapped(trimmed)) return wrappedSource(label, trimmed, unwrap);
  const bytes = decodeRawKey(trimmed);
  if (bytes) {
    return { label, passphrase: false, rootKey: () => new RootKey(bytes) };
  }
  if (trimmed.length < MIN_PASSPHRASE_LENGTH) {
    throw new RootKeyError(
      'KT_ROOT_KEY_INVALID',
      `${label} holds ${trimmed.length} characters: that is neither a key of 32 bytes nor a passphrase of ${MIN_PASSPHRASE_LENGTH} or more.`,
      'Give 32 bytes as base64, base64url or hexadecimal (`openssl rand -base64 32` makes one), or a longer passphrase.',
    );
  }
  return {
    label,
    passphrase: true,
    rootKey(parameters) {
      if (!parameters) {
        throw new RootKeyError(
          'KT_ROOT_KEY_WRONG',
          `${label} holds a passphrase, but this vault is under a raw key of 32 bytes.`,
          'Set the key that the vault was made with, or change it with `keyturn keys rotate-root`.',
        );
      }
      checkParameters(parameters);
      const derived = argon2id({
        password: Buffer.from(trimmed.normalize('NFC'), 'utf8'),
        salt: Buffer.from(parameters.salt, 'base64url'),
        memory: parameters.memory,
        passes: parameters.passes,
        parallelism: parameters.parallelism,
        length: KEY_BYTES,
      });
      const key = new RootKey(derived);
      derived.fill(0);
      return key;
    },
  };
}

/** Has a key management service unwrap a root key. @returns 32 bytes, which are zeroed after. @throws KmsError */
export type Unwrap = (wrapped: WrappedRootKey) => Buffer;

function wrappedSource(label: string, text: string, unwrap: Unwrap | undefined): RootKeySource {
  const wrapped = parseWrapped(text);
  if (!wrapped || !unwrap) {
    throw new RootKeyError(
      'KT_ROOT_KEY_INVALID',
      `${label} holds a root key that a key service has wrapped, and it cannot be read: it was cut, or names no service.`,
      'Put back what `keyturn init --kms` or `keyturn keys rotate-root --kms` wrote.',
    );
  }
  return {
    label,
    passphrase: false,
    wrapped,
    rootKey() {
      const bytes = unwrap(wrapped);
      if (bytes.length !== KEY_BYTES) {
        throw new RootKeyError(
          'KT_ROOT_KEY_INVALID',
          `${label}: what was unwrapped is no root key.`,
          'Put the right one back.',
        );
      }
      const key = new RootKey(bytes);
      bytes.fill(0);
      return key;
    },
  };
}

export interface RootKeySurroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads a file as text; undefined where there is none. */
  readonly readFile: (path: string) => string | undefined;
  /** The key file used when the environment names none. */
  readonly defaultFile: string;
  readonly unwrap?: Unwrap;
}

function readKeyFile(path: string, variable: string, { readFile, unwrap }: RootKeySurroundings): RootKeySource {
  const text = readFile(path);
  if (text === undefined) {
    throw new RootKeyError(
      'KT_ROOT_KEY_MISSING',
      `${variable} names the file ${path}, and there is none.`,
      `Put the key there, or correct ${variable}.`,
    );
  }
  return parseRootKey(path, text, unwrap);
}

/** The source named by `SECRETS_ENCRYPTION_KEY`, `…_FILE`, or the default file, in this order; undefined for none. */
export function currentRootKeySource(at: RootKeySurroundings): RootKeySource | undefined {
  const text = at.env.SECRETS_ENCRYPTION_KEY;
  if (text) return parseRootKey('SECRETS_ENCRYPTION_KEY', text, at.unwrap);
  const file = at.env.SECRETS_ENCRYPTION_KEY_FILE;
  if (file) return readKeyFile(file, 'SECRETS_ENCRYPTION_KEY_FILE', at);
  const kept = at.readFile(at.defaultFile);
  return kept === undefined ? undefined : parseRootKey(at.defaultFile, kept, at.unwrap);
}

/**
 * Keys that may be wanted besides the current one: `SECRETS_ENCRYPTION_KEY_PREVIOUS` during a change, and the files
 * that `keys rotate-root` leaves beside the key file (`.next` if it was cut off, `.previous` when it is done).
 */
export function otherRootKeySources(at: RootKeySurroundings): RootKeySource[] {
  const sources: RootKeySource[] = [];
  const text = at.env.SECRETS_ENCRYPTION_KEY_PREVIOUS;
  if (text) sources.push(parseRootKey('SECRETS_ENCRYPTION_KEY_PREVIOUS', text, at.unwrap));
  for (const suffix of ['.next', '.previous']) {
    const kept = at.readFile(at.defaultFile + suffix);
    if (kept !== undefined) sources.push(parseRootKey(at.defaultFile + suffix, kept, at.unwrap));
  }
  return sources;
}
