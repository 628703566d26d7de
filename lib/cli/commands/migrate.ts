// keyturn migrate: brings the vault's schema up to date; copies a vault from the file to PostgreSQL or back; and gives a
// server's role its rights there.
import { existsSync, rmSync } from 'node:fs';
import type { Command } from 'commander';
import { ConflictError, UsageError } from '../../errors.ts';
import { copyStore, type Kind } from '../../store/copy-store.ts';
import { createStore, openStore } from '../../store/open-store.ts';
import { transaction } from '../../store/operation.ts';
import { SCHEMA_VERSION } from '../../store/schema-version.ts';
import { EmbeddedVault, storePlace } from '../../vault/embedded-vault.ts';
import { readFacts } from '../../vault/facts.ts';
import { type CommonOptions, type Surroundings, surroundings, vaultOptions, withJson } from '../session.ts';
import { plural } from '../words.ts';

interface MigrateOptions extends CommonOptions {
  readonly to?: string;
  readonly appRole?: string;
}

export function register(program: Command): void {
  withJson(
    program
      .command('migrate')
      .description("bring the vault's schema up to date, or move the vault to another database"),
  )
    .option(
      '--to <kind>',
      '`postgres`: copy the vault from its file to KEYTURN_DATABASE_URL; `sqlite`: the other way round',
    )
    .option('--app-role <name>', 'on PostgreSQL: let this role run servers, without a right to change the audit log')
    .action(async (options: MigrateOptions) => {
      const around = surroundings(options);
      if (options.to !== undefined) copy(around, options.to);
      else bringUpToDate(around);
      if (options.appRole !== undefined) await grant(around, options.appRole);
    });
}

function bringUpToDate({ home, out }: Surroundings): void {
  // Opening a store applies what is missing, in one transaction; a vault is never left between two schemas.
  const { store, from } = openStore(storePlace({ home, env: process.env }), {});
  const where = store.path;
  store.close();
  out.data({ from, to: SCHEMA_VERSION });
  if (from === SCHEMA_VERSION) out.line(`The vault at ${where} has schema ${SCHEMA_VERSION}: that is the newest.`);
  else out.line(`The vault at ${where} went from schema ${from} to ${SCHEMA_VERSION}.`);
}

function databaseUrl(): string {
  const url = process.env.KEYTURN_DATABASE_URL;
  if (url) return url;
  // Not an option: an address with a password in it would be in the list of processes, and in the shell's history.
  throw new UsageError('KEYTURN_DATABASE_URL is not set.', 'Set it to the address of the PostgreSQL database.');
}

function copy(around: Surroundings, to: string): void {
  if (to !== 'postgres' && to !== 'sqlite')
    throw new UsageError(`There is no kind "${to}".`, 'Kinds are postgres and sqlite.');
  const { home, out } = around;
  const url = databaseUrl();
  const file = { file: home.database, url: undefined };
  const database = { file: home.database, url };
  const toKind: Kind = to;
  if (to === 'sqlite' && existsSync(home.database)) {
    throw new ConflictError(
      `There is a vault at ${home.database} already.`,
      'Move it away, or choose another folder with KEYTURN_HOME.',
    );
  }
  const source = openStore(to === 'postgres' ? file : database, {}).store;
  const target = createStore(to === 'postgres' ? database : file, {});
  const progress = out.progress('Copying');
  try {
    if (target.run(readFacts()))
      throw new ConflictError(`There is a vault at ${target.path} already.`, 'Copy into an empty database.');
    const tables = copyStore({ from: source, to: target, toKind, onProgress: progress.at });
    progress.done();
    logMove(around, to === 'postgres' ? url : undefined, source.path);
    const rows = tables.reduce((sum, one) => sum + one.rows, 0);
    out.data({ from: source.path, to: target.path, rows, tables });
    out.table(
      ['table', 'rows', 'sha-256 of its rows, on both sides'],
      tables.filter((one) => one.rows > 0).map((one) => [one.table, String(one.rows), one.hash]),
    );
    out.line();
    out.line(`${plural(rows, 'row')} copied from ${source.path} to ${target.path}, and compared.`);
    const next = to === 'postgres' ? 'Keep KEYTURN_DATABASE_URL set' : 'Take KEYTURN_DATABASE_URL away';
    out.line(`${next}: the vault is there now. The old one was left as it is.`);
  } catch (error) {
    // A file that was made for nothing must not be in the way of the next attempt.
    if (to === 'sqlite') for (const end of ['', '-wal', '-shm']) rmSync(home.database + end, { force: true });
    throw error;
  } finally {
    source.close();
    target.close();
  }
}

/** The log of the vault in its new place tells of the move. */
function logMove(around: Surroundings, url: string | undefined, from: string): void {
  const vault = EmbeddedVault.open({
    ...vaultOptions(around, 'migrate'),
    env: { ...process.env, KEYTURN_DATABASE_URL: url },
  });
  try {
    vault.run(transaction(vault.context.log([{ action: 'vault.migrate', details: { from } }])));
  } finally {
    vault.close();
  }
}

async function grant({ out }: Surroundings, role: string): Promise<void> {
  const url = databaseUrl();
  const { connect } = await import('../../store/postgres/connection.ts');
  const { grantAppRole } = await import('../../store/postgres/app-role.ts');
  const { PgBoss } = await import('pg-boss');
  const client = await connect(url);
  try {
    const { rows } = await client.query('select current_schema() as schema');
    const jobs = `${String(rows[0]?.schema)}_jobs`;
    // The scheduler's tables are made now: the role may not make any.
    const boss = new PgBoss({ connectionString: url, schema: jobs });
    boss.on('error', (error) => out.note(error.message));
    await boss.start();
    for (const name of ['settle', 'forward', 'tidy'])
      await boss.createQueue(name, { policy: 'stately', retryLimit: 2, expireInSeconds: 300 });
    await boss.stop({ graceful: false });
    await grantAppRole(client, role, jobs);
  } finally {
    await client.end();
  }
  out.line(`The role ${role} can run servers. It cannot change or delete entries of the audit log.`);
}
