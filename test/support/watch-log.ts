// Runs the anomaly rules over a labelled log, and counts: which attacks were found, and which alarms were about none.
import type { Unusual } from '../../lib/monitoring/baseline.ts';
import { judge, newWatched, type Watched, type WatchedReader } from '../../lib/monitoring/judge.ts';
import type { Attack, LabelledLog } from './labelled-log.ts';

interface Alarm extends Unusual {
  readonly at: number;
  readonly principal: string;
}

export interface Outcome {
  readonly alarms: readonly Alarm[];
  readonly found: readonly Attack[];
  readonly missed: readonly Attack[];
  readonly falseAlarms: readonly Alarm[];
  /** Alarms about attacks over all alarms; 1 where there is none. */
  readonly precision: number;
  readonly recall: number;
  readonly falseAlarmsPerWeek: number;
}

const WEEK_MS = 7 * 24 * 60 * 60_000;

export function watchLog(log: LabelledLog): Outcome {
  const watched = new Map<string, Watched>();
  const readers = new Map<string, Map<string, WatchedReader>>();
  const introduced = new Map(log.introductions.map((one) => [one.principal, one.at]));
  const alarms: Alarm[] = [];
  for (const event of log.events) {
    const known = watched.get(event.principal) ?? newWatched(event.at);
    watched.set(event.principal, known);
    const introducedAt = introduced.get(event.principal);
    if (introducedAt !== undefined) known.introducedAt = introducedAt;
    const ofSecret = readers.get(event.secret ?? '') ?? new Map<string, WatchedReader>();
    if (event.secret !== undefined) readers.set(event.secret, ofSecret);
    for (const one of judge(known, ofSecret, event)) {
      if (event.at >= log.judgedFrom) alarms.push({ ...one, at: event.at, principal: event.principal });
    }
  }
  const isOf = (alarm: Alarm, attack: Attack) =>
    alarm.principal === attack.principal && alarm.at >= attack.from && alarm.at <= attack.until;
  const found = log.attacks.filter((attack) => alarms.some((alarm) => isOf(alarm, attack)));
  const falseAlarms = alarms.filter((alarm) => !log.attacks.some((attack) => isOf(alarm, attack)));
  return {
    alarms,
    found,
    missed: log.attacks.filter((attack) => !found.includes(attack)),
    falseAlarms,
    precision: alarms.length === 0 ? 1 : (alarms.length - falseAlarms.length) / alarms.length,
    recall: log.attacks.length === 0 ? 1 : found.length / log.attacks.length,
    falseAlarmsPerWeek: falseAlarms.length / ((log.end - log.judgedFrom) / WEEK_MS),
  };
}
