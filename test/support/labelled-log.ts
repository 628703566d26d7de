// A synthetic month of a team's log, with attacks planted and labelled: seeded, so that a figure can be measured again.
// Honest people and programs do what makes false alarms elsewhere: work late now and then, travel, mistype, deploy with
// bursts of reads, take up secrets that are new to them, come back from holidays.
import type { Introduction, SeenEvent } from '../../lib/monitoring/events.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A Monday, 0:00 UTC. */
const START = Date.UTC(2026, 7, 31);

export type AttackKind = 'slow-exfiltration' | 'stolen-token' | 'off-hours-sweep' | 'brute-force';

export interface Attack {
  readonly kind: AttackKind;
  readonly principal: string;
  readonly from: number;
  readonly until: number;
}

export interface LabelledLog {
  /** In the order of time. */
  readonly events: readonly SeenEvent[];
  readonly introductions: readonly Introduction[];
  readonly attacks: readonly Attack[];
  readonly start: number;
  /** From here on alarms count: the weeks before are what is learnt from. */
  readonly judgedFrom: number;
  readonly end: number;
}

/** mulberry32 (Tommy Ettinger, public domain): small, seeded, and no secret depends on it. */
function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const LEARNT_DAYS = 35;
const JUDGED_DAYS = 30;
const PEOPLE = 16;
const SERVICES = 22;
const JOBS = 12;
const SECRETS = 120;

class Log {
  readonly events: SeenEvent[] = [];
  readonly introductions: Introduction[] = [];
  readonly attacks: Attack[] = [];
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seeded(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  some<T>(from: readonly T[], count: number): T[] {
    const left = [...from];
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(this.below(left.length), 1)[0] as T);
  }

  chance(part: number): boolean {
    return this.random() < part;
  }

  add(event: Pick<SeenEvent, 'at' | 'kind' | 'principal'> & Partial<SeenEvent>): void {
    this.events.push({ chain: 'server-1', seq: 0, count: 1, project: 'shop', environment: 'production', ...event });
  }
}

const secretNames = Array.from({ length: SECRETS }, (_, n) => `SECRET_${n}`);

/** Programs of this vault that read a set when they start, and again and again while they run. */
function service(log: Log, n: number): { principal: string; names: string[]; address: string } {
  const principal = `token:service-${n}`;
  const names = log.some(secretNames, 3 + log.below(12));
  const network = `10.${n}.${log.below(200)}`;
  const address = `${network}.7`;
  const everyMs = (5 + log.below(60)) * MINUTE;
  for (
    let at = START + log.below(everyMs);
    at < START + (LEARNT_DAYS + JUDGED_DAYS) * DAY;
    at += everyMs * (0.7 + log.random() * 0.6)
  ) {
    // A new machine of the same network, now and then.
    const from = log.chance(0.2) ? `${network}.${1 + log.below(250)}` : address;
    log.add({
      at,
      kind: 'read',
      principal,
      secret: log.pick(names),
      address: from,
      client: 'node',
      count: 1 + log.below(3),
    });
  }
  for (let day = 0; day < LEARNT_DAYS + JUDGED_DAYS; day += 1) {
    if (!log.chance(0.25)) continue;
    // A deployment: all instances read everything at once.
    const at = START + day * DAY + (8 + log.below(9)) * HOUR;
    const instances = 1 + log.below(4);
    for (let one = 0; one < instances; one += 1)
      for (const secret of names)
        log.add({ at: at + log.below(5 * MINUTE), kind: 'read', principal, secret, address, client: 'node' });
  }
  // A feature takes up a secret that others have.
  if (log.chance(0.15)) {
    const at = START + log.below(LEARNT_DAYS + JUDGED_DAYS) * DAY + 10 * HOUR;
    log.add({ at, kind: 'read', principal, secret: log.pick(secretNames), address, client: 'node' });
  }
  return { principal, names, address };
}

/** Jobs that run at their time each day, on machines that have another address each time. */
function job(log: Log, n: number): void {
  const principal = `token:job-${n}`;
  const names = log.some(secretNames, 2 + log.below(5));
  const hour = log.below(24);
  for (let day = 0; day < LEARNT_DAYS + JUDGED_DAYS; day += 1) {
    const runs = log.chance(0.1) ? 2 : 1;
    for (let run = 0; run < runs; run += 1) {
      const at = START + day * DAY + hour * HOUR + log.below(20 * MINUTE) + run * 30 * MINUTE;
      const address = `20.${log.below(200)}.${log.below(200)}.${log.below(200)}`;
      for (const secret of names)
        log.add({ at: at + log.below(MINUTE), kind: 'read', principal, secret, address, client: 'node' });
    }
  }
}

interface Person {
  readonly principal: string;
  readonly names: string[];
  readonly address: string;
  readonly hours: [number, number];
}

/** People in their office hours; they work late, travel, mistype, take holidays, and look at what they did not before. */
function person(log: Log, n: number): Person {
  const names = log.some(secretNames, 6 + log.below(14));
  const begin = 6 + log.below(9);
  const one: Person = {
    principal: `person-${n}@shop.example`,
    names,
    address: `198.51.${n}.20`,
    hours: [begin, begin + 9],
  };
  const holiday = log.below(LEARNT_DAYS + JUDGED_DAYS);
  for (let day = 0; day < LEARNT_DAYS + JUDGED_DAYS; day += 1) {
    const away = day % 7 >= 5 ? !log.chance(0.04) : day >= holiday && day < holiday + 5;
    if (!away) workDay(log, one, `203.0.${n}.40`, day);
  }
  return one;
}

function workDay(log: Log, { principal, names, address: office, hours }: Person, home: string, day: number): void {
  const from = START + day * DAY;
  const [begin] = hours;
  const usual = log.chance(0.6) ? office : home;
  const address = log.chance(0.03) ? `92.${log.below(200)}.${log.below(200)}.9` : usual;
  const client = log.chance(0.02) ? 'curl/8' : 'Mozilla/5';
  const read = (at: number, secret: string) => log.add({ at, kind: 'read', principal, secret, address, client });
  for (let sitting = 2 + log.below(5); sitting > 0; sitting -= 1) {
    const at = from + (begin + log.below(9)) * HOUR + log.below(HOUR);
    for (let reads = 1 + log.below(3); reads > 0; reads -= 1) read(at + reads * MINUTE, log.pick(names));
  }
  // Late at night, for an incident: one or two secrets that they know.
  if (log.chance(0.02)) {
    const at = from + 23 * HOUR + log.below(HOUR);
    for (const secret of log.some(names, 1 + log.below(2))) read(at, secret);
  }
  // Something that is new to them: a colleague asked.
  if (log.chance(0.03)) read(from + (begin + 2) * HOUR, log.pick(secretNames));
  // A wrong password, or a place that they may not see.
  if (!log.chance(0.08)) return;
  for (let mistake = log.below(3); mistake >= 0; mistake -= 1)
    log.add({ at: from + begin * HOUR + mistake * 20_000, kind: 'denied', principal, address, client });
}

/** A service that is new this month: its token was made for it. */
function newcomer(log: Log, n: number): void {
  const principal = `token:new-${n}`;
  const from = START + (LEARNT_DAYS + log.below(JUDGED_DAYS - 3)) * DAY + 11 * HOUR;
  log.introductions.push({ principal, at: from - HOUR });
  const names = log.some(secretNames, 4 + log.below(10));
  for (let at = from; at < START + (LEARNT_DAYS + JUDGED_DAYS) * DAY; at += 40 * MINUTE)
    log.add({ at, kind: 'read', principal, secret: log.pick(names), address: `10.200.${n}.3`, client: 'node' });
}

/** Whoever made this log's attacks knows some of the rules: nothing stands out by its number alone. */
function attacks(log: Log, people: Person[], services: ReturnType<typeof service>[]): void {
  const judged = START + LEARNT_DAYS * DAY;
  const plant = (kind: AttackKind, principal: string, from: number, until: number) =>
    void log.attacks.push({ kind, principal, from, until });

  // Somebody with access takes two or three secrets a day that are not theirs, in office hours, from the office.
  for (const insider of log.some(people, 2)) {
    const from = judged + (2 + log.below(14)) * DAY;
    const others = log.some(
      secretNames.filter((name) => !insider.names.includes(name)),
      20,
    );
    let day = 0;
    for (let taken = 0; taken < others.length; day += 1) {
      if (Math.floor((from + day * DAY - START) / DAY) % 7 >= 5) continue;
      for (const secret of others.slice(taken, taken + 2 + log.below(2))) {
        const at = from + day * DAY + (insider.hours[0] + log.below(8)) * HOUR + log.below(HOUR);
        log.add({
          at,
          kind: 'read',
          principal: insider.principal,
          secret,
          address: insider.address,
          client: 'Mozilla/5',
        });
        taken += 1;
      }
    }
    plant('slow-exfiltration', insider.principal, from, from + day * DAY + DAY);
  }
  // A service's token elsewhere: what it always reads, as often as always, with the same client.
  for (const victim of log.some(services, 3)) {
    const from = judged + log.below(JUDGED_DAYS - 3) * DAY + log.below(DAY);
    for (let read = 0; read < 3 + log.below(5); read += 1)
      log.add({
        at: from + read * 7 * MINUTE,
        kind: 'read',
        principal: victim.principal,
        secret: log.pick(victim.names),
        address: '185.220.101.34',
        client: 'node',
      });
    plant('stolen-token', victim.principal, from, from + HOUR);
  }
  // A taken session goes through what its owner may read, at an hour at which the owner never works.
  for (const victim of log.some(people, 2)) {
    const dayAt = judged + log.below(JUDGED_DAYS - 3) * DAY;
    const from = dayAt + ((victim.hours[1] + 6) % 24) * HOUR + 5 * MINUTE;
    for (const [index, secret] of log.some(victim.names, 6).entries())
      log.add({
        at: from + index * 2 * MINUTE,
        kind: 'read',
        principal: victim.principal,
        secret,
        address: victim.address,
        client: 'Mozilla/5',
      });
    plant('off-hours-sweep', victim.principal, from, from + HOUR);
  }
  // Guessing: one at an account, one with made-up tokens.
  const account = log.pick(people).principal;
  const unknown = 'somebody unknown at 45.155.205.99';
  for (const principal of [account, unknown]) {
    const from = judged + log.below(JUDGED_DAYS - 2) * DAY + log.below(DAY);
    for (let guess = 0; guess < 30; guess += 1)
      log.add({
        at: from + guess * 15_000,
        kind: 'denied',
        principal,
        address: '45.155.205.99',
        client: 'python-requests/2',
      });
    plant('brute-force', principal, from, from + HOUR);
  }
}

/** @param seed the same gives the same log @param planted false for a month without attacks */
export function labelledLog(seed: number, planted = true): LabelledLog {
  const log = new Log(seed);
  const services = Array.from({ length: SERVICES }, (_, n) => service(log, n));
  for (let n = 0; n < JOBS; n += 1) job(log, n);
  const people = Array.from({ length: PEOPLE }, (_, n) => person(log, n));
  for (let n = 0; n < 3; n += 1) newcomer(log, n);
  if (planted) attacks(log, people, services);
  log.events.sort((a, b) => a.at - b.at);
  const events = log.events.map((event, seq) => ({ ...event, seq: seq + 1 }));
  const judgedFrom = START + LEARNT_DAYS * DAY;
  return {
    events,
    introductions: log.introductions,
    attacks: log.attacks,
    start: START,
    judgedFrom,
    end: judgedFrom + JUDGED_DAYS * DAY,
  };
}
