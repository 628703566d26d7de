// Telnyx: API keys, which only a person can make, and the account's public key for webhooks.
import { FORMATS } from '../catalog/formats.ts';
import { usualResult } from './answers.ts';
import type { Call, CheckResult, Provider } from './provider.ts';
import { telnyxSignature } from './signatures.ts';

async function check(call: Call, value: string): Promise<CheckResult> {
  const answer = await call.http.send({
    url: `${call.baseUrl}/v2/balance`,
    headers: { authorization: `Bearer ${value}` },
  });
  return usualResult('Telnyx', answer, call.now, { code: ['errors.0.code'] });
}

export const telnyx: Provider = {
  id: 'telnyx',
  title: 'Telnyx',
  docs: 'https://developers.telnyx.com/development/api-fundamentals/authentication',
  baseUrl: 'https://api.telnyx.com',
  atATime: 4,
  kinds: {
    api_key: {
      title: 'API key',
      formats: FORMATS.telnyxKey,
      check,
      byHand: {
        page: 'https://portal.telnyx.com/#/app/api-keys',
        words: 'Create a second key and paste it here; delete the old one once Keyturn says that its grace is over.',
      },
    },
    public_key: {
      title: "account's public key",
      formats: FORMATS.telnyxPublicKey,
      signature: telnyxSignature,
      byHand: {
        page: 'https://portal.telnyx.com/#/app/account/public-key',
        words: 'Copy the public key of the account. It is no secret, and does not age.',
      },
    },
  },
  unconfirmed: ['the form of KEY…', 'that several keys may be valid at once'],
};
