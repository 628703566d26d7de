// Webhook signatures of Stripe and Telnyx, over the exact bytes of the body. While a rotation is in grace, both versions
// of a secret are accepted.
import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { secretsManager } from 'keyturn';

const TOLERANCE_SECONDS = 300;
/** An Ed25519 public key in DER begins so (RFC 8410); its 32 bytes follow. */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

function isFresh(timestamp: string, now = Date.now()): boolean {
  return /^\d+$/.test(timestamp) && Math.abs(now / 1000 - Number(timestamp)) <= TOLERANCE_SECONDS;
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** `stripe-signature: t=<seconds>,v1=<hex>[,v1=<hex>]`: HMAC-SHA-256 over `t.body` (docs.stripe.com/webhooks/signature). */
export function stripeSigned(header: string | null, body: string): boolean {
  const parts = (header ?? '').split(',').map((part) => part.split('=', 2));
  const timestamp = parts.find(([name]) => name === 't')?.[1] ?? '';
  const signatures = parts.filter(([name]) => name === 'v1').map(([, value]) => Buffer.from(value ?? '', 'hex'));
  if (!isFresh(timestamp)) return false;
  return secretsManager.getSecretVersions('stripe_webhook_secret').some(({ value }) => {
    const wanted = createHmac('sha256', value).update(`${timestamp}.${body}`).digest();
    return signatures.some((one) => equal(one, wanted));
  });
}

/** Telnyx signs `timestamp|body` with Ed25519; what is kept here is its public key (base64 of 32 bytes). */
export function telnyxSigned(signature: string | null, timestamp: string | null, body: string): boolean {
  if (signature === null || timestamp === null || !isFresh(timestamp)) return false;
  const signed = Buffer.from(`${timestamp}|${body}`);
  return secretsManager.getSecretVersions('telnyx_webhook_secret').some(({ value }) => {
    const key = Buffer.from(value, 'base64');
    if (key.length !== 32) return false;
    const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, key]), format: 'der', type: 'spki' });
    return verify(null, signed, publicKey, Buffer.from(signature, 'base64'));
  });
}
