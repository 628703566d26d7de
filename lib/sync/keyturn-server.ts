// Another Keyturn: a server that keeps a copy, by its REST API and a machine token.
import type { KeyturnDestination } from '../config/operations.ts';
import { comparedByMark, type Declaration, Declared } from './declared.ts';
import type { Destination, Drift, Item, Remote, SyncCall } from './destination.ts';
import { request } from './requests.ts';

const TITLE = 'The other Keyturn';
const PAGE = 1000;

export class KeyturnPlace extends Declared implements Destination {
  readonly kind = 'keyturn';
  readonly #config: KeyturnDestination;

  constructor(declaration: Declaration, config: KeyturnDestination) {
    super(declaration);
    this.#config = config;
  }

  get title(): string {
    return `Keyturn at ${new URL(this.#config.url).host} (${this.#config.project}/${this.#config.environment})`;
  }

  get credential(): string {
    return this.#config.token;
  }

  #url(path: string): string {
    const { url, project, environment } = this.#config;
    const base = url.replace(/\/$/, '');
    const of = encodeURIComponent;
    return `${base}/v1/projects/${of(project)}/environments/${of(environment)}/secrets${path}`;
  }

  #headers(call: SyncCall): Record<string, string> {
    return { authorization: `Bearer ${call.credential}` };
  }

  async push(call: SyncCall, item: Item): Promise<Remote> {
    const answer = await request(call, TITLE, `setting ${item.name}`, {
      method: 'PUT',
      url: this.#url(`/${encodeURIComponent(item.name)}`),
      headers: { ...this.#headers(call), 'if-match': '*' },
      json: { value: item.value },
    });
    return { version: (answer.json as { version?: number }).version };
  }

  async compare(
    call: SyncCall,
    items: readonly (Item & { readonly remote: Remote | undefined })[],
  ): Promise<Map<string, Drift>> {
    const there = new Map((await this.#all(call)).map((one) => [one.name.toUpperCase(), one.version]));
    return comparedByMark(items, there, (remote) => remote.version);
  }

  async #all(call: SyncCall): Promise<{ name: string; version: number }[]> {
    const found: { name: string; version: number }[] = [];
    let cursor: string | null = null;
    do {
      const query = new URLSearchParams({ limit: String(PAGE), ...(cursor !== null && { cursor }) });
      const sent = { url: `${this.#url('')}?${query}`, headers: this.#headers(call) };
      const answer = await request(call, TITLE, 'the list of secrets', sent);
      const page = answer.json as { secrets: { name: string; version: number }[]; next: string | null };
      found.push(...page.secrets);
      cursor = page.next;
    } while (cursor !== null);
    return found;
  }

  async list(call: SyncCall): Promise<string[]> {
    return (await this.#all(call)).map((one) => one.name);
  }

  async remove(call: SyncCall, name: string): Promise<void> {
    const sent = {
      method: 'DELETE' as const,
      url: this.#url(`/${encodeURIComponent(name)}`),
      headers: { ...this.#headers(call), 'if-match': '*' },
    };
    await request(call, TITLE, `removing ${name}`, sent, [404]);
  }
}
