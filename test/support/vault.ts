// Vaults for tests: a real one, in a folder of its own, with a clock that the test turns.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { compileForSqlite } from '../../lib/store/sqlite-compiler.ts';
import { SyncPostgres } from '../../lib/store/sync-postgres.ts';
import { EmbeddedVault, type VaultOptions } from '../../lib/vault/embedded-vault.ts';
import { vaultHome } from '../../lib/vault/home.ts';
import { type OpenedVersion, openNumbered } from '../../lib/vault/read.ts';
import { liveSecret, type SetInput, setSecret } from '../../lib/vault/write.ts';
import { RawDatabase } from './raw.ts';

export const HOUR = 60 * 60 * 1000;
export const DAY = 24 * HOUR;
export const DEVELOPMENT = { project: 'default', environment: 'development' };
export const PRODUCTION = { project: 'default', environment: 'production' };

/** A folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyturn test '));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A clock that stands still until it is turned. */
class TestClock {
  now = Date.UTC(2026, 0, 1, 12);
  readonly read = () => this.now;
  forward(ms: number): void {
    this.now += ms;
  }
}

let admin: SyncPostgres | undefined;
let schemas = 0;

/**
 * The variables that put a vault on the database that is being tested: none for the file in the vault's folder; on
 * PostgreSQL a schema of its own, which goes away with the test.
 */
export function storeVariables(): Record<string, string> {
  const url = inject('postgresUrl');
  if (!url) return {};
  admin ??= new SyncPostgres(url, { compile: compileForSqlite, make: true });
  const database = new RawDatabase(admin);
  schemas += 1;
  const schema = `test_${process.pid}_${schemas}`;
  database.exec(`create schema ${schema}`);
  onTestFinished(() => database.exec(`drop schema ${schema} cascade`));
  return { KEYTURN_DATABASE_URL: `${url}?options=-csearch_path%3D${schema}` };
}

export interface TestVault {
  readonly vault: EmbeddedVault;
  readonly clock: TestClock;
  readonly folder: string;
  /** What puts a process on the same store. */
  readonly variables: Readonly<Record<string, string>>;
  /** Opens the same vault once more, as another process would. */
  reopen(options?: Partial<VaultOptions>): EmbeddedVault;
}

export function testVault(options: Partial<VaultOptions> = {}, folder = temporaryFolder()): TestVault {
  const clock = new TestClock();
  const variables = storeVariables();
  const base: VaultOptions = {
    home: vaultHome(folder, { KEYTURN_HOME: join(folder, '.keyturn') }),
    clock: clock.read,
    principal: 'tester',
    source: 'test',
    ...options,
    env: { ...variables, ...options.env },
  };
  // Backups go below the folder too, wherever the test runs.
  const home = { ...base.home, root: folder, backups: join(folder, 'backups', 'secrets') };
  const closing = (vault: EmbeddedVault) => {
    onTestFinished(() => vault.close());
    return vault;
  };
  return {
    vault: closing(EmbeddedVault.create({ ...base, home }).vault),
    clock,
    folder,
    variables,
    reopen: (more = {}) =>
      closing(EmbeddedVault.open({ ...base, home, ...more, env: { ...variables, ...(more.env ?? base.env) } })),
  };
}

/** Sets a text value. */
export function put(vault: EmbeddedVault, name: string, text: string, more: Partial<SetInput> = {}) {
  return vault.run(setSecret(vault.context, { at: DEVELOPMENT, name, value: Buffer.from(text), ...more }));
}

/** The code of the error that a call throws; 'nothing was thrown' where it throws none. */
export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'nothing was thrown';
}

/** The versions that are valid now, opened: the one in use, then the one before while its grace lasts. */
export function validVersions(vault: EmbeddedVault, name: string): OpenedVersion[] {
  const { context } = vault;
  const environment = context.environment(DEVELOPMENT);
  const secret = vault.run(liveSecret(environment, name));
  const inGrace = (secret.previous_valid_until ?? 0) > context.clock();
  const numbers = [secret.current_version, ...(inGrace && secret.previous_version ? [secret.previous_version] : [])];
  return numbers.map((number) => vault.run(openNumbered(context, environment, name, number)));
}
