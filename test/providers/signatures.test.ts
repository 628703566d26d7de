// Webhook signatures and PostgreSQL's password verifier, against answers that others have given: the providers' own SDKs
// (stripe 22, standardwebhooks 1, retell-sdk 5) and RFC 7677.
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scramVerifier } from '../../lib/providers/scram.ts';
import {
  retellSignature,
  signsAndVerifies,
  standardHeaders,
  standardWebhooks,
  stripeSignature,
  telnyxSignature,
} from '../../lib/providers/signatures.ts';

const MINUTE = 60_000;

const KNOWN = [
  {
    name: 'Stripe',
    scheme: stripeSignature,
    secret: 'whsec_test_secret',
    body: '{"id":"evt_1","object":"event"}',
    now: 1_700_000_000_000,
    headers: { 'stripe-signature': 't=1700000000,v1=0c8670ed117751cc551a20e35839447075c42800ea3cf3e8a2fbda99cd1e6edd' },
  },
  {
    name: 'Retell',
    scheme: retellSignature,
    secret: 'key_1234567890abcdef',
    body: '{"event":"call_ended"}',
    now: 1_700_000_000_123,
    headers: {
      'x-retell-signature': 'v=1700000000123,d=c3aafd04ae058797d47cbc974e8b1c54ab8eb73ea707808578890a5c24b001f6',
    },
  },
] as const;

describe.each(KNOWN)('$name', ({ scheme, secret, body, now, headers }) => {
  it('signs as its SDK does', () => {
    expect(scheme.sign?.(secret, body, now)).toEqual(headers);
  });

  it('verifies that, and no other body, secret or time', () => {
    expect(scheme.verify(secret, body, headers, now)).toBe(true);
    expect(scheme.verify(secret, `${body} `, headers, now)).toBe(false);
    expect(scheme.verify(`${secret}x`, body, headers, now)).toBe(false);
    expect(scheme.verify(secret, body, headers, now + 6 * MINUTE)).toBe(false);
    expect(scheme.verify(secret, body, headers, now - 6 * MINUTE)).toBe(false);
    expect(scheme.verify(secret, body, {}, now)).toBe(false);
  });
});

describe('Standard Webhooks', () => {
  const secret = 'whsec_plJ3nmyCDGBKInavdOK15jsl';
  const body = '{"event_type":"ping","data":{"success":true}}';
  const now = 1_731_705_121_000;
  const headers = {
    'webhook-id': 'msg_loFOjxBNrRLzqYUf',
    'webhook-timestamp': '1731705121',
    'webhook-signature': 'v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=',
  };

  it('signs as the reference library does', () => {
    expect(standardHeaders('webhook', secret, 'msg_loFOjxBNrRLzqYUf', body, now)).toEqual(headers);
  });

  it('accepts one of several signatures, and the headers of Svix', () => {
    const signature = `v1,bm9uZQ== ${headers['webhook-signature']}`;
    expect(standardWebhooks.verify(secret, body, { ...headers, 'webhook-signature': signature }, now)).toBe(true);
    const svix = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.replace('webhook', 'svix'), value]),
    );
    expect(standardWebhooks.verify(secret, body, svix, now)).toBe(true);
    expect(standardWebhooks.verify(secret, body, { ...headers, 'webhook-signature': 'v1,bm9uZQ==' }, now)).toBe(false);
  });
});

it('Telnyx: Ed25519 over time and body, under the public key alone', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const key = publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64');
  const now = Date.UTC(2026, 0, 1);
  const at = String(now / 1000);
  const signature = sign(null, Buffer.from(`${at}|body`), privateKey).toString('base64');
  const headers = { 'telnyx-timestamp': at, 'telnyx-signature-ed25519': signature };
  expect(telnyxSignature.verify(key, 'body', headers, now)).toBe(true);
  expect(telnyxSignature.verify(key, 'other', headers, now)).toBe(false);
  expect(telnyxSignature.verify('c2hvcnQ=', 'body', headers, now)).toBe(false);
});

it('whatever the secret, what it signs is verified by it and by no other (property)', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }),
      fc.constantFrom(stripeSignature, retellSignature, standardWebhooks),
      (secret, scheme) => {
        expect(signsAndVerifies(scheme, secret, Date.UTC(2026, 0, 1))).toBe(true);
      },
    ),
  );
});

it('a garbled header is refused, and never thrown at (property)', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (header, time) => {
      const now = Date.UTC(2026, 0, 1);
      expect(stripeSignature.verify('s', 'b', { 'stripe-signature': header }, now)).toBe(false);
      expect(retellSignature.verify('s', 'b', { 'x-retell-signature': header }, now)).toBe(false);
      const standard = { 'webhook-id': 'a', 'webhook-timestamp': time, 'webhook-signature': header };
      expect(standardWebhooks.verify('s', 'b', standard, now)).toBe(false);
      const telnyx = { 'telnyx-timestamp': time, 'telnyx-signature-ed25519': header };
      expect(telnyxSignature.verify(header, 'b', telnyx, now)).toBe(false);
    }),
  );
});

it('a SCRAM-SHA-256 verifier is the one of RFC 7677 for its user', () => {
  const salt = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
  expect(scramVerifier('pencil', salt)).toBe(
    'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=',
  );
});
