// How commands speak: text for people, JSON for programs, colours and progress on a terminal only. What was asked for
// goes to standard output, all else to standard error.
import { styleText } from 'node:util';
import { formatTable } from './table.ts';

type Style = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold' | 'magenta';

const PROGRESS_AFTER_MS = 1_000;
const PROGRESS_EVERY_MS = 100;
const BAR_WIDTH = 30;

export class Output {
  readonly json: boolean;
  #barShown = false;

  constructor(options: { json?: boolean }) {
    this.json = options.json === true;
  }

  /** A line for people; nothing where JSON is wanted. */
  line(text = ''): void {
    if (this.json) return;
    this.#clearBar();
    process.stdout.write(`${text}\n`);
  }

  /**
   * A table on a terminal; off it, its rows alone with tabs between, for other programs to cut. Nothing where JSON is
   * wanted.
   */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    if (this.json) return;
    if (!process.stdout.isTTY) {
      for (const row of rows) this.line(row.join('\t'));
      return;
    }
    this.line(formatTable([head.map((cell) => this.style('dim', cell.toUpperCase())), ...rows]));
  }

  /** A word about the answer, on a terminal only: off it, only the answer itself is wanted. */
  aside(text = ''): void {
    if (process.stdout.isTTY) this.line(text);
  }

  /** The answer for programs; nothing where people read. */
  data(value: unknown): void {
    if (!this.json) return;
    this.#clearBar();
    process.stdout.write(`${JSON.stringify(value, undefined, 2)}\n`);
  }

  /** What is not the answer: warnings, what was done besides. */
  note(text: string): void {
    this.#clearBar();
    process.stderr.write(`${text}\n`);
  }

  style(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout });
  }

  /**
   * A progress bar on a terminal, once the work takes longer than a second.
   * @returns tells how far it is; call `done` at the end
   */
  progress(label: string): { at(done: number, total?: number): void; done(): void } {
    const started = performance.now();
    let shownAt = 0;
    const at = (done: number, total?: number) => {
      const now = performance.now();
      if (!process.stderr.isTTY || now - started < PROGRESS_AFTER_MS || now - shownAt < PROGRESS_EVERY_MS) return;
      shownAt = now;
      this.#barShown = true;
      process.stderr.write(`\r\x1b[K${label} ${bar(done, total)}`);
    };
    return { at, done: () => this.#clearBar() };
  }

  /** A bar goes before anything else is written: it has no line of its own. */
  #clearBar(): void {
    if (!this.#barShown) return;
    this.#barShown = false;
    process.stderr.write('\r\x1b[K');
  }
}

function bar(done: number, total: number | undefined): string {
  if (!total) return String(done);
  const part = Math.min(1, done / total);
  const filled = Math.round(part * BAR_WIDTH);
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${Math.floor(part * 100)} % (${done} of ${total})`;
}
