// Every provider's live check, against a real server that answers as its documents say.
import { describe, expect, it } from 'vitest';
import { Catalog } from '../../lib/catalog/catalog.ts';
import { systemRandom } from '../../lib/crypto/random.ts';
import type { CheckResult } from '../../lib/providers/provider.ts';
import { Providers } from '../../lib/providers/providers.ts';
import * as answers from '../support/provider-answers.ts';
import { type Handler, type ProviderServer, providerServer } from '../support/provider-server.ts';

const NOW = Date.UTC(2026, 10, 24);

interface Case {
  readonly provider: string;
  readonly secret: string;
  readonly answers: Handler;
  readonly value: string;
  /** Undefined where the provider does not tell a restricted key apart. */
  readonly restricted?: boolean;
  readonly beside?: Readonly<Record<string, string>>;
}

const CASES: readonly Case[] = [
  {
    provider: 'stripe',
    secret: 'STRIPE_SECRET_KEY',
    answers: answers.stripeAnswers,
    value: 'sk_live_4eC39HqLyjWDarjtT1',
    restricted: true,
  },
  {
    provider: 'telnyx',
    secret: 'TELNYX_API_KEY',
    answers: answers.telnyxAnswers,
    value: 'KEY0123456789ABCDEF0123456789',
    restricted: true,
  },
  { provider: 'retell', secret: 'RETELL_API_KEY', answers: answers.retellAnswers, value: 'key_1234567890abcdef' },
  {
    provider: 'openai',
    secret: 'OPENAI_API_KEY',
    answers: answers.openaiAnswers,
    value: 'sk-proj-abcT3BlbkFJdef0123456789',
    restricted: true,
  },
  {
    provider: 'resend',
    secret: 'RESEND_API_KEY',
    answers: answers.resendAnswers,
    value: 're_1234567890abcdefgh',
    restricted: true,
  },
  {
    provider: 'supabase',
    secret: 'SUPABASE_SERVICE_ROLE_KEY',
    answers: answers.supabaseAnswers,
    value: 'sb_secret_1234567890abcdefghij',
  },
  {
    provider: 'slack',
    secret: 'SLACK_WEBHOOK_URL',
    answers: answers.slackAnswers,
    value: 'https://hooks.slack.com/services/T000/B000/abcdefghij0123456789',
  },
  {
    provider: 'google',
    secret: 'GOOGLE_CLIENT_SECRET',
    answers: answers.googleAnswers,
    value: 'GOCSPX-abcdefghijklmnopqrstuvwxyz12',
    restricted: true,
    beside: { GOOGLE_CLIENT_ID: '1.apps.googleusercontent.com' },
  },
  {
    provider: 'github',
    secret: 'GITHUB_TOKEN',
    answers: answers.githubAnswers,
    value: `ghp_${'a1B2'.repeat(9)}`,
    restricted: true,
  },
  { provider: 'vercel', secret: 'VERCEL_TOKEN', answers: answers.vercelAnswers, value: 'abcdefghijklmnopqrstuvwx' },
];

function ask(
  one: Case,
  server: ProviderServer,
  value: string,
  pauses: number[] = [],
  timeoutMs = 2_000,
): Promise<CheckResult> {
  const providers = new Providers({
    settings: { [one.provider]: { baseUrl: server.url, url: server.url } },
    random: systemRandom,
    clock: () => NOW,
    timeoutMs,
    wait: async (ms) => void pauses.push(ms),
  });
  const catalog = new Catalog();
  const held = providers.of(catalog.rule(one.secret, { type: catalog.typeFor(one.secret) }));
  if (!held?.kind.check) throw new Error(`${one.provider} has no check`);
  return held.kind.check(providers.call(held, one.beside ?? {}), value);
}

/** No part of a value may be in what is said about it. */
function saysNothingOf(value: string, result: CheckResult): void {
  for (let at = 0; at + 8 <= value.length; at += 4) expect(result.detail).not.toContain(value.slice(at, at + 8));
}

describe.each(CASES)('$provider', (one) => {
  const server = async () => {
    const made = await providerServer(one.answers);
    made.addKey(one.value);
    return made;
  };

  it('tells a valid key', async () => {
    const result = await ask(one, await server(), one.value);
    expect(result.status).toBe('valid');
    saysNothingOf(one.value, result);
  });

  it('tells a key that was never there, and one that was revoked', async () => {
    const provider = await server();
    const wrong = one.value.replace(/.{6}$/, 'zzzzzz');
    const result = await ask(one, provider, wrong);
    expect(result.status).toBe('refused');
    saysNothingOf(wrong, result);
    provider.end(provider.keys[0]?.id);
    expect((await ask(one, provider, one.value)).status).toBe('refused');
  });

  it.runIf(one.restricted)('tells a valid key that may not do this', async () => {
    const provider = await providerServer(one.answers);
    provider.addKey(one.value, { full: false });
    expect((await ask(one, provider, one.value)).status).toBe('restricted');
  });

  it('waits as long as Retry-After says, and asks again', async () => {
    const provider = await server();
    provider.faults.push({ kind: 'reply', reply: { status: 429, json: {}, headers: { 'retry-after': '2' } } });
    const pauses: number[] = [];
    expect((await ask(one, provider, one.value, pauses)).status).toBe('valid');
    expect(pauses).toEqual([2_000]);
  });

  it('says "throttled" where more patience is asked for, and for how long', async () => {
    const provider = await server();
    provider.faults.push({ kind: 'reply', reply: { status: 429, json: {}, headers: { 'retry-after': '120' } } });
    const pauses: number[] = [];
    expect(await ask(one, provider, one.value, pauses)).toMatchObject({ status: 'throttled', retryAfterMs: 120_000 });
    expect(pauses).toEqual([]);
  });

  it('survives a cut connection and a 500, twice, and then says "unreachable"', async () => {
    const provider = await server();
    provider.faults.push({ kind: 'cut-before' }, { kind: 'reply', reply: { status: 500, text: 'oops' } });
    expect((await ask(one, provider, one.value)).status).toBe('valid');
    provider.faults.push({ kind: 'cut-before' }, { kind: 'cut-before' }, { kind: 'cut-before' });
    const before = provider.requests.length;
    const result = await ask(one, provider, one.value);
    expect(result.status).toBe('unreachable');
    expect(provider.requests.length - before).toBe(3);
    saysNothingOf(one.value, result);
  });

  it('does not take a page (a proxy, a sign-in of a network) for an answer', async () => {
    const provider = await server();
    provider.faults.push({ kind: 'page' });
    expect((await ask(one, provider, one.value)).status).toBe('unreachable');
  });

  it('does not follow a redirect with the key', async () => {
    const provider = await server();
    const headers = { location: 'http://127.0.0.1:1/elsewhere' };
    provider.faults.push({ kind: 'reply', reply: { status: 302, text: '', headers } });
    const before = provider.requests.length;
    expect((await ask(one, provider, one.value)).status).toBe('unreachable');
    expect(provider.requests.length - before).toBe(1);
  });

  it('gives up on one that does not answer', async () => {
    const provider = await server();
    provider.faults.push({ kind: 'slow', ms: 400 }, { kind: 'slow', ms: 400 }, { kind: 'slow', ms: 400 });
    const result = await ask(one, provider, one.value, [], 60);
    expect(result).toMatchObject({ status: 'unreachable' });
    expect(result.detail).toContain('did not answer');
  });

  it('says "unreachable" where nobody listens', async () => {
    const provider = await server();
    const closed = Object.assign(Object.create(provider) as ProviderServer, { url: 'http://127.0.0.1:9' });
    const value = one.value;
    expect((await ask(one, closed, value)).status).toBe('unreachable');
  });
});

describe('what single providers tell besides', () => {
  it('OpenAI: a key without quota is valid, and cannot be used', async () => {
    const one = CASES.find((each) => each.provider === 'openai') as Case;
    const provider = await providerServer(one.answers);
    const reply = { status: 429, json: { error: { code: 'insufficient_quota' } } };
    for (let n = 0; n < 3; n += 1) provider.faults.push({ kind: 'reply', reply });
    expect(await ask(one, provider, one.value)).toMatchObject({ status: 'restricted' });
  });

  it('GitHub: when the token ends, and that no requests are left', async () => {
    const one = CASES.find((each) => each.provider === 'github') as Case;
    const provider = await providerServer(one.answers);
    provider.addKey(one.value);
    expect(await ask(one, provider, one.value)).toMatchObject({ expiresAt: Date.UTC(2026, 11, 24, 10) });
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 60) };
    provider.faults.push({ kind: 'reply', reply: { status: 403, json: {}, headers } });
    expect(await ask(one, provider, one.value)).toMatchObject({ status: 'throttled', retryAfterMs: 60_000 });
  });

  it('Stripe: whether it is a test or a live key', async () => {
    const one = CASES.find((each) => each.provider === 'stripe') as Case;
    const provider = await providerServer(one.answers);
    provider.addKey(one.value);
    provider.addKey('sk_test_4eC39HqLyjWDarjtT1');
    expect((await ask(one, provider, one.value)).mode).toBe('live');
    expect((await ask(one, provider, 'sk_test_4eC39HqLyjWDarjtT1')).mode).toBe('test');
  });

  it('a provider of the project’s own, by address, header and statuses', async () => {
    const provider = await providerServer(({ headers }) => ({
      status: headers['x-acme'] === 'key good-one' ? 204 : 418,
    }));
    const declared = { url: `${provider.url}/me`, header: { name: 'X-Acme', value: 'key {value}' }, refused: [418] };
    const providers = new Providers({ generic: { acme: declared }, random: systemRandom, clock: () => NOW });
    const known = { name: 'ACME_KEY', type: 'api_key', group: 'optional', purpose: 'x', provider: 'Acme' } as const;
    const catalog = new Catalog({ secrets: [known] });
    const held = providers.of(catalog.rule('ACME_KEY', { type: 'api_key' }));
    const check = (value: string) => held?.kind.check?.(providers.call(held, {}), value);
    expect(await check('good-one')).toMatchObject({ status: 'valid' });
    expect(await check('bad-one')).toMatchObject({ status: 'refused' });
    expect(await check('a\nb')).toMatchObject({ status: 'refused' });
  });
});
