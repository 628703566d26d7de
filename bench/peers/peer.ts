// A comparison: the same work done by Keyturn and by what a user would pick instead, in turn, in one run; medians, and how many times
// as long each takes as Keyturn does. A peer that is not on this machine is named as not there.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { median } from '../support.ts';

export interface Row {
  readonly work: string;
  readonly who: string;
  /** Median; undefined where the peer is not there. */
  readonly value: number | undefined;
  readonly unit: 'ms' | 'µs' | '/s' | 'MB/s';
  /** What it is beside Keyturn's, in the same run. */
  readonly ratio: number | undefined;
  readonly note?: string;
}

const rows: Row[] = [];

export function measuredRows(): readonly Row[] {
  return rows;
}

export function report(row: Row): void {
  rows.push(row);
  const value =
    row.value === undefined
      ? 'not there'
      : `${row.value < 100 ? row.value.toPrecision(3) : row.value.toFixed(0)} ${row.unit}`;
  const ratio = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} × Keyturn`;
  process.stdout.write(
    `${row.work.padEnd(44)} ${row.who.padEnd(26)} ${value.padStart(14)}  ${ratio}${row.note ? `  (${row.note})` : ''}\n`,
  );
}

/** A program's path, from PATH or from what the project brings. */
export function programPath(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (!existsSync(path)) continue;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // A file of that name that is no program: the next folder is looked at.
    }
  }
  return undefined;
}

export function versionOf(program: string, args: readonly string[] = ['--version']): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  return /v?(\d+\.\d+\.\d+)/.exec(`${stdout}${stderr}`)?.[1] ?? 'built from source';
}

export interface Contender {
  readonly who: string;
  /** Does the work once; undefined where the peer is not there. */
  readonly once: (() => void) | undefined;
  readonly note?: string;
}

/** Times programs in turn, so that a slow moment of the machine meets each; the first is Keyturn. */
export function compare(work: string, contenders: readonly Contender[], rounds: number): void {
  const times = contenders.map(() => [] as number[]);
  // The first round fills caches and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    for (const [index, { once }] of contenders.entries()) {
      if (!once) continue;
      const started = performance.now();
      once();
      if (round > 0) times[index]?.push(performance.now() - started);
    }
  }
  const ours = median(times[0] ?? []);
  for (const [index, { who, once, note }] of contenders.entries()) {
    const value = once ? median(times[index] ?? []) : undefined;
    const ratio = value === undefined || index === 0 ? undefined : value / ours;
    report({ work, who, value, unit: 'ms', ratio, ...(note !== undefined && { note }) });
  }
}

/** Runs a program to its end. @throws Error where it fails: a peer that fails measures nothing */
export function run(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
  input?: string,
): void {
  const ended = spawnSync(program, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, NO_COLOR: '1', ...env },
    encoding: 'utf8',
    ...(input !== undefined && { input }),
  });
  if (ended.status !== 0) {
    throw new Error(
      `${program} ${args.join(' ')} ended with ${ended.status}: ${ended.stderr.slice(0, 500)}${ended.error?.message ?? ''}`,
    );
  }
}
