// `npm run fuzz`: coverage-guided fuzzing of everything that reads what came from somewhere else. Keeps what reached something new in
// fuzz/corpus, what failed in fuzz/found, and ends with 1 where anything did. `npm test` runs both again.
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { buildTarget } from './build.ts';
import { FUZZ, keep, replaceCorpus, targetNames } from './places.ts';
import type { Progress, RunData, RunEnd } from './run.child.ts';

const MAX_BYTES = 4096;
/** An input that takes longer is a finding: no file of 4 KiB may keep a process busy. */
const HANG_MS = 10_000;

const HELP = `npm run fuzz -- [TARGET …] [--seconds N] [--seed N] [--no-keep]

Targets: ${targetNames().join(', ')} (all of them where none is named)
  --seconds N   for each target (60)
  --seed N      of the random changes; another one each time where not given
  --no-keep     leave fuzz/corpus as it is
`;

interface Ended {
  readonly end?: RunEnd;
  readonly hung?: Uint8Array;
}

function line(name: string, { runs, kept, reached }: Progress, seconds: number): string {
  const speed = Math.round(runs / Math.max(seconds, 0.001));
  return `${name.padEnd(13)} ${String(runs).padStart(9)} runs  ${String(speed).padStart(6)}/s  ${String(reached).padStart(5)} reached  ${String(kept).padStart(4)} kept`;
}

function show(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${text}`);
}

/** Runs the thread to its end, or ends it where one input takes too long. */
function runTarget(data: RunData): Promise<Ended> {
  const started = performance.now();
  const heads = new Uint32Array(data.shared, 0, 2);
  return new Promise((resolve, reject) => {
    const worker = new Worker(join(FUZZ, 'run.child.ts'), { workerData: data });
    let last = { runs: -1, at: performance.now() };
    const watch = setInterval(() => {
      const runs = heads[0] ?? 0;
      if (runs !== last.runs) last = { runs, at: performance.now() };
      else if (performance.now() - last.at > HANG_MS && runs > 0) {
        const hung = new Uint8Array(data.shared, 8, heads[1]).slice();
        void worker.terminate().then(() => resolve({ hung }));
      }
    }, 500);
    worker.on('message', ({ progress, end }: { progress?: Progress; end?: RunEnd }) => {
      if (progress) show(line(data.target, progress, (performance.now() - started) / 1000));
      if (end) resolve({ end });
    });
    worker.on('error', reject);
    worker.on('exit', () => clearInterval(watch));
  });
}

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly keepCorpus: boolean;
  readonly folder: string;
}

/** @returns how many findings there were */
async function fuzzTarget(name: string, { seconds, seed, keepCorpus, folder }: Options): Promise<number> {
  const built = await buildTarget(name, folder);
  const shared = new SharedArrayBuffer(8 + MAX_BYTES);
  const ended = await runTarget({ target: name, ...built, seed, time: seconds * 1000, maxBytes: MAX_BYTES, shared });
  if (ended.hung) {
    const path = keep('found', name, ended.hung);
    process.stdout.write(`\n${name}: an input took longer than ${HANG_MS / 1000} s: ${path}\n`);
    return 1;
  }
  const { end } = ended;
  if (!end) throw new Error(`${name} ended without a result`);
  const kept = end.corpus.length;
  show('');
  process.stdout.write(
    `${line(name, { runs: end.runs, kept, reached: end.reached }, seconds)}  of ${end.counters} counters\n`,
  );
  if (keepCorpus) replaceCorpus(name, end.corpus);
  for (const { input, what } of end.findings) {
    process.stdout.write(`${name} failed: ${keep('found', name, input)}\n${what.split('\n').slice(0, 6).join('\n')}\n`);
  }
  return end.findings.length;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '60' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      'no-keep': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const known = targetNames();
  const seconds = Number(values.seconds);
  const seed = Number(values.seed);
  const wrong = positionals.filter((one) => !known.includes(one));
  if (values.help || wrong.length > 0 || !(seconds > 0) || !Number.isInteger(seed)) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const folder = mkdtempSync(join(FUZZ, 'built-'));
  try {
    process.stdout.write(`Fuzzing for ${seconds} s a target, seed ${seed}.\n`);
    let findings = 0;
    const options = { seconds, seed, keepCorpus: !values['no-keep'], folder };
    for (const name of positionals.length > 0 ? positionals : known) findings += await fuzzTarget(name, options);
    process.stdout.write(
      findings === 0
        ? 'Nothing failed.\n'
        : `${findings} found: each input is in fuzz/found, and fails in npm test until it is mended.\n`,
    );
    return findings === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
