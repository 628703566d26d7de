// The read of one value by a program: the request that a server gets most. What it answers is kept in memory, sealed off
// from everything else that changes; only its entry in the log is new each time, and that is durable before the answer.
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { nameKey } from '../catalog/catalog.ts';
import { asUtf8 } from '../crypto/bytes.ts';
import { all, first, type Operation } from '../store/operation.ts';
import { findSecret, selectTags } from '../store/statements/secrets.ts';
import type { VaultContext } from '../vault/context.ts';
import type { Environment, Place } from '../vault/places.ts';
import { openCurrent, readSecret } from '../vault/read.ts';
import type { CachedSecret } from '../vault/secret-cache.ts';
import { secretTag } from '../vault/write.ts';
import { sent } from './change.ts';
import { contextOf, type Service } from './service.ts';

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
    const found = await this.#find(ctx, environment, name);
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

  #find(ctx: VaultContext, environment: Environment, name: string): CachedSecret | Promise<CachedSecret> {
    const { vault } = this.#service;
    const key = `${environment.id}/${nameKey(name)}`;
    const known = vault.store.coherent ? vault.cache.get(key) : undefined;
    return known ?? this.#look(ctx, environment, name, key);
  }

  async #look(ctx: VaultContext, environment: Environment, name: string, key: string): Promise<CachedSecret> {
    const { vault } = this.#service;
    const { generation } = vault.cache;
    const found = await vault.read(lookUp(ctx, environment, name));
    vault.cache.put(key, found, generation);
    return found;
  }
}

const UNCHANGED = { unchanged: true };

/** Finds and opens; a failure is logged the ordinary way. */
function* lookUp(ctx: VaultContext, environment: Environment, name: string): Operation<CachedSecret> {
  const row = yield* first(findSecret, { environmentId: environment.id, nameKey: nameKey(name) });
  if (!row || row.deleted_at !== null || row.current_version === 0) {
    // Throws, and says why in the log.
    const opened = yield* readSecret(ctx, { project: environment.project, environment: environment.name }, name);
    opened.value.fill(0);
  }
  const opened = yield* openCurrent(ctx, environment, name);
  const text = asUtf8(opened.value);
  const body = {
    name: opened.name,
    version: opened.version,
    ...(text === undefined ? { base64: opened.value.toString('base64') } : { value: text }),
  };
  const answer = Buffer.from(JSON.stringify(body), 'utf8');
  opened.value.fill(0);
  const tag = row ? secretTag({ ...row, current_version: opened.version }) : String(opened.version);
  return { secretId: opened.secretId, name: opened.name, version: opened.version, tag: `"${tag}"`, answer };
}

/** Names one state of a set of secrets. Opens nothing. */
export function* environmentTag(ctx: VaultContext, at: Place, names: readonly string[] | undefined): Operation<string> {
  const environment = ctx.environment(at);
  const where = { project: environment.project, environment: environment.name };
  yield* ctx.authorize('read', { action: 'secret.read', ...where });
  const rows = yield* all(selectTags, { environmentId: environment.id });
  const wanted = names && new Set(names.map(nameKey));
  const hash = createHash('sha256');
  for (const row of rows) {
    if (wanted && !wanted.has(row.name_key)) continue;
    if (ctx.mayReach('read', environment, row.name)) hash.update(`${row.name_key}\n${row.current_version}\n`);
  }
  return hash.digest('base64url').slice(0, 27);
}
