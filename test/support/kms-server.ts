// Starts the key management services of tests (kms-server.child.ts), and has them behave badly.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { onTestFinished } from 'vitest';
import type { KmsServerReady, Mode } from './kms-server.child.ts';
import { temporaryFolder } from './vault.ts';

export const KMS_KEYS = {
  'AWS KMS': 'awskms:arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  'Google Cloud KMS': 'gcpkms:projects/shop/locations/europe-west3/keyRings/keyturn/cryptoKeys/root',
  Transit: 'transit:transit/keyturn',
} as const;

export interface KmsServer {
  /** What lets a vault use all three. */
  readonly env: Record<string, string>;
  readonly asked: string[];
  /** @param times after so many answers all is well again */
  behave(mode: Mode, times?: number): Promise<void>;
}

export async function kmsServer(): Promise<KmsServer> {
  const worker = new Worker(new URL('./kms-server.child.ts', import.meta.url));
  onTestFinished(() => worker.postMessage('close'));
  const asked: string[] = [];
  let settled: (() => void) | undefined;
  const ready = await new Promise<KmsServerReady>((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message: { ready?: KmsServerReady; asked?: string; set?: Mode }) => {
      if (message.ready) resolve(message.ready);
      if (message.asked) asked.push(message.asked);
      if (message.set) settled?.();
    });
  });
  const account = join(temporaryFolder(), 'account.json');
  writeFileSync(account, JSON.stringify(ready.serviceAccount));
  return {
    asked,
    env: {
      AWS_ACCESS_KEY_ID: ready.awsKey,
      AWS_SECRET_ACCESS_KEY: ready.awsSecret,
      AWS_ENDPOINT_URL_KMS: `${ready.url}/`,
      GOOGLE_APPLICATION_CREDENTIALS: account,
      KEYTURN_GCP_KMS_URL: ready.url,
      VAULT_ADDR: ready.url,
      VAULT_TOKEN: ready.transitToken,
    },
    behave: (mode, times) =>
      new Promise((resolve) => {
        settled = resolve;
        worker.postMessage({ mode, ...(times !== undefined && { times }) });
      }),
  };
}
