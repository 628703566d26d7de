// Stripe: secret and restricted keys, and the signing secrets of webhook endpoints.
import { FORMATS } from '../catalog/formats.ts';
import { type Answer, codeIn, fieldIn, itemsIn, required, setting, succeeded, usualResult } from './answers.ts';
import type { HttpAnswer } from './http.ts';
import { type Call, type CheckResult, type Issuer, NotOfferedError, type Provider } from './provider.ts';
import { stripeSignature } from './signatures.ts';

const TITLE = 'Stripe';

function headers(key: string, more: Record<string, string> = {}): Record<string, string> {
  return { authorization: `Bearer ${key}`, ...more };
}

/** `error.code` of the API, and `error.type` where it has no code (docs.stripe.com/api/errors). */
const CODES = ['error.code', 'error.type'];

/** GET /v1/balance: a restricted key without the scope gets 403, and is valid all the same. */
async function checkKey(call: Call, value: string): Promise<CheckResult> {
  const answer = await call.http.send({ url: `${call.baseUrl}/v1/balance`, headers: headers(value) });
  const result = usualResult(TITLE, answer, call.now, { code: CODES, refused: ['api_key_expired'] });
  return { ...result, mode: /_live_/.test(value) ? 'live' : 'test' };
}

/**
 * Restricted keys by the API of keys (`/v2/iam/api_keys`: its paths are in Stripe's SDKs; it is a preview that accounts
 * are let into). Where the account is refused it, and in live mode, where Stripe wants to encrypt the new key to a key of
 * its own form that no public document describes, a person makes the key instead.
 */
const restrictedKeys: Issuer = {
  how: 'issued',
  async issue(call, admin, marker) {
    if (call.settings.restrictedKeys !== true) {
      throw new NotOfferedError(
        'making restricted keys by the API is not switched on (providers.stripe.restrictedKeys)',
      );
    }
    const permissions = call.settings.permissions;
    const answer = await call.http.send({
      method: 'POST',
      url: `${call.baseUrl}/v2/iam/api_keys`,
      headers: headers(admin, { 'idempotency-key': marker, 'stripe-version': apiVersion(call) }),
      json: { name: marker, type: 'secret_key', ...(permissions !== undefined && { permissions }) },
    });
    if (answer.status === 403 || answer.status === 404) {
      throw new NotOfferedError(`this account is not let into Stripe's API of keys (${answer.status})`);
    }
    const made = succeeded(TITLE, 'a new key', answer, call.now, ...CODES);
    const externalId = required(TITLE, made, 'id');
    const token = fieldIn(made, 'secret_key.token');
    if (token === undefined) {
      await this.revoke(call, admin, { externalId, value: '' });
      throw new NotOfferedError('Stripe gave the new key in a form that cannot be read here (live mode)');
    }
    return { value: Buffer.from(token, 'utf8'), externalId };
  },
  async forget(call, admin, marker) {
    const answer = succeeded(
      TITLE,
      'the list of keys',
      await call.http.send({
        url: `${call.baseUrl}/v2/iam/api_keys?limit=100`,
        headers: headers(admin, { 'stripe-version': apiVersion(call) }),
      }),
      call.now,
      ...CODES,
    );
    const left = itemsIn(answer, 'data').filter((one) => one.name === marker && one.status !== 'expired');
    for (const one of left) await this.revoke(call, admin, { externalId: String(one.id), value: '' });
    return left.length;
  },
  async revoke(call, admin, { externalId }) {
    if (externalId === undefined) throw unknownKey();
    const answer = await call.http.send({
      method: 'POST',
      repeatable: true,
      url: `${call.baseUrl}/v2/iam/api_keys/${encodeURIComponent(externalId)}/expire`,
      headers: headers(admin, { 'stripe-version': apiVersion(call) }),
      json: {},
    });
    if (gone(answer)) return;
    succeeded(TITLE, 'the end of the old key', answer, call.now, ...CODES);
  },
};

function apiVersion(call: Call): string {
  return String(call.settings.apiVersion ?? '2026-01-28.preview');
}

function unknownKey(): NotOfferedError {
  return new NotOfferedError('the old key was made by hand: Stripe does not tell which one it is');
}

function gone(answer: Answer): boolean {
  return answer.status === 404 || codeIn(answer, 'error.code') === 'resource_missing';
}

/**
 * A second endpoint of the same address and events, whose answer carries a new secret once; both deliver in the grace
 * (deduplicate by event id), then the first one is deleted (docs.stripe.com/api/webhook_endpoints).
 */
const webhookEndpoints: Issuer = {
  how: 'issued',
  async issue(call, admin, marker, before) {
    const like = await endpointToCopy(call, admin, before.externalId);
    const form = new URLSearchParams({ url: like.url, 'metadata[keyturn]': marker, description: 'made by Keyturn' });
    for (const event of like.events) form.append('enabled_events[]', event);
    if (like.version !== undefined) form.set('api_version', like.version);
    const answer = await call.http.send({
      method: 'POST',
      url: `${call.baseUrl}/v1/webhook_endpoints`,
      headers: headers(admin, { 'idempotency-key': marker }),
      form,
    });
    const made = succeeded(TITLE, 'a second webhook endpoint', answer, call.now, ...CODES);
    return { value: Buffer.from(required(TITLE, made, 'secret'), 'utf8'), externalId: required(TITLE, made, 'id') };
  },
  async forget(call, admin, marker) {
    const left = (await endpoints(call, admin)).filter(
      (one) => (one.metadata as Record<string, unknown> | undefined)?.keyturn === marker,
    );
    for (const one of left) await this.revoke(call, admin, { externalId: String(one.id), value: '' });
    return left.length;
  },
  async revoke(call, admin, { externalId }) {
    if (externalId === undefined) throw new NotOfferedError('which endpoint the old secret belongs to is not known');
    const answer = await call.http.send({
      method: 'DELETE',
      url: `${call.baseUrl}/v1/webhook_endpoints/${encodeURIComponent(externalId)}`,
      headers: headers(admin),
    });
    if (!gone(answer)) succeeded(TITLE, 'the end of the old endpoint', answer, call.now, ...CODES);
  },
  /** Stripe does not show an endpoint's secret again: the configured address tells, where only one endpoint has it. */
  async find(call, admin) {
    const address = call.settings.webhookUrl;
    const fitting = (await endpoints(call, admin)).filter((one) => one.url === address && one.status !== 'disabled');
    return fitting.length === 1 ? String(fitting[0]?.id) : undefined;
  },
  async stillThere(call, admin, externalId) {
    return (await endpoints(call, admin)).some((one) => one.id === externalId && one.status !== 'disabled');
  },
};

async function endpoints(call: Call, admin: string): Promise<Record<string, unknown>[]> {
  const answer: HttpAnswer = succeeded(
    TITLE,
    'the list of webhook endpoints',
    await call.http.send({ url: `${call.baseUrl}/v1/webhook_endpoints?limit=100`, headers: headers(admin) }),
    call.now,
    ...CODES,
  );
  return itemsIn(answer, 'data');
}

async function endpointToCopy(
  call: Call,
  admin: string,
  id: string | undefined,
): Promise<{ url: string; events: string[]; version: string | undefined }> {
  const known = await endpoints(call, admin);
  const found = known.find((one) => one.id === id) ?? known.find((one) => one.url === call.settings.webhookUrl);
  if (!found) return { url: setting(TITLE, call.settings, 'webhookUrl'), events: ['*'], version: undefined };
  const events = Array.isArray(found.enabled_events) ? found.enabled_events.map(String) : ['*'];
  return {
    url: String(found.url),
    events,
    version: typeof found.api_version === 'string' ? found.api_version : undefined,
  };
}

export const stripe: Provider = {
  id: 'stripe',
  title: TITLE,
  docs: 'https://docs.stripe.com/keys',
  baseUrl: 'https://api.stripe.com',
  // 25 reads a second in test mode.
  atATime: 4,
  kinds: {
    api_key: {
      title: 'API key',
      formats: FORMATS.stripeKey,
      check: checkKey,
      renewal: restrictedKeys,
      adminWords: 'a key that may manage API keys (a preview of Stripe’s: without it a person makes the key)',
      byHand: {
        page: 'https://dashboard.stripe.com/apikeys',
        words: 'Roll the key and choose when the old one ends, or make a restricted key with the rights that you need.',
      },
    },
    webhook_secret: {
      title: 'webhook signing secret',
      formats: FORMATS.stripeWebhook,
      signature: stripeSignature,
      renewal: webhookEndpoints,
      adminWords: 'a key that may write webhook endpoints',
      byHand: {
        page: 'https://dashboard.stripe.com/webhooks',
        words: 'Open the endpoint and roll its secret; the old one can stay valid for up to 24 hours.',
      },
    },
  },
  unconfirmed: [
    'the fields of /v2/iam/api_keys (a preview; its paths are in the SDKs)',
    'the form of whsec_… beyond its prefix',
  ],
};
