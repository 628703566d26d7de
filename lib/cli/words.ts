// Numbers and times as people say them.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A span of milliseconds in its largest fitting unit: `3 d`, `5 h`, `12 min`, `now`. */
export function span(ms: number): string {
  const size = Math.abs(ms);
  if (size >= DAY_MS) return `${Math.floor(size / DAY_MS)} d`;
  if (size >= HOUR_MS) return `${Math.floor(size / HOUR_MS)} h`;
  if (size >= MINUTE_MS) return `${Math.floor(size / MINUTE_MS)} min`;
  return 'now';
}

/** What is left of a span, rounded up: a secret of 90 days made just now turns in 90 days, not in 89. */
export function remaining(ms: number): string {
  return ms >= DAY_MS ? `${Math.ceil(ms / DAY_MS)} d` : span(ms);
}

export function ago(at: number | null, now: number): string {
  if (at === null) return 'never';
  const text = span(now - at);
  return text === 'now' ? 'just now' : `${text} ago`;
}

/** A moment in UTC, to the minute. */
export function moment(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Reads `90m`, `24h`, `7d` or `0` as milliseconds; undefined where it is none. */
export function parseSpan(text: string): number | undefined {
  const match = /^(\d{1,5})\s*(m|min|h|d)?$/.exec(text.trim());
  if (!match?.[1]) return undefined;
  if (!match[2]) return match[1] === '0' ? 0 : undefined;
  const unit = { m: MINUTE_MS, min: MINUTE_MS, h: HOUR_MS, d: DAY_MS }[match[2]] ?? 0;
  return Number(match[1]) * unit;
}
