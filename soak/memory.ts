// Whether the memory of a server that is never ended stays flat: how its resident memory late in the run compares with early on.
export interface MemorySample {
  /** ms since the load began. */
  readonly at: number;
  readonly mebibytes: number;
}

export interface MemoryVerdict {
  /** Medians, in MiB. */
  readonly early: number;
  readonly late: number;
  readonly flat: boolean;
}

/** More than this between the second and the last quarter is no noise of a garbage collector. */
const MOST_GROWTH = 1.25;
/** In less time a heap has not found its size. */
const SHORTEST_MS = 180_000;

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** The first quarter is left out: caches fill. A run of less than three minutes tells nothing, and is called flat. */
export function judgeMemory(samples: readonly MemorySample[]): MemoryVerdict {
  const end = samples.at(-1)?.at ?? 0;
  const between = (from: number, to: number) =>
    median(samples.filter(({ at }) => at >= end * from && at <= end * to).map((one) => one.mebibytes));
  const [early, late] = [between(0.25, 0.5), between(0.75, 1)];
  return { early, late, flat: end < SHORTEST_MS || late <= early * MOST_GROWTH };
}
