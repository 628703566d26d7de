// What looks like a secret is found by the providers' formats and by entropy behind a name; identifiers, examples and
// hashes are left alone.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LEAK_RULES } from '../../lib/catalog/leak-rules.ts';
import { scanLikely as scanBytes } from '../../lib/leaks/likely-scanner.ts';

const scanLikely = (text: string) => scanBytes(Buffer.from(text, 'latin1'));

const letters = (count: number) =>
  randomBytes(2 * count)
    .toString('base64')
    .replace(/[+/=]/g, '')
    .slice(0, count);
const hex = (count: number) => randomBytes(count).toString('hex').slice(0, count);
const part = (text: object) => Buffer.from(JSON.stringify(text)).toString('base64url');

/** A value of each rule, made anew each time: none of them stands in this file. */
const MADE: Readonly<Record<string, () => string>> = {
  'stripe-live-key': () => `sk_live_${letters(24)}`,
  'stripe-test-key': () => `rk_test_${letters(40)}`,
  'webhook-signing-secret': () => `whsec_${letters(32)}`,
  'telnyx-key': () => `KEY0${hex(24).toUpperCase()}_${letters(22)}`,
  'retell-key': () => `key_a1${hex(28)}`,
  'openai-key': () => `sk-proj-${letters(60)}T3BlbkFJ${letters(60)}`,
  'anthropic-key': () => `sk-ant-api03-${letters(93)}`,
  'resend-key': () => `re_${letters(8)}_${letters(24)}`,
  'supabase-secret-key': () => `sb_secret_${letters(32)}`,
  'supabase-access-token': () => `sbp_${hex(40)}`,
  'json-web-token': () =>
    `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ role: 'service_role', iss: 'supabase' })}.${letters(43)}`,
  'slack-webhook': () => `https://hooks.slack.com/services/T${letters(9)}/B${letters(9)}/${letters(24)}`,
  'slack-token': () => `xoxb-${hex(12)}-${hex(12)}-${letters(24)}`,
  'google-client-secret': () => `GOCSPX-${letters(28)}`,
  'google-api-key': () => `AIza${letters(35)}`,
  'github-token': () => `ghp_${letters(36)}`,
  'gitlab-token': () => `glpat-${letters(20)}`,
  'npm-token': () => `npm_${letters(36)}`,
  'vercel-token': () => `vcp_${letters(56)}`,
  'aws-access-key': () =>
    `AKIA${letters(60)
      .toUpperCase()
      .replace(/[^A-Z2-7]/g, '')
      .slice(0, 16)}`,
  'sendgrid-key': () => `SG.${letters(22)}.${letters(43)}`,
  'private-key': () => `-----BEGIN PRIVATE KEY-----\n${letters(64)}`,
  'database-url': () => `postgres://app:${letters(20)}@db.internal:5432/app`,
  'keyturn-token': () => `kt_production_${letters(49)}`,
};

describe('a value in a provider’s format', () => {
  it.each(LEAK_RULES.map((rule) => rule.id))('%s is found wherever it stands', (id) => {
    for (let n = 0; n < 40; n += 1) {
      const value = MADE[id]?.() ?? '';
      for (const text of [value, `KEY="${value}"`, `a: ${value}\n`, `f('${value}');`]) {
        const hits = scanLikely(text);
        expect(
          hits.map((hit) => hit.rule),
          text,
        ).toEqual([id]);
      }
    }
  });

  it('is found in a file that is one long line, and each of several on it', () => {
    const one = MADE['stripe-live-key']?.() ?? '';
    const two = MADE['github-token']?.() ?? '';
    const text = `${'x=1;'.repeat(100_000)}a="${one}",b="${two}",c="${one}"`;
    expect(scanLikely(text).map((hit) => hit.rule)).toEqual(['stripe-live-key', 'github-token', 'stripe-live-key']);
  });
});

describe('a random value behind a name that says secret', () => {
  it.each([
    (value: string) => `const apiKey = "${value}";`,
    (value: string) => `{ "client_secret": "${value}" }`,
    (value: string) => `password: '${value}'`,
    (value: string) => `ADMIN_TOKEN=${value}`,
    (value: string) => `config['token'] = "${value}"`,
    (value: string) => `:access_key => "${value}"`,
  ])('is found: case %#', (write) => {
    for (let n = 0; n < 40; n += 1) {
      const value = `${letters(31)}7`;
      expect(scanLikely(write(value))).toMatchObject([{ rule: 'high-entropy-value', value }]);
    }
  });
});

describe('what is left alone', () => {
  it.each([
    'const token = process.env.GITHUB_TOKEN_FOR_DEPLOYMENTS;',
    'password: "your-password-goes-here-123"',
    'API_KEY=changeme-changeme-1234567890',
    'const secretName = "projects/my-project/secrets/db-password";',
    'token: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"',
    'SECRETS_FILE=/etc/keyturn/secrets/production.env',
    'import { createTokenVerifier2 } from "./token-verifier-2.ts"',
    'const passwordHashIterations = computeIterations(options1);',
    'sk_live_…', // what documents say
    'whsec_xxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'postgres://user:$PASSWORD@localhost/db',
    'if (line.startsWith("-----BEGIN PRIVATE KEY-----")) return key;',
    '"integrity": "sha512-pmTpQV8t1cFMRi1jR8Zc1YlGqSVZr1IpCrPMBSAzmFcbYkaMbFSnMmHnN0wA=="',
    'commit 4f0c3f6a8b2d1e9c7a5b3d1f2e4c6a8b0d2f4e6a',
    'KEY_VAULT_DEFAULT_TIMEOUT_SECONDS',
  ])('%s', (text) => {
    expect(scanLikely(text)).toEqual([]);
  });
});
