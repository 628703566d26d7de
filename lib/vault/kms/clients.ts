// The key management services: each wraps and unwraps 32 bytes under a key that never leaves it. What is wrapped is bound to
// its purpose (encryption context, additional data), so that nothing else under the same key opens as a root key.
import { readFileSync } from 'node:fs';
import { AwsClient } from 'aws4fetch';
import { importPKCS8, SignJWT } from 'jose';
import { type KmsKey, kmsKeyText } from '../../crypto/wrapped-root-key.ts';
import { KmsError } from '../../errors.ts';
import type { Env } from '../root-key-files.ts';
import { bytesIn, callKms, type KmsAnswer, type Meaning } from './kms-call.ts';

const PURPOSE = 'keyturn root key';
const PURPOSE_BASE64 = Buffer.from(PURPOSE).toString('base64');

export interface KmsClient {
  wrap(plain: Uint8Array): Promise<Buffer>;
  /** The caller zeroes it. */
  unwrap(ciphertext: Uint8Array): Promise<Buffer>;
}

/** @throws KmsError KT_KMS_REFUSED where credentials or settings are missing */
export function kmsClient(key: KmsKey, env: Env): KmsClient {
  if (key.kind === 'awskms') return awsKms(key, env);
  return key.kind === 'gcpkms' ? googleKms(key, env) : transit(key, env);
}

function missing(key: KmsKey, what: string): KmsError {
  return new KmsError(
    'KT_KMS_REFUSED',
    `The root key is wrapped by ${kmsKeyText(key)}, and ${what} is not set.`,
    'Set it, and try again.',
  );
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

/** AWS KMS, Encrypt and Decrypt (docs.aws.amazon.com/kms/latest/APIReference), signed with Signature Version 4. */
function awsKms(key: KmsKey, env: Env): KmsClient {
  const title = 'AWS KMS';
  const accessKeyId = env.AWS_ACCESS_KEY_ID;
  const secretAccessKey = env.AWS_SECRET_ACCESS_KEY;
  if (!accessKeyId || !secretAccessKey) throw missing(key, 'AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY');
  // The region is the fourth part of the key's ARN.
  const region = /^arn:[^:]+:kms:([^:]+):/.exec(key.name)?.[1] ?? env.AWS_REGION ?? env.AWS_DEFAULT_REGION;
  if (!region) throw missing(key, 'AWS_REGION');
  const session = env.AWS_SESSION_TOKEN ? { sessionToken: env.AWS_SESSION_TOKEN } : {};
  const client = new AwsClient({ accessKeyId, secretAccessKey, ...session, service: 'kms', region, retries: 0 });
  const url = env.AWS_ENDPOINT_URL_KMS || `https://kms.${region}.amazonaws.com/`;
  const call = (target: string, body: object) =>
    callKms({
      title,
      send: async (signal) => {
        const request = await client.sign(url, {
          method: 'POST',
          headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${target}` },
          body: JSON.stringify({ KeyId: key.name, EncryptionContext: { purpose: PURPOSE }, ...body }),
        });
        return fetch(request, { signal });
      },
      codeOf: awsCode,
      meaningOf: (answer) => awsMeaning(answer),
    });
  return {
    wrap: async (plain) => bytesIn(await call('Encrypt', { Plaintext: base64(plain) }), 'CiphertextBlob', title),
    unwrap: async (ciphertext) =>
      bytesIn(await call('Decrypt', { CiphertextBlob: base64(ciphertext) }), 'Plaintext', title),
  };
}

function awsCode({ json }: KmsAnswer): string | undefined {
  return typeof json.__type === 'string' ? json.__type.split('#').at(-1) : undefined;
}

/** What AWS says is worth another try (the errors of Decrypt, and the common ones). */
const AWS_THROTTLES = new Set(['ThrottlingException', 'LimitExceededException', 'RequestLimitExceeded']);
const AWS_AWAY = new Set([
  'KMSInternalException',
  'DependencyTimeoutException',
  'KeyUnavailableException',
  'ServiceUnavailable',
]);

function awsMeaning(answer: KmsAnswer): Meaning {
  const code = awsCode(answer) ?? '';
  if (AWS_THROTTLES.has(code) || answer.status === 429) return 'throttled';
  return AWS_AWAY.has(code) || answer.status >= 500 ? 'away' : 'refused';
}

/** Google Cloud KMS, cryptoKeys.encrypt and .decrypt (cloud.google.com/kms/docs/reference/rest). */
function googleKms(key: KmsKey, env: Env): KmsClient {
  const title = 'Google Cloud KMS';
  const base = (env.KEYTURN_GCP_KMS_URL || 'https://cloudkms.googleapis.com').replace(/\/$/, '');
  const call = async (verb: 'encrypt' | 'decrypt', body: object) => {
    const token = await googleToken(key, env);
    return callKms({
      title,
      send: (signal) =>
        fetch(`${base}/v1/${key.name}:${verb}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ additionalAuthenticatedData: PURPOSE_BASE64, ...body }),
          signal,
        }),
      codeOf: ({ json }) => (json.error as { status?: string } | undefined)?.status,
      meaningOf: httpMeaning,
    });
  };
  return {
    wrap: async (plain) => bytesIn(await call('encrypt', { plaintext: base64(plain) }), 'ciphertext', title),
    unwrap: async (ciphertext) =>
      bytesIn(await call('decrypt', { ciphertext: base64(ciphertext) }), 'plaintext', title),
  };
}

function httpMeaning({ status }: KmsAnswer): Meaning {
  if (status === 429) return 'throttled';
  return status >= 500 ? 'away' : 'refused';
}

interface ServiceAccount {
  readonly client_email: string;
  readonly private_key: string;
  readonly private_key_id?: string;
  readonly token_uri: string;
}

/** A token that is given, or one for a service account's signed claim (developers.google.com/identity/protocols/oauth2/service-account). */
async function googleToken(key: KmsKey, env: Env): Promise<string> {
  if (env.GOOGLE_OAUTH_ACCESS_TOKEN) return env.GOOGLE_OAUTH_ACCESS_TOKEN;
  const account = serviceAccount(key, env);
  const assertion = await new SignJWT({ scope: 'https://www.googleapis.com/auth/cloudkms' })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(account.private_key_id && { kid: account.private_key_id }) })
    .setIssuer(account.client_email)
    .setAudience(account.token_uri)
    .setIssuedAt()
    .setExpirationTime('10m')
    .sign(await importPKCS8(account.private_key, 'RS256'));
  const json = await callKms({
    title: "Google's token service",
    send: (signal) =>
      fetch(account.token_uri, {
        method: 'POST',
        body: new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion }),
        signal,
      }),
    codeOf: ({ json: answer }) => (typeof answer.error === 'string' ? answer.error : undefined),
    meaningOf: httpMeaning,
  });
  if (typeof json.access_token === 'string') return json.access_token;
  throw new KmsError(
    'KT_KMS_UNAVAILABLE',
    "Google's token service answered in another form than its documents say.",
    'Check token_uri.',
  );
}

function serviceAccount(key: KmsKey, env: Env): ServiceAccount {
  const path = env.GOOGLE_APPLICATION_CREDENTIALS;
  if (!path) throw missing(key, 'GOOGLE_APPLICATION_CREDENTIALS (or GOOGLE_OAUTH_ACCESS_TOKEN)');
  try {
    const account = JSON.parse(readFileSync(path, 'utf8')) as ServiceAccount;
    if (account.client_email && account.private_key && account.token_uri) return account;
  } catch {
    // Whether it is not there or no JSON: it cannot be used.
  }
  throw missing(key, `a service account's key in ${path}`);
}

/** Vault's and OpenBao's Transit engine, encrypt and decrypt (openbao.org/api-docs/secret/transit). */
function transit(key: KmsKey, env: Env): KmsClient {
  const title = 'Transit';
  const { VAULT_ADDR: address, VAULT_TOKEN: token, VAULT_NAMESPACE: namespace } = env;
  if (!address) throw missing(key, 'VAULT_ADDR');
  if (!token) throw missing(key, 'VAULT_TOKEN');
  const at = key.name.lastIndexOf('/');
  const mount = at < 0 ? 'transit' : key.name.slice(0, at);
  const name = encodeURIComponent(key.name.slice(at + 1));
  const call = async (verb: 'encrypt' | 'decrypt', body: object) => {
    const json = await callKms({
      title,
      send: (signal) =>
        fetch(`${address.replace(/\/$/, '')}/v1/${mount}/${verb}/${name}`, {
          method: 'POST',
          headers: {
            'x-vault-token': token,
            'x-vault-request': 'true',
            'content-type': 'application/json',
            ...(namespace && { 'x-vault-namespace': namespace }),
          },
          body: JSON.stringify({ associated_data: PURPOSE_BASE64, ...body }),
          signal,
        }),
      codeOf: () => undefined,
      // 503 is a sealed Vault, 429 a standby or a quota, 473 a performance standby.
      meaningOf: httpMeaning,
    });
    return (json.data ?? {}) as Record<string, unknown>;
  };
  return {
    wrap: async (plain) => {
      const { ciphertext } = await call('encrypt', { plaintext: base64(plain) });
      // `vault:v1:…` is text, and is kept as it is.
      return Buffer.from(String(ciphertext ?? ''), 'utf8');
    },
    unwrap: async (ciphertext) =>
      bytesIn(await call('decrypt', { ciphertext: Buffer.from(ciphertext).toString('utf8') }), 'plaintext', title),
  };
}
