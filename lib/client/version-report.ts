// The helper by which a running application tells which versions it uses: a handler for one address of it.
import { nonceOf, useOf } from './probe.ts';

export interface VersionReportOptions {
  /** The probe key, as the application was given it (`process.env.KEYTURN_PROBE_KEY`). */
  readonly key: string | undefined;
  /** The names that it may tell about. */
  readonly names: readonly string[];
  /** The value that is in use now; `process.env` where not given. */
  readonly get?: (name: string) => string | undefined;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/**
 * Makes a handler that answers Keyturn's question which version of each secret is in use. It tells no value, and nothing
 * at all to who does not have the probe key.
 * @example
 * // app/api/keyturn/route.ts of a Next.js application
 * export const GET = versionReport({ key: process.env.KEYTURN_PROBE_KEY, names: ['JWT_SECRET', 'STRIPE_SECRET_KEY'] });
 */
export function versionReport(options: VersionReportOptions): (request: Request) => Promise<Response> {
  const get = options.get ?? ((name) => globalThis.process?.env[name]);
  return async (request) => {
    const { key } = options;
    const now = (options.clock ?? Date.now)();
    const nonce = key && (await nonceOf(request.headers.get('authorization'), key, now));
    const headers = { 'cache-control': 'no-store', 'content-type': 'application/json' };
    if (!key || !nonce) return new Response('{}', { status: 404, headers });
    const secrets: Record<string, string> = {};
    for (const name of options.names) {
      const value = get(name);
      if (value !== undefined && value !== '') secrets[name] = await useOf(key, nonce, name, value);
    }
    return new Response(JSON.stringify({ secrets }), { headers });
  };
}
