// Monitoring: age, use, failures, on a clock that the test turns.
import { describe, expect, it } from 'vitest';
import { monitor } from '../../lib/monitoring/monitor.ts';
import { buildReport, reportMarkdown } from '../../lib/reporting/validation-report.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { validate } from '../../lib/validation/validate.ts';
import type { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { DAY, DEVELOPMENT, put, testVault } from '../support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';
const watch = (vault: EmbeddedVault, strength = false) =>
  vault.run(monitor(vault.context, [vault.context.environment(DEVELOPMENT)], { strength }));
const kinds = (vault: EmbeddedVault, strength = false) =>
  watch(vault, strength).alerts.map((one) => `${one.kind} ${one.severity}`);

describe('monitoring', () => {
  it('warns at 80 % of the interval, and calls it critical at 100 %', () => {
    const { vault, clock } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    vault.run(readSecret(vault.context, DEVELOPMENT, 'JWT_SECRET'));
    clock.forward(72 * DAY - 1);
    expect(kinds(vault)).toEqual([]);
    clock.forward(1);
    expect(kinds(vault)).toEqual(['due-soon medium']);
    vault.run(readSecret(vault.context, DEVELOPMENT, 'JWT_SECRET'));
    clock.forward(18 * DAY);
    expect(kinds(vault)).toEqual(['overdue critical']);
    vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' }));
    expect(kinds(vault)).toEqual([]);
  });

  it("takes a secret's own interval before its type's", () => {
    const { vault, clock } = testVault();
    put(vault, 'JWT_SECRET', STRONG, { intervalDays: 5 });
    clock.forward(5 * DAY);
    expect(kinds(vault)).toEqual(['overdue critical']);
  });

  it('is not confused by a clock that jumped back', () => {
    const { vault, clock } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    clock.forward(-300 * DAY);
    expect(watch(vault).secrets[0]).toMatchObject({ ageDays: 0, state: 'fresh' });
  });

  it('counts use, and finds what nobody uses', () => {
    const { vault, clock } = testVault();
    put(vault, 'SETTING_ONE', STRONG, { intervalDays: 3650 });
    put(vault, 'SETTING_TWO', `${STRONG}2`, { intervalDays: 3650 });
    clock.forward(60 * DAY);
    vault.run(readSecret(vault.context, DEVELOPMENT, 'SETTING_ONE'));
    clock.forward(31 * DAY);
    const { secrets, alerts } = watch(vault);
    expect(secrets.map((one) => one.reads)).toEqual([1, 0]);
    expect(alerts.map((one) => [one.kind, one.secret])).toEqual([['unused', 'SETTING_TWO']]);
  });

  it('shows weak values, failed and waiting rotations, denied and failed attempts', () => {
    const { vault, reopen } = testVault();
    put(vault, 'DB_PASSWORD', 'Summer2024!Summer');
    put(vault, 'STRIPE_SECRET_KEY', 'sk_test_Made4Up51Hx9Qw3Zr');
    const rotate = (value?: Buffer) => () =>
      vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'STRIPE_SECRET_KEY', ...(value && { value }) }));
    expect(rotate(Buffer.from('refused'))).toThrow();
    expect(rotate()).toThrow();
    const narrow = reopen({ scope: { names: ['X'] } });
    expect(() => narrow.run(readSecret(narrow.context, DEVELOPMENT, 'DB_PASSWORD'))).toThrow();
    expect(() => vault.run(readSecret(vault.context, DEVELOPMENT, 'NONE'))).toThrow();
    expect(kinds(vault, true)).toEqual([
      'weak high',
      'rotation-failed high',
      'rotation-waiting medium',
      'denied high',
      'failed-reads low',
    ]);
  });

  it('does not call a rotation that a person took back a failure', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' }));
    vault.run(rotatorOf(vault).rollback(DEVELOPMENT, 'JWT_SECRET'));
    expect(watch(vault).failedRotations).toBe(0);
  });
});

it('the report says it all, in JSON and in Markdown that no text breaks out of', () => {
  const { vault } = testVault();
  put(vault, 'JWT_SECRET', 'planted-4711', { owner: 'a|b' });
  const environment = vault.context.environment(DEVELOPMENT);
  const report = buildReport('vault', vault.run(validate(vault.context, [environment])), watch(vault, true));
  expect(report.summary).toMatchObject({ secrets: 1, criticalPresent: 1, criticalWanted: 7 });
  const markdown = reportMarkdown({
    ...report,
    alerts: [{ kind: 'weak', severity: 'high', secret: 'A', environment: 'e', what: 'a | b\nc', mend: 'm' }],
  });
  expect(markdown).toContain('| high | a \\| b c | m |');
  expect(markdown + JSON.stringify(report)).not.toContain('planted-4711');
});
