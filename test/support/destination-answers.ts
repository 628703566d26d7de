// What destinations answer, by their documents: Vercel's environment variables and deployments, GitHub's Actions secrets.
import sodium from 'libsodium-wrappers';
import type { Asked, Reply } from './provider-server.ts';

const json = (status: number, body: unknown): Reply => ({ status, json: body });

interface Variable {
  id: string;
  key: string;
  value: string;
  type: string;
  target: string[];
  updatedAt: number;
}

/** A Vercel project: variables, and deployments that keep the variables as they were when they were made. */
export class VercelProject {
  variables: Variable[] = [];
  deployments: { uid: string; state: string; createdAt: number; env: Record<string, string>; looks: number }[] = [];
  /** How many looks a new deployment takes until it is ready. */
  readyAfter = 1;
  /** What new deployments end as. */
  endsAs = 'READY';
  readonly token: string;
  #now = 1_780_000_000_000;

  constructor(token: string) {
    this.token = token;
    this.deploy();
  }

  /** What the address of the project runs with. */
  get serving(): Record<string, string> {
    return this.deployments.filter((one) => one.state === 'READY').at(-1)?.env ?? {};
  }

  deploy(): string {
    this.#now += 1000;
    const env = Object.fromEntries(this.variables.map((one) => [one.key, one.value]));
    const uid = `dpl_${this.deployments.length + 1}`;
    const first = this.deployments.length === 0;
    this.deployments.push({ uid, state: first ? 'READY' : 'BUILDING', createdAt: this.#now, env, looks: 0 });
    return uid;
  }

  readonly answer = (asked: Asked): Reply => {
    if (asked.headers.authorization !== `Bearer ${this.token}`)
      return json(403, { error: { code: 'forbidden', invalidToken: true } });
    const { pathname } = asked.url;
    if (/^\/v10\/projects\/shop\/env$/.test(pathname)) return this.#env(asked);
    if (pathname.startsWith('/v9/projects/shop/env/')) {
      const id = pathname.split('/').at(-1);
      if (!this.variables.some((one) => one.id === id)) return json(404, { error: { code: 'not_found' } });
      this.variables = this.variables.filter((one) => one.id !== id);
      return json(200, {});
    }
    if (pathname === '/v7/deployments') {
      const ready = this.deployments.filter((one) => one.state === 'READY');
      return json(200, { deployments: ready.slice(-1).map((one) => ({ uid: one.uid, name: 'shop' })) });
    }
    if (pathname === '/v13/deployments' && asked.method === 'POST') {
      const uid = this.deploy();
      return json(200, { id: uid, createdAt: this.#now, readyState: 'QUEUED' });
    }
    return this.#look(pathname.split('/').at(-1) ?? '');
  };

  #look(uid: string): Reply {
    const found = this.deployments.find((one) => one.uid === uid);
    if (!found) return json(404, { error: { code: 'not_found' } });
    found.looks += 1;
    if (found.state === 'BUILDING' && found.looks > this.readyAfter) found.state = this.endsAs;
    return json(200, { id: uid, readyState: found.state, aliasAssigned: found.state === 'READY' ? this.#now : null });
  }

  #env(asked: Asked): Reply {
    if (asked.method === 'GET') {
      // Sensitive values are never read back.
      return json(200, { envs: this.variables.map(({ value: _, ...one }) => one) });
    }
    const { key, value, type, target } = JSON.parse(asked.body) as Variable;
    this.#now += 1000;
    const known = this.variables.find((one) => one.key === key);
    const made = { id: known?.id ?? `env_${key}`, key, value, type, target, updatedAt: this.#now };
    this.variables = [...this.variables.filter((one) => one.key !== key), made];
    return json(201, { created: { ...made, value: undefined }, failed: [] });
  }
}

/** Secrets of GitHub Actions; what arrives is opened with the private key, as GitHub does. */
export class GitHubSecrets {
  readonly secrets = new Map<string, { value: string; updatedAt: string }>();
  readonly token: string;
  /** The path below which the secrets are. */
  readonly base: string;
  #keys: { publicKey: Uint8Array; privateKey: Uint8Array } | undefined;
  #count = 0;

  constructor(token: string, base: string) {
    this.token = token;
    this.base = base;
  }

  async ready(): Promise<this> {
    await sodium.ready;
    this.#keys = sodium.crypto_box_keypair();
    return this;
  }

  readonly answer = (asked: Asked): Reply => {
    if (asked.headers.authorization !== `Bearer ${this.token}`) return json(401, { message: 'Bad credentials' });
    const { pathname } = asked.url;
    if (!this.#keys || !pathname.startsWith(this.base)) return json(404, { message: 'Not Found' });
    const name = pathname.slice(this.base.length + 1);
    if (name === 'public-key') {
      const key = sodium.to_base64(this.#keys.publicKey, sodium.base64_variants.ORIGINAL);
      return json(200, { key_id: 'k1', key });
    }
    if (name === '') {
      const secrets = [...this.secrets].map(([each, one]) => ({ name: each, updated_at: one.updatedAt }));
      return json(200, { total_count: secrets.length, secrets });
    }
    if (asked.method === 'PUT')
      return this.#put(name, JSON.parse(asked.body) as { encrypted_value: string; key_id: string });
    if (asked.method === 'DELETE')
      return this.secrets.delete(name) ? { status: 204 } : json(404, { message: 'Not Found' });
    const known = this.secrets.get(name);
    return known ? json(200, { name, updated_at: known.updatedAt }) : json(404, { message: 'Not Found' });
  };

  #put(name: string, body: { encrypted_value: string; key_id: string }): Reply {
    if (body.key_id !== 'k1' || !this.#keys) return json(422, { message: 'Bad key id' });
    const sealed = sodium.from_base64(body.encrypted_value, sodium.base64_variants.ORIGINAL);
    const opened = sodium.crypto_box_seal_open(sealed, this.#keys.publicKey, this.#keys.privateKey);
    this.#count += 1;
    const updatedAt = new Date(1_780_000_000_000 + this.#count * 1000).toISOString();
    this.secrets.set(name, { value: Buffer.from(opened).toString(), updatedAt });
    return json(201, {});
  }
}
