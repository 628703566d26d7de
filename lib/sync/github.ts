// GitHub Actions: secrets of a repository, of one of its environments, or of an organisation, sealed to the place's public
// key as GitHub demands it (a libsodium sealed box). A job reads them when it starts: being there is being in use.
import type { GitHubDestination } from '../config/operations.ts';
import { comparedByMark, type Declaration, Declared } from './declared.ts';
import type { Destination, Drift, Item, Remote, SyncCall } from './destination.ts';
import { SyncError } from './destination.ts';
import { request } from './requests.ts';

const TITLE = 'GitHub';
const BASE_URL = 'https://api.github.com';
const PAGE = 100;

/** @returns base64 */
async function sealedBox(value: string, publicKey: string): Promise<string> {
  const sodium = (await import('libsodium-wrappers')).default;
  await sodium.ready;
  const sealed = sodium.crypto_box_seal(
    Buffer.from(value, 'utf8'),
    sodium.from_base64(publicKey, sodium.base64_variants.ORIGINAL),
  );
  return sodium.to_base64(sealed, sodium.base64_variants.ORIGINAL);
}

export class GitHubPlace extends Declared implements Destination {
  readonly kind = 'github';
  readonly #config: GitHubDestination;

  constructor(declaration: Declaration, config: GitHubDestination) {
    super(declaration);
    this.#config = config;
  }

  get title(): string {
    const { owner, repository, githubEnvironment } = this.#config;
    if (repository === undefined) return `GitHub organisation ${owner}`;
    return `GitHub ${owner}/${repository}${githubEnvironment === undefined ? '' : `, environment ${githubEnvironment}`}`;
  }

  get credential(): string {
    return this.#config.token;
  }

  #url(path: string): string {
    const { baseUrl = BASE_URL, owner, repository, githubEnvironment } = this.#config;
    const base = baseUrl.replace(/\/$/, '');
    const of = encodeURIComponent;
    if (repository === undefined) return `${base}/orgs/${of(owner)}/actions/secrets${path}`;
    const whole = `${base}/repos/${of(owner)}/${of(repository)}`;
    if (githubEnvironment === undefined) return `${whole}/actions/secrets${path}`;
    return `${whole}/environments/${of(githubEnvironment)}/secrets${path}`;
  }

  #headers(call: SyncCall): Record<string, string> {
    return {
      authorization: `Bearer ${call.credential}`,
      accept: 'application/vnd.github+json',
      'x-github-api-version': '2022-11-28',
    };
  }

  async push(call: SyncCall, item: Item): Promise<Remote> {
    const headers = this.#headers(call);
    const answer = await request(call, TITLE, 'its public key', { url: this.#url('/public-key'), headers });
    const { key, key_id } = answer.json as { key?: string; key_id?: string };
    if (key === undefined || key_id === undefined) throw new SyncError("GitHub's answer has no public key", false);
    await request(call, TITLE, `setting ${item.name}`, {
      method: 'PUT',
      url: this.#url(`/${encodeURIComponent(item.name)}`),
      headers,
      json: {
        encrypted_value: await sealedBox(item.value, key),
        key_id,
        ...(this.#config.repository === undefined && { visibility: this.#config.visibility ?? 'private' }),
      },
    });
    const put = await request(call, TITLE, `a look at ${item.name}`, {
      url: this.#url(`/${encodeURIComponent(item.name)}`),
      headers,
    });
    return { updatedAt: (put.json as { updated_at?: string }).updated_at };
  }

  async compare(
    call: SyncCall,
    items: readonly (Item & { readonly remote: Remote | undefined })[],
  ): Promise<Map<string, Drift>> {
    const there = new Map((await this.#all(call)).map((one) => [one.name.toUpperCase(), one.updated_at]));
    return comparedByMark(items, there, (remote) => remote.updatedAt as string | undefined);
  }

  async #all(call: SyncCall): Promise<{ name: string; updated_at: string }[]> {
    const found: { name: string; updated_at: string }[] = [];
    for (let page = 1; ; page += 1) {
      const answer = await request(call, TITLE, 'the list of secrets', {
        url: `${this.#url('')}?per_page=${PAGE}&page=${page}`,
        headers: this.#headers(call),
      });
      const secrets = (answer.json as { secrets?: { name: string; updated_at: string }[] }).secrets ?? [];
      found.push(...secrets);
      if (secrets.length < PAGE) return found;
    }
  }

  async list(call: SyncCall): Promise<string[]> {
    return (await this.#all(call)).map((one) => one.name);
  }

  async remove(call: SyncCall, name: string): Promise<void> {
    const sent = {
      method: 'DELETE' as const,
      url: this.#url(`/${encodeURIComponent(name)}`),
      headers: this.#headers(call),
    };
    await request(call, TITLE, `removing ${name}`, sent, [404]);
  }
}
