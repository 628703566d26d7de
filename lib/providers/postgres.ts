// PostgreSQL: an application's login, turned between two roles, so that there is no moment without a valid one: while the
// one is in use, the other gets a new password; in the grace both are good; then the first one's password is taken away.
import type { Client } from 'pg';
import { FORMATS } from '../catalog/formats.ts';
import { type Call, type CheckResult, type Installer, type Provider, ProviderError } from './provider.ts';
import { scramVerifier } from './scram.ts';

const TITLE = 'PostgreSQL';
const TIMEOUT_MS = 10_000;

/** SQLSTATEs that mean: this login is not valid (28000 also where the role may not log in). */
const REFUSED = new Set(['28P01', '28000']);
/** The login is good; the database is not there, or may not be entered. */
const RESTRICTED = new Set(['3D000', '42501']);
/** Too many connections, or the server is starting or stopping. */
const PASSING = new Set(['53300', '57P01', '57P02', '57P03']);

async function connect(url: string): Promise<Client> {
  const pg = await import('pg');
  const client = new pg.default.Client({
    connectionString: url,
    connectionTimeoutMillis: TIMEOUT_MS,
    query_timeout: TIMEOUT_MS,
    application_name: 'keyturn',
  });
  // A connection that is cut while nothing is asked: what is asked next says so.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect(url);
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown }).code;
  return typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? code : 'no answer';
}

async function check(_call: Call, value: string): Promise<CheckResult> {
  if (!URL.canParse(value)) return { status: 'refused', detail: 'it is not an address' };
  try {
    await withClient(value, (client) => client.query('select 1'));
    return { status: 'valid', detail: 'PostgreSQL lets it in' };
  } catch (error) {
    const code = codeOf(error);
    if (REFUSED.has(code)) return { status: 'refused', detail: `PostgreSQL refuses it (${code})` };
    if (RESTRICTED.has(code))
      return { status: 'restricted', detail: `PostgreSQL knows it, but does not let it in here (${code})` };
    if (PASSING.has(code)) return { status: 'throttled', detail: `PostgreSQL takes no connection now (${code})` };
    return { status: 'unreachable', detail: `PostgreSQL was not reached (${code})` };
  }
}

/** The two roles: configured, or `NAME_a` and `NAME_b` by the one in use. */
function rolesOf(call: Call, user: string): [string, string] {
  const { roles } = call.settings;
  if (Array.isArray(roles) && roles.length === 2) return [String(roles[0]), String(roles[1])];
  const base = user.replace(/_[ab]$/, '');
  return [`${base}_a`, `${base}_b`];
}

function userOf(value: string): string {
  return decodeURIComponent(new URL(value).username);
}

const alternatingRoles: Installer = {
  how: 'installed',
  make(call, before) {
    const url = new URL(before);
    const [a, b] = rolesOf(call, userOf(before));
    url.username = encodeURIComponent(userOf(before) === a ? b : a);
    url.password = call.random(32).toString('base64url');
    return Buffer.from(url.href, 'utf8');
  },
  async install(call, admin, value) {
    const verifier = scramVerifier(decodeURIComponent(new URL(value).password), call.random(16));
    const role = userOf(value);
    await asAdmin('a new password', admin, role, async (client) => {
      const { rows } = await client.query('select 1 from pg_roles where rolname = $1', [role]);
      const verb = rows.length === 0 ? 'create' : 'alter';
      const quoted = client.escapeIdentifier(role);
      await client.query(`${verb} role ${quoted} login password ${client.escapeLiteral(verifier)}`);
      const member = call.settings.memberOf;
      if (typeof member === 'string') await client.query(`grant ${client.escapeIdentifier(member)} to ${quoted}`);
    });
  },
  /**
   * Sessions that are open stay: they have shown their password. Nobody opens another with it. A role that has another
   * password by now (the login has turned again within the grace) is in use, and stays.
   */
  async revoke(call, admin, { value }) {
    const role = userOf(value);
    await asAdmin('the end of the old password', admin, role, async (client) => {
      const { status, detail } = await check(call, value);
      if (status === 'refused') return;
      if (status === 'valid' || status === 'restricted') {
        await client.query(`alter role ${client.escapeIdentifier(role)} password null`);
        return;
      }
      throw new ProviderError(`whether the old password is still the role's is not known: ${detail}`, {
        passing: true,
      });
    });
  },
};

/** One at a time for each role: whose password it is does not change between a look and what is done about it. */
async function asAdmin(
  doing: string,
  admin: string,
  role: string,
  work: (client: Client) => Promise<void>,
): Promise<void> {
  try {
    await withClient(admin, async (client) => {
      await client.query('begin');
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`keyturn role ${role}`]);
      await work(client);
      await client.query('commit');
    });
  } catch (error) {
    if (error instanceof ProviderError) throw error;
    const code = codeOf(error);
    const passing = PASSING.has(code) || !/^[0-9A-Z]{5}$/.test(code);
    throw new ProviderError(`PostgreSQL refused ${doing} (${code})`, { passing });
  }
}

export const postgres: Provider = {
  id: 'postgresql',
  title: TITLE,
  docs: 'https://www.postgresql.org/docs/current/sql-alterrole.html',
  baseUrl: '',
  atATime: 2,
  kinds: {
    database_key: {
      title: 'login',
      formats: FORMATS.postgresUrl,
      check,
      renewal: alternatingRoles,
      adminWords: 'the address (postgres://…) of a role that may create roles',
      byHand: {
        page: 'https://www.postgresql.org/docs/current/sql-alterrole.html',
        words: 'Give a second role a password (\\password ROLE in psql) and paste the whole address with it.',
      },
    },
  },
  unconfirmed: [],
};
