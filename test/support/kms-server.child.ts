// The three key management services as their documents say they speak, in a thread of their own: a caller that sleeps until it
// is answered would wait for itself otherwise. The cryptography behind them is real.
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  generateKeyPairSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { importSPKI, jwtVerify } from 'jose';

export type Mode = 'ok' | 'throttle' | 'away' | 'hang' | 'refuse' | 'html';

export interface KmsServerReady {
  readonly url: string;
  readonly awsKey: string;
  readonly awsSecret: string;
  readonly transitToken: string;
  readonly serviceAccount: object;
}

const awsSecret = randomBytes(30).toString('base64');
const transitToken = `hvs.${randomBytes(18).toString('base64url')}`;
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const accessTokens = new Set<string>();
const keys = new Map<string, Buffer>();
let mode: Mode = 'ok';
/** After so many bad answers it is well again; -1 for never. */
let times = -1;

function keyFor(name: string): Buffer {
  const key = keys.get(name) ?? randomBytes(32);
  keys.set(name, key);
  return key;
}

function seal(name: string, plain: Buffer, context: string): Buffer {
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyFor(name), iv);
  cipher.setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function open(name: string, sealed: Buffer, context: string): Buffer | undefined {
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyFor(name), sealed.subarray(0, 12));
    decipher.setAAD(Buffer.from(context));
    decipher.setAuthTag(sealed.subarray(-16));
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]);
  } catch {
    // It was sealed under another key or context: the services say so, each in its own words.
    return undefined;
  }
}

interface Asked {
  readonly request: IncomingMessage;
  readonly body: string;
  answer(status: number, json: object): void;
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** Signature Version 4, as AWS checks it (docs.aws.amazon.com, "Create a signed AWS API request"). */
function isSigned({ request, body }: Asked): boolean {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/kms\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    );
  const [, id, day = '', region = '', signed = '', signature = ''] = match ?? [];
  if (id !== 'AKIATESTTESTTESTTEST') return false;
  const headers = signed.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}\n`);
  const canonical = ['POST', '/', '', headers.join(''), signed, createHash('sha256').update(body).digest('hex')].join(
    '\n',
  );
  const date = String(request.headers['x-amz-date']);
  const text = [
    'AWS4-HMAC-SHA256',
    date,
    `${day}/${region}/kms/aws4_request`,
    createHash('sha256').update(canonical).digest('hex'),
  ].join('\n');
  const key = hmac(hmac(hmac(hmac(`AWS4${awsSecret}`, day), region), 'kms'), 'aws4_request');
  return timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex'));
}

function aws(asked: Asked): unknown {
  const refuse = (type: string, status = 400) => asked.answer(status, { __type: type, message: 'no' });
  if (mode === 'throttle') return refuse('ThrottlingException');
  if (mode === 'away') return refuse('KMSInternalException', 500);
  if (mode === 'refuse') return refuse('DisabledException');
  if (!isSigned(asked)) return refuse('IncompleteSignatureException');
  const { KeyId, Plaintext, CiphertextBlob, EncryptionContext } = JSON.parse(asked.body) as Record<string, string>;
  const context = JSON.stringify(EncryptionContext);
  const target = asked.request.headers['x-amz-target'];
  if (target === 'TrentService.Encrypt') {
    const sealed = seal(KeyId ?? '', Buffer.from(Plaintext ?? '', 'base64'), context);
    return asked.answer(200, {
      KeyId,
      CiphertextBlob: sealed.toString('base64'),
      EncryptionAlgorithm: 'SYMMETRIC_DEFAULT',
    });
  }
  const plain = open(KeyId ?? '', Buffer.from(CiphertextBlob ?? '', 'base64'), context);
  if (!plain) return refuse('InvalidCiphertextException');
  return asked.answer(200, { KeyId, Plaintext: plain.toString('base64') });
}

async function googleToken(asked: Asked, url: string): Promise<unknown> {
  const assertion = new URLSearchParams(asked.body).get('assertion') ?? '';
  const key = await importSPKI(publicKey.export({ type: 'spki', format: 'pem' }) as string, 'RS256');
  const { payload } = await jwtVerify(assertion, key, { audience: `${url}/token`, issuer: 'keyturn@test.iam' });
  if (payload.scope !== 'https://www.googleapis.com/auth/cloudkms')
    return asked.answer(400, { error: 'invalid_scope' });
  const token = randomBytes(16).toString('hex');
  accessTokens.add(token);
  return asked.answer(200, { access_token: token, token_type: 'Bearer', expires_in: 3600 });
}

function google(asked: Asked, path: string): unknown {
  const refuse = (status: number, code: string) => asked.answer(status, { error: { code: status, status: code } });
  if (mode === 'throttle') return refuse(429, 'RESOURCE_EXHAUSTED');
  if (mode === 'away') return refuse(503, 'UNAVAILABLE');
  if (mode === 'refuse') return refuse(403, 'PERMISSION_DENIED');
  if (!accessTokens.has((asked.request.headers.authorization ?? '').replace('Bearer ', '')))
    return refuse(401, 'UNAUTHENTICATED');
  const [, name = '', verb] = /^\/v1\/(.+):(encrypt|decrypt)$/.exec(path) ?? [];
  const { plaintext, ciphertext, additionalAuthenticatedData = '' } = JSON.parse(asked.body) as Record<string, string>;
  if (verb === 'encrypt') {
    const sealed = seal(name, Buffer.from(plaintext ?? '', 'base64'), additionalAuthenticatedData);
    return asked.answer(200, { name: `${name}/cryptoKeyVersions/1`, ciphertext: sealed.toString('base64') });
  }
  const plain = open(name, Buffer.from(ciphertext ?? '', 'base64'), additionalAuthenticatedData);
  return plain ? asked.answer(200, { plaintext: plain.toString('base64') }) : refuse(400, 'INVALID_ARGUMENT');
}

function transit(asked: Asked, path: string): unknown {
  const refuse = (status: number) => asked.answer(status, { errors: ['no'] });
  if (mode === 'throttle') return refuse(429);
  // A sealed Vault.
  if (mode === 'away') return refuse(503);
  if (mode === 'refuse' || asked.request.headers['x-vault-token'] !== transitToken) return refuse(403);
  const [, verb, name = ''] = /\/(encrypt|decrypt)\/(.+)$/.exec(path) ?? [];
  const { plaintext, ciphertext, associated_data = '' } = JSON.parse(asked.body) as Record<string, string>;
  if (verb === 'encrypt') {
    const sealed = seal(name, Buffer.from(plaintext ?? '', 'base64'), associated_data);
    return asked.answer(200, { data: { ciphertext: `vault:v1:${sealed.toString('base64')}`, key_version: 1 } });
  }
  const plain = open(name, Buffer.from((ciphertext ?? '').replace('vault:v1:', ''), 'base64'), associated_data);
  return plain ? asked.answer(200, { data: { plaintext: plain.toString('base64') } }) : refuse(400);
}

async function respond(request: IncomingMessage, response: ServerResponse, url: string): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('utf8');
  const path = request.url ?? '/';
  const answer = (status: number, json: object) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  parentPort?.postMessage({ asked: `${request.method} ${path}` });
  if (mode === 'hang') return;
  if (mode === 'html') {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sign in to the proxy</h1>');
    return;
  }
  const asked = { request, body, answer };
  if (path === '/token') await googleToken(asked, url);
  else if (path.startsWith('/v1/projects/')) google(asked, path);
  else if (path.startsWith('/v1/')) transit(asked, path);
  else aws(asked);
  if (times > 0) times -= 1;
  if (times === 0) mode = 'ok';
}

const server = createServer((request, response) => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  respond(request, response, url).catch((error: unknown) => {
    response.writeHead(500).end(String(error));
  });
});
parentPort?.on('message', (next: { mode: Mode; times?: number } | 'close') => {
  if (next === 'close') {
    server.closeAllConnections();
    server.close();
    parentPort?.close();
    return;
  }
  mode = next.mode;
  times = next.times ?? -1;
  parentPort?.postMessage({ set: mode });
});
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const serviceAccount = {
    type: 'service_account',
    client_email: 'keyturn@test.iam',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    token_uri: `${url}/token`,
  };
  const ready: KmsServerReady = { url, awsKey: 'AKIATESTTESTTESTTEST', awsSecret, transitToken, serviceAccount };
  parentPort?.postMessage({ ready });
});
