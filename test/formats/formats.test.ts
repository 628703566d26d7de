// The text formats: dotenv as the dotenv package reads it, JSON, YAML and shell, there and back.
import { execFileSync } from 'node:child_process';
import dotenv from 'dotenv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDotenv, parseDotenv } from '../../lib/formats/dotenv.ts';
import type { NamedValue } from '../../lib/formats/entries.ts';
import { formatShell } from '../../lib/formats/shell.ts';
import { formatJson, formatYaml, parseStructured } from '../../lib/formats/structured.ts';

const read = (text: string) =>
  Object.fromEntries(parseDotenv(text).entries.map((one) => [one.name, one.value.toString()]));
const named = (values: Record<string, string>): NamedValue[] =>
  Object.entries(values).map(([name, text]) => ({ name, value: Buffer.from(text) }));

/** Names and texts as people have them, and as nobody has them. */
const names = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,12}$/);
const texts = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('a', 'B', '7', ' ', '"', "'", '`', '#', '=', '$', '\\', 'n', '\n', '\r', '\t', '{', '}', 'é'),
  }),
);
const sets = fc.dictionary(names, texts, { maxKeys: 6 });

describe('reading dotenv', () => {
  it.each([
    ['a plain value', 'A=1', { A: '1' }],
    ['space around', '  A =  two words  ', { A: 'two words' }],
    ['an export prefix', 'export A=1', { A: '1' }],
    ['comments and empty lines', '# note\n\nA=1 # after\n', { A: '1' }],
    ['double quotes over lines', 'A="one\ntwo"\nB=2', { A: 'one\ntwo', B: '2' }],
    [
      'a PEM in quotes',
      'K="-----BEGIN X-----\nMIIB\n-----END X-----\n"',
      { K: '-----BEGIN X-----\nMIIB\n-----END X-----\n' },
    ],
    ['escapes in double quotes', 'A="a\\nb\\tc\\"d\\\\e"', { A: 'a\nb\tc"d\\e' }],
    ['single quotes as they are', "A='a\\nb # $x'", { A: 'a\\nb # $x' }],
    ['backticks', 'A=`it\'s "so"`', { A: 'it\'s "so"' }],
    ['CRLF', 'A=1\r\nB="x\r\ny"\r\n', { A: '1', B: 'x\ny' }],
    ['a byte order mark', '\uFEFFA=1', { A: '1' }],
    ['an empty value', 'A=\nB=""', { A: '', B: '' }],
    ['an equals sign in the value', 'A=b=c==', { A: 'b=c==' }],
    ['an apostrophe in the value', "A=O'Brien", { A: "O'Brien" }],
    ['a comment after quotes', 'A="x # y" # z', { A: 'x # y' }],
    ['the last of two', 'A=1\nA=2', { A: '2' }],
  ])('takes %s', (_, text, expected) => {
    expect(parseDotenv(text).problems).toEqual([]);
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ['a line that is no assignment', 'A=1\nthis is not\nB=2', 2],
    ['a quote that is never closed', 'A=1\nB="planted\nC=3', 2],
    ['something after a closing quote', 'A="x" y', 1],
    ['a name that is none', '1A=x', 1],
  ])('names the line of %s, and no value', (_, text, line) => {
    const { problems } = parseDotenv(text);
    expect(problems.map((one) => one.line)).toContain(line);
    expect(JSON.stringify(problems)).not.toContain('planted');
  });

  it('says where a # cut a value off, and where a name comes twice', () => {
    expect(parseDotenv('A=abc#def').notes).toMatchObject([{ line: 1 }]);
    expect(parseDotenv('A=1\nA=2').notes).toMatchObject([{ line: 2 }]);
  });

  it('reads what dotenv reads, for every text in which dotenv has to guess nothing', () => {
    const lines = fc.array(
      fc.tuple(
        names,
        fc.constantFrom('=', ' = ', '= '),
        fc.stringMatching(/^[\w./:@%+,~ -]{0,20}$/),
        fc.constantFrom('', ' # note', "\n# 'note'"),
      ),
    );
    fc.assert(
      fc.property(lines, (parts) => {
        const text = parts.map((part) => part.join('')).join('\n');
        expect(read(text)).toEqual(dotenv.parse(text));
      }),
    );
  });

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('A', '=', '"', "'", '`', '\\', '\n', '\r', '#', ' ', 'export ', '$') }),
        (text) => {
          expect(() => parseDotenv(text)).not.toThrow();
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('writing and reading back', () => {
  it('keeps every text in dotenv', () => {
    fc.assert(
      fc.property(sets, (values) => {
        const { text, left } = formatDotenv(named(values));
        expect(left).toEqual([]);
        expect(read(text)).toEqual({ ...values });
      }),
    );
  });

  it('writes dotenv that the dotenv package reads the same, wherever its notation can say it', () => {
    fc.assert(
      fc.property(sets, (values) => {
        // dotenv has no escapes but \n and \r: a text with all three quotes, with CR, or with a backslash at its
        // end, it cannot hold.
        const sayable = Object.entries(values).filter(
          ([, text]) =>
            /^[\w./:@%+,=~\\-]*$/.test(text) ||
            (!/\r|\\$/.test(text) && (!text.includes("'") || !text.includes('`') || !/["\\]/.test(text))),
        );
        const { text } = formatDotenv(named(Object.fromEntries(sayable)));
        expect(dotenv.parse(text)).toEqual(Object.fromEntries(sayable));
      }),
    );
  });

  it.each(['json', 'yaml'] as const)('keeps every text and every byte string in %s', (kind) => {
    fc.assert(
      fc.property(
        fc.dictionary(
          names,
          fc.oneof(
            texts.map((text) => Buffer.from(text)),
            fc.uint8Array().map(Buffer.from),
          ),
          { maxKeys: 5 },
        ),
        (values) => {
          const list = Object.entries(values).map(([name, value]) => ({ name, value: Buffer.from(value) }));
          const text = kind === 'json' ? formatJson(list) : formatYaml(list);
          const { entries, problems } = parseStructured(text, kind);
          expect(problems).toEqual([]);
          expect(entries.map((one) => [one.name, one.value.toString('hex')])).toEqual(
            list.map((one) => [one.name, one.value.toString('hex')]),
          );
        },
      ),
    );
  });

  it('keeps every text through a real shell', () => {
    const values = { A: `it's "so" $HOME \`date\` \\ !`, B: 'two\nlines', C: '' };
    const { text } = formatShell(named(values));
    const out = execFileSync('sh', ['-c', `${text}printf '%s|%s|%s' "$A" "$B" "$C"`], { encoding: 'utf8' });
    expect(out).toBe(Object.values(values).join('|'));
  });

  it('says what a format cannot hold', () => {
    const binary = [{ name: 'BINARY', value: Buffer.from([0xff, 0x00]) }];
    expect(formatDotenv(binary)).toEqual({ text: '', left: ['BINARY'] });
    expect(formatShell([...binary, { name: 'with.dot', value: Buffer.from('x') }])).toEqual({
      text: '',
      left: ['BINARY', 'with.dot'],
    });
  });
});

describe('reading JSON and YAML', () => {
  it('takes texts, numbers as they are written, and booleans', () => {
    const values = (text: string, kind: 'json' | 'yaml') =>
      Object.fromEntries(parseStructured(text, kind).entries.map((one) => [one.name, one.value.toString()]));
    expect(values('{"A":"x","B":1.10,"C":true,"D":12345678901234567890}', 'json')).toEqual({
      A: 'x',
      B: '1.10',
      C: 'true',
      D: '12345678901234567890',
    });
    expect(values('A: x\nB: |\n  one\n  two\nC: "0755"\n', 'yaml')).toEqual({ A: 'x', B: 'one\ntwo\n', C: '0755' });
  });

  it.each([
    ['json', '{"A": "x",\n "B": }', 2],
    ['json', '{"A": "x",\n "A": "y"}', 2],
    ['json', '["A"]', 1],
    ['yaml', 'A: x\nB:\n  - planted-4711\n', 2],
    ['yaml', 'A: "x\n', 2],
    ['yaml', 'just text', 1],
  ] as const)('names the line of what is wrong in %s %j, and no value', (kind, text, line) => {
    const { problems } = parseStructured(text, kind);
    expect(problems.length).toBeGreaterThan(0);
    expect(
      problems.some((one) => one.line === line),
      JSON.stringify(problems),
    ).toBe(true);
    expect(JSON.stringify(problems)).not.toContain('planted');
  });
});
