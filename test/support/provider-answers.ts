// What each provider answers, by its documents (shared/reference/providers.md says which of it was seen): right keys, wrong
// ones, restricted ones, and the calls that make and end keys.
import { type KeyObject, verify } from 'node:crypto';
import type { Asked, Handler, ProviderServer, Reply } from './provider-server.ts';

const json = (status: number, body: unknown): Reply => ({ status, json: body });
const isAdmin = (asked: Asked) => asked.key?.value.includes('admin') === true;
const last = (asked: Asked) => asked.url.pathname.split('/').at(-1);

export const stripeAnswers: Handler = (asked, server) => {
  const { key, method, url } = asked;
  if (!key) {
    const message = 'Invalid API Key provided: sk_test_***';
    return json(401, { error: { message, type: 'invalid_request_error' } });
  }
  if (url.pathname === '/v1/balance') {
    if (!key.full) {
      return json(403, { error: { code: 'more_permissions_required', type: 'invalid_request_error', message: 'no' } });
    }
    return json(200, { object: 'balance', livemode: key.value.includes('_live_'), available: [], pending: [] });
  }
  if (url.pathname.startsWith('/v1/webhook_endpoints')) return stripeEndpoints(asked, server);
  if (url.pathname.startsWith('/v2/iam/api_keys')) {
    if (!isAdmin(asked)) return json(403, { error: { code: 'forbidden', message: 'not in the preview' } });
    if (method === 'GET')
      return json(200, {
        data: server.keys.map((one) => ({ id: one.id, name: one.name, status: one.live ? 'active' : 'expired' })),
      });
    if (url.pathname.endsWith('/expire')) {
      server.end(url.pathname.split('/').at(-2));
      return json(200, { object: 'v2.iam.api_key' });
    }
    const made = server.newKey('rk_test_', (JSON.parse(asked.body) as { name: string }).name, 24);
    return json(200, { id: made.id, object: 'v2.iam.api_key', secret_key: { token: made.value } });
  }
  return json(404, { error: { type: 'invalid_request_error' } });
};

/** Endpoints are kept as keys: their value is the signing secret. */
function stripeEndpoints(asked: Asked, server: ProviderServer): Reply {
  if (asked.method === 'GET') {
    const data = server.keys
      .filter((one) => one.live && one.value.startsWith('whsec_'))
      .map((one) => ({
        id: one.id,
        url: 'https://app.example/hook',
        enabled_events: ['charge.succeeded'],
        api_version: null,
        status: 'enabled',
        metadata: { keyturn: one.name },
      }));
    return json(200, { object: 'list', data, has_more: false });
  }
  if (asked.method === 'DELETE') {
    const ended = server.end(last(asked));
    return ended ? json(200, { id: ended.id, deleted: true }) : json(404, { error: { code: 'resource_missing' } });
  }
  const made = server.newKey('whsec_', new URLSearchParams(asked.body).get('metadata[keyturn]') ?? '');
  return json(200, { id: made.id, object: 'webhook_endpoint', secret: made.value });
}

export const telnyxAnswers: Handler = ({ key }) => {
  if (!key) return json(401, { errors: [{ code: '10009', title: 'Authentication failed' }] });
  if (!key.full) return json(403, { errors: [{ code: '10010', title: 'Not authorized' }] });
  return json(200, { data: { balance: '42.00', currency: 'USD' } });
};

export const retellAnswers: Handler = ({ key }) =>
  key
    ? json(200, { api_key_name: key.name, org_name: 'Acme' })
    : json(401, { status: 'error', message: 'Invalid API Key' });

export const openaiAnswers: Handler = (asked, server) => {
  const { key, method, url } = asked;
  if (!key)
    return json(401, {
      error: { message: 'Incorrect API key provided: sk-***.', type: 'invalid_request_error', code: 'invalid_api_key' },
    });
  if (url.pathname === '/v1/models') {
    return key.full
      ? json(200, { object: 'list', data: [] })
      : json(403, { error: { message: 'Missing scopes', code: 'missing_scope' } });
  }
  if (!isAdmin(asked)) return json(403, { error: { code: 'insufficient_permissions' } });
  if (method === 'POST') {
    const made = server.newKey('sk-svcacct-', (JSON.parse(asked.body) as { name: string }).name);
    const value = `${made.value.slice(0, 24)}T3BlbkFJ${made.value.slice(24)}`;
    (made as { value: string }).value = value;
    return json(200, {
      id: made.id,
      created_at: 1,
      name: made.name,
      object: 'organization.project.service_account.api_key',
      value,
    });
  }
  if (method === 'DELETE') {
    const ended = server.end(last(asked));
    return ended
      ? json(200, { id: ended.id, deleted: true, object: 'organization.project.api_key.deleted' })
      : json(404, { error: { code: 'not_found' } });
  }
  const data = server.keys.filter((one) => one.live && !one.value.includes('admin'));
  return json(200, {
    object: 'list',
    has_more: false,
    data: data.map((one) => ({
      id: one.id,
      name: one.name,
      redacted_value: `${one.value.slice(0, 8)}****${one.value.slice(-4)}`,
    })),
  });
};

export const resendAnswers: Handler = (asked, server) => {
  const { key, method, url } = asked;
  if (!asked.headers.authorization)
    return json(401, { statusCode: 401, name: 'missing_api_key', message: 'Missing API key' });
  if (!key) return json(400, { statusCode: 400, name: 'validation_error', message: 'API key is invalid' });
  if (!isAdmin(asked) && (!key.full || key.name.startsWith('keyturn'))) {
    return json(401, {
      statusCode: 401,
      name: 'restricted_api_key',
      message: 'This API key is restricted to only send emails',
    });
  }
  if (url.pathname === '/domains') return json(200, { object: 'list', data: [] });
  if (method === 'POST') {
    const made = server.newKey('re_', (JSON.parse(asked.body) as { name: string }).name, 32);
    return json(201, { id: made.id, token: made.value });
  }
  if (method === 'DELETE')
    return server.end(last(asked)) ? json(200, {}) : json(404, { name: 'not_found', message: 'API key not found' });
  return json(200, {
    object: 'list',
    data: server.keys.filter((one) => one.live).map(({ id, name }) => ({ id, name, created_at: '2026-01-01' })),
  });
};

export const supabaseAnswers: Handler = (asked, server) => {
  const { key, method, url } = asked;
  if (url.pathname === '/rest/v1/') {
    return key
      ? json(200, { swagger: '2.0' })
      : json(401, { message: 'Invalid API key', hint: 'Double check your API key.' });
  }
  if (!isAdmin(asked)) return json(401, { message: 'Unauthorized' });
  if (method === 'POST') {
    const made = server.newKey('sb_secret_', (JSON.parse(asked.body) as { name: string }).name);
    return json(201, { id: made.id, api_key: made.value, name: made.name, type: 'secret' });
  }
  if (method === 'DELETE') return server.end(last(asked)) ? json(200, {}) : json(404, { message: 'API key not found' });
  const keys = server.keys.filter((one) => one.live && !one.value.includes('admin'));
  return json(
    200,
    keys.map((one) => ({ id: one.id, name: one.name, type: 'secret', api_key: one.value })),
  );
};

/** The path is the key. */
export const slackAnswers: Handler = ({ url, method }, server) => {
  if (method !== 'POST') return { status: 405 };
  const known = server.keys.find((one) => new URL(one.value).pathname === url.pathname);
  if (!known) return { status: 404, text: 'no_service' };
  return known.live ? { status: 400, text: 'no_text' } : { status: 403, text: 'invalid_token' };
};

export const googleAnswers: Handler = ({ body }, server) => {
  const form = new URLSearchParams(body);
  const known = server.find(form.get('client_secret') ?? '');
  if (!known)
    return json(401, { error: 'invalid_client', error_description: 'The provided client secret is invalid.' });
  if (!known.full) return json(400, { error: 'unauthorized_client', error_description: 'Unauthorized' });
  return json(400, { error: 'invalid_grant', error_description: 'Malformed auth code.' });
};

export const githubAnswers: Handler = ({ key, url }) => {
  if (!key) return json(401, { message: 'Bad credentials', documentation_url: 'https://docs.github.com/rest' });
  if (!key.full) return json(403, { message: 'Resource not accessible by personal access token' });
  if (url.pathname !== '/user') return json(404, { message: 'Not Found' });
  return {
    status: 200,
    json: { login: 'octocat' },
    headers: { 'github-authentication-token-expiration': '2026-12-24 10:00:00 UTC' },
  };
};

/** What an App may do at GitHub, on top of that; its JSON web tokens are verified. */
export function githubAppAnswers(publicKey: KeyObject, app: string): Handler {
  return (asked, server) => {
    const { key, method, url, headers } = asked;
    if (url.pathname === '/app/installations/77/access_tokens' && method === 'POST') {
      if (!isOfApp(headers.authorization ?? '', publicKey, app))
        return json(401, { message: 'A JSON web token could not be decoded' });
      const { permissions } = JSON.parse(asked.body) as { permissions?: object };
      const made = server.newKey('ghs_', 'installation', 36);
      return json(201, { token: made.value, expires_at: '2026-12-24T11:00:00Z', permissions });
    }
    if (!key) return json(401, { message: 'Bad credentials' });
    if (url.pathname === '/installation/token' && method === 'DELETE') {
      server.end(key.id);
      return { status: 204 };
    }
    if (url.pathname === '/installation/repositories')
      return key.value.startsWith('ghs_')
        ? json(200, { total_count: 1, repositories: [{ name: 'shop' }] })
        : json(403, { message: 'You must authenticate with an installation access token' });
    return githubAnswers(asked, server);
  };
}

function isOfApp(authorization: string, publicKey: KeyObject, app: string): boolean {
  const [head = '', body = '', signature = ''] = authorization.replace('Bearer ', '').split('.');
  if (!verify('sha256', Buffer.from(`${head}.${body}`), publicKey, Buffer.from(signature, 'base64url'))) return false;
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { iss: string; iat: number; exp: number };
  return claims.iss === app && claims.exp - claims.iat <= 600;
}

export const vercelAnswers: Handler = (asked, server) => {
  const { key, method, url } = asked;
  if (!key) return json(403, { error: { code: 'forbidden', message: 'Not authorized', invalidToken: true } });
  if (url.pathname === '/v5/user/tokens/current')
    return json(200, { token: { id: key.id, name: key.name, expiresAt: 1_798_000_000_000 } });
  if (!key.full) return json(403, { error: { code: 'forbidden', message: 'Not authorized' } });
  if (method === 'POST') {
    const made = server.newKey('vcp_', (JSON.parse(asked.body) as { name: string }).name);
    return json(200, { token: { id: made.id, name: made.name }, bearerToken: made.value });
  }
  if (method === 'DELETE')
    return server.end(last(asked)) ? json(200, { tokenId: last(asked) }) : json(404, { error: { code: 'not_found' } });
  return json(200, {
    tokens: server.keys.filter((one) => one.live).map(({ id, name }) => ({ id, name })),
    pagination: {},
  });
};
