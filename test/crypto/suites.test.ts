// The suites against known answers, and against every tag that is nearly right.
import { describe, expect, it } from 'vitest';
import { a256cbcHs512 } from '../../lib/crypto/suites/a256cbc-hs512.ts';
import { a256gcm } from '../../lib/crypto/suites/a256gcm.ts';
import { SUITE_NAMES, suiteById, suiteByName } from '../../lib/crypto/suites/registry.ts';
import { DecryptionError } from '../../lib/errors.ts';
import { A256CBC_HS512_VECTORS } from '../vectors/a256cbc-hs512.ts';
import { A256GCM_VECTORS } from '../vectors/a256gcm.ts';

const hex = (text: string) => Buffer.from(text, 'hex');

describe.each([
  { suite: a256cbcHs512, vectors: A256CBC_HS512_VECTORS },
  { suite: a256gcm, vectors: A256GCM_VECTORS },
])('$suite.name', ({ suite, vectors }) => {
  it.each(vectors)('gives the known answer: $id', (v) => {
    const keys = suite.importKeys(hex(v.key));
    const sealed = suite.seal(keys, hex(v.iv), hex(v.msg), hex(v.aad));
    expect(sealed.ciphertext.toString('hex')).toBe(v.ct);
    expect(sealed.tag.toString('hex')).toBe(v.tag);
    expect(suite.open(keys, hex(v.iv), sealed, hex(v.aad)).toString('hex')).toBe(v.msg);
  });

  it('refuses a tag with any one bit flipped, all zero, all one, or cut', () => {
    const v = vectors.at(-1);
    if (!v) throw new Error('no vector');
    const keys = suite.importKeys(hex(v.key));
    const open = (tag: Buffer) => () => suite.open(keys, hex(v.iv), { ciphertext: hex(v.ct), tag }, hex(v.aad));
    for (let bit = 0; bit < suite.tagBytes * 8; bit += 1) {
      const tag = hex(v.tag);
      tag[bit >> 3] = (tag[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(open(tag), `bit ${bit}`).toThrow(DecryptionError);
    }
    expect(open(Buffer.alloc(suite.tagBytes))).toThrow(DecryptionError);
    expect(open(Buffer.alloc(suite.tagBytes, 0xff))).toThrow(DecryptionError);
  });

  it('refuses other associated data', () => {
    const v = vectors.at(-1);
    if (!v) throw new Error('no vector');
    const keys = suite.importKeys(hex(v.key));
    const sealed = { ciphertext: hex(v.ct), tag: hex(v.tag) };
    expect(() => suite.open(keys, hex(v.iv), sealed, Buffer.from('other'))).toThrow(DecryptionError);
  });
});

it('finds suites by number and name, and none for what it does not know', () => {
  expect(SUITE_NAMES).toEqual(['A256CBC-HS512', 'A256GCM']);
  expect(suiteById(1)).toBe(a256cbcHs512);
  expect(suiteByName('A256GCM')).toBe(a256gcm);
  expect(suiteById(0)).toBeUndefined();
  expect(suiteByName('none')).toBeUndefined();
});
