// What a reader would type: the commands of `sh` and `console` blocks, in their order, with what a console block shows after each.
import { spawnSync } from 'node:child_process';

export interface Statement {
  readonly text: string;
  /** Line in the document, counted from 1. */
  readonly line: number;
  /** What the document shows as its output; undefined in `sh` blocks. */
  readonly shown: readonly string[] | undefined;
}

/** Whether a text is whole for the shell: no quote, loop or here-document is open. */
function isWhole(text: string): boolean {
  const { status, stderr } = spawnSync('bash', ['-n'], { input: `${text}\n`, encoding: 'utf8' });
  return status === 0 && stderr === '';
}

function isComment(line: string): boolean {
  return line.trim() === '' || line.trimStart().startsWith('#');
}

function fromShell(lines: readonly string[], from: number): Statement[] {
  const found: Statement[] = [];
  let text = '';
  let at = from;
  for (const [index, line] of lines.entries()) {
    if (text === '' && isComment(line)) continue;
    if (text === '') at = from + index;
    text = text === '' ? line : `${text}\n${line}`;
    if (!isWhole(text) || line.endsWith('\\')) continue;
    found.push({ text, line: at, shown: undefined });
    text = '';
  }
  if (text !== '') throw new Error(`line ${at}: the shell would wait for more after ${text}`);
  return found;
}

function fromConsole(lines: readonly string[], from: number): Statement[] {
  const found: { text: string; line: number; shown: string[] }[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('$ ')) found.push({ text: line.slice(2), line: from + index, shown: [] });
    else found.at(-1)?.shown.push(line);
  }
  return found;
}

/** Every command of a document. */
export function statementsOf(markdown: string): Statement[] {
  const lines = markdown.split('\n');
  const found: Statement[] = [];
  for (let at = 0; at < lines.length; at += 1) {
    const kind = /^```(\w+)/.exec(lines[at] ?? '')?.[1];
    if (kind === undefined) continue;
    const end = lines.indexOf('```', at + 1);
    const block = lines.slice(at + 1, end);
    if (kind === 'sh') found.push(...fromShell(block, at + 2));
    if (kind === 'console') found.push(...fromConsole(block, at + 2));
    at = end;
  }
  return found;
}
