// Fuzzes one target in a thread of its own, so that an input on which a parser never ends can be told from outside: what is being
// run stands in shared memory.
import { pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { Coverage, type FileCounters, fuzz } from './engine.ts';
import { inputsOf } from './places.ts';
import { type FuzzTarget, fixedNumbers } from './target.ts';

export interface RunData {
  readonly target: string;
  readonly file: string;
  readonly words: readonly string[];
  readonly seed: number;
  /** Milliseconds. */
  readonly time: number;
  readonly maxBytes: number;
  /** Runs so far, and bytes of the input that is being run (32 bits each); then the input. */
  readonly shared: SharedArrayBuffer;
}

export interface Progress {
  readonly runs: number;
  readonly kept: number;
  readonly reached: number;
}

/** What it says at its end. */
export interface RunEnd {
  readonly runs: number;
  readonly reached: number;
  readonly counters: number;
  readonly corpus: readonly Uint8Array[];
  readonly findings: readonly { readonly input: Uint8Array; readonly what: string }[];
}

const data = workerData as RunData;
const { target } = (await import(pathToFileURL(data.file).href)) as { target: FuzzTarget };
const counters = (globalThis as { __coverage__?: Record<string, FileCounters> }).__coverage__ ?? {};
const numbers = fixedNumbers(data.seed);
const heads = new Uint32Array(data.shared, 0, 2);
const current = new Uint8Array(data.shared, 8);
const until = performance.now() + data.time;
let said = performance.now();
const coverage = new Coverage(counters);
const result = fuzz({
  run: target.run,
  coverage,
  corpus: [...target.seeds(), ...inputsOf('corpus', data.target).map(([, input]) => input)],
  words: data.words.map((one) => Buffer.from(one)),
  random: (bound) => numbers() % bound,
  maxBytes: data.maxBytes,
  goOn: (input, runs, kept, reached) => {
    current.set(input);
    heads[1] = input.length;
    heads[0] = runs;
    const now = performance.now();
    if (now - said > 1000) {
      said = now;
      parentPort?.postMessage({ progress: { runs, kept, reached } satisfies Progress });
    }
    return now < until;
  },
});
const end: RunEnd = {
  runs: result.runs,
  reached: result.reached,
  counters: coverage.size,
  corpus: result.corpus,
  findings: result.findings.map(({ input, error }) => ({ input, what: error.stack ?? error.message })),
};
parentPort?.postMessage({ end });
