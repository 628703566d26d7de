// The thread that asks a key management service for a caller that cannot wait otherwise: opening an embedded vault is
// synchronous.
import { workerData } from 'node:worker_threads';
import { parseKmsKey } from '../../crypto/wrapped-root-key.ts';
import { isKeyturnError } from '../../errors.ts';
import { answerCalls, type Line } from '../../store/sleeping-calls.ts';
import type { Env } from '../root-key-files.ts';
import { kmsClient } from './clients.ts';

export interface KmsWorkerInput extends Line {
  readonly env: Env;
}

export interface KmsRequest {
  readonly verb: 'wrap' | 'unwrap';
  readonly key: string;
  readonly bytes: Uint8Array;
}

export type KmsReply =
  | { readonly bytes: Uint8Array }
  | { readonly code: string; readonly what: string; readonly next: string };

const { env, ...line } = workerData as KmsWorkerInput;

answerCalls<KmsRequest, KmsReply>(line, async ({ verb, key: text, bytes }) => {
  try {
    const key = parseKmsKey(text);
    if (!key) throw new TypeError('the key was parsed before');
    return { bytes: new Uint8Array(await kmsClient(key, env)[verb](bytes)) };
  } catch (error) {
    if (isKeyturnError(error)) return { code: error.code, what: error.text.what, next: error.text.next ?? '' };
    return {
      code: 'KT_KMS_UNAVAILABLE',
      what: `The key service could not be asked (${(error as Error).name}).`,
      next: '',
    };
  }
});
