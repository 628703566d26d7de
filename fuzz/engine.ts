// The fuzzing loop: mutates inputs that reached something new, keeps those that reach more. Coverage is counted by
// istanbul's counters in the instrumented code (statements, functions, branches), in the classes of AFL (1, 2, 3, 4–7, …):
// a loop that runs more often is something new too. Randomness and the clock are handed in.
import { mutate, type Random } from './mutate.ts';

/** The counters of one instrumented file, as istanbul keeps them. */
export interface FileCounters {
  readonly s: Record<string, number>;
  readonly f: Record<string, number>;
  readonly b: Record<string, number[]>;
}

/** Reads and clears all counters at once. */
export class Coverage {
  readonly #counters: { read: () => number; clear: () => void }[] = [];

  constructor(files: Readonly<Record<string, FileCounters>>) {
    for (const { s, f, b } of Object.values(files)) {
      for (const table of [s, f]) for (const key of Object.keys(table)) this.#add(table, key);
      for (const branches of Object.values(b)) for (const key of branches.keys()) this.#add(branches, key);
    }
  }

  #add<K extends string | number>(table: Record<K, number>, key: K): void {
    this.#counters.push({
      read: () => table[key],
      clear: () => {
        table[key] = 0;
      },
    });
  }

  get size(): number {
    return this.#counters.length;
  }

  clear(): void {
    for (const one of this.#counters) one.clear();
  }

  /** What was reached since the last `clear`: each counter with its class. */
  features(): number[] {
    const found: number[] = [];
    for (const [index, one] of this.#counters.entries()) {
      const count = one.read();
      if (count > 0) found.push(index * 8 + classOf(count));
    }
    return found;
  }
}

/** 1, 2, 3, 4–7, 8–15, 16–31, 32–127, more. */
export function classOf(count: number): number {
  if (count <= 3) return count - 1;
  if (count < 8) return 3;
  if (count < 16) return 4;
  if (count < 32) return 5;
  return count < 128 ? 6 : 7;
}

interface Finding {
  readonly input: Buffer;
  readonly error: Error;
}

export interface FuzzInput {
  readonly run: (input: Buffer) => void;
  readonly coverage: Coverage;
  readonly corpus: readonly Buffer[];
  /** Words that the parser knows, to be put into inputs. */
  readonly words: readonly Buffer[];
  readonly random: Random;
  /** Bytes that an input has at most. */
  readonly maxBytes: number;
  /** Asked before each run, with what will be run. False ends it. */
  readonly goOn: (input: Buffer, runs: number, kept: number, reached: number) => boolean;
}

export interface FuzzResult {
  readonly runs: number;
  /** The smallest set found that reaches everything. */
  readonly corpus: readonly Buffer[];
  readonly findings: readonly Finding[];
  readonly reached: number;
}

interface Kept {
  readonly input: Buffer;
  readonly features: readonly number[];
}

/** Runs until `goOn` says no. Findings that fail in the same place are one. */
export function fuzz(at: FuzzInput): FuzzResult {
  const seen = new Set<number>();
  const kept: Kept[] = [];
  const findings = new Map<string, Finding>();
  let runs = 0;
  const attempt = (input: Buffer): void => {
    at.coverage.clear();
    runs += 1;
    try {
      at.run(input);
    } catch (error) {
      const found = error instanceof Error ? error : new Error(String(error));
      const place = placeOf(found);
      const known = findings.get(place);
      if (!known || known.input.length > input.length) findings.set(place, { input, error: found });
    }
    const features = at.coverage.features();
    if (!features.some((one) => !seen.has(one))) return;
    for (const one of features) seen.add(one);
    kept.push({ input, features });
  };
  for (const input of at.corpus) attempt(input);
  for (;;) {
    // The newest are looked at most: what they reach was reached by few.
    const recent = at.random(2) === 0 ? Math.max(0, kept.length - 16) : 0;
    const parent = kept[recent + at.random(kept.length - recent)]?.input ?? Buffer.alloc(0);
    const other = kept[at.random(kept.length)]?.input ?? Buffer.alloc(0);
    const input = mutate(parent, other, at.words, at.random).subarray(0, at.maxBytes);
    if (!at.goOn(input, runs, kept.length, seen.size)) break;
    attempt(Buffer.from(input));
  }
  return { runs, corpus: smallest(kept), findings: [...findings.values()], reached: seen.size };
}

/** Where an error comes from: its message's beginning and the first lines of our own. */
function placeOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '));
  return [error.name, error.message.replace(/\d+/g, '#').slice(0, 40), ...frames.slice(0, 3)].join('\n');
}

/** Greedy: shortest first, an input stays where it reaches what no shorter one does. */
function smallest(kept: readonly Kept[]): Buffer[] {
  const covered = new Set<number>();
  const chosen: Buffer[] = [];
  for (const { input, features } of [...kept].sort((a, b) => a.input.length - b.input.length)) {
    if (features.every((one) => covered.has(one))) continue;
    for (const one of features) covered.add(one);
    chosen.push(input);
  }
  return chosen;
}
