// How one principal usually behaves, learnt from the log entry by entry, and what is out of the ordinary for it. Pure:
// events in, sentences with their numbers out. Only robust statistics that can be said to a person: a median with the
// median absolute deviation (as Iglewicz and Hoaglin, 1993, take it), a greatest so far, a share of the hours of a week.
// Each rule waits until it has seen enough to have an opinion, and speaks once a day of one principal.
import type { AnomalyKind } from '../store/states.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_DAYS = 7;
const HOURS_OF_WEEK = 168;
/** 1970-01-01 was a Thursday: with this many days added, weeks begin on a Monday. */
const MONDAY_DAYS = 3;

/** What a rule needs to have seen, and where it speaks. */
const RULES = {
  rate: { days: 7, activeHours: 48, least: 30, deviations: 10, timesGreatest: 3 },
  hourRate: { days: 14, seen: 12, least: 100, timesGreatest: 5 },
  offHours: { days: 14, activeHours: 60, mostHours: 0.6, names: 4, seldom: 3 },
  newPlace: { days: 7, reads: 50, quietDays: 7, perDay: 0.15 },
  slowSweep: { days: 14, window: 7, least: 7, deviations: 6, onDays: 3 },
  burst: { names: 10, namesOfProgram: 5, knownMs: DAY_MS },
  denied: { windowMs: 10 * MINUTE_MS, least: 10, timesGreatest: 3 },
} as const;

/** So much is kept of a principal: its state stays a few kilobytes. */
const KEPT = { hours: 672, days: 70, places: 40, clients: 20, names: 64, evidence: 10, denied: 50 };
/** A median absolute deviation times this is a standard deviation, for a normal distribution. */
const NORMAL = 1.4826;

/** Where an entry of the log is. */
export interface EntryRef {
  readonly chain: string;
  readonly seq: number;
}

/** One thing that a principal did. */
export interface Event extends EntryRef {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: 'read' | 'denied';
  readonly principal: string;
  readonly secret?: string | undefined;
  /** How often, in this one entry. */
  readonly count: number;
  /** A network address; undefined where it was done on the machine itself. */
  readonly address?: string | undefined;
  readonly client?: string | undefined;
  /** True where this principal never read the secret before, and others have for a week or more. */
  readonly fresh?: boolean;
}

export interface Unusual {
  readonly kind: AnomalyKind;
  readonly severity: 'high' | 'medium';
  /** A sentence that explains it, with its numbers. */
  readonly what: string;
  readonly numbers: Readonly<Record<string, number>>;
  readonly evidence: readonly EntryRef[];
}

interface Seen {
  first: number;
  last: number;
  count: number;
}

/** What is kept of a principal; plain data, to be stored as JSON. */
export interface Baseline {
  firstAt: number;
  reads: number;
  /** On how many days it read anything, and which was the last (days since 1970). */
  activeDays: number;
  lastDay: number;
  /** For each hour of a week (Monday 0:00 UTC first): in how many weeks it read something then. */
  week: number[];
  /** For each hour of a week: the most reads that it ever had. */
  weekGreatest: number[];
  /** How many reads the latest hours had in which there were any, oldest first; and the most that any had. */
  hourly: number[];
  greatest: number;
  /** The hour that is running. */
  hour: { index: number; reads: number; fresh: number; names: string[]; evidence: EntryRef[] };
  places: Record<string, Seen>;
  clients: Record<string, Seen>;
  /** Secrets that it read for the first time though others had for long, by day, with an entry each. */
  fresh: { day: number; count: number; evidence: EntryRef[] }[];
  denied: { at: number; ref: EntryRef }[];
  /** The most refusals that ten minutes ever had, of those that were not told. */
  mostDenied: number;
  /** On which day (days since 1970) each kind was told last. */
  told: Partial<Record<AnomalyKind, number>>;
}

export function newBaseline(at: number): Baseline {
  return {
    firstAt: at,
    reads: 0,
    activeDays: 0,
    lastDay: -1,
    week: Array.from({ length: HOURS_OF_WEEK }, () => 0),
    weekGreatest: Array.from({ length: HOURS_OF_WEEK }, () => 0),
    hourly: [],
    greatest: 0,
    hour: { index: -1, reads: 0, fresh: 0, names: [], evidence: [] },
    places: {},
    clients: {},
    fresh: [],
    denied: [],
    mostDenied: 0,
    told: {},
  };
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** How far from a median is far, in the measure of how far values usually are from it. */
function farFrom(values: readonly number[], deviations: number, leastDeviation: number): number {
  const middle = median(values);
  const deviation = NORMAL * median(values.map((one) => Math.abs(one - middle)));
  return middle + deviations * Math.max(deviation, leastDeviation);
}

/** Takes an event into the baseline, and says what was unusual about it. @param base is changed */
export function learn(base: Baseline, event: Event): Unusual[] {
  const found = event.kind === 'denied' ? [refusals(base, event)] : reading(base, event);
  const day = Math.floor(event.at / DAY_MS);
  const told: Unusual[] = [];
  for (const one of found) {
    if (!one || base.told[one.kind] === day) continue;
    base.told[one.kind] = day;
    told.push(one);
  }
  return told;
}

function reading(base: Baseline, event: Event): (Unusual | undefined)[] {
  const hour = Math.floor(event.at / HOUR_MS);
  // A little late, from another server, it counts to the hour that is running; a clock that was far ahead is left behind.
  const late = hour < base.hour.index && base.hour.index - hour < 24;
  if (hour !== base.hour.index && !late) beginHour(base, hour);
  const now = base.hour;
  now.reads += event.count;
  keep(now.evidence, { chain: event.chain, seq: event.seq }, KEPT.evidence);
  if (event.secret !== undefined && !now.names.includes(event.secret)) keep(now.names, event.secret, KEPT.names);
  if (event.fresh) noteFresh(base, event);
  // Judged against what was before, and only then made part of it.
  const found = [
    tooMany(base, event) ?? tooManyForTheHour(base, event),
    offHours(base, event),
    newPlace(base, event),
    newClient(base, event),
    slowSweep(base, event),
    burst(base, event),
  ];
  base.reads += event.count;
  see(base.places, event.address && networkOf(event.address), event, KEPT.places);
  see(base.clients, event.client, event, KEPT.clients);
  return found;
}

/** The hour before becomes part of what is usual. */
function beginHour(base: Baseline, index: number): void {
  const past = base.hour;
  if (past.index >= 0) {
    base.hourly.push(past.reads);
    base.greatest = Math.max(base.greatest, past.reads);
    if (base.hourly.length > KEPT.hours && base.hourly.shift() === base.greatest)
      base.greatest = Math.max(...base.hourly);
    const slot = slotOf(past.index);
    base.week[slot] = (base.week[slot] ?? 0) + 1;
    base.weekGreatest[slot] = Math.max(base.weekGreatest[slot] ?? 0, past.reads);
    const day = Math.floor(past.index / 24);
    if (day !== base.lastDay) {
      base.activeDays += 1;
      base.lastDay = day;
    }
  }
  base.hour = { index, reads: 0, fresh: 0, names: [], evidence: [] };
}

function slotOf(hour: number): number {
  return (hour + MONDAY_DAYS * 24) % HOURS_OF_WEEK;
}

function keep<T>(list: T[], one: T, most: number): void {
  if (list.length < most) list.push(one);
}

function noteFresh(base: Baseline, event: Event): void {
  const day = Math.floor(event.at / DAY_MS);
  base.hour.fresh += 1;
  let today = base.fresh.at(-1);
  if (today?.day !== day) {
    today = { day, count: 0, evidence: [] };
    base.fresh.push(today);
  }
  today.count += 1;
  keep(today.evidence, { chain: event.chain, seq: event.seq }, KEPT.evidence);
  while ((base.fresh[0]?.day ?? day) < day - KEPT.days) base.fresh.shift();
}

function see(seen: Record<string, Seen>, what: string | undefined, event: Event, most: number): void {
  if (what === undefined) return;
  const known = seen[what];
  if (known) {
    known.last = event.at;
    known.count += event.count;
    return;
  }
  const names = Object.keys(seen);
  if (names.length >= most) {
    // The one that was not seen for longest makes room.
    const oldest = names.reduce((a, b) => ((seen[a]?.last ?? 0) <= (seen[b]?.last ?? 0) ? a : b));
    delete seen[oldest];
  }
  seen[what] = { first: event.at, last: event.at, count: event.count };
}

/** An address as the network that it is in: providers give out others of the same (RFC 6177 for IPv6: a site has a /48). */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  const four = /^(\d+\.\d+\.\d+)\.\d+$/.exec(mapped);
  if (four) return `${four[1]}.0/24`;
  if (!mapped.includes(':')) return mapped;
  const [head = ''] = mapped.split('::');
  const groups = head.split(':').filter(Boolean).slice(0, 3);
  return `${groups.join(':')}::/48`;
}

function knownDays(base: Baseline, at: number): number {
  return Math.floor((at - base.firstAt) / DAY_MS);
}

function tooMany(base: Baseline, { principal, at }: Event): Unusual | undefined {
  const { rate } = RULES;
  if (knownDays(base, at) < rate.days || base.hourly.length < rate.activeHours) return undefined;
  const { greatest } = base;
  const { reads, evidence } = base.hour;
  // The median takes a sort: only for the few that are beyond the rest.
  if (reads <= Math.max(rate.least, rate.timesGreatest * greatest)) return undefined;
  const limit = Math.max(rate.least, rate.timesGreatest * greatest, farFrom(base.hourly, rate.deviations, 1));
  if (reads <= limit) return undefined;
  const usual = median(base.hourly);
  return {
    kind: 'rate',
    severity: 'high',
    what: `${principal} read ${reads} times within an hour; usual are ${round(usual)}, and the most in ${base.hourly.length} hours was ${greatest}.`,
    numbers: { reads, usual: round(usual), greatest, hours: base.hourly.length, limit: round(limit) },
    evidence: [...evidence],
  };
}

/** Few for a busy hour can be many for a quiet one: judged by the same hours of such days, workdays or weekends. */
function tooManyForTheHour(base: Baseline, { principal, at }: Event): Unusual | undefined {
  const rule = RULES.hourRate;
  const { reads, evidence } = base.hour;
  if (reads <= rule.least || knownDays(base, at) < rule.days) return undefined;
  const slot = slotOf(base.hour.index);
  const alike = slotsAlike(slot);
  const seen = alike.reduce((sum, one) => sum + (base.week[one] ?? 0), 0);
  const greatest = Math.max(...alike.map((one) => base.weekGreatest[one] ?? 0));
  const limit = Math.max(rule.least, rule.timesGreatest * greatest);
  if (seen < rule.seen || reads <= limit) return undefined;
  const day = isWeekend(slot) ? 'weekend' : 'workday';
  return {
    kind: 'rate',
    severity: 'high',
    what: `${principal} read ${reads} times within an hour of a ${day}, around ${slot % 24}:00 UTC; the most in ${seen} such hours was ${greatest}.`,
    numbers: { reads, greatest, hours: seen, hourOfWeek: slot, limit },
    evidence: [...evidence],
  };
}

function isWeekend(slot: number): boolean {
  return slot >= 5 * 24;
}

/** The hours around the same time of day, on workdays or on weekends. */
function slotsAlike(slot: number): number[] {
  const days = isWeekend(slot) ? [5, 6] : [0, 1, 2, 3, 4];
  return days.flatMap((day) =>
    [-1, 0, 1].map((beside) => (day * 24 + (slot % 24) + beside + HOURS_OF_WEEK) % HOURS_OF_WEEK),
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** In how many hours it was active around this hour of the day, on any day. */
function activeAround(base: Baseline, slot: number): number {
  let hours = 0;
  for (let day = 0; day < WEEK_DAYS; day += 1) {
    for (const beside of [-1, 0, 1]) {
      hours += base.week[(day * 24 + (slot % 24) + beside + HOURS_OF_WEEK) % HOURS_OF_WEEK] ?? 0;
    }
  }
  return hours;
}

function offHours(base: Baseline, { principal, at }: Event): Unusual | undefined {
  const rule = RULES.offHours;
  const names = base.hour.names.length;
  // One or two late at night is work; going through them is something else.
  if (names < rule.names) return undefined;
  if (knownDays(base, at) < rule.days || base.hourly.length < rule.activeHours) return undefined;
  // Who works around the clock has no hours off.
  const active = base.week.filter((count) => count > 0).length;
  if (active > rule.mostHours * HOURS_OF_WEEK) return undefined;
  const slot = slotOf(base.hour.index);
  const around = activeAround(base, slot);
  if (around >= rule.seldom) return undefined;
  const hour = `${String(slot % 24).padStart(2, '0')}:00 UTC`;
  const seldom = around === 0 ? 'it never was active around then' : `it was active around then in ${around}`;
  return {
    kind: 'off-hours',
    severity: 'high',
    what: `${principal} read ${names} secrets on a ${DAYS[Math.floor(slot / 24)]} at ${hour}; of ${base.hourly.length} active hours ${seldom}.`,
    numbers: { names, hourOfWeek: slot, activeAround: around, hours: base.hourly.length },
    evidence: [...base.hour.evidence],
  };
}

interface NewIn {
  readonly kind: 'new-address' | 'new-client';
  readonly what: string;
  readonly words: string;
}

/** Something that a principal never came with, though it is known what it comes with. */
function newIn(
  base: Baseline,
  seen: Record<string, Seen>,
  event: Event,
  { kind, what, words }: NewIn,
): Unusual | undefined {
  const rule = RULES.newPlace;
  if (seen[what] || knownDays(base, event.at) < rule.days || base.reads < rule.reads) return undefined;
  const known = Object.values(seen);
  const quietDays = Math.floor((event.at - Math.max(...known.map((one) => one.first))) / DAY_MS);
  // Who travels, or runs wherever there is room, has new ones all the time.
  if (known.length === 0 || quietDays < rule.quietDays || known.length > 1 + rule.perDay * base.activeDays)
    return undefined;
  const usual = Object.keys(seen).slice(0, 3).join(', ');
  const program = isProgram(event.principal);
  // People get new laptops and sit in other places: one read of theirs is no news, going through secrets is.
  if (!program && base.hour.names.length < RULES.offHours.names) return undefined;
  return {
    kind,
    severity: program ? 'high' : 'medium',
    what: `${event.principal} came ${words} ${what} for the first time; in ${knownDays(base, event.at)} days and ${base.reads} reads it was ${usual}.`,
    numbers: { known: known.length, quietDays, days: knownDays(base, event.at), reads: base.reads },
    evidence: [{ chain: event.chain, seq: event.seq }],
  };
}

/** People are named by their mail address. */
function isProgram(principal: string): boolean {
  return !principal.includes('@') || principal.startsWith('token:') || principal.startsWith('oidc:');
}

function newPlace(base: Baseline, event: Event): Unusual | undefined {
  if (event.address === undefined) return undefined;
  const what = networkOf(event.address);
  return newIn(base, base.places, event, { kind: 'new-address', what, words: 'from' });
}

function newClient(base: Baseline, event: Event): Unusual | undefined {
  if (event.client === undefined) return undefined;
  return newIn(base, base.clients, event, { kind: 'new-client', what: event.client, words: 'with' });
}

/** New secrets, a few each day: none of the days stands out, the week does. */
function slowSweep(base: Baseline, event: Event): Unusual | undefined {
  const rule = RULES.slowSweep;
  if (!event.fresh || knownDays(base, event.at) < rule.days) return undefined;
  const today = Math.floor(event.at / DAY_MS);
  const inWindow = base.fresh.filter((one) => one.day > today - rule.window);
  const count = inWindow.reduce((sum, one) => sum + one.count, 0);
  const weeks: number[] = [];
  const firstDay = Math.floor(base.firstAt / DAY_MS) + rule.window;
  for (let end = today - rule.window; end - rule.window >= firstDay; end -= rule.window) {
    const week = base.fresh.filter((one) => one.day > end - rule.window && one.day <= end);
    weeks.push(week.reduce((sum, one) => sum + one.count, 0));
  }
  const limit = Math.max(rule.least, farFrom(weeks, rule.deviations, 1));
  if (count < limit || inWindow.length < rule.onDays) return undefined;
  const usual = median(weeks);
  return {
    kind: 'slow-sweep',
    severity: 'high',
    what: `${event.principal} read ${count} secrets in ${rule.window} days that it had never read before, on ${inWindow.length} of them; in a usual week it is ${round(usual)}.`,
    numbers: { names: count, days: inWindow.length, usual: round(usual), weeks: weeks.length, limit: round(limit) },
    evidence: inWindow.flatMap((one) => one.evidence).slice(-KEPT.evidence),
  };
}

function burst(base: Baseline, event: Event): Unusual | undefined {
  const rule = RULES.burst;
  const { fresh, evidence } = base.hour;
  // A program reads what it was written to read: few new ones at once are many.
  const many = isProgram(event.principal) ? rule.namesOfProgram : rule.names;
  if (!event.fresh || fresh < many || event.at - base.firstAt < rule.knownMs) return undefined;
  const days = knownDays(base, event.at);
  return {
    kind: 'burst',
    severity: 'high',
    what: `${event.principal} read ${fresh} secrets within an hour that it had never read before, though it is known for ${days} ${days === 1 ? 'day' : 'days'}.`,
    numbers: { names: fresh, days },
    evidence: [...evidence],
  };
}

function refusals(base: Baseline, event: Event): Unusual | undefined {
  const rule = RULES.denied;
  const before = base.denied.length;
  base.denied = base.denied.filter((one) => event.at - one.at < rule.windowMs);
  // A run that has ended without a word is what is usual here.
  if (base.denied.length === 0 && before < rule.least) base.mostDenied = Math.max(base.mostDenied, before);
  base.denied.push({ at: event.at, ref: { chain: event.chain, seq: event.seq } });
  if (base.denied.length > KEPT.denied) base.denied.shift();
  const count = base.denied.length;
  if (count < Math.max(rule.least, rule.timesGreatest * base.mostDenied)) return undefined;
  return {
    kind: 'denied-run',
    severity: 'high',
    what: `${event.principal} was refused ${count} times within ${rule.windowMs / MINUTE_MS} minutes; the most before was ${base.mostDenied}.`,
    numbers: { refused: count, minutes: rule.windowMs / MINUTE_MS, greatest: base.mostDenied },
    evidence: base.denied.map((one) => one.ref).slice(-KEPT.evidence),
  };
}
