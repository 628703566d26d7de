// GitHub: personal access tokens and Apps' tokens. Only a person (or an App, by itself) makes them.
import { FORMATS } from '../catalog/formats.ts';
import { usualResult } from './answers.ts';
import type { Call, CheckResult, Provider } from './provider.ts';

async function check(call: Call, value: string): Promise<CheckResult> {
  const path = value.startsWith('ghs_') ? '/installation/repositories?per_page=1' : '/user';
  const answer = await call.http.send({
    url: call.baseUrl + path,
    headers: { authorization: `Bearer ${value}`, 'x-github-api-version': '2022-11-28' },
  });
  if (answer.status === 403 && 'headers' in answer && answer.headers.get('x-ratelimit-remaining') === '0') {
    const reset = Number(answer.headers.get('x-ratelimit-reset')) * 1000;
    return {
      status: 'throttled',
      detail: 'GitHub asks for patience (403, no requests left)',
      ...(reset > call.now && { retryAfterMs: reset - call.now }),
    };
  }
  const result = usualResult('GitHub', answer, call.now, { code: [] });
  const expires =
    'headers' in answer ? expiry(answer.headers.get('github-authentication-token-expiration')) : undefined;
  return { ...result, ...(expires !== undefined && { expiresAt: expires }) };
}

/** `2026-12-24 10:00:00 UTC`. */
function expiry(text: string | null): number | undefined {
  const at = text === null ? Number.NaN : Date.parse(text.replace(' UTC', 'Z').replace(' ', 'T'));
  return Number.isNaN(at) ? undefined : at;
}

export const github: Provider = {
  id: 'github',
  title: 'GitHub',
  docs: 'https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens',
  baseUrl: 'https://api.github.com',
  atATime: 4,
  kinds: {
    api_key: {
      title: 'access token',
      formats: FORMATS.githubToken,
      check,
      byHand: {
        page: 'https://github.com/settings/tokens',
        words: 'Generate a new token with the same rights and paste it here; delete the old one after its grace.',
      },
    },
  },
  unconfirmed: ['the header github-authentication-token-expiration'],
};
