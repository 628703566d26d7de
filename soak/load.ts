// The mixed load: clients that write, read one and many, rotate, make tokens and revoke them, against whichever server comes next, and
// note each answer. What got no answer may be done or not; what was answered has to hold.
import { setTimeout as wait } from 'node:timers/promises';
import { type NameRecord, newValue, type SoakRecord, STALE_BOUND_MS } from './record.ts';
import type { SoakServer } from './servers.ts';

const PLACE = '/v1/projects/default/environments/development';
const ANSWER_MS = 20_000;
const NAMES_EACH = 5;
/** Between two operations of one client: the machine is to be busy, not overrun. */
const PAUSE_MS = 15;

interface Answer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: answers of every shape
  readonly body: any;
}

export interface LoadInput {
  readonly servers: readonly SoakServer[];
  readonly token: string;
  /** The owner's session, for tokens. */
  readonly session: string;
  readonly record: SoakRecord;
  readonly clients: number;
}

export class Load {
  readonly #at: LoadInput;
  #stop = false;
  #turn = 0;
  readonly #clients: Promise<void>[];

  constructor(at: LoadInput) {
    this.#at = at;
    this.#clients = Array.from({ length: at.clients }, (_, index) => this.#client(index));
    this.#clients.push(this.#rotator('JWT_SECRET', 1500), this.#rotator('OPENAI_API_KEY', 4000), this.#revoker());
  }

  async end(): Promise<void> {
    this.#stop = true;
    await Promise.all(this.#clients);
  }

  /** @returns undefined where no answer came */
  async #ask(method: string, path: string, body?: unknown, as = this.#at.token): Promise<Answer | undefined> {
    const { servers, record } = this.#at;
    this.#turn += 1;
    const server = servers[this.#turn % servers.length];
    if (!server) throw new Error('no server');
    const credentials = as.startsWith('kt_') ? { authorization: `Bearer ${as}` } : { cookie: as, origin: server.url };
    try {
      const response = await fetch(server.url + path, {
        method,
        headers: {
          ...credentials,
          ...(method === 'PUT' && { 'if-match': '*' }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const text = await response.text();
      if (response.status >= 500 || response.status === 429) record.counts.refused += 1;
      return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
    } catch {
      // The server is gone, or the answer is: what was asked may or may not be done.
      record.counts.lost += 1;
      await wait(50);
      return undefined;
    }
  }

  async #client(index: number): Promise<void> {
    for (let n = 0; !this.#stop; n += 1) {
      const name = `SOAK_${index}_${n % NAMES_EACH}`;
      if (n % 3 === 0) await this.#write(name);
      else await this.#read(index, n);
      if (n % 10 === 9) await this.#readMany(index);
      await wait(PAUSE_MS);
    }
  }

  async #write(name: string): Promise<void> {
    const { record } = this.#at;
    const write: NameRecord['writes'][number] = { value: newValue() };
    record.of(name).writes.push(write);
    const answer = await this.#ask('PUT', `${PLACE}/secrets/${name}`, { value: write.value });
    if (answer?.status !== 200 && answer?.status !== 201) return;
    write.version = answer.body.version;
    write.at = performance.now();
    record.counts.writes += 1;
  }

  /** Any client's names: what others wrote has to be seen too. */
  async #read(index: number, n: number): Promise<void> {
    const name = `SOAK_${(index + n) % this.#at.clients}_${n % NAMES_EACH}`;
    const floor = this.#at.record.of(name).floor(performance.now());
    const answer = await this.#ask('GET', `${PLACE}/secrets/${name}`);
    if (answer?.status === 404 && floor > 0) this.#at.record.violated(`${name} was not found, after version ${floor}`);
    if (answer?.status === 200) this.#seen(name, answer.body, floor);
  }

  async #readMany(index: number): Promise<void> {
    const { record } = this.#at;
    const names = Array.from({ length: NAMES_EACH }, (_, n) => `SOAK_${index}_${n}`);
    const floors = names.map((name) => record.of(name).floor(performance.now()));
    if (floors.includes(0)) return;
    const answer = await this.#ask('GET', `${PLACE}/values?names=${names.join(',')}`);
    if (answer?.status !== 200) return;
    record.counts.bulk += 1;
    for (const one of answer.body.secrets) this.#seen(one.name, one, floors[names.indexOf(one.name)] ?? 0);
  }

  #seen(name: string, { version, value }: { version: number; value: string }, floor: number): void {
    const { record } = this.#at;
    const known = record.of(name);
    record.counts.reads += 1;
    known.reads.set(version, (known.reads.get(version) ?? 0) + 1);
    if (version < floor) {
      record.violated(`${name}: version ${version} was given ${STALE_BOUND_MS} ms after ${floor} was acknowledged`);
    }
    const write = known.writes.find((one) => one.version === version);
    const right = write ? write.value === value : known.writes.some((one) => one.value === value);
    if (!right) record.violated(`${name}: version ${version} has a value that was not written as it`);
  }

  async #rotator(name: string, everyMs: number): Promise<void> {
    const { record } = this.#at;
    while (!this.#stop) {
      const graceMs = name === 'JWT_SECRET' ? 500 : 0;
      const answer = await this.#ask('POST', `${PLACE}/secrets/${name}/rotate`, { graceMs });
      if (answer?.status === 200) {
        record.rotations.add(answer.body.id);
        record.counts.rotations += 1;
      }
      await wait(everyMs);
    }
  }

  /** A token that was revoked opens nothing on any server, once the bound is over. */
  async #revoker(): Promise<void> {
    const { record, session, servers } = this.#at;
    while (!this.#stop) {
      await wait(2000);
      const body = { name: 'soak', project: 'default', environment: 'development', permissions: ['read'] };
      const made = await this.#ask('POST', '/v1/tokens', body, session);
      if (made?.status !== 201) continue;
      const { token, summary } = made.body;
      for (const _ of servers) await this.#ask('GET', `${PLACE}/secrets/JWT_SECRET`, undefined, token);
      const revoked = await this.#ask('DELETE', `/v1/tokens/${summary.id}`, undefined, session);
      if (revoked?.status !== 200) continue;
      record.counts.revocations += 1;
      await wait(STALE_BOUND_MS);
      for (const _ of servers) {
        const read = await this.#ask('GET', `${PLACE}/secrets/JWT_SECRET`, undefined, token);
        if (read?.status === 200) record.violated('a token that was revoked a second ago was still taken');
      }
    }
  }
}
