// Retell: API keys, made in its dashboard; one of them, which cannot be deleted, signs the webhooks.
import { FORMATS } from '../catalog/formats.ts';
import { usualResult } from './answers.ts';
import type { Call, CheckResult, KeyKind, Provider } from './provider.ts';
import { retellSignature } from './signatures.ts';

const PAGE = 'https://dashboard.retellai.com/apiKey';

/** GET /get-api-key-info: the key's name and its organisation (retell-sdk, Identity). */
async function check(call: Call, value: string): Promise<CheckResult> {
  const answer = await call.http.send({
    url: `${call.baseUrl}/get-api-key-info`,
    headers: { authorization: `Bearer ${value}` },
  });
  return usualResult('Retell', answer, call.now, { code: ['status'] });
}

const key: KeyKind = {
  title: 'API key',
  formats: FORMATS.retellKey,
  check,
  signature: retellSignature,
  byHand: {
    page: PAGE,
    words: 'Create a second key and paste it here. To rotate the key that signs webhooks, designate the new one first.',
  },
};

export const retell: Provider = {
  id: 'retell',
  title: 'Retell',
  docs: 'https://docs.retellai.com/accounts/manage-api-keys',
  baseUrl: 'https://api.retellai.com',
  atATime: 4,
  kinds: { api_key: key, webhook_secret: { ...key, title: 'webhook signing key' } },
  unconfirmed: ['the form of key_… beyond its prefix'],
};
