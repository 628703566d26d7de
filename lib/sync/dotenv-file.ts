// A dotenv file: our lines are replaced or added, everything else in it stays as it is. Put in place whole (a temporary
// file beside it, synced, renamed), mode 0600; two writers wait for each other.
import { existsSync, mkdirSync, realpathSync, rmdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatDotenv, parseDotenv } from '../formats/dotenv.ts';
import { readTextIfThere, replaceFile } from '../vault/files.ts';
import { type Declaration, Declared } from './declared.ts';
import type { Destination, Drift, Item, Remote, SyncCall } from './destination.ts';
import { SyncError } from './destination.ts';

/** How long (ms) a writer may take; one that was killed leaves its lock for no longer. */
const LOCK_MS = 10_000;
const PAUSE_MS = 25;

export class DotenvFile extends Declared implements Destination {
  readonly kind = 'dotenv';
  readonly credential = undefined;
  readonly #path: string;

  /** @param path absolute */
  constructor(declaration: Declaration, path: string) {
    super(declaration);
    this.#path = path;
  }

  get title(): string {
    return `file ${this.#path}`;
  }

  async push(_call: SyncCall, item: Item): Promise<Remote> {
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(item.name)) {
      throw new SyncError(`${item.name} cannot be a name in a dotenv file`, false);
    }
    await this.#change(item.name, formatDotenv([{ name: item.name, value: Buffer.from(item.value, 'utf8') }]).text);
    return {};
  }

  async compare(
    _call: SyncCall,
    items: readonly (Item & { readonly remote: Remote | undefined })[],
  ): Promise<Map<string, Drift>> {
    const there = this.#values();
    return new Map(
      items.map(({ name, value }) => {
        const found = there.get(name);
        if (found === undefined) return [name, 'missing'];
        return [name, found.equals(Buffer.from(value, 'utf8')) ? 'same' : 'different'];
      }),
    );
  }

  async list(): Promise<string[]> {
    return [...this.#values().keys()];
  }

  async remove(_call: SyncCall, name: string): Promise<void> {
    if (this.#values().has(name)) await this.#change(name, '');
  }

  #values(): Map<string, Buffer> {
    const { entries } = this.#parsed(readTextIfThere(this.#path) ?? '');
    return new Map(entries.map((one) => [one.name, one.value]));
  }

  #parsed(text: string): ReturnType<typeof parseDotenv> {
    const parsed = parseDotenv(text);
    const [problem] = parsed.problems;
    if (!problem) return parsed;
    throw new SyncError(`${this.#path}, line ${problem.line} ${problem.what}: the file was left as it is`, false);
  }

  /** Puts `line` where the name's own lines were, or at the end. */
  async #change(name: string, line: string): Promise<void> {
    await this.#locked(() => {
      const text = readTextIfThere(this.#path) ?? '';
      const changed = this.#with(text, name, line);
      if (changed !== text) replaceFile(existsSync(this.#path) ? realpathSync(this.#path) : this.#path, changed);
    });
  }

  /** The text with one line for the name, or none: an older line of the same name would come to count, or keep a value. */
  #with(text: string, name: string, line: string): string {
    const end = text.includes('\r\n') ? '\r\n' : '\n';
    const lines = text.split(/\r\n?|\n/);
    let place: number | undefined;
    let prefix = '';
    for (;;) {
      const entry = this.#parsed(lines.join('\n')).entries.find((one) => one.name === name);
      if (!entry) break;
      place = entry.line - 1;
      const [first = ''] = lines.splice(place, (entry.lastLine ?? entry.line) - place);
      prefix ||= /^\s*export\s+/.exec(first)?.[0] ?? '';
    }
    if (line === '') return place === undefined ? text : lines.join(end);
    const own = (prefix + line).split('\n').slice(0, -1);
    if (place !== undefined) lines.splice(place, 0, ...own);
    else if (lines.at(-1) === '') lines.splice(-1, 0, ...own);
    else lines.push(...own, '');
    return lines.join(end);
  }

  async #locked(work: () => void): Promise<void> {
    const lock = `${this.#path}.lock`;
    const until = Date.now() + LOCK_MS;
    mkdirSync(dirname(this.#path), { recursive: true });
    while (!takeLock(lock)) {
      if (Date.now() > until) throw new SyncError(`${this.#path} is being written by somebody else`, true);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    try {
      work();
    } catch (error) {
      if (error instanceof SyncError) throw error;
      throw new SyncError((error as Error).message, true);
    } finally {
      rmdirSync(lock);
    }
  }
}

/** Making a folder is atomic everywhere. One that a killed writer left is taken over once it is old. */
function takeLock(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new SyncError(`${path} cannot be made (${(error as NodeJS.ErrnoException).code})`, true);
    }
  }
  const made = statSync(path, { throwIfNoEntry: false });
  if (made && Date.now() - made.mtimeMs > LOCK_MS) {
    try {
      rmdirSync(path);
    } catch (error) {
      // Somebody else was first.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return false;
}
