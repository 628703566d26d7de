// Vercel: access tokens, made and deleted by the API with another token of the same account (or the token itself).
import { FORMATS } from '../catalog/formats.ts';
import { codeIn, commonResult, itemsIn, required, succeeded, usualResult } from './answers.ts';
import { type Call, type CheckResult, type Issuer, NotOfferedError, type Provider } from './provider.ts';

const TITLE = 'Vercel';
const CODES = ['error.code'];

function headers(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** GET /v5/user/tokens/current. An unknown token is answered with 403 and `invalidToken` (from memory). */
async function check(call: Call, value: string): Promise<CheckResult> {
  const answer = await call.http.send({ url: `${call.baseUrl}/v5/user/tokens/current`, headers: headers(value) });
  const common = commonResult(TITLE, answer, call.now);
  if (common) return common;
  const body =
    'json' in answer ? (answer.json as { error?: { invalidToken?: unknown }; token?: { expiresAt?: unknown } }) : {};
  if (answer.status === 403 && body?.error?.invalidToken === true) {
    return { status: 'refused', detail: `Vercel refuses it (403, ${codeIn(answer, ...CODES) ?? 'invalid token'})` };
  }
  const expiresAt = body?.token?.expiresAt;
  const result = usualResult(TITLE, answer, call.now, { code: CODES });
  return { ...result, ...(typeof expiresAt === 'number' && { expiresAt }) };
}

const tokens: Issuer = {
  how: 'issued',
  async issue(call, admin, marker) {
    const { projectId, teamId } = call.settings;
    const query = typeof teamId === 'string' ? `?teamId=${encodeURIComponent(teamId)}` : '';
    const answer = await call.http.send({
      method: 'POST',
      url: `${call.baseUrl}/v3/user/tokens${query}`,
      headers: headers(admin),
      json: { name: marker, ...(typeof projectId === 'string' && { projectId }) },
    });
    const made = succeeded(TITLE, 'a new token', answer, call.now, ...CODES);
    const externalId = required(TITLE, made, 'token.id');
    return { value: Buffer.from(required(TITLE, made, 'bearerToken'), 'utf8'), externalId };
  },
  async forget(call, admin, marker) {
    const answer = await call.http.send({ url: `${call.baseUrl}/v6/user/tokens?limit=100`, headers: headers(admin) });
    const left = itemsIn(succeeded(TITLE, 'the list of tokens', answer, call.now, ...CODES), 'tokens').filter(
      (one) => one.name === marker,
    );
    for (const one of left) await this.revoke(call, admin, { externalId: String(one.id), value: '' });
    return left.length;
  },
  async revoke(call, admin, { externalId }) {
    if (externalId === undefined) throw new NotOfferedError('which token of the account the old one is, is not known');
    const url = `${call.baseUrl}/v3/user/tokens/${encodeURIComponent(externalId)}`;
    const answer = await call.http.send({ method: 'DELETE', url, headers: headers(admin) });
    if (answer.status !== 404) succeeded(TITLE, 'the end of the old token', answer, call.now, ...CODES);
  },
  /** A token can ask what it is called. */
  async find(call, _admin, value) {
    const answer = await call.http.send({ url: `${call.baseUrl}/v5/user/tokens/current`, headers: headers(value) });
    return answer.status === 200 && 'json' in answer
      ? (answer.json as { token?: { id?: string } })?.token?.id
      : undefined;
  },
};

export const vercel: Provider = {
  id: 'vercel',
  title: TITLE,
  docs: 'https://vercel.com/docs/rest-api',
  baseUrl: 'https://api.vercel.com',
  atATime: 4,
  kinds: {
    api_key: {
      title: 'access token',
      formats: FORMATS.vercelToken,
      check,
      renewal: tokens,
      adminWords: 'an access token of the account; VERCEL_TOKEN itself will do',
      byHand: {
        page: 'https://vercel.com/account/settings/tokens',
        words: 'Create another token of the same scope and paste it here; delete the old one after its grace.',
      },
    },
  },
  unconfirmed: ['the form of tokens', 'that an unknown token is answered with 403 and invalidToken'],
};
