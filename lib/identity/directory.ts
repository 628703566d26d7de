// Who is who, as a server keeps it in memory: tokens by their hash, people's grants. Dropped as a whole whenever
// anything changes, here or on another server, so that a revoked token is refused at once.
import { BlockList, isIP } from 'node:net';
import { first } from '../store/operation.ts';
import type { TokenTable } from '../store/schema.ts';
import { findTokenByHash } from '../store/statements/access.ts';
import { type Access, grantedAccess } from '../vault/access.ts';
import { isPermission } from '../vault/policy.ts';
import type { ServedVault } from '../vault/served-vault.ts';
import { grantsOf } from './people.ts';
import { tokenSummary } from './tokens.ts';

export interface KnownToken {
  readonly id: string;
  /** How the log names it. */
  readonly principal: string;
  readonly access: Access;
  readonly expiresAt: number;
  readonly revokedAt: number;
  readonly limited: boolean;
  /** Undefined where it may come from anywhere. */
  readonly addresses: BlockList | undefined;
}

/** How many tokens and people are kept at most; beyond, the oldest are looked up again. */
const CAPACITY = 10_000;

function blockList(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of addresses) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

export class Directory {
  readonly #vault: ServedVault;
  readonly #tokens = new Map<string, KnownToken>();
  readonly #people = new Map<string, Access>();
  #generation = 0;

  constructor(vault: ServedVault) {
    this.#vault = vault;
    vault.onChange(() => this.#clear());
  }

  #clear(): void {
    this.#generation += 1;
    this.#tokens.clear();
    this.#people.clear();
  }

  /** A token that is in memory. @param memory SHA-256 of the token, base64 */
  known(memory: string): KnownToken | undefined {
    return this.#vault.store.coherent ? this.#tokens.get(memory) : undefined;
  }

  /**
   * @param hash HMAC-SHA-256 of the token, as the store has it
   * @param memory what to keep it in memory by
   */
  async token(hash: Buffer, memory: string): Promise<KnownToken | undefined> {
    const generation = this.#generation;
    const row = await this.#vault.read(first(findTokenByHash, { hash }));
    if (!row) return undefined;
    const token = this.#knownToken(row);
    if (generation === this.#generation) remember(this.#tokens, memory, token);
    return token;
  }

  async person(id: string): Promise<Access> {
    const known = this.#vault.store.coherent ? this.#people.get(id) : undefined;
    if (known) return known;
    const generation = this.#generation;
    const access = grantedAccess(await this.#vault.read(grantsOf(this.#vault.system, id)));
    if (generation === this.#generation) remember(this.#people, id, access);
    return access;
  }

  #knownToken(row: TokenTable): KnownToken {
    const summary = tokenSummary(this.#vault.system, row);
    const { project, environment, names, addresses } = summary;
    // A place that is not there any more gives nothing.
    const gone = project === '' || (row.environment_id !== null && environment === undefined);
    const permissions = new Set(gone ? [] : summary.permissions.filter(isPermission));
    return {
      id: row.id,
      principal: `token:${row.name} (${row.id})`,
      access: grantedAccess([{ permissions, project, environment, names }]),
      expiresAt: row.expires_at ?? Number.POSITIVE_INFINITY,
      revokedAt: endOf(row),
      limited: row.max_uses !== null,
      addresses: addresses && blockList(addresses),
    };
  }
}

/**
 * When a token ends. One that was revoked or frozen has ended, whatever the time of that says: the clock of the server that did it
 * may be ahead of this one's. Only one that was replaced is valid until a time.
 */
function endOf(row: TokenTable): number {
  if (row.frozen_at !== null) return 0;
  if (row.revoked_at === null) return Number.POSITIVE_INFINITY;
  return row.replaced_by === null ? 0 : row.revoked_at;
}

function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.set(key, value);
  if (map.size <= CAPACITY) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}
