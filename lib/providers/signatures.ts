// How providers sign their webhooks, as pure functions: what a body would carry, and whether what it carries is right.
import { createHmac, createPublicKey, verify as verifySignature } from 'node:crypto';
import { equalBytes } from '../crypto/bytes.ts';

type SignedHeaders = Readonly<Record<string, string>>;

export interface SignatureScheme {
  /** In words, with its source. */
  readonly words: string;
  /** The headers that a body is sent with; undefined where only the provider can sign. @param now ms since 1970 */
  readonly sign?: (secret: string, body: string, now: number) => SignedHeaders;
  /** Whether the headers (names in lower case) are right for the body. */
  readonly verify: (secret: string, body: string, headers: SignedHeaders, now: number) => boolean;
}

const TOLERANCE_MS = 5 * 60 * 1000;

function hmac(key: string | Buffer, text: string, encoding: 'hex' | 'base64'): string {
  return createHmac('sha256', key).update(text).digest(encoding);
}

function same(a: string, b: string): boolean {
  return equalBytes(Buffer.from(a), Buffer.from(b));
}

function recent(atMs: number, now: number): boolean {
  return Number.isFinite(atMs) && Math.abs(now - atMs) <= TOLERANCE_MS;
}

/** Stripe: `Stripe-Signature: t=<s>,v1=<hex>` over `t.body` (docs.stripe.com/webhooks/signatures). */
export const stripeSignature: SignatureScheme = {
  words: 'HMAC-SHA-256 over "time.body" in Stripe-Signature',
  sign: (secret, body, now) => {
    const at = Math.floor(now / 1000);
    return { 'stripe-signature': `t=${at},v1=${hmac(secret, `${at}.${body}`, 'hex')}` };
  },
  verify: (secret, body, headers, now) => {
    const parts = (headers['stripe-signature'] ?? '').split(',').map((part) => part.split('='));
    const at = parts.find(([key]) => key === 't')?.[1] ?? '';
    if (!recent(Number(at) * 1000, now)) return false;
    const wanted = hmac(secret, `${at}.${body}`, 'hex');
    return parts.some(([key, value]) => key === 'v1' && same(value ?? '', wanted));
  },
};

/** Standard Webhooks (github.com/standard-webhooks/standard-webhooks): the key is base64 behind `whsec_`. */
export const standardWebhooks: SignatureScheme = {
  words: 'Standard Webhooks: HMAC-SHA-256 over "id.time.body"; the header may carry several signatures',
  sign: (secret, body, now) => standardHeaders('webhook', secret, 'msg_sample', body, now),
  verify: (secret, body, headers, now) => {
    const of = (name: string) => headers[`webhook-${name}`] ?? headers[`svix-${name}`] ?? '';
    const at = of('timestamp');
    if (!recent(Number(at) * 1000, now)) return false;
    const wanted = hmac(standardKey(secret), `${of('id')}.${at}.${body}`, 'base64');
    return of('signature')
      .split(' ')
      .some((one) => one.startsWith('v1,') && same(one.slice(3), wanted));
  },
};

function standardKey(secret: string): Buffer {
  return secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret, 'utf8');
}

/** The headers of a Standard Webhooks message. */
export function standardHeaders(
  prefix: 'webhook' | 'svix',
  secret: string,
  id: string,
  body: string,
  now: number,
): Record<string, string> {
  const at = String(Math.floor(now / 1000));
  return {
    [`${prefix}-id`]: id,
    [`${prefix}-timestamp`]: at,
    [`${prefix}-signature`]: `v1,${hmac(standardKey(secret), `${id}.${at}.${body}`, 'base64')}`,
  };
}

/** Retell: `x-retell-signature: v=<ms>,d=<hex>` over body and time, under the API key that is designated for webhooks. */
export const retellSignature: SignatureScheme = {
  words: 'HMAC-SHA-256 over the raw body and the time in x-retell-signature',
  sign: (secret, body, now) => ({ 'x-retell-signature': `v=${now},d=${hmac(secret, body + now, 'hex')}` }),
  verify: (secret, body, headers, now) => {
    const match = /^v=(\d{1,16}),d=([0-9a-f]{64})$/.exec(headers['x-retell-signature'] ?? '');
    if (!match?.[1] || !match[2] || !recent(Number(match[1]), now)) return false;
    return same(match[2], hmac(secret, body + match[1], 'hex'));
  },
};

/** Telnyx: Ed25519 over `timestamp|body`, under the account's public key: base64 of 32 bytes. */
export const telnyxSignature: SignatureScheme = {
  words: 'Ed25519 over "time|body" in telnyx-signature-ed25519',
  verify: (publicKey, body, headers, now) => {
    const at = headers['telnyx-timestamp'] ?? '';
    if (!recent(Number(at) * 1000, now)) return false;
    const key = ed25519PublicKey(publicKey);
    const signature = Buffer.from(headers['telnyx-signature-ed25519'] ?? '', 'base64');
    return key !== undefined && verifySignature(undefined, Buffer.from(`${at}|${body}`), key, signature);
  },
};

/** The key object of 32 raw bytes in base64; undefined where they are no key. */
function ed25519PublicKey(text: string): ReturnType<typeof createPublicKey> | undefined {
  const x = Buffer.from(text, 'base64');
  if (x.length !== 32) return undefined;
  return createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: x.toString('base64url') } });
}

/** Whether a secret signs what it then verifies, and nothing else: the proof that can be had without the provider. */
export function signsAndVerifies(scheme: SignatureScheme, secret: string, now: number): boolean {
  const headers = scheme.sign?.(secret, 'keyturn sample', now);
  if (!headers) return true;
  return scheme.verify(secret, 'keyturn sample', headers, now) && !scheme.verify(secret, 'another', headers, now);
}
