// Resend: API keys, made and deleted with a full-access key, and the Svix signing secrets of its webhooks.
import { FORMATS } from '../catalog/formats.ts';
import { commonResult, fieldIn, itemsIn, required, succeeded, usualResult } from './answers.ts';
import { type Call, type CheckResult, type Issuer, NotOfferedError, type Provider } from './provider.ts';
import { standardWebhooks } from './signatures.ts';

const TITLE = 'Resend';

function headers(key: string): Record<string, string> {
  return { authorization: `Bearer ${key}` };
}

/** GET /domains. A key that may only send is refused there by name: it is valid. */
async function check(call: Call, value: string): Promise<CheckResult> {
  const answer = await call.http.send({ url: `${call.baseUrl}/domains`, headers: headers(value) });
  const common = commonResult(TITLE, answer, call.now);
  if (common) return common;
  // An unknown key is told by 400 and words only (seen in its API; no code of its own).
  if (answer.status === 400 && /api key is invalid/i.test(fieldIn(answer, 'message') ?? '')) {
    return { status: 'refused', detail: 'Resend refuses it (400)' };
  }
  return usualResult(TITLE, answer, call.now, {
    code: ['name'],
    refused: ['invalid_api_key', 'invalid_api_Key', 'missing_api_key'],
    restricted: ['restricted_api_key'],
  });
}

const apiKeys: Issuer = {
  how: 'issued',
  async issue(call, admin, marker) {
    const { permission, domainId } = call.settings;
    const answer = await call.http.send({
      method: 'POST',
      url: `${call.baseUrl}/api-keys`,
      headers: headers(admin),
      json: {
        name: marker,
        permission: typeof permission === 'string' ? permission : 'sending_access',
        ...(typeof domainId === 'string' && { domain_id: domainId }),
      },
    });
    const made = succeeded(TITLE, 'a new key', answer, call.now, 'name');
    return { value: Buffer.from(required(TITLE, made, 'token'), 'utf8'), externalId: required(TITLE, made, 'id') };
  },
  async forget(call, admin, marker) {
    const answer = await call.http.send({ url: `${call.baseUrl}/api-keys?limit=100`, headers: headers(admin) });
    const left = itemsIn(succeeded(TITLE, 'the list of keys', answer, call.now, 'name'), 'data').filter(
      (one) => one.name === marker,
    );
    for (const one of left) await this.revoke(call, admin, { externalId: String(one.id), value: '' });
    return left.length;
  },
  async revoke(call, admin, { externalId }) {
    if (externalId === undefined) throw new NotOfferedError('which key of the account the old one is, is not known');
    const url = `${call.baseUrl}/api-keys/${encodeURIComponent(externalId)}`;
    const answer = await call.http.send({ method: 'DELETE', url, headers: headers(admin) });
    if (answer.status !== 404) succeeded(TITLE, 'the end of the old key', answer, call.now, 'name');
  },
};

export const resend: Provider = {
  id: 'resend',
  title: TITLE,
  docs: 'https://resend.com/docs/api-reference/api-keys/create-api-key',
  baseUrl: 'https://api.resend.com',
  // Two requests a second by default.
  atATime: 1,
  kinds: {
    api_key: {
      title: 'API key',
      formats: FORMATS.resendKey,
      check,
      renewal: apiKeys,
      adminWords: 'a key with full access',
      byHand: {
        page: 'https://resend.com/api-keys',
        words: 'Create a second key with the same permission and paste it here; delete the old one after its grace.',
      },
    },
    webhook_secret: {
      title: 'webhook signing secret',
      formats: FORMATS.resendWebhook,
      signature: standardWebhooks,
      byHand: { page: 'https://resend.com/webhooks', words: 'Open the webhook and rotate its signing secret.' },
    },
  },
  unconfirmed: ['the form of re_…', 'that an unknown key is answered with 400'],
};
