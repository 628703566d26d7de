// Leak prints: texts joined over their line breaks the same way forwards and backwards, and the bytes of a print.
import { createSecretKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherBackward, joinText } from '../../lib/crypto/joined-text.ts';
import { decodePrint, encodePrint, LeakKey, leakPrintOf } from '../../lib/crypto/leak-print.ts';

const key = new LeakKey(createSecretKey(Buffer.alloc(32, 7)));

describe('a text without its line breaks', () => {
  it.each([
    ['"abc" +\n  "def"', '"abcdef"'],
    ['"abc"\n  + "def"', '"abcdef"'],
    ["'abc',\r\n\t'def'", "'abcdef'"],
    ['abc\\\ndef', 'abcdef'],
    ['-----BEGIN-----\\nMIIE\\n', '-----BEGIN-----MIIE'],
    ['QUJD\n  REVG\n', 'QUJDREVG'],
    // A + or a comma that is not between quotes is of the value: base64 ends with one now and then.
    ['QUJ+\nREVG', 'QUJ+REVG'],
    ['a\n\n\nb', 'ab'],
  ])('%j becomes %j', (text, joined) => {
    expect(joinText(Buffer.from(text)).toString()).toBe(joined);
  });

  it('is the same read backwards, whatever stands around the breaks', () => {
    const pieces = fc.constantFrom('a', 'Z', '9', '"', "'", '+', ',', '\\', ' ', '\t', '\r', '\n', '\n', '\\n', '.');
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), fc.nat(12), (parts, count) => {
        const text = Buffer.from(parts.join(''));
        const room = Buffer.alloc(count);
        // Read from the end of a line that goes on: what stands before the end of the text is no break's.
        const whole = Buffer.concat([text, Buffer.from('END')]);
        const all = joinText(whole);
        const back = gatherBackward(whole, whole.length, room, count);
        expect(back.count).toBe(Math.min(count, all.length));
        expect(room.subarray(count - back.count).equals(all.subarray(all.length - back.count))).toBe(true);
      }),
      { numRuns: 5000 },
    );
  });
});

describe('a print', () => {
  it('has the bytes that docs/formats.md says', () => {
    const print = leakPrintOf(key, Buffer.from('Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3'));
    expect(encodePrint(print).toString('hex')).toBe(KNOWN_PRINT);
  });

  it('comes back from its bytes, for every value', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 5000 }), (value) => {
        const print = leakPrintOf(key, value);
        expect(decodePrint(encodePrint(print))).toEqual(
          print && { ...print, bitsLeft: Math.min(print.bitsLeft, 0xffff) },
        );
      }),
    );
  });

  it('is not made of what is short or easily guessed', () => {
    for (const value of ['', 'short', '1234567890', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'abababababababab']) {
      expect(leakPrintOf(key, Buffer.from(value)), value).toBeUndefined();
    }
  });

  it('is another one under another key', () => {
    const value = Buffer.from('Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3');
    const other = leakPrintOf(new LeakKey(createSecretKey(Buffer.alloc(32, 8))), value);
    const print = leakPrintOf(key, value);
    expect(other?.mac.equals(print?.mac ?? Buffer.alloc(0))).toBe(false);
    expect(other?.anchors.map((one) => one.hash)).not.toEqual(print?.anchors.map((one) => one.hash));
  });

  it('refuses bytes that are none of ours', () => {
    const bytes = encodePrint(leakPrintOf(key, Buffer.from('Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3')));
    for (const broken of [
      bytes.subarray(0, 20),
      bytes.subarray(0, -1),
      Buffer.concat([Buffer.from([9]), bytes.subarray(1)]),
    ]) {
      expect(decodePrint(broken)).toBeUndefined();
    }
  });
});

/** Key: 32 bytes of 0x07. Value: the ASCII text Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3. */
const KNOWN_PRINT =
  '010000001a87993ce33e2f72a6c99737374f5fb76ba285baa2003a002d4f681c0133fe4e0502c28e0ccb031d32b63704d8628856059f1ac57806e3486e360715621c25087da69c2809ef0a610d0af548c56d0bc5747df00c4432f8890ddfba86900e086485540fbfe7b2831c662629571d033d93c41ef1f1b27e1f4c7d1c672066262957213b31fe1222a32c77d023e234996e';
