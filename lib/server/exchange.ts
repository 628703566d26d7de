// Identity tokens of programs (OpenID Connect): checked by the keys that their issuer publishes, then exchanged for a
// short machine token. Only issuers that somebody trusts are ever asked for their keys.
import type { KeyObject } from 'node:crypto';
import { createRemoteJWKSet, decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Actor } from '../audit/entry.ts';
import { IdentityError, KeyturnError } from '../errors.ts';
import type { MadeToken } from '../identity/tokens.ts';
import { exchange, trustedIssuers } from '../identity/trusts.ts';
import { scopedAccess } from '../vault/access.ts';
import type { ServedVault } from '../vault/served-vault.ts';

/** Asymmetric ones only: a key that is published must not be one that signs. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];
const FETCH_MS = 5_000;
/** How far, in seconds, an issuer's clock may be off. */
const CLOCK_SECONDS = 30;

type Keys = ReturnType<typeof createRemoteJWKSet>;

export class Exchange {
  readonly #vault: ServedVault;
  readonly #tokenKey: KeyObject;
  readonly #keys = new Map<string, Promise<Keys>>();

  constructor(vault: ServedVault, tokenKey: KeyObject) {
    this.#vault = vault;
    this.#tokenKey = tokenKey;
  }

  /** @throws IdentityError for every token that is not good, whatever the reason */
  async exchange(token: string, source: string): Promise<MadeToken> {
    const issuer = this.#issuerOf(token);
    const trusted = await this.#vault.read(trustedIssuers());
    if (issuer === undefined || !trusted.has(issuer)) return this.#refuse(source, 'issuer not trusted');
    let claims: JWTPayload;
    try {
      const keys = await this.#keysOf(issuer);
      const verified = await jwtVerify(token, keys, {
        algorithms: ALGORITHMS,
        clockTolerance: CLOCK_SECONDS,
        requiredClaims: ['exp', 'aud', 'sub'],
        currentDate: new Date(this.#vault.clock()),
      });
      claims = verified.payload;
    } catch (error) {
      if (error instanceof errors.JOSEError) return this.#refuse(source, error.code);
      if (error instanceof IssuerError) throw error;
      // Its keys could not be fetched: nothing of how is shown.
      throw new IssuerError(issuer, 'its keys cannot be fetched');
    }
    const actor: Actor = { principal: `oidc:${String(claims.sub).slice(0, 120)}`, source };
    const ctx = this.#vault.context(actor, scopedAccess({}));
    try {
      return await this.#vault.run(exchange(ctx, this.#tokenKey, issuer, claims));
    } catch (error) {
      if (error instanceof IdentityError) {
        await this.#vault.log(
          { action: 'auth.denied', outcome: 'denied', details: { reason: 'no trust fits' } },
          actor,
        );
      }
      throw error;
    }
  }

  #issuerOf(token: string): string | undefined {
    try {
      return decodeJwt(token).iss?.replace(/\/$/, '');
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
      throw error;
    }
  }

  async #refuse(source: string, reason: string): Promise<never> {
    await this.#vault.log(
      { action: 'auth.denied', outcome: 'denied', details: { reason: `identity token: ${reason}` } },
      { principal: 'unknown', source },
    );
    throw new IdentityError(
      'KT_UNAUTHENTICATED',
      'That identity token is not accepted.',
      'Look at its issuer, audience and times, and at the trusts that there are.',
    );
  }

  /** An issuer's keys, found by its discovery document (OpenID Connect Discovery 1.0, section 4). */
  #keysOf(issuer: string): Promise<Keys> {
    let keys = this.#keys.get(issuer);
    if (!keys) {
      keys = discover(issuer);
      this.#keys.set(issuer, keys);
      // One that could not be had is asked for again by the next token.
      keys.catch(() => this.#keys.delete(issuer));
    }
    return keys;
  }
}

class IssuerError extends KeyturnError {
  constructor(issuer: string, what: string) {
    super('KT_REMOTE_FAILED', {
      what: `The keys of ${issuer} cannot be had: ${what}.`,
      left: 'No token was given.',
      next: 'Try again; look at the address of the trust if it never worked.',
    });
  }
}

async function discover(issuer: string): Promise<Keys> {
  let response: Response;
  try {
    response = await fetch(`${issuer}/.well-known/openid-configuration`, {
      signal: AbortSignal.timeout(FETCH_MS),
      redirect: 'error',
    });
  } catch (error) {
    throw new IssuerError(
      issuer,
      (error as Error).name === 'TimeoutError' ? 'it does not answer in time' : 'it cannot be reached',
    );
  }
  if (!response.ok) throw new IssuerError(issuer, `it answers ${response.status}`);
  const document = await documentOf(response, issuer);
  const keys =
    typeof document.jwks_uri === 'string' && URL.canParse(document.jwks_uri) ? new URL(document.jwks_uri) : undefined;
  // Keys that come over plain HTTP could be anybody's; only an issuer on this machine may have them so.
  if (!keys || (keys.protocol !== 'https:' && new URL(issuer).protocol === 'https:')) {
    throw new IssuerError(issuer, 'its document names none');
  }
  if (String(document.issuer).replace(/\/$/, '') !== issuer)
    throw new IssuerError(issuer, 'its document is of another issuer');
  return createRemoteJWKSet(keys, { timeoutDuration: FETCH_MS });
}

async function documentOf(response: Response, issuer: string): Promise<{ issuer?: unknown; jwks_uri?: unknown }> {
  try {
    const document: unknown = await response.json();
    if (typeof document === 'object' && document !== null) return document;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
  }
  throw new IssuerError(issuer, 'its document is none');
}
