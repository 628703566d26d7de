// Known values are found wherever they stand and however they are written, and nothing else is.
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownScanner, scanTextOf } from '../../lib/leaks/known-scanner.ts';
import { LEAK_KEY, printOf } from '../support/leaks.ts';

function scan(values: readonly string[], text: string | Buffer, hashBits = 32) {
  const scanner = new KnownScanner(LEAK_KEY, values.map(printOf), hashBits);
  return scanner.scan(scanTextOf(Buffer.from(text as string)));
}

const ALPHABETS = {
  base64: 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/',
  hex: '0123456789abcdef',
  password: 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!#$%&*+-=?@^_~',
};
const values = fc.constantFrom(...Object.values(ALPHABETS)).chain((alphabet) =>
  fc
    .array(fc.constantFrom(...alphabet), { minLength: 16, maxLength: 120 })
    .map((letters) => letters.join(''))
    // As values are: not one letter again and again.
    .filter((text) => new Set(text).size > 8),
);
const around = fc.stringMatching(/^[a-zA-Z0-9 ="':;/._-]{0,30}$/);

describe('a known value', () => {
  it.each([
    ['plain', (value: string) => value],
    ['hex', (value: string) => Buffer.from(value).toString('hex')],
    ['hex', (value: string) => Buffer.from(value).toString('hex').toUpperCase()],
    ['URL-encoded', (value: string) => encodeURIComponent(`%${value}`).slice(3)],
    [
      'URL-encoded',
      (value: string) =>
        encodeURIComponent(`%${value}`)
          .slice(3)
          .replace(/%../g, (code) => code.toLowerCase()),
    ],
  ] as const)('is found in %s form at every place', (form, write) => {
    fc.assert(
      fc.property(values, around, around, (value, before, after) => {
        // A % in the value stands in its URL as %25: the plain value is there as well.
        fc.pre(form !== 'URL-encoded' || !value.includes('%'));
        const hits = scan([value], `${before}\n"${write(value)}"\n${after}`);
        expect(hits).toHaveLength(1);
        // A value without special characters is the same in a URL.
        const plain = write(value) === value;
        expect(hits[0]).toMatchObject({
          index: 0,
          form: plain ? 'plain' : form,
          start: before.length + 2,
          split: false,
        });
      }),
      { numRuns: 300 },
    );
  });

  it('is found in base64 of more than itself, at every alignment and in both alphabets', () => {
    fc.assert(
      fc.property(
        values,
        fc.uint8Array({ maxLength: 9 }),
        fc.uint8Array({ maxLength: 9 }),
        fc.boolean(),
        (value, before, after, inUrl) => {
          const text = Buffer.concat([before, Buffer.from(value), after]).toString(inUrl ? 'base64url' : 'base64');
          expect(scan([value], `Authorization: Basic ${text}`)).toMatchObject([{ index: 0, form: 'base64' }]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([
    ['joined by +', (a: string, b: string) => `const x = "${a}" +\n          "${b}";`],
    ['joined by a leading +', (a: string, b: string) => `const x = '${a}'\n  + '${b}';`],
    ['with a backslash', (a: string, b: string) => `X=${a}\\\n${b}`],
    ['wrapped and indented', (a: string, b: string) => `x: |\r\n    ${a}\r\n    ${b}\r\n`],
    ['with a written-out line break', (a: string, b: string) => `{"x":"${a}\\n${b}"}`],
  ])('is found split over lines, %s', (_, write) => {
    const text = 'kQ3xVb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0JfQr2Zq7Xn2';
    // A written-out break among the last bytes parts what is looked at first: that one is not found.
    const last = write('', '').includes('\\n') ? text.length - 11 : text.length - 1;
    for (let cut = 1; cut <= last; cut += 1) {
      const hits = scan([text], write(text.slice(0, cut), text.slice(cut)));
      expect(hits, `cut at ${cut}`).toMatchObject([{ index: 0, form: 'plain', split: true }]);
    }
  });

  it('is found in base64 that is wrapped', () => {
    const value = 'kQ3xVb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0JfQr2Zq7Xn2';
    const base64 = Buffer.from(`user:${value}`).toString('base64');
    for (let width = 9; width < 30; width += 1) {
      const wrapped = base64.match(new RegExp(`.{1,${width}}`, 'g'))?.join('\n') ?? '';
      expect(scan([value], wrapped), `width ${width}`).toMatchObject([{ index: 0, form: 'base64' }]);
    }
  });

  it('with line breaks of its own is found in a file, in JSON, in base64 and with Windows line ends', () => {
    const pem = `-----BEGIN PRIVATE KEY-----\n${randomBytes(96)
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n')}\n-----END PRIVATE KEY-----\n`;
    for (const text of [pem, JSON.stringify({ pem }), pem.replaceAll('\n', '\r\n'), pem.replaceAll('\n', '\n    ')]) {
      expect(scan([pem], text), text).toMatchObject([{ index: 0, form: 'plain' }]);
    }
  });

  it('is found by an index that has less of each anchor', () => {
    fc.assert(
      fc.property(values, (value) => {
        expect(scan([value], `x=${value}`, 24)).toHaveLength(1);
      }),
      { numRuns: 100 },
    );
  });

  it('of many is told apart from the others, as often as it stands there', () => {
    const many = Array.from({ length: 500 }, () => randomBytes(24).toString('base64url'));
    const text = many.map((value, index) => `KEY_${index}=${value}`).join('\n');
    expect(scan(many, text).map((hit) => hit.index)).toEqual(many.map((_, index) => index));
    expect(scan(many, `${text}\n${text}`)).toHaveLength(1000);
  });

  it('that ends as another one does is not taken for it', () => {
    const one = 'kQ3xVb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0JfQr2';
    const other = `Xn${one.slice(2)}`;
    expect(scan([one, other], `a=${one} b=${other}`).map((hit) => hit.index)).toEqual([0, 1]);
    expect(scan([one], `b=${other}`)).toEqual([]);
  });
});

describe('what is no known value', () => {
  it('is never found, in text or in bytes', () => {
    const many = Array.from({ length: 200 }, () => randomBytes(24).toString('base64url'));
    expect(scan(many, randomBytes(4_000_000))).toEqual([]);
    expect(scan(many, randomBytes(1_000_000).toString('base64'))).toEqual([]);
  });

  it('is not found where one letter of it differs, is missing or is moved', () => {
    const value = 'kQ3xVb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0JfQr2Zq7Xn2';
    for (let at = 0; at < value.length; at += 1) {
      const changed = `${value.slice(0, at)}!${value.slice(at + 1)}`;
      expect(scan([value], changed), `changed at ${at}`).toEqual([]);
      expect(scan([value], value.slice(0, at) + value.slice(at + 1)), `missing at ${at}`).toEqual([]);
    }
  });

  it('is an empty text, or one shorter than a window', () => {
    expect(scan(['kQ3xVb9Kd4Tw8Rz1Lm6Pc3'], '')).toEqual([]);
    expect(scan(['kQ3xVb9Kd4Tw8Rz1Lm6Pc3'], '\n')).toEqual([]);
    expect(scan(['kQ3xVb9Kd4Tw8Rz1Lm6Pc3'], 'Lm6Pc3')).toEqual([]);
  });
});
