// Loads the facade's other side when it is wanted: most processes have a vault of their own.
import { createRequire } from 'node:module';
import type * as RemoteModule from './remote-secrets.ts';
import type { Secrets, SecretsManagerOptions } from './secrets.ts';

/** Undefined where no server is named. */
export function openRemote(options: SecretsManagerOptions): Secrets | undefined {
  const env = options.env ?? process.env;
  const { KEYTURN_URL: url, KEYTURN_TOKEN: token } = env;
  if (!url || !token) return undefined;
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
  const { RemoteSecrets } = createRequire(import.meta.url)(`./remote-secrets${extension}`) as typeof RemoteModule;
  return new RemoteSecrets(options, {
    url,
    token,
    project: options.project ?? env.KEYTURN_PROJECT,
    environment: options.environment ?? env.KEYTURN_ENV,
  });
}
