// Dotenv files, JSON and YAML to import: whatever is read is written and read back unchanged, and as the dotenv package reads it.
import { parse } from 'dotenv';
import { formatDotenv, parseDotenv } from '../../lib/formats/dotenv.ts';
import type { ParsedText } from '../../lib/formats/entries.ts';
import { formatJson, formatYaml, parseStructured } from '../../lib/formats/structured.ts';
import { answers, type FuzzTarget, holds } from '../target.ts';

const SEEDS = [
  'A=1\nB="two\\nlines" # note\nexport C=\'single $HOME\'\nD=`back\ntick`\n\n# comment\nE=\n',
  'LONG="first\nsecond \\"quoted\\" \\\\ \\t"\r\nF = spaced value # note\r\nG=a#b\nA=again\n',
  '\uFEFFX.Y-Z=1\nnot an assignment\nQ="never closed\nR=2\n',
];

function same(one: ParsedText, other: ParsedText, how: string): void {
  const plain = ({ entries }: ParsedText) =>
    JSON.stringify(entries.map(({ name, value }) => [name, value.toString('base64')]).sort());
  holds(other.problems.length === 0, `${how}: what was written has no problem`);
  holds(plain(one) === plain(other), `${how}: what was written reads back`);
}

/** What is plainly both's: the package knows fewer escapes, and guesses where this parser tells of a problem or a note. */
function asDotenv(text: string, read: ParsedText): void {
  if (read.problems.length > 0 || read.notes.length > 0 || text.includes('\\')) return;
  const theirs = parse(text);
  for (const { name, value } of read.entries) holds(theirs[name] === value.toString('utf8'), 'as dotenv reads it');
}

function anyName(read: ParsedText): boolean {
  return read.entries.every(({ name }) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && name !== '__proto__');
}

export const target: FuzzTarget = {
  name: 'dotenv',
  seeds: () => SEEDS.map((one) => Buffer.from(one)),
  run: (input) => {
    const text = input.toString('utf8');
    const read = answers(() => parseDotenv(text));
    if (!read) return;
    asDotenv(text, read);
    if (!anyName(read)) return;
    same(read, parseDotenv(formatDotenv(read.entries).text), 'dotenv');
    same(read, parseStructured(formatJson(read.entries), 'json'), 'JSON');
    same(read, parseStructured(formatYaml(read.entries), 'yaml'), 'YAML');
  },
};
