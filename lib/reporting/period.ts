// The periods that reports are about: a day, an ISO week, a month; all in UTC.
import { UsageError } from '../errors.ts';

const DAY_MS = 24 * 60 * 60_000;

export interface Period {
  /** `2026-11-24`, `2026-W48`, `2026-11`. */
  readonly label: string;
  /** Milliseconds since 1970. */
  readonly from: number;
  /** Not part of it. */
  readonly to: number;
}

export type PeriodKind = 'daily' | 'weekly' | 'monthly';

function dayPeriod(from: number): Period {
  return { label: new Date(from).toISOString().slice(0, 10), from, to: from + DAY_MS };
}

/** The ISO 8601 week that a day is in: weeks begin on Monday, and week 1 has the year's first Thursday. */
function weekPeriod(day: number): Period {
  const weekday = (new Date(day).getUTCDay() + 6) % 7;
  const from = day - weekday * DAY_MS;
  const thursday = new Date(from + 3 * DAY_MS);
  const year = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * DAY_MS));
  return { label: `${year}-W${String(week).padStart(2, '0')}`, from, to: from + 7 * DAY_MS };
}

function monthPeriod(day: number): Period {
  const date = new Date(day);
  const from = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
  const to = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
  return { label: new Date(from).toISOString().slice(0, 7), from, to };
}

function periodOf(kind: PeriodKind, at: number): Period {
  const day = Math.floor(at / DAY_MS) * DAY_MS;
  if (kind === 'daily') return dayPeriod(day);
  return kind === 'weekly' ? weekPeriod(day) : monthPeriod(day);
}

/** The newest period that is over. @param now milliseconds since 1970 */
export function lastPeriod(kind: PeriodKind, now: number): Period {
  return periodOf(kind, periodOf(kind, now).from - 1);
}

/**
 * The period that a text names: a day of it, or its label. @throws UsageError
 * @example parsePeriod('weekly', '2026-W48'), parsePeriod('monthly', '2026-11'), parsePeriod('daily', '2026-11-24')
 */
export function parsePeriod(kind: PeriodKind, text: string): Period {
  const week = /^(\d{4})-W(\d{2})$/.exec(text);
  if (week && kind === 'weekly') {
    const fourth = weekPeriod(Date.UTC(Number(week[1]), 0, 4));
    const found = weekPeriod(fourth.from + (Number(week[2]) - 1) * 7 * DAY_MS);
    if (found.label === text) return found;
  }
  const month = /^\d{4}-\d{2}$/.test(text) && kind === 'monthly' ? Date.parse(`${text}-01`) : Number.NaN;
  const day = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : month;
  if (!Number.isNaN(day)) return periodOf(kind, day);
  const forms = { daily: '2026-11-24', weekly: '2026-W48 or 2026-11-24', monthly: '2026-11 or 2026-11-24' };
  throw new UsageError(`"${text}" is no period of a ${kind} report.`, `Write ${forms[kind]}.`);
}
