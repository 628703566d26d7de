// What the anomaly rules find of planted attacks, and how often they cry wolf, over months that no rule was tuned on.
import type { AttackKind } from '../test/support/labelled-log.ts';
import { labelledLog } from '../test/support/labelled-log.ts';
import { watchLog } from '../test/support/watch-log.ts';
import { record, timed } from './support.ts';

const SEEDS = Array.from({ length: 20 }, (_, n) => 201 + n);

export function anomalies(): void {
  const planted = new Map<AttackKind, { all: number; found: number }>();
  let alarms = 0;
  let falseAlarms = 0;
  let perWeek = 0;
  let events = 0;
  let ms = 0;
  for (const seed of SEEDS) {
    const log = labelledLog(seed);
    let outcome: ReturnType<typeof watchLog> | undefined;
    ms += timed(() => {
      outcome = watchLog(log);
    });
    if (!outcome) throw new Error('the log was not watched');
    events += log.events.length;
    alarms += outcome.alarms.length;
    falseAlarms += outcome.falseAlarms.length;
    perWeek += outcome.falseAlarmsPerWeek / SEEDS.length;
    for (const attack of log.attacks) {
      const of = planted.get(attack.kind) ?? { all: 0, found: 0 };
      planted.set(attack.kind, { all: of.all + 1, found: of.found + (outcome.found.includes(attack) ? 1 : 0) });
    }
  }
  for (const [kind, { all, found }] of planted) {
    record({
      name: `anomalies: ${kind}, recall of ${all} planted`,
      unit: '',
      value: found / all,
      target: '1',
      met: found === all,
    });
  }
  record({ name: `anomalies: precision of ${alarms} alarms`, unit: '', value: (alarms - falseAlarms) / alarms });
  record({
    name: `anomalies: false alarms a week, 50 principals, ${SEEDS.length} months`,
    unit: '',
    value: perWeek,
    target: '< 1',
    met: perWeek < 1,
  });
  record({ name: 'anomalies: entries judged', unit: '/s', value: (events / ms) * 1000 });
}
