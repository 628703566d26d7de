// When secrets turn: rules over times as properties and examples, and the tick that turns what is due.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from '../../lib/catalog/catalog.ts';
import type { ScheduleConfig } from '../../lib/config/operations.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { dueAfter, isOpen, nextOpening, type Timing, timingOf, turnsUntil } from '../../lib/rotation/schedule.ts';
import { Ticker, turnsAhead } from '../../lib/rotation/tick.ts';
import { describeSecret } from '../../lib/vault/write.ts';
import { openaiAnswers } from '../support/provider-answers.ts';
import { providerServer } from '../support/provider-server.ts';
import { DAY, DEVELOPMENT, HOUR, put, type TestVault, testVault } from '../support/vault.ts';
import { testWorld } from '../support/world.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';
const MINUTE = 60_000;
const plain: Timing = { days: 90, cron: undefined, timeZone: 'UTC', windows: [], jitterMs: 0, automatic: true };
const at = (text: string) => Date.parse(text);

describe('when a secret is due', () => {
  it('so many days after its last turn', () => {
    expect(dueAfter(plain, at('2026-01-01T12:00Z'), 'a')).toBe(at('2026-04-01T12:00Z'));
  });

  it('by a cron expression, in a time zone, over a change of the clocks', () => {
    const timing = { ...plain, days: undefined, cron: '30 2 1 * *', timeZone: 'Europe/Berlin' };
    expect(dueAfter(timing, at('2026-02-10T00:00Z'), 'a')).toBe(at('2026-03-01T01:30Z'));
    expect(dueAfter(timing, at('2026-03-10T00:00Z'), 'a')).toBe(at('2026-04-01T00:30Z'));
  });

  it('moved to when a maintenance window opens', () => {
    const windows = [{ days: ['sat', 'sun'] as const, from: '02:00', to: '05:00' }].map((one) => ({
      ...one,
      days: [...one.days],
    }));
    const timing = { ...plain, days: 1, windows };
    // A Wednesday: the next window is on Saturday.
    expect(dueAfter(timing, at('2026-01-06T12:00Z'), 'a')).toBe(at('2026-01-10T02:00Z'));
    expect(dueAfter(timing, at('2026-01-09T03:00Z'), 'a')).toBe(at('2026-01-10T03:00Z'));
  });

  it('in a window over midnight, by the clocks of its zone', () => {
    const timing = {
      ...plain,
      timeZone: 'America/New_York',
      windows: [{ days: ['fri' as const], from: '23:00', to: '01:00' }],
    };
    expect(isOpen(timing, at('2026-01-10T04:30Z'))).toBe(true);
    expect(isOpen(timing, at('2026-01-10T05:30Z'))).toBe(true);
    expect(isOpen(timing, at('2026-01-10T06:30Z'))).toBe(false);
    expect(isOpen(timing, at('2026-01-09T05:30Z'))).toBe(false);
    expect(nextOpening(timing, at('2026-01-10T07:00Z'))).toBe(at('2026-01-17T04:00Z'));
  });

  it('spread by a jitter that is the same every time, and different for each', () => {
    const timing = { ...plain, jitterMs: 6 * HOUR };
    const of = (key: string) => dueAfter(timing, 0, key);
    expect(of('a')).toBe(of('a'));
    const spread = Array.from({ length: 200 }, (_, n) => of(`key ${n}`) - 90 * DAY);
    expect(Math.min(...spread)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...spread)).toBeLessThan(6 * HOUR);
    expect(new Set(spread).size).toBeGreaterThan(190);
  });

  it('never before its time, always when a window is open (property)', () => {
    const window = fc.record({
      from: fc.integer({ min: 0, max: 23 }).map((hour) => `${String(hour).padStart(2, '0')}:00`),
      to: fc.integer({ min: 0, max: 23 }).map((hour) => `${String(hour).padStart(2, '0')}:30`),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.array(window, { maxLength: 2 }),
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kathmandu'),
        fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2027-12-31T00:00Z') }),
        (days, windows, jitter, timeZone, rotatedAt) => {
          const timing = { ...plain, days, windows, timeZone, jitterMs: jitter * MINUTE };
          const due = dueAfter(timing, rotatedAt, 'key');
          expect(due).toBeGreaterThanOrEqual(rotatedAt + days * DAY);
          // The next window is a day away at most; an hour more where clocks change.
          expect(due).toBeLessThanOrEqual(rotatedAt + days * DAY + jitter * MINUTE + 25 * HOUR + jitter * MINUTE);
          expect(isOpen(timing, due)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('as the nearest word says: the secret’s rule, its own interval, its type’s rule, the catalogue', () => {
    const catalog = new Catalog();
    const config: ScheduleConfig = {
      timeZone: 'Europe/Berlin',
      jitterMinutes: 10,
      types: { jwt_secret: { days: 30 } },
      secrets: { special_jwt: { cron: '0 3 * * 1', automatic: false } },
    };
    const of = (name: string, intervalDays: number | null = null) =>
      timingOf(
        config,
        { name, type: 'jwt_secret', intervalDays },
        catalog.rule(name, { type: 'jwt_secret', intervalDays }),
      );
    expect(of('JWT_SECRET')).toMatchObject({ days: 30, timeZone: 'Europe/Berlin', jitterMs: 600_000, automatic: true });
    expect(of('JWT_SECRET', 7)).toMatchObject({ days: 7 });
    expect(of('SPECIAL_JWT', 7)).toMatchObject({ days: undefined, cron: '0 3 * * 1', automatic: false });
    expect(
      timingOf({}, { name: 'X', type: 'url', intervalDays: null }, catalog.rule('X', { type: 'url' })),
    ).toBeUndefined();
  });

  it('for a year ahead: each turn follows the one before, and what is overdue comes first', () => {
    const now = at('2026-06-01T00:00Z');
    const turns = [...turnsUntil(plain, at('2026-01-01T00:00Z'), 'a', now, now + 365 * DAY)];
    expect(turns[0]).toBe(now);
    expect(turns).toHaveLength(5);
    expect(turns[1]).toBe(now + 90 * DAY);
  });
});

interface Scene extends TestVault {
  tick(): Promise<{
    turned: readonly { name: string }[];
    failed: readonly object[];
    needsPerson: readonly object[];
    dated: number;
  }>;
}

function scene(schedule: ScheduleConfig = {}, providers = {}): Scene {
  const made = testVault();
  const { vault, clock } = made;
  const world = testWorld({ schedule, providers }, { clock: clock.read });
  const ticker = new Ticker(vault.context, world);
  return { ...made, tick: () => vault.perform(ticker.tick(rotatorOf(vault, world))) };
}

const names = (list: readonly { name: string }[]) => list.map((one) => one.name).sort();

describe('a tick', () => {
  it('turns exactly what is due, once', async () => {
    const { vault, clock, tick } = scene({ types: { password: { automatic: true } } });
    put(vault, 'JWT_SECRET', STRONG);
    put(vault, 'HOOK_WEBHOOK_SECRET', `${STRONG}1`);
    put(vault, 'MY_PASSWORD', `${STRONG}2`, { intervalDays: 10 });
    put(vault, 'SITE_URL', 'https://example.com');
    expect(await tick()).toMatchObject({ dated: 4, turned: [] });
    clock.forward(10 * DAY - 1);
    expect((await tick()).turned).toEqual([]);
    clock.forward(1);
    expect(names((await tick()).turned)).toEqual(['MY_PASSWORD']);
    expect((await tick()).turned).toEqual([]);
    clock.forward(80 * DAY);
    expect(names((await tick()).turned)).toEqual(['HOOK_WEBHOOK_SECRET', 'JWT_SECRET', 'MY_PASSWORD']);
    expect((await tick()).turned).toEqual([]);
  });

  it('catches up on what was missed while nothing ran: once, and not for each time missed', async () => {
    const { vault, clock, tick } = scene();
    put(vault, 'JWT_SECRET', STRONG);
    await tick();
    clock.forward(400 * DAY);
    expect(names((await tick()).turned)).toEqual(['JWT_SECRET']);
    expect((await tick()).turned).toEqual([]);
  });

  it('waits for the next maintenance window with what became due in none', async () => {
    const { vault, clock, tick } = scene({ windows: [{ days: ['sun'], from: '03:00', to: '04:00' }] });
    put(vault, 'JWT_SECRET', STRONG);
    await tick();
    // The clock begins on a Thursday, 12:00; 100 days later it is a Saturday.
    clock.forward(100 * DAY);
    expect((await tick()).turned).toEqual([]);
    clock.forward(15 * HOUR);
    expect(names((await tick()).turned)).toEqual(['JWT_SECRET']);
  });

  it('lets a person have what cannot be made, once, and does not ask again at every tick', async () => {
    const { vault, clock, tick } = scene();
    put(vault, 'STRIPE_SECRET_KEY', 'sk_test_Made4Up51Hx9Qw3Zr');
    await tick();
    clock.forward(365 * DAY);
    expect(await tick()).toMatchObject({ needsPerson: [{ name: 'STRIPE_SECRET_KEY' }] });
    clock.forward(HOUR);
    expect(await tick()).toMatchObject({ needsPerson: [] });
  });

  it('leaves alone what is not to turn by itself', async () => {
    const { vault, clock, tick } = scene({ secrets: { JWT_SECRET: { automatic: false, days: 5 } } });
    put(vault, 'JWT_SECRET', STRONG);
    await tick();
    clock.forward(6 * DAY);
    expect(await tick()).toMatchObject({ turned: [], failed: [], needsPerson: [] });
  });

  it('makes up no password, and no secret of no known kind, unless it is told to: who else knows it is not known', async () => {
    const { vault, clock, tick } = scene();
    put(vault, 'MY_PASSWORD', STRONG);
    put(vault, 'SOMETHING', `${STRONG}1`);
    await tick();
    clock.forward(400 * DAY);
    expect(await tick()).toMatchObject({ turned: [], failed: [] });
  });

  it('works out anew what has been set, described or rolled back since', async () => {
    const { vault, clock, tick } = scene();
    put(vault, 'JWT_SECRET', STRONG);
    await tick();
    clock.forward(89 * DAY);
    put(vault, 'JWT_SECRET', `${STRONG}new`);
    clock.forward(2 * DAY);
    expect((await tick()).turned).toEqual([]);
    vault.run(describeSecret(vault.context, DEVELOPMENT, 'JWT_SECRET', { intervalDays: 1 }));
    expect(names((await tick()).turned)).toEqual(['JWT_SECRET']);
  });

  it('by rules that have changed since another process ran: all due times are worked out anew', async () => {
    const first = scene();
    put(first.vault, 'JWT_SECRET', STRONG);
    await first.tick();
    const world = testWorld({ schedule: { types: { jwt_secret: { days: 1 } } } }, { clock: first.clock.read });
    first.clock.forward(2 * DAY);
    const ticker = new Ticker(first.vault.context, world);
    const result = await first.vault.perform(ticker.tick(rotatorOf(first.vault, world)));
    expect(names(result.turned)).toEqual(['JWT_SECRET']);
  });

  it('survives a clock that jumps: back, nothing turns early; forward, each turns once', async () => {
    const { vault, clock, tick } = scene();
    put(vault, 'JWT_SECRET', STRONG);
    await tick();
    clock.forward(-3650 * DAY);
    expect((await tick()).turned).toEqual([]);
    clock.forward(3 * 3650 * DAY);
    expect(names((await tick()).turned)).toEqual(['JWT_SECRET']);
    clock.forward(-2 * 3650 * DAY);
    expect((await tick()).turned).toEqual([]);
  });

  it('turns what a provider makes, and one that fails is told of and tried again later', async () => {
    const provider = await providerServer(openaiAnswers);
    provider.addKey('sk-proj-firstT3BlbkFJfirst0123456789');
    provider.addKey('sk-admin-xT3BlbkFJadmin');
    const settings = {
      openai: { baseUrl: provider.url, admin: 'OPENAI_ADMIN_KEY', project: 'p', serviceAccount: 's' },
    };
    const { vault, clock, tick } = scene({}, settings);
    put(vault, 'OPENAI_API_KEY', 'sk-proj-firstT3BlbkFJfirst0123456789');
    put(vault, 'OPENAI_ADMIN_KEY', 'sk-admin-xT3BlbkFJadmin', { intervalDays: 3650 });
    await tick();
    clock.forward(365 * DAY);
    provider.faults.push(
      { kind: 'reply', reply: { status: 500, text: '' } },
      { kind: 'reply', reply: { status: 500, text: '' } },
      { kind: 'reply', reply: { status: 500, text: '' } },
    );
    const [first] = (await tick()).turned;
    expect(first).toMatchObject({ state: 'planned' });
    clock.forward(7 * HOUR);
    expect(await tick()).toMatchObject({ turned: [{ state: 'grace', version: 2 }] });
  });
});

it('the schedule of a year says who turns what', async () => {
  const { vault, clock } = testVault();
  put(vault, 'JWT_SECRET', STRONG);
  put(vault, 'STRIPE_SECRET_KEY', 'sk_test_Made4Up51Hx9Qw3Zr');
  const world = testWorld({}, { clock: clock.read });
  const environment = vault.context.environment(DEVELOPMENT);
  const turns = await vault.perform(
    turnsAhead(vault.context, world, rotatorOf(vault, world), environment, clock.now + 365 * DAY),
  );
  expect(turns.map((one) => `${one.name} ${one.byItself}`)).toEqual([
    'JWT_SECRET true',
    'JWT_SECRET true',
    'JWT_SECRET true',
    'JWT_SECRET true',
    'STRIPE_SECRET_KEY false',
  ]);
});
