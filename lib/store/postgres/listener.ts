// Hears, by LISTEN and NOTIFY, that another process has changed something, and holds the claim on a chain of the audit
// log, by a lock that PostgreSQL gives back when the connection is gone.
import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import { connect, labelOf, postgresError } from './connection.ts';

const RECONNECT_PAUSE_MS = 250;
/** Chains that servers may claim. One that finds them all taken gets a chain of its own. */
const CHAINS = 64;
/** The first of the two numbers of our advisory locks: the bytes "kt". */
const LOCK_SPACE = 0x6b74;
/** How long, in ms, a notice of our own may take to come back. */
const ECHO_MS = 2_000;

export class ChangeListener {
  readonly #url: string;
  readonly #id = randomBytes(6).toString('hex');
  readonly #listeners: (() => void)[] = [];
  #client: Client | undefined;
  #hears = false;
  #channel = '';
  #schema = '';
  #chain = '';
  #stopped = false;
  #echo: (() => void) | undefined;

  private constructor(url: string) {
    this.#url = url;
  }

  static async start(url: string): Promise<ChangeListener> {
    const listener = new ChangeListener(url);
    try {
      await listener.#connect();
    } catch (error) {
      throw postgresError(labelOf(url), error);
    }
    return listener;
  }

  /** False while the connection is away, and where notices do not come through (a pooler that shares connections). */
  get listening(): boolean {
    return this.#hears;
  }

  get schema(): string {
    return this.#schema;
  }

  /** This process's chain of the audit log. */
  get chain(): string {
    return this.#chain;
  }

  /** The statement that tells other processes of a change, when its transaction commits. */
  get announcement(): string {
    return `select pg_notify('${this.#channel}', '${this.#id}')`;
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const client = this.#client;
    this.#client = undefined;
    this.#hears = false;
    await client?.end();
  }

  async #connect(): Promise<void> {
    const client = await connect(this.#url, { application_name: 'keyturn listener' });
    const schema = await client.query('select current_schema() as schema');
    this.#schema = String(schema.rows[0]?.schema);
    this.#channel = `keyturn_${this.#schema.replaceAll(/[^A-Za-z0-9_]/g, '_')}`.slice(0, 60);
    client.on('notification', ({ payload }) => {
      if (payload === this.#id) this.#echo?.();
      else this.#tell();
    });
    await client.query(`listen "${this.#channel}"`);
    this.#chain = await this.#claim(client);
    const heard = await this.#hearsItself(client);
    client.once('end', () => this.#lost());
    this.#client = client;
    // What happened while nobody listened is unknown.
    this.#tell();
    this.#hears = heard;
  }

  /** The first chain that nobody else has; after a restart that is most often the one from before. */
  async #claim(client: Client): Promise<string> {
    const schema = this.#channel;
    for (let number = 1; number <= CHAINS; number += 1) {
      const text = `select pg_try_advisory_lock(${LOCK_SPACE}, hashtext($1)) as mine`;
      const result = await client.query(text, [`${schema}/${number}`]);
      if (result.rows[0]?.mine === true) return `server-${number}`;
    }
    return `server-${this.#id}`;
  }

  async #hearsItself(client: Client): Promise<boolean> {
    const heard = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ECHO_MS);
      this.#echo = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    await client.query(this.announcement);
    return heard;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  #lost(): void {
    this.#client = undefined;
    this.#hears = false;
    if (!this.#stopped) void this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    while (!this.#stopped && !this.#client) {
      try {
        await this.#connect();
        return;
      } catch {
        // The database is still away: that is what this loop waits for.
        await new Promise((resolve) => setTimeout(resolve, RECONNECT_PAUSE_MS).unref());
      }
    }
  }
}
