// A server for tests, in this process, on the store that is being tested: real HTTP, a real database, every answer held
// against its schema.
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { projectConfig } from '../../lib/config/config.ts';
import { KeyturnServer, type ServerOptions } from '../../lib/server/server.ts';
import { vaultHome } from '../../lib/vault/home.ts';
import { storeVariables, temporaryFolder } from './vault.ts';

export const BASE = '/v1/projects/default/environments/development';
export const OWNER = { email: 'owner@example.com', name: 'Olive Owner', password: 'a long enough passphrase' };

export interface CallOptions {
  /** A machine token, or a session's cookie. */
  readonly as?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
  readonly text: string;
}

export interface TestServer {
  readonly server: KeyturnServer;
  readonly url: string;
  readonly folder: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly clock: { now: number };
  /** All that it has logged. */
  readonly log: string[];
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
}

/** As a client does that heeds Retry-After: the machine that runs the tests may be busy. */
async function patiently(url: string, init: RequestInit): Promise<Response> {
  for (let left = 20; ; left -= 1) {
    const response = await fetch(url, init);
    if (response.status !== 503 || left === 0 || response.headers.get('retry-after') === null) return response;
    const { code } = (await response.clone().json()) as { code?: string };
    if (code !== 'KT_OVERLOADED') return response;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

export async function call(url: string, method: string, path: string, options: CallOptions = {}): Promise<Answer> {
  const { as, body } = options;
  const credentials: Record<string, string> = {};
  if (as?.startsWith('kt_')) credentials.authorization = `Bearer ${as}`;
  else if (as !== undefined) credentials.cookie = as;
  const response = await patiently(url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...credentials,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json =
    response.headers.get('content-type')?.includes('json') && !response.headers.get('content-type')?.includes('ndjson');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json && text !== '' ? JSON.parse(text) : undefined,
  };
}

export async function testServer(
  options: Partial<ServerOptions> = {},
  folder = temporaryFolder(),
): Promise<TestServer> {
  // Nobody outside is asked, unless a test starts a provider of its own.
  const variables = { KEYTURN_LIVE: 'off', ...storeVariables(), ...options.env };
  const log: string[] = [];
  const clock = { now: Date.now() };
  const home = vaultHome(folder, { KEYTURN_HOME: join(folder, '.keyturn') });
  const server = await KeyturnServer.start({
    home: { ...home, root: folder, backups: join(folder, 'backups', 'secrets') },
    config: projectConfig(folder),
    version: 'test',
    host: '127.0.0.1',
    port: 0,
    logLevel: 'debug',
    logStream: { write: (line: string) => void log.push(line) },
    checkAnswers: true,
    clock: () => clock.now,
    ...options,
    env: variables,
  });
  onTestFinished(() => server.stop());
  const { url } = server;
  return { server, url, folder, variables, clock, log, call: (method, path, more) => call(url, method, path, more) };
}

/** Uses a one-time link. */
export async function redeemLink(
  at: TestServer,
  link: string,
  person: { email?: string; name: string; password: string },
): Promise<Answer> {
  return at.call('POST', '/v1/join', { body: { link: link.split('#')[1], ...person } });
}

/** Signs in. @returns the session's cookie */
export async function signIn(at: TestServer, email: string, password: string): Promise<string> {
  const answer = await at.call('POST', '/api/auth/sign-in/email', {
    body: { email, password },
    headers: { origin: at.url },
  });
  if (answer.status !== 200) {
    const defects = at.log.filter((line) => line.includes('"stack"')).join('');
    throw new Error(`sign-in answered ${answer.status}: ${answer.text}\n${defects}`);
  }
  return cookieOf(answer);
}

export function cookieOf(answer: Answer): string {
  return answer.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
}

/** Makes the first owner, and signs them in. @returns the session's cookie */
export async function owner(at: TestServer): Promise<string> {
  const link = await at.server.ownerLink();
  if (link === undefined) throw new Error('there is an owner already');
  const joined = await redeemLink(at, link, OWNER);
  if (joined.status !== 201) throw new Error(`joining answered ${joined.status}: ${joined.text}`);
  return signIn(at, OWNER.email, OWNER.password);
}

/** Invites somebody with a role, and signs them in. */
export async function colleague(at: TestServer, as: string, email: string, given: object): Promise<string> {
  const invited = await at.call('POST', '/v1/invitations', { as, body: { email, ...given } });
  if (invited.status !== 201) throw new Error(`inviting answered ${invited.status}: ${invited.text}`);
  const joined = await redeemLink(at, invited.body.link, { name: email, password: OWNER.password });
  if (joined.status !== 201) throw new Error(`joining answered ${joined.status}: ${joined.text}`);
  return signIn(at, email, OWNER.password);
}

/** Makes a machine token. */
export async function token(at: TestServer, as: string, scope: object = {}): Promise<string> {
  const body = {
    name: 'test',
    project: 'default',
    environment: 'development',
    permissions: ['list', 'read', 'write', 'delete', 'rotate'],
    ...scope,
  };
  const made = await at.call('POST', '/v1/tokens', { as, body });
  if (made.status !== 201) throw new Error(`making a token answered ${made.status}: ${made.text}`);
  return made.body.token;
}
