// What is out of the ordinary: rules on numbers, and the same found in a real log, each entry looked at once.
import { describe, expect, it } from 'vitest';
import { listAlerts } from '../../lib/monitoring/alert-book.ts';
import { alertRun, updateAlerts } from '../../lib/monitoring/alert-run.ts';
import { observe } from '../../lib/monitoring/observe.ts';
import { unusualReading } from '../../lib/monitoring/unusual.ts';
import { Http } from '../../lib/providers/http.ts';
import { all } from '../../lib/store/operation.ts';
import { selectReaders } from '../../lib/store/statements/readers.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { DAY, DEVELOPMENT, put, type TestVault, testVault } from '../support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

describe('a reading', () => {
  const app = { principal: 'app', reads: 100, firstAt: 0, lastAt: 30 * DAY };
  const reading = (principal: string, at = 31 * DAY) => ({
    principal,
    secret: 'JWT_SECRET',
    at,
    chain: 'main',
    seq: 7,
  });
  const nobody = { base: { firstAt: 31 * DAY, reads: 0 } };

  it('by somebody who never read it is unusual once it is known who does', () => {
    expect(unusualReading(reading('mallory'), [app], nobody)).toEqual({
      kind: 'new-reader',
      severity: 'medium',
      what: 'mallory read JWT_SECRET for the first time; in 31 days and 100 reads it was app.',
      numbers: { days: 31, reads: 100, readers: 1 },
      evidence: [{ chain: 'main', seq: 7 }],
    });
    expect(unusualReading(reading('app'), [app], nobody)).toBeUndefined();
    expect(unusualReading(reading('mallory'), [{ ...app, reads: 19 }], nobody)).toBeUndefined();
    expect(unusualReading(reading('mallory', 6 * DAY), [{ ...app, lastAt: 5 * DAY }], nobody)).toBeUndefined();
    expect(unusualReading(reading('mallory'), [], nobody)).toBeUndefined();
  });

  it('is no news of somebody who was given access this week, who is known by what else it does, or where many do', () => {
    expect(unusualReading(reading('new'), [app], { ...nobody, introducedAt: 26 * DAY })).toBeUndefined();
    expect(unusualReading(reading('new'), [app], { ...nobody, introducedAt: 23 * DAY })).toBeDefined();
    expect(unusualReading(reading('ann'), [app], { base: { firstAt: 20 * DAY, reads: 50 } })).toBeUndefined();
    const many = Array.from({ length: 6 }, (_, n) => ({ ...app, principal: `app-${n}` }));
    expect(unusualReading(reading('app-7'), many, nobody)).toBeUndefined();
  });

  it('of what nobody has read for two months is unusual, whoever it is', () => {
    expect(unusualReading(reading('app', 91 * DAY), [app], nobody)).toMatchObject({
      kind: 'awakened',
      what: expect.stringContaining('61 days'),
    });
    expect(unusualReading(reading('app', 89 * DAY), [app], nobody)).toBeUndefined();
    expect(unusualReading(reading('app', 91 * DAY), [{ ...app, reads: 4 }], nobody)).toBeUndefined();
  });
});

function scene() {
  const made = testVault();
  const { vault, clock } = made;
  const http = new Http();
  const run = alertRun({
    config: { backupDays: 3650, unusedDays: 3650 },
    http,
    at: DEVELOPMENT,
    home: vault.home,
    destinations: [],
    print: () => undefined,
  });
  const update = () => vault.perform(updateAlerts(vault.context, run));
  const anomalies = () => vault.run(listAlerts(vault.context)).filter((one) => one.kind === 'anomaly');
  return { ...made, update, anomalies, now: () => clock.now };
}

function reads({ reopen }: TestVault, principal: string, names: readonly string[], times = 1): void {
  const vault = reopen({ principal });
  for (let n = 0; n < times; n += 1) {
    for (const name of names) vault.run(readSecret(vault.context, DEVELOPMENT, name)).value.fill(0);
  }
  vault.close();
}

describe('the log', () => {
  it('tells a reader that a secret never had; the alert explains itself and goes after a week', async () => {
    const at = scene();
    put(at.vault, 'JWT_SECRET', STRONG, { intervalDays: 3650 });
    reads(at, 'app', ['JWT_SECRET'], 25);
    await at.update();
    at.clock.forward(8 * DAY);
    reads(at, 'app', ['JWT_SECRET']);
    reads(at, 'mallory', ['JWT_SECRET']);
    await at.update();
    expect(at.anomalies()).toMatchObject([
      {
        severity: 'medium',
        secret: 'JWT_SECRET',
        what: 'mallory read JWT_SECRET for the first time; in 8 days and 26 reads it was app.',
      },
    ]);
    reads(at, 'mallory', ['JWT_SECRET']);
    await at.update();
    expect(at.anomalies()).toHaveLength(1);
    at.clock.forward(8 * DAY);
    await at.update();
    expect(at.anomalies()).toEqual([]);
  });

  it('tells one who goes through secrets that it never read', async () => {
    const at = scene();
    const names = Array.from({ length: 15 }, (_, n) => `NAME_${n}`);
    for (const name of names) put(at.vault, name, STRONG + name, { intervalDays: 3650 });
    reads(at, 'app', ['NAME_0']);
    reads(at, 'others', names);
    await at.update();
    at.clock.forward(8 * DAY);
    reads(at, 'app', names);
    await at.update();
    expect(at.anomalies()).toMatchObject([
      { severity: 'high', secret: null, what: expect.stringMatching(/^app read 5 secrets within an hour/) },
    ]);
  });

  it('counts each entry once, and takes a token that is exchanged anew for one reader', async () => {
    const at = scene();
    put(at.vault, 'JWT_SECRET', STRONG);
    reads(at, 'token:ci (0123456789abcdef)', ['JWT_SECRET'], 2);
    await at.vault.perform(observe(at.vault.context));
    reads(at, 'token:ci (fedcba9876543210)', ['JWT_SECRET'], 3);
    await at.vault.perform(observe(at.vault.context));
    await at.vault.perform(observe(at.vault.context));
    const found = at.vault.run(
      all(selectReaders, { project: 'default', environment: 'development', secretKey: 'JWT_SECRET' }),
    );
    expect(found).toMatchObject([{ principal: 'token:ci', reads: 5 }]);
  });

  it('of a month ago is a baseline, and no alert', async () => {
    const at = scene();
    put(at.vault, 'JWT_SECRET', STRONG, { intervalDays: 3650 });
    reads(at, 'app', ['JWT_SECRET'], 25);
    at.clock.forward(8 * DAY);
    reads(at, 'mallory', ['JWT_SECRET']);
    at.clock.forward(3 * DAY);
    await at.update();
    expect(at.anomalies()).toEqual([]);
  });
});
