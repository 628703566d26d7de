// How reports say numbers and times.
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

export function days(ms: number): string {
  return count(Math.floor(ms / DAY_MS), 'day');
}

/** A span in the unit that fits: `3 days`, `5 hours`, `12 minutes`. */
export function span(ms: number): string {
  if (ms >= DAY_MS) return days(ms);
  if (ms >= HOUR_MS) return count(Math.floor(ms / HOUR_MS), 'hour');
  return count(Math.floor(ms / MINUTE_MS), 'minute');
}

/** An ISO moment as people read it. */
export function moment(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

export function when(at: number): string {
  return `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

export function day(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** The most frequent, the first of them first. */
export function top(counts: ReadonlyMap<string, number>, most: number): [string, number][] {
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, most);
}
