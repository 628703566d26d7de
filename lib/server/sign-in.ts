// People's sign-in, by better-auth on our database: email and password (Argon2id), TOTP, passkeys, and OpenID Connect
// where it is configured. Nobody signs up: accounts come from one-time links only (routes/people.ts).
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { NodeSqliteDialect } from '@better-auth/kysely-adapter/node-sqlite-dialect';
import { passkey } from '@better-auth/passkey';
import { type BetterAuthPlugin, betterAuth } from 'better-auth';
import { genericOAuth } from 'better-auth/plugins/generic-oauth';
import { twoFactor } from 'better-auth/plugins/two-factor';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import { equalBytes } from '../crypto/bytes.ts';
import { argon2idAside, DEFAULT_ARGON2_COST } from '../crypto/kdf.ts';
import { UsageError } from '../errors.ts';
import { countFailure, forgetFailures, lockedUntil } from '../identity/attempts.ts';
import { labelOf, poolConfig, postgresError } from '../store/postgres/connection.ts';
import { storeErrorFrom } from '../store/sqlite.ts';
import { sqlite } from '../store/sqlite-driver.ts';
import type { ServedVault } from '../vault/served-vault.ts';
import { type Callers, type Person, sourceOf } from './caller.ts';

/** What a password costs to check: OWASP's Password Storage Cheat Sheet asks for 19 MiB and two passes at least. */
const PASSWORD_COST = { ...DEFAULT_ARGON2_COST, memory: 32 * 1024, passes: 3, parallelism: 1 };
const PASSWORD_BYTES = 32;
const MIN_PASSWORD = 12;
const SESSION_SECONDS = 12 * 60 * 60;

export interface OidcOptions {
  /** Its discovery document is at `<issuer>/.well-known/openid-configuration`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface SignInOptions {
  readonly vault: ServedVault;
  /** The database's address, where it is PostgreSQL; else the file. */
  readonly databaseUrl: string | undefined;
  readonly file: string;
  /** As browsers see this server: `https://keyturn.example`. */
  readonly publicUrl: string;
  readonly oidc: OidcOptions | undefined;
}

/** What went wrong in a request of better-auth's, where it keeps that from who called it. */
const wrong = new AsyncLocalStorage<{ error?: Error }>();

function noteError(parts: readonly unknown[]): void {
  const noted = wrong.getStore();
  const error = parts.find((part) => part instanceof Error);
  if (noted && error) noted.error ??= error;
}

/** `argon2id$<memory>$<passes>$<parallelism>$<salt>$<hash>`, base64url. */
async function hashPassword(password: string): Promise<string> {
  const { memory, passes, parallelism } = PASSWORD_COST;
  const salt = randomBytes(16);
  const hash = await argon2idAside({
    ...PASSWORD_COST,
    password: Buffer.from(password.normalize('NFC')),
    salt,
    length: PASSWORD_BYTES,
  });
  return ['argon2id', memory, passes, parallelism, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

async function verifyPassword({ hash, password }: { hash: string; password: string }): Promise<boolean> {
  const [name, memory, passes, parallelism, salt = '', wanted = ''] = hash.split('$');
  if (name !== 'argon2id') return false;
  const given = await argon2idAside({
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    password: Buffer.from(password.normalize('NFC')),
    salt: Buffer.from(salt, 'base64url'),
    length: PASSWORD_BYTES,
  });
  return equalBytes(given, Buffer.from(wanted, 'base64url'));
}

function plugins(options: SignInOptions) {
  const { hostname, origin } = new URL(options.publicUrl);
  const { oidc } = options;
  const made: BetterAuthPlugin[] = [
    twoFactor({ issuer: 'Keyturn', schema: { twoFactor: { modelName: 'auth_two_factor' } } }),
    passkey({ rpID: hostname, rpName: 'Keyturn', origin, schema: { passkey: { modelName: 'auth_passkey' } } }),
  ];
  if (oidc) {
    const discoveryUrl = `${oidc.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const { clientId, clientSecret } = oidc;
    made.push(
      genericOAuth({
        config: [
          {
            providerId: 'oidc',
            discoveryUrl,
            clientId,
            clientSecret,
            scopes: ['openid', 'email', 'profile'],
            pkce: true,
            disableImplicitSignUp: true,
            disableSignUp: true,
          },
        ],
      }),
    );
  }
  return made;
}

function authFor(options: SignInOptions, database: Kysely<unknown>, type: 'sqlite' | 'postgres') {
  const secret = options.vault.serverKey.deriveKey('keyturn/v1/sessions').export().toString('base64url');
  return betterAuth({
    baseURL: options.publicUrl,
    basePath: '/api/auth',
    secret,
    database: { db: database, type },
    telemetry: { enabled: false },
    // Its log is ours: what it only logs, and answers in words of its own, is what went wrong in the request.
    logger: { level: 'error', log: (_level, _message, ...parts) => noteError(parts) },
    user: { modelName: 'auth_user' },
    session: { modelName: 'auth_session', expiresIn: SESSION_SECONDS, updateAge: 60 * 60, freshAge: 10 * 60 },
    account: {
      modelName: 'auth_account',
      accountLinking: { enabled: true, trustedProviders: ['oidc'] },
    },
    verification: { modelName: 'auth_verification' },
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: MIN_PASSWORD,
      maxPasswordLength: 256,
      password: { hash: hashPassword, verify: verifyPassword },
    },
    // Failed attempts are counted and delayed by ours (identity/attempts.ts), which other servers know of too.
    rateLimit: { enabled: false },
    advanced: {
      // The tables are our migrations' to look after. Its own look goes through every schema of the database, and fails
      // a sign-in where somebody drops one at that moment.
      database: { validateSchema: false },
      cookiePrefix: 'keyturn',
      useSecureCookies: options.publicUrl.startsWith('https:'),
      ipAddress: { ipAddressHeaders: ['x-keyturn-client'] },
    },
    plugins: plugins(options),
  });
}

type Auth = ReturnType<typeof authFor>;

/** What a failed attempt says is the same whether the person is there or not. */
const FAILED = new Set([400, 401, 403, 422]);

export class SignIn {
  readonly oidc: boolean;
  readonly #vault: ServedVault;
  readonly #auth: Auth;
  readonly #close: () => Promise<void>;
  readonly #inOurWords: (error: unknown) => unknown;

  private constructor(
    vault: ServedVault,
    auth: Auth,
    oidc: boolean,
    store: { close: () => Promise<void>; inOurWords: (error: unknown) => unknown },
  ) {
    this.#vault = vault;
    this.#auth = auth;
    this.oidc = oidc;
    this.#close = store.close;
    this.#inOurWords = store.inOurWords;
  }

  static open(options: SignInOptions): SignIn {
    const oidc = options.oidc !== undefined;
    if (options.databaseUrl !== undefined) {
      const pool = new Pool(poolConfig(options.databaseUrl, 4));
      pool.on('error', () => undefined);
      const database = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
      const label = labelOf(options.databaseUrl);
      return new SignIn(options.vault, authFor(options, database, 'postgres'), oidc, {
        close: () => pool.end(),
        inOurWords: (error) => postgresError(label, error),
      });
    }
    const { DatabaseSync } = sqlite();
    const file = new DatabaseSync(options.file, { timeout: 10_000, enableForeignKeyConstraints: true });
    file.exec('PRAGMA synchronous=FULL');
    const database = new Kysely<unknown>({ dialect: new NodeSqliteDialect({ database: file }) });
    return new SignIn(options.vault, authFor(options, database, 'sqlite'), oidc, {
      close: async () => file.close(),
      inOurWords: (error) => storeErrorFrom(options.file, error),
    });
  }

  async close(): Promise<void> {
    await this.#close();
  }

  /** The person that a request's session cookie belongs to. */
  async person(request: FastifyRequest): Promise<Person | undefined> {
    const headers = new Headers({ cookie: request.headers.cookie ?? '' });
    const session = await this.#explained(() => this.#auth.api.getSession({ headers }));
    if (!session) return undefined;
    const { user } = session;
    return {
      id: user.id,
      email: user.email,
      name: user.name,
      sessionId: session.session.id,
      signedInAt: session.session.createdAt.getTime(),
      twoFactor: 'twoFactorEnabled' in user && user.twoFactorEnabled === true,
    };
  }

  /** Makes an account, or gives an existing one a new password and takes its second factors and sessions away. */
  async setAccount(email: string, name: string, password: string | undefined): Promise<{ id: string; email: string }> {
    const { internalAdapter } = await this.#auth.$context;
    const found = await internalAdapter.findUserByEmail(email, { includeAccounts: true });
    const user =
      found?.user ?? (await internalAdapter.createUser({ email, name, emailVerified: true }, { method: 'invitation' }));
    if (password !== undefined) await this.#setPassword(user.id, password);
    return { id: user.id, email: user.email };
  }

  /** Ends all of a person's sessions. */
  async endSessions(personId: string): Promise<void> {
    const { internalAdapter } = await this.#auth.$context;
    await internalAdapter.deleteUserSessions(personId);
  }

  /** Takes a lost second factor away, and passkeys. */
  async resetFactors(personId: string): Promise<void> {
    const { adapter, internalAdapter } = await this.#auth.$context;
    const where = [{ field: 'userId', value: personId }];
    await adapter.deleteMany({ model: 'twoFactor', where });
    await adapter.deleteMany({ model: 'passkey', where });
    await internalAdapter.updateUser(personId, { twoFactorEnabled: false });
  }

  async sessions(
    personId: string,
  ): Promise<{ id: string; createdAt: Date; expiresAt: Date; address: string; client: string }[]> {
    const { internalAdapter } = await this.#auth.$context;
    const sessions = await internalAdapter.listSessions(personId);
    return sessions.map((one) => ({
      id: one.id,
      createdAt: new Date(one.createdAt),
      expiresAt: new Date(one.expiresAt),
      address: one.ipAddress ?? '',
      client: one.userAgent ?? '',
    }));
  }

  async endSession(personId: string, id: string): Promise<boolean> {
    const { internalAdapter } = await this.#auth.$context;
    const found = (await internalAdapter.listSessions(personId)).find((one) => one.id === id);
    if (!found) return false;
    await internalAdapter.deleteSession(found.token);
    return true;
  }

  /** Answers better-auth's own routes below /api/auth, with our locks before and our log after. */
  async handle(request: FastifyRequest, reply: FastifyReply, callers: Callers): Promise<FastifyReply> {
    const path = new URL(request.url, 'http://x').pathname.slice('/api/auth'.length);
    if (JSON.stringify(request.body ?? null).includes('\\u0000') || request.url.includes('%00')) {
      throw new UsageError('The request has a NUL character in it.');
    }
    const keys = this.#keys(request, path);
    for (const key of keys) {
      const until = await this.#vault.read(lockedUntil(this.#vault.system, key));
      if (until > 0) await callers.refuseLocked(request, key, until);
    }
    const before = keys.length > 0 && request.headers.cookie !== undefined ? await this.person(request) : undefined;
    const response = await this.#explained(() => this.#auth.handler(this.#asRequest(request)));
    await this.#record(request, path, keys, response.status);
    reply.code(response.status);
    response.headers.forEach((value, name) => {
      if (name !== 'set-cookie') reply.header(name, value);
    });
    const cookies = response.headers.getSetCookie();
    for (const cookie of cookies) reply.header('set-cookie', cookie);
    // Who signs in again has one session, not two.
    const anew = response.status === 200 && cookies.some((one) => one.includes('session_token='));
    if (before && anew) await this.endSession(before.id, before.sessionId);
    reply.header('cache-control', 'no-store');
    return reply.serializer((text: unknown) => text as string).send(await response.text());
  }

  /** Work of better-auth's, whose errors are said as those of the rest: a database that is away is no defect. */
  async #explained<T>(work: () => Promise<T>): Promise<T> {
    const noted: { error?: Error } = {};
    try {
      const done = await wrong.run(noted, work);
      if (!(done instanceof Response && done.status >= 500)) return done;
    } catch (error) {
      throw this.#inOurWords(noted.error ?? error);
    }
    throw this.#inOurWords(noted.error ?? new Error('better-auth answered with 500, and did not say why'));
  }

  /** What an attempt to sign in is counted under; nothing for other requests. */
  #keys(request: FastifyRequest, path: string): string[] {
    if (
      request.method !== 'POST' ||
      !/^\/(sign-in\/email|two-factor\/verify-|passkey\/verify-authentication)/.test(path)
    )
      return [];
    const { email } = (request.body ?? {}) as { email?: unknown };
    const keys = [`address:${request.ip}`];
    if (typeof email === 'string' && email.length < 256)
      keys.push(`person:${email.toLowerCase()}@${request.ip}`, `person:${email.toLowerCase()}`);
    return keys;
  }

  async #record(request: FastifyRequest, path: string, keys: readonly string[], status: number): Promise<void> {
    const { system } = this.#vault;
    const { email } = (request.body ?? {}) as { email?: unknown };
    const principal = typeof email === 'string' ? email.toLowerCase().slice(0, 254) : 'unknown';
    const actor = { principal, source: sourceOf(request), person: true };
    if (FAILED.has(status) && keys.length > 0) {
      await this.#vault.log({ action: 'auth.denied', outcome: 'denied', details: { path } }, actor);
      for (const key of keys) await this.#vault.read(countFailure(system, key));
      return;
    }
    if (status >= 400 || request.method !== 'POST') return;
    for (const key of keys) await this.#vault.read(forgetFailures(key));
    const action = keys.length > 0 ? 'auth.sign_in' : path.startsWith('/sign-out') ? 'auth.sign_out' : 'auth.change';
    await this.#vault.log({ action, details: { path } }, actor);
  }

  #asRequest(request: FastifyRequest): Request {
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers)) {
      for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) headers.append(name, one);
    }
    headers.set('x-keyturn-client', request.ip);
    const { origin } = new URL((this.#auth.options.baseURL as string) ?? 'http://127.0.0.1');
    const hasBody = request.method === 'POST' && request.body !== undefined && request.body !== null;
    if (hasBody) headers.delete('content-length');
    return new Request(new URL(request.url, origin), {
      method: request.method,
      headers,
      ...(hasBody && { body: JSON.stringify(request.body) }),
    });
  }

  async #setPassword(userId: string, password: string): Promise<void> {
    const { internalAdapter } = await this.#auth.$context;
    const hash = await hashPassword(password);
    const accounts = await internalAdapter.findAccounts(userId);
    if (accounts.some((one) => one.providerId === 'credential')) await internalAdapter.updatePassword(userId, hash);
    else await internalAdapter.createAccount({ userId, providerId: 'credential', accountId: userId, password: hash });
  }
}
