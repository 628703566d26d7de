// The dotenv format, read as the dotenv package reads it, so that an application sees the same values before and after;
// but with line numbers, and with an error where dotenv would silently guess or drop a line.
import { asUtf8 } from '../crypto/bytes.ts';
import type { NamedValue, ParsedText, Problem, TextEntry } from './entries.ts';

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=[^\S\n]*/;
const QUOTES = ['"', "'", '`'];

class DotenvParser {
  readonly entries = new Map<string, TextEntry>();
  readonly problems: Problem[] = [];
  readonly notes: Problem[] = [];
  readonly #lines: string[];
  #at = 0;

  constructor(text: string) {
    this.#lines = text
      .replace(/^\uFEFF/, '')
      .replace(/\r\n?/g, '\n')
      .split('\n');
  }

  parse(): ParsedText {
    while (this.#at < this.#lines.length) this.#line(this.#lines[this.#at] ?? '');
    return { entries: [...this.entries.values()], problems: this.problems, notes: this.notes };
  }

  #line(line: string): void {
    const number = this.#at + 1;
    if (/^\s*(#|$)/.test(line)) {
      this.#at += 1;
      return;
    }
    const match = ASSIGNMENT.exec(line);
    if (!match?.[1]) {
      this.problems.push({ line: number, what: 'is not NAME=value' });
      this.#at += 1;
      return;
    }
    const rest = line.slice(match[0].length);
    const quote = rest[0] ?? '';
    const value = QUOTES.includes(quote) ? this.#quoted(quote, rest.slice(1), number) : this.#plain(rest, number);
    if (value === undefined) return;
    if (this.entries.has(match[1])) this.notes.push({ line: number, what: `sets ${match[1]} again: this one counts` });
    const entry = { name: match[1], value: Buffer.from(value, 'utf8'), line: number, lastLine: this.#at };
    this.entries.set(match[1], entry);
  }

  #plain(rest: string, line: number): string {
    this.#at += 1;
    const hash = rest.indexOf('#');
    if (hash > 0 && !/\s/.test(rest[hash - 1] ?? '')) {
      this.notes.push({
        line,
        what: 'is read up to its #, as dotenv reads it; put the value in quotes if the # belongs to it',
      });
    }
    return (hash < 0 ? rest : rest.slice(0, hash)).trim();
  }

  /** Reads up to the closing quote, over as many lines as it takes. */
  #quoted(quote: string, first: string, line: number): string | undefined {
    let text = first;
    let from = 0;
    let next = this.#at + 1;
    for (;;) {
      const end = closingQuote(text, quote, from);
      if (end >= 0) {
        this.#at = next;
        const after = text.slice(end + 1);
        if (!/^\s*(#.*)?$/.test(after)) {
          this.problems.push({ line, what: 'goes on after its closing quote' });
          return undefined;
        }
        const inner = text.slice(0, end);
        return quote === '"' ? unescapeDouble(inner) : inner;
      }
      if (next >= this.#lines.length) {
        this.problems.push({ line, what: `opens a quote (${quote}) that is never closed` });
        // The lines after may be good ones: only this one is given up.
        this.#at += 1;
        return undefined;
      }
      from = text.length + 1;
      text += `\n${this.#lines[next]}`;
      next += 1;
    }
  }
}

function closingQuote(text: string, quote: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (quote === '"' && text[at] === '\\') at += 1;
    else if (text[at] === quote) return at;
  }
  return -1;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };

function unescapeDouble(text: string): string {
  return text.replace(/\\([\s\S])/g, (whole, character: string) => ESCAPES[character] ?? whole);
}

/**
 * Reads a dotenv text: `export` prefix, comments, quotes of all three kinds, values over several lines, CRLF, BOM.
 * @example parseDotenv('A=1\nB="two\nlines" # note\n').entries
 */
export function parseDotenv(text: string): ParsedText {
  return new DotenvParser(text).parse();
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
