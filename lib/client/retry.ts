// When to try again.

const FIRST_MS = 250;
const MOST_MS = 8_000;

/** Doubling, with "full jitter": anything up to it. Those who failed together do not try again together. */
export function backoffMs(attempt: number): number {
  return Math.random() * Math.min(FIRST_MS * 2 ** attempt, MOST_MS);
}

/** A Retry-After in seconds (RFC 9110, 10.2.3), in ms, up to a bound; undefined where there is none. */
export function retryAfterMs(header: string | null): number | undefined {
  const seconds = header === null ? Number.NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.min(seconds * 1000, MOST_MS) : undefined;
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
