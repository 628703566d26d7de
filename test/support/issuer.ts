// An OpenID Connect provider for tests: real HTTP, real signatures, discovery and keys as the specification has them; and
// the authorisation code flow with PKCE, for people.
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { onTestFinished } from 'vitest';

export interface TestIssuer {
  readonly url: string;
  /** Who is at the browser of this provider. */
  person: { sub: string; email: string; name: string };
  sign(
    claims: Record<string, unknown>,
    options?: { audience?: string; expires?: string | number; issuer?: string; foreignKey?: boolean },
  ): Promise<string>;
  close(): Promise<void>;
}

export async function testIssuer(): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const foreign = await generateKeyPair('RS256');
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' };
  const codes = new Map<string, { nonce: string | null; challenge: string | null; clientId: string }>();
  const issuer = { url: '', person: { sub: 'p1', email: 'sso@example.com', name: 'Sam' } };
  const sign: TestIssuer['sign'] = (claims, options = {}) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(options.issuer ?? issuer.url)
      .setAudience(options.audience ?? 'keyturn')
      .setIssuedAt()
      .setExpirationTime(options.expires ?? '5m')
      .sign(options.foreignKey ? foreign.privateKey : privateKey);
  type Json = Record<string, unknown>;
  /** What the provider answers, by path: an object as JSON, text as a redirect; undefined is refused. */
  const answers: Record<string, (query: URLSearchParams, form: URLSearchParams) => Promise<Json | string | undefined>> =
    {
      '/.well-known/openid-configuration': async () => ({
        issuer: issuer.url,
        jwks_uri: `${issuer.url}/keys`,
        authorization_endpoint: `${issuer.url}/authorize`,
        token_endpoint: `${issuer.url}/token`,
        userinfo_endpoint: `${issuer.url}/userinfo`,
        id_token_signing_alg_values_supported: ['RS256'],
      }),
      '/keys': async () => ({ keys: [jwk] }),
      '/userinfo': async () => ({ ...issuer.person, email_verified: true }),
      '/authorize': async (query) => {
        const code = randomUUID();
        const clientId = query.get('client_id') ?? '';
        codes.set(code, { nonce: query.get('nonce'), challenge: query.get('code_challenge'), clientId });
        const back = new URL(query.get('redirect_uri') ?? '');
        back.searchParams.set('code', code);
        back.searchParams.set('state', query.get('state') ?? '');
        return back.href;
      },
      '/token': async (_, form) => {
        const known = codes.get(form.get('code') ?? '');
        const verifier = createHash('sha256')
          .update(form.get('code_verifier') ?? '')
          .digest('base64url');
        if (!known || (known.challenge !== null && known.challenge !== verifier)) return undefined;
        codes.delete(form.get('code') ?? '');
        const claims = { ...issuer.person, email_verified: true, ...(known.nonce !== null && { nonce: known.nonce }) };
        const idToken = await sign(claims, { audience: known.clientId });
        return { access_token: 'access', token_type: 'Bearer', expires_in: 60, id_token: idToken };
      },
    };
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', issuer.url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    const answer = await answers[url.pathname]?.(url.searchParams, form);
    if (typeof answer === 'string') response.writeHead(302, { location: answer }).end();
    else
      response
        .writeHead(answer ? 200 : 400, { 'content-type': 'application/json' })
        .end(JSON.stringify(answer ?? { error: 'invalid_grant' }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  issuer.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()).closeAllConnections());
  onTestFinished(close);
  return Object.assign(issuer, { sign, close });
}
