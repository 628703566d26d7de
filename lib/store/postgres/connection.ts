// Connections to PostgreSQL: how they are made, and what their errors mean in our words.
import { Client, type ClientConfig, type PoolConfig, types } from 'pg';
import { StoreError } from '../../errors.ts';

/** How long, in ms, a connection may take to come up. */
const CONNECT_MS = 10_000;

const INT8 = 20;

/** Numbers of 64 bits come as text otherwise; ours (times, counts) are all below 2^53. */
const typeParsers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? Number
      : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser,
};

/** A database's address without its password, for messages. */
export function labelOf(url: string): string {
  try {
    const { username, host, pathname } = new URL(url);
    return `postgres://${username ? `${username}@` : ''}${host}${pathname}`;
  } catch {
    throw new StoreError('KT_STORE_UNUSABLE', {
      what: 'KEYTURN_DATABASE_URL is not an address.',
      next: 'Write it as postgres://user:password@host:5432/database.',
    });
  }
}

function clientConfig(url: string, more: Partial<ClientConfig> = {}): ClientConfig {
  return {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    application_name: 'keyturn',
    types: typeParsers,
    ...more,
  };
}

/**
 * A connection that says nothing by itself when it breaks: whoever uses it next finds it broken. A pool listens only while a connection
 * is idle; one that breaks between two statements of a transaction would end the process.
 */
export class SteadyClient extends Client {
  constructor(config?: string | ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }
}

/** What a pool of such connections takes. */
export function poolConfig(url: string, max: number): PoolConfig {
  return { ...clientConfig(url), max, Client: SteadyClient };
}

/**
 * A plan that PostgreSQL made for a prepared statement while a table was empty reads the table from end to end, and is
 * kept when it is not empty any more. Ours are cheap to plan, and are planned each time.
 */
export const PLANS = 'set plan_cache_mode = force_custom_plan';

/** @throws StoreError KT_STORE_UNREACHABLE, … */
export async function connect(url: string, more: Partial<ClientConfig> = {}): Promise<Client> {
  const client = new SteadyClient(clientConfig(url, more));
  try {
    await client.connect();
    await client.query(PLANS);
    return client;
  } catch (error) {
    throw postgresError(labelOf(url), error);
  }
}

const CONNECTION_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);

/** SQLSTATE classes of connections that are gone, and of a server that starts or stops. */
const CONNECTION_STATES = /^(08|57P0[1-5])/;

export function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof StoreError) return error.code === 'KT_STORE_UNREACHABLE';
  const { code } = error as Error & { code?: string };
  if (code !== undefined) return CONNECTION_CODES.has(code) || CONNECTION_STATES.test(code);
  return /Connection terminated|not queryable|timeout expired|timeout exceeded/i.test(error.message);
}

/**
 * Says in our words what PostgreSQL could not do. Its own messages are kept from people: they may quote what was
 * written. Errors of other kinds pass as they are.
 */
export function postgresError(label: string, error: unknown): unknown {
  if (error instanceof StoreError || !(error instanceof Error)) return error;
  const { code } = error as Error & { code?: string };
  if (isConnectionError(error)) {
    return new StoreError(
      'KT_STORE_UNREACHABLE',
      {
        what: `The database at ${label} cannot be reached (${code ?? 'the connection was cut'}).`,
        left: 'What was on its way may or may not have been done; what was answered before is done.',
        next: 'Try again when it is back; look at the address in KEYTURN_DATABASE_URL if it never was there.',
      },
      { cause: error },
    );
  }
  if (code === undefined || !/^[0-9A-Z]{5}$/.test(code)) return error;
  return new StoreError(...textOf(label, code), { cause: error });
}

function textOf(
  label: string,
  state: string,
): [ConstructorParameters<typeof StoreError>[0], { what: string; left: string; next: string }] {
  const left = 'Nothing was changed.';
  if (state.startsWith('28') || state === '3D000') {
    const what = `The database at ${label} does not let this user in, or is not there (SQLSTATE ${state}).`;
    return ['KT_STORE_UNUSABLE', { what, left, next: 'Correct user, password and database in KEYTURN_DATABASE_URL.' }];
  }
  if (state === '53100') {
    const what = `The disk of the database at ${label} is full.`;
    return ['KT_STORE_FULL', { what, left, next: 'Make room there; nothing else is needed.' }];
  }
  if (state === '25006' || state === '42501') {
    const what = `The database at ${label} does not let this role do that (SQLSTATE ${state}).`;
    return [
      'KT_STORE_READ_ONLY',
      { what, left, next: 'Give the role its rights: docs/postgres.md has the statements.' },
    ];
  }
  if (/^(40|55P03|57014|53)/.test(state)) {
    const what = `The database at ${label} is too busy (SQLSTATE ${state}).`;
    return ['KT_STORE_BUSY', { what, left, next: 'Try again.' }];
  }
  const what = `The database at ${label} refused a statement (SQLSTATE ${state}).`;
  return ['KT_STORE_UNUSABLE', { what, left, next: 'Look at its log; if it says nothing, report this as a defect.' }];
}
