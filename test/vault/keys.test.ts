// The vault's own keys: root keys from everywhere, changing them, and re-sealing that can be cut off.
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readEnvelopeHeader } from '../../lib/crypto/envelope.ts';
import { systemRandom } from '../../lib/crypto/random.ts';
import { a256gcm } from '../../lib/crypto/suites/a256gcm.ts';
import { RootKeyError } from '../../lib/errors.ts';
import { all } from '../../lib/store/operation.ts';
import { selectSealedPage } from '../../lib/store/statements/secrets.ts';
import { DataKeyRotation, listKeys, RESEAL_BATCH, rotateRootKey } from '../../lib/vault/data-keys.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { readSecret, readVersion } from '../../lib/vault/read.ts';
import {
  beginRootKeyFileChange,
  configuredRootKey,
  finishRootKeyFileChange,
  newPassphraseParameters,
} from '../../lib/vault/root-key-files.ts';
import { RawDatabase } from '../support/raw.ts';
import { codeOf, DEVELOPMENT, put, testVault } from '../support/vault.ts';

const get = (vault: EmbeddedVault, name: string) =>
  vault.run(readSecret(vault.context, DEVELOPMENT, name)).value.toString();
const newKey = () => systemRandom(32).toString('base64');
const sealedBy = (vault: EmbeddedVault) =>
  vault
    .run(all(selectSealedPage, { environmentId: 1, after: '', limit: 10_000 }))
    .map((row) => readEnvelopeHeader(Buffer.from(row.envelope))?.keyId.toString('hex'));

describe('the root key', () => {
  it('is made in a file of mode 0600 where none is given', () => {
    const { vault } = testVault();
    expect(statSync(vault.home.rootKeyFile).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(vault.home.rootKeyFile, 'utf8'), 'base64')).toHaveLength(32);
  });

  it('comes from the environment, and then no file is made', () => {
    const { vault } = testVault({ env: { SECRETS_ENCRYPTION_KEY: newKey() } });
    expect(existsSync(vault.home.rootKeyFile)).toBe(false);
  });

  it('comes from a passphrase, through Argon2id with parameters that the vault keeps', () => {
    const env = { SECRETS_ENCRYPTION_KEY: 'correct horse battery staple' };
    const { vault, reopen } = testVault({ env });
    put(vault, 'A', 'x');
    expect(get(reopen(), 'A')).toBe('x');
    expect(codeOf(() => reopen({ env: { SECRETS_ENCRYPTION_KEY: 'incorrect horse battery' } }))).toBe(
      'KT_ROOT_KEY_WRONG',
    );
  });

  it('that is wrong or missing is one clear error that names the id wanted; nothing is written', () => {
    const { vault, reopen } = testVault();
    put(vault, 'A', 'x');
    const { id } = vault.context.rootKey;
    const wrong = newKey();
    const content = (of: EmbeddedVault) => {
      const database = new RawDatabase(of.store);
      return ['keys', 'versions', 'audit_entries', 'meta'].map((table) =>
        JSON.stringify(database.prepare(`SELECT * FROM ${table}`).all()),
      );
    };
    const before = content(vault);
    const key = readFileSync(vault.home.rootKeyFile);
    rmSync(vault.home.rootKeyFile);
    expect(() => reopen()).toThrow(new RegExp(`${id}.*none at hand`));
    for (const key of [wrong, 'a passphrase for a raw-key vault']) {
      const open = () => reopen({ env: { SECRETS_ENCRYPTION_KEY: key } });
      expect(open).toThrow(RootKeyError);
      expect(open).toThrow(id);
      expect(open).not.toThrow(key);
    }
    expect(content(vault)).toEqual(before);
    writeFileSync(vault.home.rootKeyFile, key);
    expect(get(reopen(), 'A')).toBe('x');
  });

  it('changes by previous and current: opens under the previous, goes to the current, all values stay', () => {
    const old = newKey();
    const current = newKey();
    const { vault, reopen } = testVault({ env: { SECRETS_ENCRYPTION_KEY: old } });
    put(vault, 'A', 'x');
    const env = { SECRETS_ENCRYPTION_KEY: current, SECRETS_ENCRYPTION_KEY_PREVIOUS: old };
    const changing = reopen({ env });
    expect(changing.rootKeySource).toEqual({ label: 'SECRETS_ENCRYPTION_KEY_PREVIOUS', previous: true });
    const target = configuredRootKey(changing.home, env)?.rootKey(undefined);
    if (!target) throw new Error('no key');
    changing.run(rotateRootKey(changing.context, target, undefined));
    expect(get(changing, 'A')).toBe('x');
    // A process that was open before goes on with the keys that it has.
    expect(get(vault, 'A')).toBe('x');
    put(vault, 'B', 'written under the old root key in memory');
    expect(get(reopen({ env: { SECRETS_ENCRYPTION_KEY: current } }), 'B')).toMatch(/^written/);
    expect(codeOf(() => reopen({ env: { SECRETS_ENCRYPTION_KEY: old } }))).toBe('KT_ROOT_KEY_WRONG');
  });

  it('changes to a passphrase and back to a key', () => {
    const { vault, reopen } = testVault();
    put(vault, 'A', 'x');
    const env = { SECRETS_ENCRYPTION_KEY: 'correct horse battery staple' };
    const parameters = newPassphraseParameters(systemRandom);
    const passphrase = configuredRootKey(vault.home, env)?.rootKey(parameters);
    const raw = configuredRootKey(vault.home, {})?.rootKey(undefined);
    if (!passphrase || !raw) throw new Error('no key');
    vault.run(rotateRootKey(vault.context, passphrase, parameters));
    expect(get(reopen({ env }), 'A')).toBe('x');
    const again = reopen({ env });
    again.run(rotateRootKey(again.context, raw, undefined));
    expect(get(reopen(), 'A')).toBe('x');
  });

  it('refuses to change to itself', () => {
    const { vault } = testVault();
    const same = configuredRootKey(vault.home, {})?.rootKey(undefined);
    if (!same) throw new Error('no key');
    expect(codeOf(() => vault.run(rotateRootKey(vault.context, same, undefined)))).toBe('KT_USAGE');
  });

  describe('in a file, when its change is cut off', () => {
    const begun = () => {
      const made = testVault();
      put(made.vault, 'A', 'x');
      const next = beginRootKeyFileChange(made.vault.home, systemRandom).rootKey(undefined);
      return { ...made, next };
    };

    it('before the vault is under the new key: opens under the old', () => {
      const { reopen } = begun();
      expect(get(reopen(), 'A')).toBe('x');
    });

    it('after it is: opens under the new, and puts its file in place', () => {
      const { vault, next, reopen } = begun();
      vault.run(rotateRootKey(vault.context, next, undefined));
      expect(get(reopen(), 'A')).toBe('x');
      expect(existsSync(`${vault.home.rootKeyFile}.next`)).toBe(false);
      expect(existsSync(`${vault.home.rootKeyFile}.previous`)).toBe(true);
    });

    it('between the two renames: opens, and finishes them', () => {
      const { vault, next, reopen } = begun();
      vault.run(rotateRootKey(vault.context, next, undefined));
      renameSync(vault.home.rootKeyFile, `${vault.home.rootKeyFile}.previous`);
      expect(get(reopen(), 'A')).toBe('x');
      expect(existsSync(vault.home.rootKeyFile)).toBe(true);
    });

    it('not at all: the new key is in place', () => {
      const { vault, next, reopen } = begun();
      vault.run(rotateRootKey(vault.context, next, undefined));
      finishRootKeyFileChange(vault.home);
      expect(reopen().rootKeySource.previous).toBe(false);
    });
  });
});

describe('a data key', () => {
  it('changes in batches while reads and writes of other processes go on, and the old one is destroyed', () => {
    const { vault, reopen } = testVault();
    const count = RESEAL_BATCH + 20;
    for (let n = 0; n < count; n += 1) put(vault, `NAME_${n}`, `value ${n}`);
    put(vault, 'NAME_1', 'second version');
    const other = reopen();
    const before = new Set(sealedBy(vault));
    const rotation = new DataKeyRotation(vault.context, DEVELOPMENT);
    expect(vault.run(rotation.begin())).toBe(false);
    expect(vault.run(rotation.step())).toBe(true);
    // In between: the other process reads both kinds, and writes under the new key without having been told.
    expect(get(other, 'NAME_0')).toBe('value 0');
    expect(get(other, `NAME_${count - 1}`)).toBe(`value ${count - 1}`);
    put(other, 'NAME_2', 'written in between');
    while (vault.run(rotation.step())) expect(rotation.progress.done).toBeLessThanOrEqual(rotation.progress.total);
    vault.run(rotation.finish());
    expect(rotation.progress.done).toBe(count + 1);
    const after = new Set(sealedBy(vault));
    expect(after.size).toBe(1);
    expect(before.isDisjointFrom(after)).toBe(true);
    const { keys } = vault.run(listKeys(vault.context));
    expect(
      keys
        .filter((one) => one.environment === 'default/development')
        .map((one) => [one.number, one.state, one.versions]),
    ).toEqual([
      [1, 'destroyed', 0],
      [2, 'active', count + 2],
    ]);
    for (const opened of [vault, other, reopen()]) {
      expect(get(opened, 'NAME_2')).toBe('written in between');
      expect(get(opened, 'NAME_0')).toBe('value 0');
      expect(opened.run(readVersion(opened.context, DEVELOPMENT, 'NAME_1', 1)).value.toString()).toBe('value 1');
    }
  });

  it('taken up where it was cut off, by another process, starts no third key', () => {
    const { vault, reopen } = testVault();
    for (let n = 0; n < RESEAL_BATCH + 5; n += 1) put(vault, `NAME_${n}`, `value ${n}`);
    const cut = new DataKeyRotation(vault.context, DEVELOPMENT);
    vault.run(cut.begin());
    vault.run(cut.step());
    const other = reopen();
    const rotation = new DataKeyRotation(other.context, DEVELOPMENT);
    expect(other.run(rotation.begin())).toBe(true);
    expect(rotation.progress.total).toBe(5);
    while (other.run(rotation.step()));
    other.run(rotation.finish());
    const { keys } = other.run(listKeys(other.context));
    expect(keys.filter((one) => one.environment === 'default/development').map((one) => one.state)).toEqual([
      'destroyed',
      'active',
    ]);
  });

  it('is not destroyed while something is sealed under it', () => {
    const { vault } = testVault();
    put(vault, 'A', 'x');
    const rotation = new DataKeyRotation(vault.context, DEVELOPMENT);
    vault.run(rotation.begin());
    vault.run(rotation.finish());
    expect(get(vault, 'A')).toBe('x');
    expect(vault.run(listKeys(vault.context)).keys.some((one) => one.state === 'retiring')).toBe(true);
  });

  it('seals by the suite that is configured; both kinds open side by side', () => {
    const { vault, reopen } = testVault();
    put(vault, 'A', 'by default');
    const gcm = reopen({ suite: a256gcm });
    put(gcm, 'B', 'by GCM');
    expect([get(vault, 'A'), get(vault, 'B'), get(gcm, 'A')]).toEqual(['by default', 'by GCM', 'by default']);
  });
});

it('a vault whose making was cut off is finished by making it again', () => {
  const { vault, folder, variables } = testVault();
  // As it is where the process was killed before the facts of the vault were there.
  const database = new RawDatabase(vault.store);
  for (const table of ['audit_checkpoints', 'audit_entries', 'keys', 'environments', 'projects', 'meta']) {
    database.exec(`DELETE FROM ${table}`);
  }
  vault.close();
  const again = EmbeddedVault.create({ home: vault.home, env: variables }).vault;
  put(again, 'A', 'x');
  expect(get(again, 'A')).toBe('x');
  again.close();
  expect(existsSync(folder)).toBe(true);
});
