// Values on their way between a browser and the vault: sealed by HPKE (RFC 9180, base mode) to a key of whoever is to open
// them, so that nothing between the two (proxy, access log, queue, database) holds them as they are. The same code runs in
// both: @hpke/core and Web Crypto. docs/formats.md has the description.
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

/** What HPKE makes of a value; base64url. */
export interface Sealed {
  /** The encapsulated key. */
  readonly enc: string;
  readonly ciphertext: string;
}

/** What a sealed value belongs to. It opens for nothing else. */
export interface SealedFor {
  /** `set`: from a browser to the vault; `reveal`: from the vault to a browser. */
  readonly use: 'set' | 'reveal';
  /** The vault's id. */
  readonly vault: string;
  readonly project: string;
  readonly environment: string;
  readonly name: string;
}

/** An intake key as the vault gives it out: with its own signature, and a moment after which it is not to be used. */
export interface SignedIntakeKey {
  readonly vault: string;
  /** 32 hexadecimal digits. */
  readonly keyId: string;
  /** X25519, 32 bytes, base64url. */
  readonly publicKey: string;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
  /** Ed25519 (RFC 8032) over `intakeKeyText`, base64url. */
  readonly signature: string;
  /** The vault's signing key, which its root key wraps: Ed25519, 32 bytes, base64url. */
  readonly signedBy: string;
}

const utf8 = new TextEncoder();

/** A private key as Web Crypto holds it. */
export type OpeningKey = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

/** Bytes of their own, as Web Crypto wants them. */
type Bytes = Uint8Array<ArrayBuffer>;

/** By btoa and atob, which every runtime has: Uint8Array.fromBase64 is not in Node 24. */
function toBase64url(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/** @throws where it is not base64url */
export function fromBase64url(text: string): Bytes {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (one) => one.charCodeAt(0));
}

/** Names compare without case, as everywhere in the vault. */
function contextOf({ use, vault, project, environment, name }: SealedFor): { info: Bytes; aad: Bytes } {
  const place = [project, environment, name].map((part) => part.toUpperCase());
  return { info: utf8.encode(`keyturn/v1/${use}\n${vault}`), aad: utf8.encode(JSON.stringify(place)) };
}

/**
 * Seals a value.
 * @param publicKey X25519, 32 bytes
 * @throws where the key is none
 */
export async function seal(publicKey: Bytes, value: Bytes, context: SealedFor): Promise<Sealed> {
  const { info, aad } = contextOf(context);
  const recipientPublicKey = await suite.kem.deserializePublicKey(publicKey);
  const sender = await suite.createSenderContext({ recipientPublicKey, info });
  const ciphertext = await sender.seal(value, aad);
  return { enc: toBase64url(new Uint8Array(sender.enc)), ciphertext: toBase64url(new Uint8Array(ciphertext)) };
}

/**
 * Opens a sealed value.
 * @throws where it was sealed to another key or for another place, or was changed
 */
export async function open(privateKey: OpeningKey, { enc, ciphertext }: Sealed, context: SealedFor): Promise<Bytes> {
  const { info, aad } = contextOf(context);
  const recipient = await suite.createRecipientContext({ recipientKey: privateKey, enc: fromBase64url(enc), info });
  return new Uint8Array(await recipient.open(fromBase64url(ciphertext), aad));
}

/** A key pair for one reveal. The private key cannot be taken out of the page's memory as bytes. */
export async function makeRevealKey(): Promise<{ privateKey: OpeningKey; publicKey: string }> {
  const algorithm = { name: 'X25519' };
  // The types know of no pair for this algorithm yet.
  const pair = (await crypto.subtle.generateKey(algorithm, false, ['deriveBits'])) as unknown as {
    readonly privateKey: OpeningKey;
    readonly publicKey: OpeningKey;
  };
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return { privateKey: pair.privateKey, publicKey: toBase64url(raw) };
}

/** What the vault signs of an intake key. */
export function intakeKeyText(key: Pick<SignedIntakeKey, 'vault' | 'keyId' | 'publicKey' | 'notAfter'>): Bytes {
  return utf8.encode(`keyturn/v1/intake-key\n${key.vault}\n${key.keyId}\n${key.publicKey}\n${key.notAfter}\n`);
}

/** Whether an intake key is signed by the signing key that it names. Who that is, the caller has to know. */
export async function isSigned(key: SignedIntakeKey): Promise<boolean> {
  const signer = await crypto.subtle.importKey('raw', fromBase64url(key.signedBy), { name: 'Ed25519' }, false, [
    'verify',
  ]);
  return crypto.subtle.verify({ name: 'Ed25519' }, signer, fromBase64url(key.signature), intakeKeyText(key));
}

/** The signing key in a form that people can compare: eight groups of four hexadecimal digits of its SHA-256. */
export async function fingerprintWords(signedBy: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', fromBase64url(signedBy)));
  const hex = Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.match(/.{4}/g)?.join(' ') ?? '';
}
