// When secrets turn: pure rules over times. Days after the last turn or a cron expression, in a time zone, spread by a
// jitter that is the same for every process, and moved into a maintenance window where there is one.
import { hash } from 'node:crypto';
import { Cron } from 'croner';
import { nameKey, type SecretRule } from '../catalog/catalog.ts';
import type { ScheduleConfig, ScheduleRule, Weekday, WindowConfig } from '../config/operations.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const WEEKDAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

/** How one secret is timed. */
export interface Timing {
  /** Days after the last turn; undefined where a cron expression says it. */
  readonly days: number | undefined;
  readonly cron: string | undefined;
  readonly timeZone: string;
  readonly windows: readonly WindowConfig[];
  readonly jitterMs: number;
  /** False: it is said to be due, and a person turns it. */
  readonly automatic: boolean;
}

/** The secret that is timed, as far as its timing goes. */
export interface Timed {
  readonly name: string;
  readonly type: string;
  /** Its own interval in days; null for its type's. */
  readonly intervalDays: number | null;
}

/**
 * The timing of a secret: what the configuration says of it, else its own interval, else what the configuration says of
 * its type, else the catalogue; undefined for what does not age.
 */
export function timingOf(config: ScheduleConfig, secret: Timed, rule: SecretRule): Timing | undefined {
  const own = entryOf(config.secrets, secret.name);
  const type = config.types?.[secret.type];
  const times = (one: ScheduleRule | undefined) => (one?.cron ?? one?.days) !== undefined;
  let days: number | undefined;
  let cron: string | undefined;
  if (times(own)) ({ days, cron } = own ?? {});
  else if (secret.intervalDays !== null) days = secret.intervalDays;
  else if (times(type)) ({ days, cron } = type ?? {});
  else days = rule.intervalDays;
  if (days === undefined && cron === undefined) return undefined;
  return {
    days,
    cron,
    timeZone: own?.timeZone ?? type?.timeZone ?? config.timeZone ?? 'UTC',
    windows: own?.windows ?? type?.windows ?? config.windows ?? [],
    jitterMs: (own?.jitterMinutes ?? type?.jitterMinutes ?? config.jitterMinutes ?? 0) * MINUTE_MS,
    automatic: own?.automatic ?? type?.automatic ?? config.automatic ?? turnsAlone(rule),
  };
}

/**
 * Whether a secret turns without anybody saying so. What is signed here and verified here does (the guide: JWT and webhook
 * secrets, API keys), and so do types of the project's own that say how a value is made. A password or a secret of no known
 * kind may be known to a service that nobody has told us of: a new value made up at night would lock everybody out there.
 */
function turnsAlone(rule: SecretRule): boolean {
  return rule.generate === undefined || !(rule.type.name === 'password' || rule.type.name === 'generic');
}

function entryOf(rules: ScheduleConfig['secrets'], name: string): ScheduleRule | undefined {
  const key = nameKey(name);
  return Object.entries(rules ?? {}).find(([one]) => nameKey(one) === key)?.[1];
}

/**
 * When a secret is due next.
 * @param rotatedAt when it turned last, ms since 1970
 * @param key names the secret for its jitter: the same one gets the same every time
 */
export function dueAfter(timing: Timing, rotatedAt: number, key: string): number {
  const part = fraction(`${key}@${rotatedAt}`);
  const plain = timing.cron === undefined ? rotatedAt + (timing.days ?? 0) * DAY_MS : nextOf(timing, rotatedAt);
  const at = plain + Math.floor(part * timing.jitterMs);
  if (isOpen(timing, at)) return at;
  const start = nextOpening(timing, at);
  return start + Math.floor(part * Math.min(timing.jitterMs, shortest(timing) - MINUTE_MS));
}

/** A number from 0 to 1 that looks random and is the same for the same text. */
function fraction(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16) / 2 ** 48;
}

function nextOf(timing: Timing, after: number): number {
  const next = cronOf(timing.cron ?? '', timing.timeZone).nextRun(new Date(after));
  // An expression that never comes again (a 30th of February) was refused with the configuration.
  return next?.getTime() ?? Number.MAX_SAFE_INTEGER;
}

const crons = new Map<string, Cron>();

function cronOf(expression: string, timeZone: string): Cron {
  const key = `${expression}@${timeZone}`;
  let known = crons.get(key);
  if (!known) {
    known = new Cron(expression, { timezone: timeZone, mode: '5-part', paused: true });
    crons.set(key, known);
  }
  return known;
}

function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/** Minutes; a window that ends before it begins ends on the next day. */
function lengthOf(window: WindowConfig): number {
  const length = minutesOf(window.to) - minutesOf(window.from);
  return length > 0 ? length : length + 24 * 60;
}

function shortest(timing: Timing): number {
  return Math.min(...timing.windows.map(lengthOf)) * MINUTE_MS;
}

const zones = new Map<string, Intl.DateTimeFormat>();

/** Weekday (0 for Sunday) and minute of the day, as clocks in the zone show it. */
function localTime(at: number, timeZone: string): { weekday: number; minute: number } {
  let format = zones.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    zones.set(timeZone, format);
  }
  const parts = new Map(format.formatToParts(at).map((part) => [part.type, part.value]));
  const weekday = WEEKDAYS.indexOf((parts.get('weekday') ?? '').toLowerCase() as Weekday);
  return { weekday, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

/** Whether a window is open at a moment; always, where there is none. */
export function isOpen(timing: Timing, at: number): boolean {
  if (timing.windows.length === 0) return true;
  const { weekday, minute } = localTime(at, timing.timeZone);
  return timing.windows.some((window) => {
    const from = minutesOf(window.from);
    const on = (day: number) => window.days?.includes(WEEKDAYS[(day + 7) % 7] ?? 'sun') ?? true;
    const length = lengthOf(window);
    const today = on(weekday) && minute >= from && minute < from + length;
    const sinceYesterday = minute + 24 * 60;
    return today || (on(weekday - 1) && sinceYesterday < from + length);
  });
}

/** When the next window opens, after a moment at which none is open. */
export function nextOpening(timing: Timing, after: number): number {
  const openings = timing.windows.map((window) => {
    const minutes = minutesOf(window.from);
    const days = window.days?.join(',') ?? '*';
    const expression = `${minutes % 60} ${Math.floor(minutes / 60)} * * ${days}`;
    return cronOf(expression, timing.timeZone).nextRun(new Date(after))?.getTime() ?? Number.MAX_SAFE_INTEGER;
  });
  return Math.min(...openings);
}

/** The turns that a secret will have up to a moment, if each happens when it is due. What is overdue comes first, now. */
export function* turnsUntil(
  timing: Timing,
  rotatedAt: number,
  key: string,
  now: number,
  until: number,
): Generator<number> {
  let last = rotatedAt;
  for (;;) {
    let due = dueAfter(timing, last, key);
    if (due < now) due = isOpen(timing, now) ? now : nextOpening(timing, now);
    if (due > until) return;
    yield due;
    last = due;
  }
}
