// What the benchmarks share: vaults to measure, medians, and the results file.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { arch, cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Bench } from 'tinybench';
import { EmbeddedVault, type VaultOptions } from '../lib/vault/embedded-vault.ts';
import { vaultHome } from '../lib/vault/home.ts';
import { setSecrets } from '../lib/vault/write.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const AT = { project: 'default', environment: 'development' };

const folders: string[] = [];
process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn-bench-'));
  folders.push(folder);
  return folder;
}

export function options(folder: string): VaultOptions {
  const home = vaultHome(folder, { KEYTURN_HOME: join(folder, '.keyturn') });
  return { home: { ...home, root: folder, backups: join(folder, 'backups') }, env: {}, source: 'bench' };
}

export function newVault(folder = temporaryFolder()): EmbeddedVault {
  return EmbeddedVault.create(options(folder)).vault;
}

/** Fills a vault with so many secrets, by turns of every kind of value. */
export function fill(vault: EmbeddedVault, count: number): void {
  for (let from = 0; from < count; from += 1000) {
    const inputs = Array.from({ length: Math.min(1000, count - from) }, (_, index) => ({
      at: AT,
      name: `SECRET_${String(from + index).padStart(7, '0')}`,
      value: Buffer.from(valueFor(vault, from + index)),
    }));
    vault.run(setSecrets(vault.context, inputs));
  }
}

/** Nine of ten look generated, one was chosen by a person (and takes the dictionaries). */
function valueFor(vault: EmbeddedVault, n: number): string {
  if (n % 10 === 0) return `Summer${n}Winter!`;
  return vault.context.random(32).toString('base64url');
}

export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** Name of the floor, and this over that. */
  readonly against?: string;
  readonly ratio?: number;
  /** What the project wants, in the same unit; for ratios as a ratio. */
  readonly target?: string;
  readonly met?: boolean;
}

const results: Measured[] = [];

export function record(measured: Measured): void {
  results.push(measured);
  const ratio = measured.ratio === undefined ? '' : `  ${measured.ratio.toFixed(2)} × ${measured.against}`;
  const target =
    measured.target === undefined ? '' : `  (wanted: ${measured.target}; ${measured.met ? 'met' : 'NOT met'})`;
  const value = measured.value >= 100 ? measured.value.toFixed(0) : measured.value.toPrecision(3);
  process.stdout.write(
    `${measured.name.padEnd(62)} ${value.padStart(9)} ${measured.unit.padEnd(5)}${ratio}${target}\n`,
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** Measures functions in turn with tinybench; gives each one's median in µs. */
export async function medians(
  tasks: Readonly<Record<string, () => void>>,
  time = 700,
): Promise<Record<string, number>> {
  const bench = new Bench({ time, warmupTime: 200 });
  for (const [name, work] of Object.entries(tasks)) bench.add(name, work);
  await bench.run();
  return Object.fromEntries(
    bench.tasks.map((task) => {
      const { result } = task;
      if (!('latency' in result)) throw new Error(`${task.name} failed`);
      return [task.name, result.latency.p50 * 1000];
    }),
  );
}

/** How long some work takes, in ms. */
export function timed(work: () => void): number {
  const started = performance.now();
  work();
  return performance.now() - started;
}

export function writeResults(): void {
  const folder = join(ROOT, 'bench', 'results');
  mkdirSync(folder, { recursive: true });
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  const at = new Date().toISOString();
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.versions.node,
    sqlite: process.versions.sqlite,
  };
  const path = join(folder, `${at.slice(0, 10)}.json`);
  writeFileSync(path, `${JSON.stringify({ at, commit, machine, results }, undefined, 2)}\n`);
  process.stdout.write(`\nWritten to ${path}\n`);
}
