// Vercel: environment variables of a project, always of the type "sensitive". A change is in use from the next deployment
// on, not on the one that runs: so after a push the project is deployed again, and only what is ready is live.
import type { VercelDestination } from '../config/operations.ts';
import { comparedByMark, type Declaration, Declared } from './declared.ts';
import type { Destination, Drift, Item, Progress, Remote, SyncCall } from './destination.ts';
import { SyncError } from './destination.ts';
import { request } from './requests.ts';

const TITLE = 'Vercel';
const BASE_URL = 'https://api.vercel.com';
/** How often, in ms, a deployment on its way is looked at. */
const LOOK_MS = 5_000;
const FAILED = new Set(['ERROR', 'CANCELED', 'DELETED']);

interface Variable {
  readonly id: string;
  readonly key: string;
  readonly type: string;
  readonly target?: string | readonly string[];
  readonly updatedAt?: number;
}

export class VercelPlace extends Declared implements Destination {
  readonly kind = 'vercel';
  readonly #config: VercelDestination;
  /** One deployment for all that one moment pushes: by when it was asked for. */
  #started: { readonly id: string; readonly at: number } | undefined;

  constructor(declaration: Declaration, config: VercelDestination) {
    super(declaration);
    this.#config = config;
  }

  get title(): string {
    return `Vercel project ${this.#config.project} (${this.#targets.join(', ')})`;
  }

  get credential(): string {
    return this.#config.token;
  }

  get #targets(): readonly string[] {
    return this.#config.targets ?? ['production'];
  }

  #url(path: string, query: Record<string, string> = {}): string {
    const { baseUrl = BASE_URL, team } = this.#config;
    const search = new URLSearchParams({ ...query, ...(team !== undefined && { teamId: team }) }).toString();
    return `${baseUrl.replace(/\/$/, '')}${path}${search === '' ? '' : `?${search}`}`;
  }

  get #projectPath(): string {
    return `/projects/${encodeURIComponent(this.#config.project)}`;
  }

  #headers(call: SyncCall): Record<string, string> {
    return { authorization: `Bearer ${call.credential}` };
  }

  async push(call: SyncCall, item: Item): Promise<Remote> {
    const answer = await request(call, TITLE, `setting ${item.name}`, {
      method: 'POST',
      // With upsert, a second one changes nothing.
      repeatable: true,
      url: this.#url(`/v10${this.#projectPath}/env`, { upsert: 'true' }),
      headers: this.#headers(call),
      json: { key: item.name, value: item.value, type: 'sensitive', target: this.#targets },
    });
    const { created } = answer.json as { created?: Variable | Variable[] };
    const made = Array.isArray(created) ? created[0] : created;
    if (made?.id === undefined) throw new SyncError(`Vercel's answer to setting ${item.name} has no id`, false);
    return { id: made.id, updatedAt: made.updatedAt };
  }

  async settle(call: SyncCall, remote: Remote): Promise<Progress> {
    if (this.#config.redeploy === false) return { state: 'live' };
    if (remote.deployment === undefined) {
      const deployment = await this.#deploy(call, remote);
      return { state: 'deploying', remote: { ...remote, deployment }, afterMs: LOOK_MS };
    }
    const answer = await request(call, TITLE, 'a look at the deployment', {
      url: this.#url(`/v13/deployments/${encodeURIComponent(remote.deployment)}`),
      headers: this.#headers(call),
    });
    const { readyState, aliasAssigned } = answer.json as { readyState?: string; aliasAssigned?: unknown };
    if (readyState !== undefined && FAILED.has(readyState)) {
      return { state: 'failed', why: `the deployment on Vercel ended as ${readyState}` };
    }
    // Ready is built; serving is what the project's address leads to.
    const serving = readyState === 'READY' && aliasAssigned !== false && aliasAssigned !== null;
    return serving ? { state: 'live' } : { state: 'deploying', remote, afterMs: LOOK_MS };
  }

  /** Deploys what runs now once more; a deployment that began after this push is good for it too. */
  async #deploy(call: SyncCall, remote: Remote): Promise<string> {
    const pushedAt = Number(remote.updatedAt ?? call.now);
    if (this.#started && this.#started.at >= pushedAt) return this.#started.id;
    const target = this.#targets.includes('production') ? 'production' : 'preview';
    const listed = await request(call, TITLE, 'the list of deployments', {
      url: this.#url('/v7/deployments', { projectId: this.#config.project, target, state: 'READY', limit: '1' }),
      headers: this.#headers(call),
    });
    const [last] = (listed.json as { deployments?: { uid: string; name?: string }[] }).deployments ?? [];
    if (!last) throw new SyncError(`Vercel has no deployment of ${this.#config.project} to repeat`, false);
    const answer = await request(call, TITLE, 'a new deployment', {
      method: 'POST',
      url: this.#url('/v13/deployments', { forceNew: '1' }),
      headers: this.#headers(call),
      json: { name: last.name ?? this.#config.project, deploymentId: last.uid, target, project: this.#config.project },
    });
    const { id, createdAt } = answer.json as { id?: string; createdAt?: number };
    if (id === undefined) throw new SyncError("Vercel's answer to a new deployment has no id", false);
    this.#started = { id, at: createdAt ?? call.now };
    return id;
  }

  async #variables(call: SyncCall): Promise<Variable[]> {
    const answer = await request(call, TITLE, 'the list of variables', {
      url: this.#url(`/v10${this.#projectPath}/env`),
      headers: this.#headers(call),
    });
    const { envs } = answer.json as { envs?: Variable[] };
    return (envs ?? []).filter((one) => [one.target ?? []].flat().some((target) => this.#targets.includes(target)));
  }

  /** A sensitive value cannot be read back: a change is told by its time. */
  async compare(
    call: SyncCall,
    items: readonly (Item & { readonly remote: Remote | undefined })[],
  ): Promise<Map<string, Drift>> {
    const variables = await this.#variables(call);
    // One that somebody has made readable is not what was put there, whenever that was.
    const there = new Map(
      variables.map((one) => [one.key.toUpperCase(), one.type === 'sensitive' ? one.updatedAt : 0] as const),
    );
    return comparedByMark(items, there, (remote) =>
      remote.updatedAt === undefined ? undefined : Number(remote.updatedAt),
    );
  }

  async list(call: SyncCall): Promise<string[]> {
    return (await this.#variables(call)).map((one) => one.key);
  }

  async remove(call: SyncCall, name: string): Promise<void> {
    for (const found of (await this.#variables(call)).filter((one) => one.key === name)) {
      const sent = {
        method: 'DELETE' as const,
        url: this.#url(`/v9${this.#projectPath}/env/${encodeURIComponent(found.id)}`),
        headers: this.#headers(call),
      };
      await request(call, TITLE, `removing ${name}`, sent, [404]);
    }
  }
}
