// The read of one value by a program: the request that a server gets most. What it answers is kept in memory, sealed off
// from everything else that changes; only its entry in the log is new each time, and that is durable before the answer.
import { hash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AuditEvent } from '../audit/entry.ts';
import { nameKey } from '../catalog/catalog.ts';
import { asUtf8 } from '../crypto/bytes.ts';
import { all, first, type Operation } from '../store/operation.ts';
import { findSecret, selectTags } from '../store/statements/secrets.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment, Place } from '../vault/places.ts';
import { type OpenedVersion, openCurrent, readSecret, readVersion } from '../vault/read.ts';
import type { CachedSecret } from '../vault/secret-cache.ts';
import { secretTag } from '../vault/write.ts';
import { sent } from './change.ts';
import { contextOf, type Service } from './service.ts';

export interface ManyOptions {
  /** All that the caller may read where not given. */
  readonly names: readonly string[] | undefined;
  /** The versions before, too, while they are valid. */
  readonly previous: boolean;
}

interface InGrace {
  readonly name: string;
  readonly version: number;
  readonly validUntil: number;
}

/** A value as JSON: text where it is text. */
export function valueJson(opened: OpenedVersion) {
  const text = asUtf8(opened.value);
  return {
    name: opened.name,
    version: opened.version,
    ...(text === undefined ? { base64: opened.value.toString('base64') } : { value: text }),
    ...(opened.validUntil !== undefined && { validUntil: opened.validUntil }),
  };
}

const JSON_TYPE = 'application/json; charset=utf-8';

export class HotReader {
  readonly #service: Service;

  constructor(service: Service) {
    this.#service = service;
  }

  async answer(request: FastifyRequest, reply: FastifyReply, params: Place & { name: string }): Promise<never> {
    const { vault } = this.#service;
    const ctx = contextOf(this.#service, request);
    const environment = ctx.environment(params);
    const { name } = params;
    const where = { project: environment.project, environment: environment.name };
    // The one question about access, without its generator: what is refused goes the ordinary way, which logs it.
    if (ctx.access.denial('read', { ...where, name }) !== undefined) {
      await vault.read(ctx.authorize('read', { action: 'secret.read', ...where, secret: name }));
    }
    const found = this.#known(environment, name) ?? (await this.#find(ctx, environment, name));
    const { answer, tag } = found;
    const unchanged = request.headers['if-none-match'] === tag;
    // A copy, taken before the wait: the one that is kept is zeroed when anything changes.
    const copy = unchanged ? undefined : Buffer.from(answer);
    await vault.log(
      {
        action: 'secret.read',
        ...where,
        secret: found.name,
        version: found.version,
        ...(unchanged && { details: UNCHANGED }),
      },
      ctx.actor,
    );
    vault.countRead(found.secretId, vault.clock(), ctx.principal);
    reply.header('etag', tag);
    if (copy) reply.header('content-type', JSON_TYPE).send(copy);
    else reply.code(304).send();
    return sent(reply);
  }

  /** Many values in one answer: all that the caller may read, or named ones. Their entries hold many names each. */
  async answerMany(request: FastifyRequest, reply: FastifyReply, at: Place, options: ManyOptions): Promise<never> {
    const { names } = options;
    const ctx = contextOf(this.#service, request);
    const environment = ctx.environment(at);
    const where = { project: environment.project, environment: environment.name };
    const wanted = await this.#wanted(ctx, environment, names);
    const found: CachedSecret[] = [];
    const copies: Buffer[] = [];
    const missing: string[] = [];
    for (const name of wanted) {
      const one = this.#known(environment, name) ?? (await this.#look(ctx, environment, name));
      if (!one) {
        missing.push(name);
        continue;
      }
      found.push(one);
      copies.push(COMMA, Buffer.from(one.answer));
    }
    const grace = options.previous ? await this.#inGrace(environment, found) : [];
    const state = JSON.stringify([found.map((one) => [one.name, one.tag]), missing, grace]);
    const etag = `"${hash('sha256', state, 'base64url').slice(0, 27)}"`;
    const unchanged = request.headers['if-none-match'] === etag;
    await this.#logMany(ctx, where, found, missing, unchanged);
    reply.header('etag', etag);
    if (unchanged) reply.code(304).send();
    else {
      const previous = options.previous ? `,"previous":${JSON.stringify(await this.#previous(ctx, at, grace))}` : '';
      const tail = Buffer.from(`],"missing":${JSON.stringify(missing)}${previous}}`);
      const body = Buffer.concat([HEAD, ...copies.slice(1), tail]);
      reply.header('content-type', JSON_TYPE).send(body);
    }
    for (const copy of copies) if (copy !== COMMA) copy.fill(0);
    return sent(reply);
  }

  /** Which of them have a version before that is still valid. */
  async #inGrace(environment: Environment, found: readonly CachedSecret[]): Promise<InGrace[]> {
    const { vault } = this.#service;
    const rows = await vault.read(all(selectTags, { environmentId: environment.id }));
    const names = new Set(found.map((one) => one.name));
    return rows.flatMap(({ name, previous_version: version, previous_valid_until: validUntil }) =>
      version !== null && validUntil !== null && validUntil > vault.clock() && names.has(name)
        ? [{ name, version, validUntil }]
        : [],
    );
  }

  async #previous(ctx: VaultContext, at: Place, grace: readonly InGrace[]): Promise<object[]> {
    const previous: object[] = [];
    for (const { name, version, validUntil } of grace) {
      const opened = await this.#service.vault.read(readVersion(ctx, at, name, version, { purpose: 'grace' }));
      previous.push({ ...valueJson(opened), validUntil });
      opened.value.fill(0);
    }
    return previous;
  }

  async #wanted(ctx: VaultContext, environment: Environment, names: readonly string[] | undefined): Promise<string[]> {
    const { vault } = this.#service;
    const where = { project: environment.project, environment: environment.name };
    if (names) {
      const wanted = [...new Set(names.map(nameKey))];
      const refused = wanted.find((name) => ctx.access.denial('read', { ...where, name }) !== undefined);
      if (refused !== undefined) {
        await vault.read(ctx.authorize('read', { action: 'secret.read', ...where, secret: refused }));
      }
      return wanted;
    }
    await vault.read(ctx.authorize('read', { action: 'secret.read', ...where }));
    const rows = await vault.read(all(selectTags, { environmentId: environment.id }));
    return rows.filter((row) => ctx.mayReach('read', environment, row.name)).map((row) => row.name_key);
  }

  async #logMany(
    ctx: VaultContext,
    where: { project: string; environment: string },
    found: readonly CachedSecret[],
    missing: readonly string[],
    unchanged: boolean,
  ): Promise<void> {
    const { vault } = this.#service;
    const events: AuditEvent[] = [];
    for (let from = 0; from < found.length; from += NAMES_IN_ENTRY) {
      const part = found.slice(from, from + NAMES_IN_ENTRY).map((one) => [one.name, one.version] as const);
      events.push({ action: 'secret.read', ...where, details: Object.fromEntries(part) });
    }
    if (unchanged) events.splice(0, events.length, { action: 'secret.read', ...where, details: UNCHANGED });
    if (missing.length > 0) {
      const details = { code: 'KT_SECRET_NOT_FOUND', missing: missing.length };
      events.push({ action: 'secret.read', outcome: 'failed', ...where, details });
    }
    if (events.length === 0) events.push({ action: 'secret.read', ...where });
    await Promise.all(events.map((event) => vault.log(event, ctx.actor)));
    const now = vault.clock();
    for (const one of found) vault.countRead(one.secretId, now, ctx.principal);
  }

  #known(environment: Environment, name: string): CachedSecret | undefined {
    const { vault } = this.#service;
    vault.state.lease?.beforeUse();
    return vault.store.coherent ? vault.cache.get(`${environment.id}/${nameKey(name)}`) : undefined;
  }

  /** @throws NotFoundError, which is in the log then */
  async #find(ctx: VaultContext, environment: Environment, name: string): Promise<CachedSecret> {
    const found = await this.#look(ctx, environment, name);
    if (found) return found;
    const { vault } = this.#service;
    const at = { project: environment.project, environment: environment.name };
    const opened = await vault.read(readSecret(ctx, at, name));
    // It has come to be in between.
    opened.value.fill(0);
    return this.#find(ctx, environment, name);
  }

  async #look(ctx: VaultContext, environment: Environment, name: string): Promise<CachedSecret | undefined> {
    const { vault } = this.#service;
    const { generation } = vault.cache;
    const found = await vault.read(lookUp(ctx, environment, name));
    if (found) vault.cache.put(`${environment.id}/${nameKey(name)}`, found, generation);
    return found;
  }
}

const HEAD = Buffer.from('{"secrets":[');
const COMMA = Buffer.from(',');
/** How many names one entry of the log holds, so that it stays a few kilobytes. */
const NAMES_IN_ENTRY = 100;
const UNCHANGED = { unchanged: true };

/** Finds and opens; undefined where there is none. One that does not open fails, and that is logged. */
function* lookUp(ctx: VaultContext, environment: Environment, name: string): Operation<CachedSecret | undefined> {
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
  if (!row || row.deleted_at !== null || row.current_version === 0) return undefined;
  const opened = yield* openCurrent(ctx, environment, name);
  const answer = Buffer.from(JSON.stringify(valueJson(opened)), 'utf8');
  opened.value.fill(0);
  const tag = `"${secretTag({ ...row, current_version: opened.version })}"`;
  return { secretId: opened.secretId, name: opened.name, version: opened.version, tag, answer };
}
