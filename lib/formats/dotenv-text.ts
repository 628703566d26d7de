// The dotenv format, read as the dotenv package reads it, so that an application sees the same values before and after;
// but with line numbers, and with an error where dotenv would silently guess or drop a line. Nothing of Node's: the console
// reads dropped files with it, in the browser.
import type { Problem } from './problem.ts';

interface DotenvEntry {
  readonly name: string;
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
  readonly lastLine: number;
}

export interface DotenvText {
  readonly entries: readonly DotenvEntry[];
  /** What cannot be read: with any, nothing should be taken. */
  readonly problems: readonly Problem[];
  /** What was read, but perhaps not as meant. */
  readonly notes: readonly Problem[];
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=[^\S\n]*/;
const QUOTES = ['"', "'", '`'];

class DotenvParser {
  readonly entries = new Map<string, DotenvEntry>();
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

  parse(): DotenvText {
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
    const entry = { name: match[1], text: value, line: number, lastLine: this.#at };
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
 * @example readDotenv('A=1\nB="two\nlines" # note\n').entries
 */
export function readDotenv(text: string): DotenvText {
  return new DotenvParser(text).parse();
}
