// Rotations on a real vault: the whole way, both ends, and what is taken up after a cut.
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { newestEntries } from '../../lib/audit/read.ts';
import { Catalog } from '../../lib/catalog/catalog.ts';
import { NeedsPersonError, NotFoundError, RotationError } from '../../lib/errors.ts';
import { stepOnce } from '../../lib/rotation/advance.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { isFinal } from '../../lib/rotation/states.ts';
import { fail, loadSubject, plan } from '../../lib/rotation/steps.ts';
import { all } from '../../lib/store/operation.ts';
import { selectUnfinishedRotations } from '../../lib/store/statements/rotations.ts';
import type { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { secretHistory } from '../../lib/vault/list.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { DAY, DEVELOPMENT, HOUR, put, testVault, validVersions } from '../support/vault.ts';

const get = (vault: EmbeddedVault, name: string) =>
  vault.run(readSecret(vault.context, DEVELOPMENT, name)).value.toString();
const valid = (vault: EmbeddedVault, name: string) => validVersions(vault, name).map((one) => one.version);
const unfinished = (vault: EmbeddedVault) => vault.run(all(selectUnfinishedRotations, {}));
const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

describe('rotating a secret that is made here', () => {
  it('makes a backup first, then a new version; both are valid in grace, and then only the new one', () => {
    const { vault, clock } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    const result = vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'jwt_secret' }));
    expect(result).toMatchObject({ name: 'JWT_SECRET', state: 'grace', fromVersion: 1, version: 2 });
    expect(result.previousValidUntil).toBe(clock.now + 24 * HOUR);
    expect(existsSync(result.backupFile ?? '')).toBe(true);
    expect(get(vault, 'JWT_SECRET')).not.toBe(STRONG);
    expect(valid(vault, 'JWT_SECRET')).toEqual([2, 1]);
    clock.forward(24 * HOUR - 1);
    expect(valid(vault, 'JWT_SECRET')).toEqual([2, 1]);
    clock.forward(1);
    expect(valid(vault, 'JWT_SECRET')).toEqual([2]);
    expect(vault.run(rotatorOf(vault).settle())).toMatchObject([{ state: 'revoked', version: 2 }]);
    expect(unfinished(vault)).toEqual([]);
  });

  it('tells every state in the log, in order', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET', graceMs: 0 }));
    const moves = vault.run(newestEntries({ action: 'rotation' }, 20)).reverse();
    expect(
      moves.map((entry) => (entry.action === 'rotation.plan' ? 'planned' : JSON.parse(entry.details ?? '{}').to)),
    ).toEqual(['planned', 'issued', 'verified', 'promoted', 'distributed', 'grace', 'revoked']);
  });

  it('with no grace leaves only the new one valid', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    expect(vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET', graceMs: 0 })).state).toBe(
      'revoked',
    );
    expect(valid(vault, 'JWT_SECRET')).toEqual([2]);
  });

  it('twice in a row keeps the last two valid', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    const rotator = rotatorOf(vault);
    vault.run(rotator.rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' }));
    vault.run(rotator.rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' }));
    expect(valid(vault, 'JWT_SECRET')).toEqual([3, 2]);
  });

  it('makes one backup for all that one run rotates', () => {
    const { vault } = testVault();
    for (const name of ['JWT_SECRET', 'APP_PASSWORD']) put(vault, name, STRONG);
    const rotator = rotatorOf(vault);
    const files = ['JWT_SECRET', 'APP_PASSWORD'].map(
      (name) => vault.run(rotator.rotate({ at: DEVELOPMENT, name })).backupFile,
    );
    expect(new Set(files).size).toBe(1);
  });
});

describe('the backup before', () => {
  it('stands for what is rotated after it, as long as it holds the value in use', () => {
    const { vault, clock } = testVault();
    for (const name of ['A_JWT_SECRET', 'B_JWT_SECRET']) put(vault, name, STRONG + name);
    clock.forward(HOUR);
    const rotator = rotatorOf(vault);
    const backup = (name: string) => vault.run(rotator.rotate({ at: DEVELOPMENT, name })).backupFile;
    const first = backup('A_JWT_SECRET');
    clock.forward(HOUR);
    expect(backup('B_JWT_SECRET')).toBe(first);
    // Turned since, or set since: the first backup does not hold it.
    expect(backup('A_JWT_SECRET')).not.toBe(first);
    clock.forward(HOUR);
    put(vault, 'B_JWT_SECRET', `${STRONG}set`);
    const second = backup('B_JWT_SECRET');
    clock.forward(25 * HOUR);
    put(vault, 'C_JWT_SECRET', `${STRONG}C`);
    expect(backup('C_JWT_SECRET')).not.toBe(second);
  });
});

describe('rotating what a provider issues', () => {
  it('waits for a person, and goes on with the value that is given', () => {
    const { vault } = testVault();
    put(vault, 'STRIPE_SECRET_KEY', 'sk_test_Made4Up51Hx9Qw3Zr');
    const rotate = (value?: string) =>
      vault.run(
        rotatorOf(vault).rotate({
          at: DEVELOPMENT,
          name: 'STRIPE_SECRET_KEY',
          ...(value && { value: Buffer.from(value) }),
        }),
      );
    expect(() => rotate()).toThrow(NeedsPersonError);
    expect(() => rotate()).toThrow(/dashboard\.stripe\.com/);
    expect(unfinished(vault)).toMatchObject([{ state: 'planned', needs_value: 1 }]);
    expect(rotate('sk_test_Another1Vb5Rt9Kd2')).toMatchObject({ state: 'grace', version: 2 });
    expect(get(vault, 'STRIPE_SECRET_KEY')).toBe('sk_test_Another1Vb5Rt9Kd2');
  });

  it.each([
    ['of another form', 'pk_live_oops'],
    ['too short', 'sk_test_1'],
    ['the one in use', 'sk_test_Made4Up51Hx9Qw3Zr'],
  ])('refuses a value %s: nothing changes, and the refused one never comes into use', (_, bad) => {
    const { vault } = testVault();
    put(vault, 'STRIPE_SECRET_KEY', 'sk_test_Made4Up51Hx9Qw3Zr');
    const rotate = () =>
      vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'STRIPE_SECRET_KEY', value: Buffer.from(bad) }));
    expect(rotate).toThrow(RotationError);
    expect(get(vault, 'STRIPE_SECRET_KEY')).toBe('sk_test_Made4Up51Hx9Qw3Zr');
    expect(valid(vault, 'STRIPE_SECRET_KEY')).toEqual([1]);
    expect(unfinished(vault)).toEqual([]);
    const { versions } = vault.run(secretHistory(vault.context, DEVELOPMENT, 'STRIPE_SECRET_KEY'));
    expect(versions.map((one) => one.state)).toEqual(['issued', 'current']);
    expect(rotate).not.toThrow(bad === 'pk_live_oops' ? /oops/ : /Made4Up/);
  });

  it('refuses a key of a form that its provider is ending', () => {
    const { vault } = testVault();
    put(vault, 'SUPABASE_SERVICE_ROLE_KEY', 'sb_secret_MadeUp4Example7nQ2xW9kLpZr');
    const legacy = Buffer.from('eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl');
    expect(() =>
      vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'SUPABASE_SERVICE_ROLE_KEY', value: legacy })),
    ).toThrow(/ending/);
  });
});

describe('a rotation that is cut off', () => {
  const advanceTo = (vault: EmbeddedVault, state: string) => {
    let subject = vault.run(
      plan(vault.context, { at: DEVELOPMENT, name: 'JWT_SECRET', needsValue: false, backupFile: null }),
    );
    while (subject.rotation.state !== state)
      subject = vault.run(stepOnce(vault.context, undefined, subject, {})).subject;
    return subject;
  };

  it.each(['planned', 'issued', 'verified', 'promoted', 'distributed'])(
    'in the state %s is taken up by the next process, and reads go on',
    (state) => {
      const { vault, reopen } = testVault();
      put(vault, 'JWT_SECRET', STRONG);
      const { rotation } = advanceTo(vault, state);
      const promoted = state === 'promoted' || state === 'distributed';
      const other = reopen();
      expect(get(other, 'JWT_SECRET') === STRONG).toBe(!promoted);
      expect(valid(other, 'JWT_SECRET')).toEqual(promoted ? [2, 1] : [1]);
      other.run(rotatorOf(other).settle());
      expect(unfinished(other)).toMatchObject([{ id: rotation.id, state: 'grace', to_version: 2 }]);
      expect(valid(other, 'JWT_SECRET')).toEqual([2, 1]);
    },
  );

  it('is not started twice: the next rotation of the secret takes it up', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    const { rotation } = advanceTo(vault, 'issued');
    expect(vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' }))).toMatchObject({
      id: rotation.id,
      version: 2,
    });
  });

  it('and moved on by two processes at once is moved once', () => {
    const { vault, reopen } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    const seen = advanceTo(vault, 'verified');
    const other = reopen();
    const late = other.run(loadSubject(other.context, seen.rotation.id));
    vault.run(stepOnce(vault.context, undefined, seen, {})).subject;
    other.run(stepOnce(other.context, undefined, late, {}));
    expect(valid(vault, 'JWT_SECRET')).toEqual([2, 1]);
    const promotions = vault
      .run(newestEntries({ action: 'rotation.move' }, 50))
      .filter((entry) => entry.details?.includes('"to":"promoted"'));
    expect(promotions).toHaveLength(1);
  });

  it('and overtaken by a plain set is rolled back: the set value stays', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    const { rotation } = advanceTo(vault, 'verified');
    put(vault, 'JWT_SECRET', `${STRONG}-set`);
    vault.run(rotatorOf(vault).settle());
    expect(get(vault, 'JWT_SECRET')).toBe(`${STRONG}-set`);
    expect(vault.run(loadSubject(vault.context, rotation.id)).rotation).toMatchObject({ state: 'rolled_back' });
  });

  it('and failed after promotion restores the version before, as a new one, with the other still valid', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    let subject = vault.run(fail(vault.context, advanceTo(vault, 'promoted'), 'A destination refused it.'));
    while (!isFinal(subject.rotation.state))
      subject = vault.run(stepOnce(vault.context, undefined, subject, {})).subject;
    expect(get(vault, 'JWT_SECRET')).toBe(STRONG);
    expect(valid(vault, 'JWT_SECRET')).toEqual([3, 2]);
  });

  it('and failed after promotion, and overtaken by a plain set, brings nothing back: the set value stays', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    const failed = vault.run(fail(vault.context, advanceTo(vault, 'promoted'), 'A destination refused it.'));
    put(vault, 'JWT_SECRET', `${STRONG}-set`);
    vault.run(stepOnce(vault.context, undefined, failed, {})).subject;
    expect(get(vault, 'JWT_SECRET')).toBe(`${STRONG}-set`);
    expect(valid(vault, 'JWT_SECRET')).toEqual([3]);
  });

  it('with another value than the one that is given now is ended: the one given now comes into use', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    let cut = vault.run(
      plan(vault.context, { at: DEVELOPMENT, name: 'JWT_SECRET', needsValue: true, backupFile: null }),
    );
    cut = vault.run(stepOnce(vault.context, undefined, cut, { given: Buffer.from(`${STRONG}-first`) })).subject;
    const given = Buffer.from(`${STRONG}-second`);
    const result = vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET', value: given }));
    expect(result).toMatchObject({ state: 'grace', fromVersion: 1, version: 3 });
    expect(get(vault, 'JWT_SECRET')).toBe(`${STRONG}-second`);
    expect(vault.run(loadSubject(vault.context, cut.rotation.id)).rotation.state).toBe('rolled_back');
  });

  it('with the same value as the one given now is taken up', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    let cut = vault.run(
      plan(vault.context, { at: DEVELOPMENT, name: 'JWT_SECRET', needsValue: true, backupFile: null }),
    );
    const given = Buffer.from(`${STRONG}-first`);
    cut = vault.run(stepOnce(vault.context, undefined, cut, { given: given })).subject;
    expect(vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET', value: given }))).toMatchObject({
      id: cut.rotation.id,
      version: 2,
    });
  });

  it('before a person’s value was kept: who asks again without one gets one made', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    vault.run(plan(vault.context, { at: DEVELOPMENT, name: 'JWT_SECRET', needsValue: true, backupFile: null }));
    vault.run(rotatorOf(vault).settle());
    expect(unfinished(vault)).toMatchObject([{ state: 'planned', needs_value: 1 }]);
    expect(vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' }))).toMatchObject({
      state: 'grace',
      version: 2,
    });
  });
});

describe('rolling back', () => {
  it('goes to the version before, as a new version', () => {
    const { vault } = testVault();
    put(vault, 'API_PASSWORD', 'one one one one');
    put(vault, 'API_PASSWORD', 'two two two two');
    expect(vault.run(rotatorOf(vault).rollback(DEVELOPMENT, 'API_PASSWORD'))).toMatchObject({ version: 3 });
    expect(get(vault, 'API_PASSWORD')).toBe('one one one one');
  });

  it('in grace ends the rotation as rolled back', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' }));
    expect(vault.run(rotatorOf(vault).rollback(DEVELOPMENT, 'JWT_SECRET'))).toMatchObject({
      state: 'rolled_back',
      version: 3,
    });
    expect(get(vault, 'JWT_SECRET')).toBe(STRONG);
    expect(valid(vault, 'JWT_SECRET')).toEqual([3, 2]);
  });

  it('goes to a numbered version, and never to one that was refused', () => {
    const { vault } = testVault();
    put(vault, 'STRIPE_SECRET_KEY', 'sk_test_First51Hx9Qw3Zr');
    expect(() =>
      vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'STRIPE_SECRET_KEY', value: Buffer.from('refused') })),
    ).toThrow();
    put(vault, 'STRIPE_SECRET_KEY', 'sk_test_Third51Hx9Qw3Zr');
    vault.run(rotatorOf(vault).rollback(DEVELOPMENT, 'STRIPE_SECRET_KEY'));
    expect(get(vault, 'STRIPE_SECRET_KEY')).toBe('sk_test_First51Hx9Qw3Zr');
    vault.run(rotatorOf(vault).rollback(DEVELOPMENT, 'STRIPE_SECRET_KEY', 3));
    expect(get(vault, 'STRIPE_SECRET_KEY')).toBe('sk_test_Third51Hx9Qw3Zr');
    expect(() => vault.run(rotatorOf(vault).rollback(DEVELOPMENT, 'STRIPE_SECRET_KEY', 99))).toThrow(/no version 99/);
  });

  it('has nowhere to go from the first version', () => {
    const { vault } = testVault();
    put(vault, 'A', 'x');
    expect(() => vault.run(rotatorOf(vault).rollback(DEVELOPMENT, 'A'))).toThrow(/no earlier value/);
    expect(() => vault.run(rotatorOf(vault).rollback(DEVELOPMENT, 'NONE'))).toThrow(NotFoundError);
  });
});

it('a type of the project’s own is made by its own rule', () => {
  const catalog = new Catalog({
    types: [
      {
        name: 'app_token',
        title: 'App token',
        risk: 'high',
        strength: true,
        graceHours: 1,
        intervalDays: 7,
        generate: { bytes: 32, notation: 'base64url', prefix: 'app_' },
        pattern: { expression: 'app_[A-Za-z0-9_-]{43}', words: 'an app token' },
      },
    ],
  });
  const { vault, clock } = testVault({ catalog });
  put(vault, 'MY_TOKEN', 'app_'.padEnd(47, 'x'), { type: 'app_token' });
  clock.forward(8 * DAY);
  const result = vault.run(rotatorOf(vault).rotate({ at: DEVELOPMENT, name: 'MY_TOKEN' }));
  expect(result.previousValidUntil).toBe(clock.now + HOUR);
  expect(get(vault, 'MY_TOKEN')).toMatch(/^app_[\w-]{43}$/);
});
