// A root key as a key management service has wrapped it: what stands in a key file or in SECRETS_ENCRYPTION_KEY then opens
// nothing by itself.
//
//   kms1:<where>:<what the service gave, base64url>
//
// where: awskms:<key ARN> · gcpkms:<resource name of the key> · transit:<mount>/<key>

const PREFIX = 'kms1:';
const KINDS = ['awskms', 'gcpkms', 'transit'] as const;
type KmsKind = (typeof KINDS)[number];

/** A key of a key management service. */
export interface KmsKey {
  readonly kind: KmsKind;
  /** The service's own name for it. */
  readonly name: string;
}

export interface WrappedRootKey {
  readonly key: KmsKey;
  readonly ciphertext: Buffer;
}

/** Reads `awskms:arn:…`; undefined where it names none of the services. */
export function parseKmsKey(text: string): KmsKey | undefined {
  const at = text.indexOf(':');
  const kind = KINDS.find((one) => one === text.slice(0, at));
  const name = text.slice(at + 1).trim();
  return kind && name !== '' && !/\s/.test(name) ? { kind, name } : undefined;
}

export function kmsKeyText({ kind, name }: KmsKey): string {
  return `${kind}:${name}`;
}

export function wrappedText({ key, ciphertext }: WrappedRootKey): string {
  return `${PREFIX}${kmsKeyText(key)}:${ciphertext.toString('base64url')}`;
}

export function isWrapped(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** Undefined where the text is cut or names no service. */
export function parseWrapped(text: string): WrappedRootKey | undefined {
  const at = text.lastIndexOf(':');
  const key = parseKmsKey(text.slice(PREFIX.length, at));
  const encoded = text.slice(at + 1).trim();
  if (!isWrapped(text) || !key || !/^[A-Za-z0-9_-]{16,}$/.test(encoded)) return undefined;
  return { key, ciphertext: Buffer.from(encoded, 'base64url') };
}
