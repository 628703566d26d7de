// Where root keys come from, and what is no key.
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../lib/crypto/random.ts';
import { RootKey } from '../../lib/crypto/root-key.ts';
import { currentRootKeySource, otherRootKeySources, parseRootKey } from '../../lib/crypto/root-key-source.ts';
import { DecryptionError, RootKeyError } from '../../lib/errors.ts';

const bytes = systemRandom(32);
const id = new RootKey(bytes).id;
const salt = { salt: Buffer.alloc(16, 1).toString('base64url'), memory: 64, passes: 1, parallelism: 1 };

describe('the notation of a root key', () => {
  it.each([
    ['base64', bytes.toString('base64')],
    ['base64 without padding', bytes.toString('base64').replace('=', '')],
    ['base64url', bytes.toString('base64url')],
    ['hexadecimal', bytes.toString('hex')],
    ['upper-case hexadecimal with a line break', `${bytes.toString('hex').toUpperCase()}\n`],
  ])('takes 32 bytes as %s', (_, text) => {
    const source = parseRootKey('here', text);
    expect(source.passphrase).toBe(false);
    expect(source.rootKey(undefined).id).toBe(id);
  });

  it('takes anything else of 16 characters or more as a passphrase, through Argon2id', () => {
    const source = parseRootKey('here', 'correct horse battery staple');
    expect(source.passphrase).toBe(true);
    expect(source.rootKey(salt).id).toBe(source.rootKey(salt).id);
    expect(source.rootKey(salt).id).not.toBe(source.rootKey({ ...salt, passes: 2 }).id);
  });

  it.each([
    ['memory for the whole machine', { memory: 2 ** 31 }],
    ['passes for a year', { passes: 1_000_000 }],
    ['no lanes', { parallelism: 0 }],
    ['a salt that is none', { salt: 7 as unknown as string }],
    ['a text for a number', { memory: '64' as unknown as number }],
  ])('does not let a vault or backup ask for %s', (_, change) => {
    const source = parseRootKey('here', 'correct horse battery staple');
    expect(() => source.rootKey({ ...salt, ...change })).toThrow(/parameters/);
  });

  it('refuses what is shorter, and does not repeat it', () => {
    expect(() => parseRootKey('SECRETS_ENCRYPTION_KEY', 'hunter2')).toThrow(RootKeyError);
    expect(() => parseRootKey('SECRETS_ENCRYPTION_KEY', 'hunter2')).not.toThrow(/hunter2/);
    expect(() => parseRootKey('SECRETS_ENCRYPTION_KEY', 'hunter2')).toThrow(/7 characters/);
  });

  it('says so when a vault under a raw key is given a passphrase', () => {
    expect(() => parseRootKey('here', 'correct horse battery staple').rootKey(undefined)).toThrow(RootKeyError);
  });
});

describe('the order of sources', () => {
  const files: Record<string, string> = { '/k/root.key': 'a'.repeat(64), '/k/other': 'b'.repeat(64) };
  const at = (env: Record<string, string>) => ({
    env,
    readFile: (path: string) => files[path],
    defaultFile: '/k/root.key',
  });

  it('is the variable, then the file it names, then the key file', () => {
    const both = { SECRETS_ENCRYPTION_KEY: 'c'.repeat(64), SECRETS_ENCRYPTION_KEY_FILE: '/k/other' };
    expect(currentRootKeySource(at(both))?.label).toBe('SECRETS_ENCRYPTION_KEY');
    expect(currentRootKeySource(at({ SECRETS_ENCRYPTION_KEY_FILE: '/k/other' }))?.label).toBe('/k/other');
    expect(currentRootKeySource(at({}))?.label).toBe('/k/root.key');
    expect(currentRootKeySource({ ...at({}), defaultFile: '/none' })).toBeUndefined();
  });

  it('does not fall through a file that is named and missing', () => {
    expect(() => currentRootKeySource(at({ SECRETS_ENCRYPTION_KEY_FILE: '/gone' }))).toThrow(/there is none/);
  });

  it('has the previous key at hand during a change', () => {
    expect(
      otherRootKeySources(at({ SECRETS_ENCRYPTION_KEY_PREVIOUS: 'd'.repeat(64) })).map((one) => one.label),
    ).toEqual(['SECRETS_ENCRYPTION_KEY_PREVIOUS']);
  });
});

describe('a wrapped key', () => {
  const root = new RootKey(bytes);
  const place = { keyId: 'ab'.repeat(16), purpose: 'data', scope: 'DEFAULT/PRODUCTION' };
  const wrapped = root.wrap(place, Buffer.alloc(32, 5), systemRandom);

  it('unwraps in its place, by its root key', () => {
    expect(root.unwrap(place, wrapped)).toEqual(Buffer.alloc(32, 5));
  });

  it('does not unwrap for another purpose, scope or id, or by another root key', () => {
    for (const other of [{ purpose: 'audit' }, { scope: 'DEFAULT/STAGING' }, { keyId: 'cd'.repeat(16) }]) {
      expect(() => root.unwrap({ ...place, ...other }, wrapped)).toThrow(DecryptionError);
    }
    expect(() => new RootKey(systemRandom(32)).unwrap(place, wrapped)).toThrow(DecryptionError);
  });
});
