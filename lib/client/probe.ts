// How a running application is asked which version of a secret it uses, without either side showing the value: the one
// who asks proves that it has the probe key and gives a nonce; the answer is a MAC of each value under that key and
// nonce. Web Crypto only: it runs wherever the application does.

const ASK = 'keyturn/v1/ask';
const ANSWER = 'keyturn/v1/uses';
/** How far, in ms, the two clocks may be apart. */
const TOLERANCE_MS = 5 * 60 * 1000;
const encoder = new TextEncoder();

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

async function mac(key: string, parts: readonly string[]): Promise<string> {
  const imported = await crypto.subtle.importKey('raw', encoder.encode(key), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
  // Lengths before the parts: no two lists of parts are the same bytes.
  const text = parts.map((part) => `${part.length}:${part}`).join(',');
  return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', imported, encoder.encode(text))));
}

/** Compares without telling by its time where two texts differ. */
function same(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let at = 0; at < a.length; at += 1) difference |= a.charCodeAt(at) ^ b.charCodeAt(at % Math.max(1, b.length));
  return difference === 0;
}

/** The header that asks. @param now ms since 1970; @param nonce 16 random bytes or more, as text */
export async function askHeader(key: string, now: number, nonce: string): Promise<string> {
  return `Keyturn-Probe ${now},${nonce},${await mac(key, [ASK, String(now), nonce])}`;
}

/** The nonce of a header that is right and fresh; undefined for any other. */
export async function nonceOf(header: string | null, key: string, now: number): Promise<string | undefined> {
  const match = /^Keyturn-Probe (\d{1,16}),([A-Za-z0-9_-]{16,64}),([A-Za-z0-9_-]{43})$/.exec(header ?? '');
  if (!match?.[1] || !match[2] || !match[3]) return undefined;
  if (Math.abs(now - Number(match[1])) > TOLERANCE_MS) return undefined;
  return same(match[3], await mac(key, [ASK, match[1], match[2]])) ? match[2] : undefined;
}

/** What stands for a value in an answer: 256 bits that only who has the key, the nonce and the value can make. */
export function useOf(key: string, nonce: string, name: string, value: string): Promise<string> {
  return mac(key, [ANSWER, nonce, name, value]);
}
