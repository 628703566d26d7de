// Anomalies measured against a labelled month: what was planted is found, and honest people are left alone.
import { describe, expect, it } from 'vitest';
import { type Event, learn, median, networkOf, newBaseline } from '../../lib/monitoring/baseline.ts';
import { cameFrom } from '../../lib/monitoring/events.ts';
import { labelledLog } from '../support/labelled-log.ts';
import { watchLog } from '../support/watch-log.ts';

const HOUR = 60 * 60_000;
const DAY = 24 * HOUR;
/** A Monday, 0:00 UTC. */
const MONDAY = Date.UTC(2026, 7, 31);

/** Seeds that no rule was tuned on. */
const SEEDS = [101, 102, 103, 104];

describe('a month of 50 principals', () => {
  it.each(SEEDS)('with attacks planted: each is found, with less than one false alarm a week (seed %i)', (seed) => {
    const log = labelledLog(seed);
    expect(new Set(log.attacks.map((one) => one.kind)).size).toBe(4);
    const outcome = watchLog(log);
    expect(outcome.missed).toEqual([]);
    expect(outcome.falseAlarmsPerWeek).toBeLessThan(1);
    expect(outcome.precision).toBeGreaterThan(0.8);
    for (const alarm of outcome.alarms) {
      // Each has its sentence, its numbers, and entries that are in the log.
      expect(alarm.what).toContain(alarm.principal);
      expect(Object.values(alarm.numbers).every(Number.isFinite), alarm.what).toBe(true);
      expect(alarm.evidence.length).toBeGreaterThan(0);
      for (const { seq } of alarm.evidence) expect(log.events[seq - 1]?.principal).toBe(alarm.principal);
    }
  });

  it('without attacks is quiet', () => {
    const outcome = watchLog(labelledLog(105, false));
    expect(outcome.falseAlarmsPerWeek).toBeLessThan(1);
  });

  it('is the same log for the same seed', () => {
    expect(labelledLog(7).events.slice(0, 500)).toEqual(labelledLog(7).events.slice(0, 500));
    expect(labelledLog(7).events.slice(0, 500)).not.toEqual(labelledLog(8).events.slice(0, 500));
  });
});

/** A principal with four weeks of office hours behind it. */
function office(principal = 'ann@x.example') {
  const base = newBaseline(MONDAY);
  let seq = 0;
  const event = (at: number, more: Partial<Event> = {}): Event => {
    seq += 1;
    const address = '198.51.100.7';
    return {
      chain: 'main',
      seq,
      at,
      kind: 'read',
      principal,
      count: 1,
      secret: 'A',
      address,
      client: 'Mozilla/5',
      ...more,
    };
  };
  for (let day = 0; day < 28; day += 1) {
    if (day % 7 >= 5) continue;
    for (let hour = 8; hour < 17; hour += 1) {
      for (let read = 0; read < 3; read += 1) learn(base, event(MONDAY + day * DAY + hour * HOUR + read * 60_000));
    }
  }
  const then = (at: number, more: Partial<Event> = {}) => learn(base, event(MONDAY + at, more)).map((one) => one.kind);
  return { base, event, then };
}

describe('a rule', () => {
  it('speaks of a rate that is far beyond the median and three times the greatest', () => {
    const { then } = office();
    expect(then(28 * DAY + 9 * HOUR, { count: 30 })).toEqual([]);
    expect(then(28 * DAY + 9 * HOUR, { count: 1 })).toEqual(['rate']);
    // Once a day.
    expect(then(28 * DAY + 9 * HOUR, { count: 50 })).toEqual([]);
    expect(then(29 * DAY + 9 * HOUR, { count: 500 })).toEqual(['rate']);
  });

  it('speaks of what is much for that hour of the week, though others are busier', () => {
    const { base, event, then } = office('token:api');
    // Every night a few; every workday's noon very many.
    const at = (day: number, hour: number) => MONDAY + day * DAY + hour * HOUR;
    for (let day = 28; day < 49; day += 1) {
      learn(base, event(at(day, 2), { count: 5 }));
      if (day % 7 < 5) learn(base, event(at(day, 12), { count: 400 }));
    }
    expect(then(50 * DAY + 12 * HOUR, { count: 380 })).toEqual([]);
    expect(then(51 * DAY + 2 * HOUR, { count: 101 })).toEqual(['rate']);
    expect(then(52 * DAY + 2 * HOUR, { count: 90 })).toEqual([]);
  });

  it('speaks of a sweep at night, and not of one look', () => {
    const { then } = office();
    expect(then(28 * DAY + 2 * HOUR, { secret: 'A' })).toEqual([]);
    expect(then(28 * DAY + 2 * HOUR, { secret: 'B' })).toEqual([]);
    expect(then(28 * DAY + 2 * HOUR, { secret: 'C' })).toEqual([]);
    expect(then(28 * DAY + 2 * HOUR, { secret: 'D' })).toEqual(['off-hours']);
  });

  it('speaks of a program at a new network, and of a person only who goes through secrets there', () => {
    const program = office('token:api');
    expect(program.then(28 * DAY + 9 * HOUR, { address: '198.51.100.99' })).toEqual([]);
    expect(program.then(28 * DAY + 9 * HOUR, { address: '45.1.2.3' })).toEqual(['new-address']);
    expect(program.then(29 * DAY + 9 * HOUR, { client: 'curl/8' })).toEqual(['new-client']);
    const person = office();
    expect(person.then(28 * DAY + 9 * HOUR, { address: '45.1.2.3' })).toEqual([]);
  });

  it('has no opinion of whoever it does not know yet', () => {
    const base = newBaseline(MONDAY);
    const event: Event = {
      chain: 'main',
      seq: 1,
      at: MONDAY,
      kind: 'read',
      principal: 'token:new',
      count: 1000,
      secret: 'A',
    };
    expect(learn(base, event)).toEqual([]);
    expect(learn(base, { ...event, address: '1.2.3.4' })).toEqual([]);
  });

  it('says refusals as they come thick, and takes what is usual for usual', () => {
    const { then } = office();
    const at = 28 * DAY + 9 * HOUR;
    const kinds = Array.from({ length: 12 }, (_, n) => then(at + n * 10_000, { kind: 'denied' })).flat();
    expect(kinds).toEqual(['denied-run']);
    const slow = office();
    expect(Array.from({ length: 40 }, (_, n) => slow.then(at + n * 2 * 60_000, { kind: 'denied' })).flat()).toEqual([]);
  });

  it('outlives a clock that jumps', () => {
    const { then, base } = office();
    expect(() => then(900 * DAY)).not.toThrow();
    expect(() => then(28 * DAY + 9 * HOUR)).not.toThrow();
    expect(JSON.parse(JSON.stringify(base))).toEqual(base);
    expect(JSON.stringify(base).length).toBeLessThan(20_000);
  });
});

describe('what an entry says of where it came from', () => {
  it.each([
    ['http 203.0.113.4 curl/8', { address: '203.0.113.4', client: 'curl/8' }],
    ['http 203.0.113.4', { address: '203.0.113.4' }],
    ['keyturn get 4711@host', {}],
  ])('%s', (source, from) => {
    expect(cameFrom(source)).toEqual(from);
  });

  it.each([
    ['203.0.113.4', '203.0.113.0/24'],
    ['::ffff:203.0.113.4', '203.0.113.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8::/48'],
    ['::1', '::/48'],
  ])('%s is of the network %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });

  it('takes the middle of values', () => {
    expect([median([]), median([3]), median([5, 1, 3]), median([4, 1, 3, 2])]).toEqual([0, 3, 3, 2.5]);
  });
});
