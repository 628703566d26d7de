// Envelopes: whatever is sealed opens; whatever was changed, moved or sealed otherwise does not, with one error type.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openEnvelope, readEnvelopeHeader, sealEnvelope, versionContext } from '../../lib/crypto/envelope.ts';
import { systemRandom } from '../../lib/crypto/random.ts';
import { SealingKey } from '../../lib/crypto/sealing-key.ts';
import { a256cbcHs512 } from '../../lib/crypto/suites/a256cbc-hs512.ts';
import { a256gcm } from '../../lib/crypto/suites/a256gcm.ts';
import { DecryptionError } from '../../lib/errors.ts';

const newKey = () => new SealingKey(systemRandom(16), systemRandom(32));
const key = newKey();
const context = versionContext('DEFAULT', 'PRODUCTION', 'JWT_SECRET', 3);

/** Fields of a context, without the separator problems that a naive join would have. */
const contexts = fc.tuple(fc.string(), fc.string(), fc.string(), fc.nat()).map((parts) => versionContext(...parts));

describe.each([{ suite: a256cbcHs512 }, { suite: a256gcm }])('an envelope of $suite.name', ({ suite }) => {
  it('opens to what was sealed, for every byte string from 0 B to 64 KiB', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 65_536, size: 'max' }), contexts, (plaintext, where) => {
        const envelope = sealEnvelope(key, suite, where, plaintext, systemRandom);
        expect(openEnvelope(key, where, envelope).equals(plaintext)).toBe(true);
      }),
      {
        numRuns: 200,
        examples: [
          [new Uint8Array(0), context],
          [new Uint8Array(65_536), context],
        ],
      },
    );
  });

  it('never is the same twice', () => {
    const seen = new Set<string>();
    for (let n = 0; n < 1000; n += 1) {
      seen.add(sealEnvelope(key, suite, context, Buffer.from('same'), systemRandom).toString('hex'));
    }
    expect(seen.size).toBe(1000);
  });

  it('does not open with any one bit flipped', () => {
    const envelope = sealEnvelope(key, suite, context, Buffer.from('a value of some length'), systemRandom);
    for (let bit = 0; bit < envelope.length * 8; bit += 1) {
      const changed = Buffer.from(envelope);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => openEnvelope(key, context, changed), `bit ${bit}`).toThrow(DecryptionError);
    }
  });

  it('does not open when cut or lengthened', () => {
    const envelope = sealEnvelope(key, suite, context, Buffer.from('a value of some length'), systemRandom);
    for (let length = 0; length < envelope.length; length += 1) {
      expect(() => openEnvelope(key, context, envelope.subarray(0, length)), `${length}`).toThrow(DecryptionError);
    }
    expect(() => openEnvelope(key, context, Buffer.concat([envelope, Buffer.alloc(1)]))).toThrow(DecryptionError);
  });

  it('does not open in another place: a swapped row, environment, project or version', () => {
    const envelope = sealEnvelope(key, suite, context, Buffer.from('value'), systemRandom);
    fc.assert(
      fc.property(contexts, (other) => {
        fc.pre(JSON.stringify(other) !== JSON.stringify(context));
        expect(() => openEnvelope(key, other, envelope)).toThrow(DecryptionError);
      }),
    );
    // Fields cannot flow into each other.
    const joined = sealEnvelope(key, suite, ['a', 'bc'], Buffer.from('value'), systemRandom);
    expect(() => openEnvelope(key, ['ab', 'c'], joined)).toThrow(DecryptionError);
  });

  it('does not open under another data key, even one that takes the same id', () => {
    const envelope = sealEnvelope(key, suite, context, Buffer.from('value'), systemRandom);
    expect(() => openEnvelope(newKey(), context, envelope)).toThrow(DecryptionError);
    expect(() => openEnvelope(new SealingKey(key.id, systemRandom(32)), context, envelope)).toThrow(DecryptionError);
  });

  it('does not open as the other suite', () => {
    const other = suite === a256gcm ? a256cbcHs512 : a256gcm;
    const envelope = sealEnvelope(key, suite, context, Buffer.alloc(64, 7), systemRandom);
    envelope[3] = other.id;
    expect(() => openEnvelope(key, context, envelope)).toThrow(DecryptionError);
  });
});

it('says one thing for every reason, so that it helps no attacker', () => {
  const envelope = sealEnvelope(key, a256gcm, context, Buffer.from('value'), systemRandom);
  const messages = [
    () => openEnvelope(newKey(), context, envelope),
    () => openEnvelope(key, ['elsewhere'], envelope),
    () => openEnvelope(key, context, envelope.subarray(0, 30)),
    () => openEnvelope(key, context, Buffer.alloc(0)),
  ].map((open) => {
    try {
      open();
      return 'opened';
    } catch (error) {
      return (error as Error).message;
    }
  });
  expect(new Set(messages).size).toBe(1);
  expect(messages[0]).not.toBe('opened');
});

it('reads no header where there is no envelope', () => {
  expect(readEnvelopeHeader(Buffer.from('KT'))).toBeUndefined();
  expect(readEnvelopeHeader(Buffer.concat([Buffer.from('KT'), Buffer.from([2, 1]), Buffer.alloc(80)]))).toBeUndefined();
  expect(readEnvelopeHeader(Buffer.concat([Buffer.from('KT'), Buffer.from([1, 9]), Buffer.alloc(80)]))).toBeUndefined();
});
