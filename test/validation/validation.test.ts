// What validation finds, and what it leaves alone.
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newestEntries } from '../../lib/audit/read.ts';
import { Catalog } from '../../lib/catalog/catalog.ts';
import { BUILT_IN_TYPES } from '../../lib/catalog/types.ts';
import { judgeValue } from '../../lib/validation/rules.ts';
import { looksRandom, shannonBits, strengthOf } from '../../lib/validation/strength.ts';
import { validate } from '../../lib/validation/validate.ts';
import type { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { PRODUCTION, put, testVault } from '../support/vault.ts';

const catalog = new Catalog();
const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

/** The rules that a value breaks, by name. */
const broken = (name: string, value: string | Buffer, environment = 'development', type = catalog.typeFor(name)) =>
  judgeValue({ name, environment, rule: catalog.rule(name, { type }), value: Buffer.from(value) }).findings.map(
    (one) => one.rule,
  );

describe('the catalogue', () => {
  it('knows every secret that the guide names, in its group', () => {
    const group = (name: Parameters<Catalog['inGroup']>[0]) => catalog.inGroup(name).map((one) => one.name);
    expect(group('critical')).toEqual([
      'JWT_SECRET',
      'SUPABASE_SERVICE_ROLE_KEY',
      'OPENAI_API_KEY',
      'RETELL_API_KEY',
      'TELNYX_API_KEY',
      'STRIPE_SECRET_KEY',
      'RESEND_API_KEY',
    ]);
    expect(group('webhook')).toEqual(['RETELL_WEBHOOK_SECRET', 'TELNYX_WEBHOOK_SECRET', 'STRIPE_WEBHOOK_SECRET']);
    // The guide's, then ours: what providers that the guide does not name for it can check and renew.
    expect(group('optional')).toEqual([
      'SLACK_WEBHOOK_URL',
      'GOOGLE_CLIENT_SECRET',
      'DATABASE_URL',
      'GITHUB_TOKEN',
      'VERCEL_TOKEN',
      'RESEND_WEBHOOK_SECRET',
      'CLEARBIT_API_KEY',
    ]);
    expect(group('monitoring')).toEqual([
      'SYNTHETIC_MONITOR_BASE_URL',
      'OUTREACH_RUNNER_URL',
      'MONITOR_EMPLOYEE_EMAIL',
      'MONITOR_EMPLOYEE_PASSWORD',
    ]);
    expect(group('setting')).toEqual([
      'GOOGLE_CLIENT_ID',
      'TELNYX_MESSAGING_PROFILE_ID',
      'TELNYX_CONNECTION_ID',
      'NEXT_PUBLIC_SUPABASE_URL',
    ]);
  });

  it("has the guide's intervals and risks", () => {
    const { jwt_secret, webhook_secret, api_key, database_key } = BUILT_IN_TYPES;
    expect([jwt_secret, webhook_secret, api_key, database_key].map((one) => [one.intervalDays, one.risk])).toEqual([
      [90, 'high'],
      [90, 'high'],
      [365, 'high'],
      [180, 'critical'],
    ]);
  });

  it('guesses a type by name where nobody says', () => {
    const types = [
      'APP_JWT_SECRET',
      'X_WEBHOOK_SECRET',
      'MAPS_API_KEY',
      'DATABASE_URL',
      'SITE_URL',
      'DB_PASSWORD',
      'WHATEVER',
      'github_token',
    ];
    expect(types.map((name) => catalog.typeFor(name))).toEqual([
      'jwt_secret',
      'webhook_secret',
      'api_key',
      'database_key',
      'url',
      'password',
      'generic',
      'api_key',
    ]);
  });
});

describe('a value', () => {
  it.each([
    ['STRIPE_SECRET_KEY', 'sk_test_51Hx9Qw3Zr7Tn0Pb'],
    ['STRIPE_SECRET_KEY', 'rk_test_51Hx9Qw3Zr7Tn0Pb'],
    ['OPENAI_API_KEY', 'sk-proj-q7Xn2Vb9KdT3BlbkFJw4Rz8LmYp1Hs6Gc'],
    ['RESEND_API_KEY', 're_7Q_x4Wn9Kd2Zb6Rt8Lm'],
    ['SUPABASE_SERVICE_ROLE_KEY', 'sb_secret_Example7nQ2xW9kLpZr4t'],
    ['TELNYX_WEBHOOK_SECRET', Buffer.alloc(32, 7).toString('base64')],
    ['SLACK_WEBHOOK_URL', 'https://hooks.slack.com/services/T00000000/B00000000/abcdefghijklmnopqrstuvwx'],
    ['JWT_SECRET', STRONG],
    ['TELNYX_CONNECTION_ID', '1494404757140276705'],
    ['MONITOR_EMPLOYEE_EMAIL', 'demo@example.com'],
  ])('of %s that is right has no finding', (name, value) => {
    expect(broken(name, value)).toEqual([]);
  });

  it.each([
    ['a placeholder', 'OPENAI_API_KEY', 'your-api-key-here', 'placeholder'],
    ['a placeholder', 'JWT_SECRET', 'changeme', 'placeholder'],
    ['a placeholder', 'JWT_SECRET', 'CHANGE_ME_PLEASE_NOW', 'placeholder'],
    ['a placeholder', 'JWT_SECRET', '<your secret>', 'placeholder'],
    ['a placeholder', 'JWT_SECRET', `\${JWT_SECRET}`, 'placeholder'],
    ['a placeholder', 'STRIPE_SECRET_KEY', 'xxxxxxxx', 'placeholder'],
    ['a key of another service', 'STRIPE_SECRET_KEY', 're_7Q_x4Wn9Kd2Zb6Rt8Lm', 'bad-format'],
    ['a form that no document confirms', 'RETELL_API_KEY', 'unheard-of-4Wn9Kd2Zb6Rt8', 'unusual-format'],
    [
      'a legacy key',
      'SUPABASE_SERVICE_ROLE_KEY',
      'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoieCJ9.c2lnbmF0dXJlc2ln',
      'retiring-format',
    ],
    ['something short', 'JWT_SECRET', 'Zq7-Xn2_Vb9K', 'too-short'],
    ['a password of a person', 'DB_PASSWORD', 'Summer2024!Summer', 'guessable'],
    ['a run along the keyboard', 'JWT_SECRET', 'qwertyuiopasdfghjklzxcvbnm123456', 'common-pattern'],
    ['one character again and again', 'JWT_SECRET', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'common-pattern'],
    ['no address', 'SLACK_WEBHOOK_URL', 'hooks.slack.com/services', 'bad-url'],
    ['an address that is not https', 'OUTREACH_RUNNER_URL', 'http://example.com/x', 'insecure-url'],
    ['an address with a password', 'OUTREACH_RUNNER_URL', 'https://me:secret@example.com/x', 'credentials-in-url'],
    ['a line break at its end', 'JWT_SECRET', `${STRONG}\n`, 'surrounding-space'],
    ['bytes where text is wanted', 'STRIPE_SECRET_KEY', Buffer.from([0xff, 0xfe, 1, 2]), 'not-text'],
    ['a secret under a public name', 'NEXT_PUBLIC_STRIPE_API_KEY', STRONG, 'public-name'],
  ])('that is %s: %s', (_, name, value, rule) => {
    expect(broken(name, value)).toContain(rule);
  });

  it('of test in production, and of live elsewhere, is in the wrong place', () => {
    expect(broken('STRIPE_SECRET_KEY', 'sk_test_51Hx9Qw3Zr7Tn0Pb', 'production')).toEqual(['test-key']);
    expect(broken('STRIPE_SECRET_KEY', 'sk_live_51Hx9Qw3Zr7Tn0Pb', 'staging')).toEqual(['live-key']);
    expect(broken('STRIPE_SECRET_KEY', 'sk_live_51Hx9Qw3Zr7Tn0Pb', 'production')).toEqual([]);
    expect(broken('OUTREACH_RUNNER_URL', 'http://localhost:3000', 'production')).toContain('local-url');
    expect(broken('OUTREACH_RUNNER_URL', 'http://localhost:3000', 'development')).toEqual([]);
  });

  it('is in no finding about it, ever', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('JWT_SECRET', 'STRIPE_SECRET_KEY', 'SLACK_WEBHOOK_URL', 'DB_PASSWORD'),
        fc.string({ minLength: 6 }),
        (name, value) => {
          const marked = `Pl4nt${value}`;
          const { findings } = judgeValue({
            name,
            environment: 'production',
            rule: catalog.rule(name, { type: catalog.typeFor(name) }),
            value: Buffer.from(marked),
          });
          expect(JSON.stringify(findings)).not.toContain(marked);
        },
      ),
    );
  });
});

describe('strength', () => {
  it('finds strong what generators make, in every notation, and hardly ever needs a dictionary for it', () => {
    // Bytes that are the same in every run: a test of random values must not depend on luck.
    const bytes = (n: number, length: number) => createHash('sha512').update(String(n)).digest().subarray(0, length);
    const texts = Array.from({ length: 300 }, (_, n) => [
      bytes(n, 32).toString('base64url'),
      bytes(n, 32).toString('hex'),
      bytes(n, 24).toString('base64'),
    ]).flat();
    for (const text of texts) expect(strengthOf(text).bits, text).toBeGreaterThan(80);
    expect(texts.filter((text) => !looksRandom(text)).length / texts.length).toBeLessThan(0.01);
  });

  it.each([
    'correct horse battery staple',
    'MyCompanyName2024ProductionKey',
    'password123password123',
    'cloudgreet-production-secret-key',
  ])('does not call random what a person chose: %s', (text) => {
    expect(looksRandom(text)).toBe(false);
    expect(strengthOf(text).method).toBe('zxcvbn');
  });

  it('estimates by Shannon what is even, and less where characters repeat', () => {
    expect(shannonBits('abcdefgh')).toBeCloseTo(24);
    expect(shannonBits('aaaaaaaa')).toBeCloseTo(0);
  });
});

describe('an environment', () => {
  const run = (vault: EmbeddedVault, environments = ['development']) =>
    vault.run(
      validate(
        vault.context,
        environments.map((environment) => vault.context.environment({ project: 'default', environment })),
      ),
    );

  it('that is empty lacks the critical secrets, and says where to get each', () => {
    const result = run(testVault().vault);
    const missing = result.findings.filter((one) => one.rule === 'missing');
    expect(missing.filter((one) => one.severity === 'critical')).toHaveLength(7);
    expect(missing.filter((one) => one.severity === 'medium')).toHaveLength(3);
    expect(missing.find((one) => one.secret === 'STRIPE_SECRET_KEY')?.mend).toContain(
      'https://dashboard.stripe.com/apikeys',
    );
    expect(result.critical).toEqual({ present: 0, wanted: 7 });
  });

  it('shows the same value in two places and in two environments, but for what may be the same', () => {
    const { vault } = testVault();
    put(vault, 'ONE', STRONG);
    put(vault, 'TWO', STRONG);
    put(vault, 'JWT_SECRET', `${STRONG}J`);
    put(vault, 'JWT_SECRET', `${STRONG}J`, { at: PRODUCTION });
    put(vault, 'RETELL_API_KEY', 'key_5f0c2b7e9d4a1863aa');
    put(vault, 'RETELL_WEBHOOK_SECRET', 'key_5f0c2b7e9d4a1863aa');
    const found = run(vault, ['development', 'production']).findings.filter((one) =>
      ['reused', 'shared-environments'].includes(one.rule),
    );
    expect(found.map((one) => [one.rule, one.secret, one.environment])).toEqual([
      ['shared-environments', 'JWT_SECRET', 'production'],
      ['reused', 'TWO', 'development'],
    ]);
  });

  it('is compared with the environments around it, which are not judged', () => {
    const { vault } = testVault();
    put(vault, 'JWT_SECRET', STRONG);
    put(vault, 'JWT_SECRET', STRONG, { at: PRODUCTION });
    put(vault, 'WEAK_PASSWORD', 'short', { at: PRODUCTION });
    const { findings } = run(vault);
    expect(
      findings.filter((one) => one.rule !== 'missing').map((one) => [one.rule, one.secret, one.environment]),
    ).toEqual([['shared-environments', 'JWT_SECRET', 'development']]);
  });

  it('is read with one entry in the log, made before the first value is opened', () => {
    const { vault } = testVault();
    put(vault, 'A', STRONG);
    run(vault);
    expect(vault.run(newestEntries({}, 1))).toMatchObject([
      { action: 'validation.run', details: '{"environments":"development"}' },
    ]);
  });
});
