// Who asks: told by a machine token or a person's session. Failures are logged and counted; an address that fails often
// has to wait. A good token is let in even from such an address: 256 bits cannot be guessed, and an office behind one
// address is not locked out by one of its machines.
import { hash, type KeyObject } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { IdentityError } from '../errors.ts';
import { countFailure, lockedUntil } from '../identity/attempts.ts';
import type { Directory, KnownToken } from '../identity/directory.ts';
import { isToken, tokenHash } from '../identity/token-format.ts';
import { first, transaction } from '../store/operation.ts';
import { spendToken } from '../store/statements/access.ts';
import type { Access } from '../vault/access.ts';
import type { VaultContext } from '../vault/context.ts';
import type { ServedVault } from '../vault/served-vault.ts';

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly sessionId: string;
  /** When the session began, by signing in; milliseconds since 1970. */
  readonly signedInAt: number;
  /** Whether signing in takes a second factor. */
  readonly twoFactor: boolean;
}

export interface Caller {
  readonly principal: string;
  readonly access: Access;
  readonly token?: KnownToken;
  readonly person?: Person;
}

/** Finds the person of a session cookie. */
export type SessionReader = (request: FastifyRequest) => Promise<Person | undefined>;

const BEARER = 'Bearer ';
/** One entry in the log for the attempts that an address makes while it is locked, this often (ms). */
const SUMMARY_MS = 60_000;
const UNKNOWN = 'That is not a valid token or session.';
const HOW = 'Send `Authorization: Bearer kt_…`, or sign in.';

interface Locked {
  until: number;
  refused: number;
  summarisedAt: number;
}

export class Callers {
  readonly #vault: ServedVault;
  readonly #directory: Directory;
  readonly #key: KeyObject;
  readonly #sessions: SessionReader;
  readonly #locked = new Map<string, Locked>();

  constructor(vault: ServedVault, directory: Directory, key: KeyObject, sessions: SessionReader) {
    this.#vault = vault;
    this.#directory = directory;
    this.#key = key;
    this.#sessions = sessions;
  }

  /** The caller, at once where the token is in memory. @throws IdentityError */
  identify(request: FastifyRequest): Caller | Promise<Caller> {
    const { authorization } = request.headers;
    if (authorization?.startsWith(BEARER)) {
      const text = authorization.slice(BEARER.length);
      // What is kept in memory is found by a hash, so that looking takes as long for each guess.
      const memory = hash('sha256', text, 'base64');
      const known = this.#directory.known(memory);
      if (known && !known.limited) return this.#admit(request, known);
      // Its form tells nothing of any token that there is.
      if (!isToken(text)) return this.#fail(request, 'malformed token');
      return this.#byToken(request, tokenHash(this.#key, text), memory);
    }
    if (authorization !== undefined) return this.#fail(request, 'unknown scheme');
    return this.#bySession(request);
  }

  /** A context of the vault for a caller. */
  context(request: FastifyRequest, caller: Caller): VaultContext {
    return this.#vault.context(actorOf(request, caller), caller.access);
  }

  async #byToken(request: FastifyRequest, kept: Buffer, memory: string): Promise<Caller> {
    const token = await this.#directory.token(kept, memory);
    if (!token) return this.#fail(request, 'unknown token');
    const caller = await this.#admit(request, token);
    if (!token.limited) return caller;
    const left = await this.#vault.read(transaction(first(spendToken, { id: token.id })));
    return left ? caller : this.#fail(request, 'token used up');
  }

  #admit(request: FastifyRequest, token: KnownToken): Caller | Promise<Caller> {
    const now = this.#vault.clock();
    if (token.revokedAt <= now) return this.#fail(request, 'revoked token', token);
    if (token.expiresAt <= now) return this.#fail(request, 'expired token', token);
    if (token.addresses && !token.addresses.check(request.ip, request.ip.includes(':') ? 'ipv6' : 'ipv4')) {
      return this.#fail(request, 'address not allowed', token);
    }
    // One with a limited number counts each use in the store itself, before it is let in.
    if (!token.limited) this.#vault.countToken(token.id, now, request.ip);
    return { principal: token.principal, access: token.access, token };
  }

  async #bySession(request: FastifyRequest): Promise<Caller> {
    const person = request.headers.cookie === undefined ? undefined : await this.#sessions(request);
    if (!person) return this.#fail(request, 'no token or session');
    checkOrigin(request);
    return { principal: person.email, access: await this.#directory.person(person.id), person };
  }

  /** Logs and counts a failed attempt, durably, before it is refused. */
  async #fail(request: FastifyRequest, reason: string, token?: KnownToken): Promise<never> {
    const key = `address:${request.ip}`;
    const now = this.#vault.clock();
    const until = await this.#lockOf(key);
    if (until > now) {
      await this.refuseLocked(request, key, until);
    }
    const principal = token?.principal ?? 'unknown';
    await this.#vault.log(
      { action: 'auth.denied', outcome: 'denied', details: { reason, path: pathOf(request) } },
      { principal, source: sourceOf(request) },
    );
    // Who sends nothing at all is no guesser.
    if (reason !== 'no token or session') {
      this.#remember(key, await this.#vault.read(countFailure(this.#vault.system, key)));
    }
    throw new IdentityError('KT_UNAUTHENTICATED', UNKNOWN, HOW);
  }

  async #lockOf(key: string): Promise<number> {
    const known = this.#locked.get(key);
    if (known && known.until > this.#vault.clock()) return known.until;
    return this.#vault.read(lockedUntil(this.#vault.system, key));
  }

  #remember(key: string, until: number): void {
    if (until <= this.#vault.clock()) return;
    const known = this.#locked.get(key);
    if (known) known.until = until;
    else this.#locked.set(key, { until, refused: 0, summarisedAt: 0 });
  }

  /** Refuses without trying; the log gets one entry a minute that says how many there were. @throws IdentityError */
  async refuseLocked(request: FastifyRequest, key: string, until: number): Promise<never> {
    const now = this.#vault.clock();
    const known = this.#locked.get(key) ?? { until, refused: 0, summarisedAt: 0 };
    this.#locked.set(key, known);
    known.refused += 1;
    if (now - known.summarisedAt > SUMMARY_MS) {
      const details = { attempts: known.refused, key: key.split(':')[0] ?? '' };
      known.summarisedAt = now;
      known.refused = 0;
      const actor = { principal: 'unknown', source: sourceOf(request) };
      await this.#vault.log({ action: 'auth.limited', outcome: 'denied', details }, actor);
    }
    const seconds = Math.max(1, Math.ceil((until - now) / 1000));
    const next = `Wait ${seconds} s. Somebody with access to the host can end it: \`keyturn recover EMAIL\`.`;
    throw new IdentityError('KT_RATE_LIMITED', 'Too many failed attempts.', next, seconds);
  }
}

/** A browser sends cookies with requests that other sites make: those are refused by what it says of their origin. */
function checkOrigin(request: FastifyRequest): void {
  if (request.method === 'GET' || request.method === 'HEAD') return;
  const { origin, host } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const same = origin === undefined ? site === undefined || site === 'same-origin' : hostOf(origin) === host;
  if (same) return;
  throw new IdentityError('KT_UNAUTHENTICATED', 'The request comes from another site.', 'Use the page of this server.');
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/** Where a request comes from, and with what program: `http 203.0.113.4 curl/8`. */
export function sourceOf(request: FastifyRequest): string {
  // Only the first product and its main version: the rest changes with every update, and says too much of a person.
  const client = /^([A-Za-z][\w.-]{0,40}(?:\/\d{1,6})?)/.exec(request.headers['user-agent'] ?? '')?.[1];
  return client === undefined ? `http ${request.ip}` : `http ${request.ip} ${client}`;
}

function actorOf(request: FastifyRequest, caller: Caller) {
  return { principal: caller.principal, source: sourceOf(request), ...(caller.person && { person: true }) };
}

/** The route's pattern where there is one: a path may hold what should not be in a log. */
function pathOf(request: FastifyRequest): string {
  return `${request.method} ${request.routeOptions.url ?? 'no route'}`;
}
