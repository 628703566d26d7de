// The dotenv format: read (dotenv-text.ts) into bytes, and written so that it reads back unchanged.
import { asUtf8 } from '../crypto/bytes.ts';
import { readDotenv } from './dotenv-text.ts';
import type { NamedValue, ParsedText } from './entries.ts';

/** @example parseDotenv('A=1\nB="two\nlines" # note\n').entries */
export function parseDotenv(text: string): ParsedText {
  const { entries, ...rest } = readDotenv(text);
  return {
    ...rest,
    entries: entries.map(({ text: value, ...one }) => ({ ...one, value: Buffer.from(value, 'utf8') })),
  };
}

/** Quotes a value so that dotenv and this parser read it back unchanged, wherever a notation for that exists. */
function quoteValue(text: string): string {
  if (/^[A-Za-z0-9_./:@%+,=~\\-]*$/.test(text)) return text;
  // dotenv takes a backslash before the closing quote as an escape, even in single quotes.
  if (!text.includes('\r') && !text.endsWith('\\')) {
    for (const quote of ["'", '`']) if (!text.includes(quote)) return quote + text + quote;
    if (!/["\\]/.test(text)) return `"${text}"`;
  }
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${escaped}"`;
}

/** @returns the text, and the names whose values are binary and cannot be written in this format */
export function formatDotenv(values: readonly NamedValue[]): { text: string; left: string[] } {
  const left: string[] = [];
  let text = '';
  for (const { name, value } of values) {
    const plain = asUtf8(value);
    if (plain === undefined) left.push(name);
    else text += `${name}=${quoteValue(plain)}\n`;
  }
  return { text, left };
}
