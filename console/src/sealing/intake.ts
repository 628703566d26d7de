// Sealing values in the browser: to the vault's intake key, once its signature and the vault's identity are as expected.
// The vault's signing key is remembered when it is seen first (trust on first use); another one later stops every save until
// a person has compared it with what `keyturn keys list` prints on the server.
import {
  fromBase64url,
  isSigned,
  type SealedFor,
  type SignedIntakeKey,
  seal,
} from '../../../lib/client/sealed-value.ts';
import { api, body, Problem, type Schema } from '../api/client.ts';
import { type Place, queryClient } from '../api/queries.ts';
import { words } from '../words.ts';

const REMEMBERED = 'keyturn.vault.';
const KEY_FRESH_MS = 10 * 60 * 1000;

/** The vault has another signing key than the browser knows it by. */
export class VaultChanged extends Error {
  readonly key: SignedIntakeKey;

  constructor(key: SignedIntakeKey) {
    super(words.sealing.changed);
    this.key = key;
  }
}

/** @throws Problem where the browser cannot seal: an old one, or a page that came without TLS */
function checkBrowser(): void {
  if (window.isSecureContext && 'subtle' in crypto) return;
  throw new Problem(0, { code: 'insecure', detail: words.sealing.insecure, next: words.sealing.insecureNext });
}

/** @throws Problem, VaultChanged */
export async function intakeKey(): Promise<SignedIntakeKey> {
  checkBrowser();
  const key = await queryClient.fetchQuery({
    queryKey: ['intake-key'],
    queryFn: () => body(api.GET('/v1/intake-key')),
    staleTime: KEY_FRESH_MS,
  });
  if (!(await isSigned(key)) || key.notAfter < Date.now() - 24 * 3_600_000) {
    throw new Problem(0, { code: 'intake', detail: words.sealing.unsigned, next: words.sealing.unsignedNext });
  }
  const known = localStorage.getItem(REMEMBERED + key.vault);
  if (known === null) localStorage.setItem(REMEMBERED + key.vault, key.signedBy);
  else if (known !== key.signedBy) throw new VaultChanged(key);
  return key;
}

/** Knows the vault by another signing key from now on. */
export function acceptVault(key: SignedIntakeKey): void {
  localStorage.setItem(REMEMBERED + key.vault, key.signedBy);
}

async function sealNow(at: Omit<SealedFor, 'use' | 'vault'>, text: string): Promise<Schema['SealedValue']> {
  const { vault, keyId, publicKey } = await intakeKey();
  const bytes = new TextEncoder().encode(text);
  try {
    return { keyId, ...(await seal(fromBase64url(publicKey), bytes, { use: 'set', vault, ...at })) };
  } finally {
    bytes.fill(0);
  }
}

/** Seals a value and sends it; seals it anew where the vault's key has changed since the page fetched it. */
export async function withSealed<T>(
  place: Place,
  name: string,
  text: string,
  send: (sealed: Schema['SealedValue']) => Promise<T>,
): Promise<T> {
  const at = { ...place, name };
  try {
    return await send(await sealNow(at, text));
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== 'KT_INTAKE_KEY_GONE') throw error;
    queryClient.removeQueries({ queryKey: ['intake-key'] });
    return send(await sealNow(at, text));
  }
}

/** Seals many values of one environment. */
export async function sealAll(
  place: Place,
  entries: readonly { readonly name: string; readonly text: string }[],
  progress: (done: number) => void,
): Promise<{ name: string; sealed: Schema['SealedValue'] }[]> {
  const sealed = [];
  for (const { name, text } of entries) {
    sealed.push({ name, sealed: await sealNow({ ...place, name }, text) });
    progress(sealed.length);
  }
  return sealed;
}
