// GitHub: personal access tokens, which only a person makes, and the tokens of an App's installations, which live for an
// hour and are made by the App's private key (docs.github.com, "Generating an installation access token").
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { FORMATS } from '../catalog/formats.ts';
import { fieldIn, required, succeeded, usualResult } from './answers.ts';
import { type Call, type CheckResult, type Issuer, NotOfferedError, type Provider, ProviderError } from './provider.ts';

const TITLE = 'GitHub';
/** GitHub takes ten minutes at most, and clocks that differ by a minute. */
const JWT_SECONDS = 9 * 60;
const CLOCK_SECONDS = 60;

function headers(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, 'x-github-api-version': '2022-11-28' };
}

function isOfInstallation(value: string): boolean {
  return value.startsWith('ghs_');
}

async function check(call: Call, value: string): Promise<CheckResult> {
  const path = isOfInstallation(value) ? '/installation/repositories?per_page=1' : '/user';
  const answer = await call.http.send({ url: call.baseUrl + path, headers: headers(value) });
  if (answer.status === 403 && 'headers' in answer && answer.headers.get('x-ratelimit-remaining') === '0') {
    const reset = Number(answer.headers.get('x-ratelimit-reset')) * 1000;
    return {
      status: 'throttled',
      detail: 'GitHub asks for patience (403, no requests left)',
      ...(reset > call.now && { retryAfterMs: reset - call.now }),
    };
  }
  const result = usualResult(TITLE, answer, call.now, { code: [] });
  const expires =
    'headers' in answer ? expiry(answer.headers.get('github-authentication-token-expiration')) : undefined;
  return { ...result, ...(expires !== undefined && { expiresAt: expires }) };
}

/** `2026-12-24 10:00:00 UTC`. */
function expiry(text: string | null): number | undefined {
  const at = text === null ? Number.NaN : Date.parse(text.replace(' UTC', 'Z').replace(' ', 'T'));
  return Number.isNaN(at) ? undefined : at;
}

/** Nothing lists an App's tokens, and they have no names: one whose answer was lost ends by itself within the hour. */
const installationTokens: Issuer = {
  how: 'issued',
  async issue(call, admin) {
    const { app, installation, repositories, permissions } = call.settings;
    if (app === undefined || installation === undefined) {
      throw new NotOfferedError('only an App can make tokens by itself (providers.github.app, .installation)');
    }
    const answer = await call.http.send({
      method: 'POST',
      url: `${call.baseUrl}/app/installations/${encodeURIComponent(String(installation))}/access_tokens`,
      headers: headers(await appToken(String(app), admin, call.now)),
      json: {
        ...(Array.isArray(repositories) && { repositories }),
        ...(Array.isArray(permissions) && { permissions: rights(permissions) }),
      },
    });
    const made = succeeded(TITLE, 'a new token', answer, call.now);
    const until = fieldIn(made, 'expires_at') ?? 'within the hour';
    return { value: Buffer.from(required(TITLE, made, 'token'), 'utf8'), externalId: `${installation}, ends ${until}` };
  },
  async forget() {
    return 0;
  },
  async revoke(call, _admin, { value }) {
    if (!isOfInstallation(value)) throw new NotOfferedError('a token of a person can only be ended by that person');
    const answer = await call.http.send({
      method: 'DELETE',
      url: `${call.baseUrl}/installation/token`,
      headers: headers(value),
    });
    // Nobody but the token itself may end it: 401 says that it has ended already.
    if (answer.status !== 401) succeeded(TITLE, 'the end of the old token', answer, call.now);
  },
};

/** Words such as `contents:read`, as the API takes them. */
function rights(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const [name = '', right = 'read'] = word.split(':');
      return [name, right];
    }),
  );
}

/** The App itself, for a few minutes (docs.github.com, "Generating a JSON Web Token (JWT) for a GitHub App"). */
async function appToken(app: string, privateKey: string, now: number): Promise<string> {
  const { SignJWT } = await import('jose');
  const seconds = Math.floor(now / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .setIssuer(app)
    .setIssuedAt(seconds - CLOCK_SECONDS)
    .setExpirationTime(seconds + JWT_SECONDS)
    .sign(keyOf(privateKey));
}

function keyOf(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The library's own words may quote what it could not read.
    throw new ProviderError('the admin secret is not a private key of a GitHub App (PEM)', { passing: false });
  }
}

export const github: Provider = {
  id: 'github',
  title: TITLE,
  docs: 'https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/managing-your-personal-access-tokens',
  baseUrl: 'https://api.github.com',
  atATime: 4,
  kinds: {
    api_key: {
      title: 'access token',
      formats: FORMATS.githubToken,
      check,
      renewal: installationTokens,
      adminWords: 'the private key of a GitHub App (PEM), with `app` and `installation`; else a person makes the token',
      byHand: {
        page: 'https://github.com/settings/tokens',
        words: 'Generate a new token with the same rights and paste it here; delete the old one after its grace.',
      },
    },
  },
  unconfirmed: ['the header github-authentication-token-expiration'],
};
