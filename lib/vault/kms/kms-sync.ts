// Wrapping and unwrapping root keys for callers that cannot wait: by a thread, and what was unwrapped ahead by a server is at
// hand without one.
import { MessageChannel, Worker } from 'node:worker_threads';
import { type KmsKey, kmsKeyText, type WrappedRootKey, wrappedText } from '../../crypto/wrapped-root-key.ts';
import { KmsError } from '../../errors.ts';
import { SleepingCaller } from '../../store/sleeping-calls.ts';
import type { Env } from '../root-key-files.ts';
import type { KmsReply, KmsRequest, KmsWorkerInput } from './kms-worker.ts';

/** Loaded where a key service is asked only: every start of the command reads this file. */
async function clientFor({ key }: WrappedRootKey, env: Env) {
  const { kmsClient } = await import('./clients.ts');
  return kmsClient(key, env);
}

/** All tries of a call together. */
const ANSWER_MS = 40_000;

/** Root keys that were unwrapped ahead, each to be taken once. */
const ahead = new Map<string, Buffer>();

function ask(env: Env, request: KmsRequest): Buffer {
  const { port1, port2 } = new MessageChannel();
  const signals = new Int32Array(new SharedArrayBuffer(4));
  const workerData: KmsWorkerInput = { env: { ...env }, port: port2, signals };
  // This file is TypeScript in the source tree and JavaScript where it was built; its neighbour is the same.
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const worker = new Worker(new URL(`./kms-worker${extension}`, import.meta.url), {
    workerData,
    transferList: [port2],
    execArgv: [],
  });
  worker.unref();
  try {
    const answer = new SleepingCaller<KmsRequest, KmsReply>({ port: port1, signals }, ANSWER_MS).ask(request);
    if (answer && 'bytes' in answer) return Buffer.from(answer.bytes);
    const { what, next } = answer ?? { what: 'The key service has not answered.', next: 'Try again when it does.' };
    throw new KmsError(answer?.code === 'KT_KMS_REFUSED' ? 'KT_KMS_REFUSED' : 'KT_KMS_UNAVAILABLE', what, next);
  } finally {
    port1.close();
    void worker.terminate();
  }
}

/** @returns the root key's bytes; the caller zeroes them. @throws KmsError */
export function unwrapRootKey(wrapped: WrappedRootKey, env: Env): Buffer {
  const text = wrappedText(wrapped);
  const known = ahead.get(text);
  if (known) {
    ahead.delete(text);
    return known;
  }
  return ask(env, { verb: 'unwrap', key: kmsKeyText(wrapped.key), bytes: wrapped.ciphertext });
}

/** @param plain the root key's bytes. @returns what stands for it in a key file. @throws KmsError */
export function wrapRootKey(key: KmsKey, plain: Uint8Array, env: Env): string {
  const ciphertext = ask(env, { verb: 'wrap', key: kmsKeyText(key), bytes: plain });
  return wrappedText({ key, ciphertext });
}

/** Unwraps without holding anybody up, for whoever opens the vault next in this process. @throws KmsError */
export async function unwrapAhead(wrapped: WrappedRootKey, env: Env): Promise<void> {
  const client = await clientFor(wrapped, env);
  ahead.set(wrappedText(wrapped), await client.unwrap(wrapped.ciphertext));
}

/** Asks whether the service would still unwrap it. @throws KmsError */
export async function checkWrapped(wrapped: WrappedRootKey, env: Env): Promise<void> {
  const client = await clientFor(wrapped, env);
  (await client.unwrap(wrapped.ciphertext)).fill(0);
}
