// keyturn doctor: looks at everything around a vault that tends to go wrong, and says how to mend it.
import { execFileSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { verifyStore } from '../../audit/read.ts';
import { nameKey } from '../../catalog/catalog.ts';
import type { FromConfig } from '../../config/operations.ts';
import { KeyturnError } from '../../errors.ts';
import { channelsOf } from '../../monitoring/channels/channels.ts';
import { first, transaction } from '../../store/operation.ts';
import { SCHEMA_VERSION } from '../../store/schema-version.ts';
import { findSecret } from '../../store/statements/secrets.ts';
import { listBackups } from '../../vault/backup-files.ts';
import { EmbeddedVault } from '../../vault/embedded-vault.ts';
import type { Place } from '../../vault/places.ts';
import { forEachOpened } from '../../vault/read.ts';
import { EXIT } from '../exit-codes.ts';
import { hasOwnSqlite, SERVER_NODE } from '../node-version.ts';
import { type CommonOptions, type Surroundings, surroundings, vaultOptions, withJson } from '../session.ts';
import { ago, plural } from '../words.ts';

interface Diagnosis {
  readonly check: string;
  readonly state: 'fine' | 'warning' | 'bad';
  readonly what: string;
  readonly mend?: string;
}

const BACKUP_DAYS = 7;
const DAY_MS = 24 * 60 * 60 * 1000;

export function register(program: Command): void {
  withJson(
    program.command('doctor').description('look for what is wrong around the vault, and say how to mend it'),
  ).action((options: CommonOptions) => {
    const around = surroundings(options);
    const { out } = around;
    const found = [...checkSurroundings(around), ...checkVault(around)];
    out.data(found);
    const marks = { fine: out.style('green', '✓'), warning: out.style('yellow', '!'), bad: out.style('red', '✗') };
    for (const one of found) {
      out.line(`${marks[one.state]} ${one.check}: ${one.what}`);
      if (one.mend) out.line(`  ${out.style('dim', '→')} ${one.mend}`);
    }
    if (found.some((one) => one.state === 'bad')) process.exitCode = EXIT.findings;
  });
}

function checkNode(): Diagnosis {
  const check = { check: 'Node.js', what: `version ${process.versions.node}` };
  if (hasOwnSqlite()) return { ...check, state: 'fine' };
  const mend = `Update to Node 24: this one is past its end of life, and \`keyturn serve\` needs ${SERVER_NODE} or newer.`;
  return { ...check, state: 'warning', mend };
}

function checkSurroundings({ home, config }: Surroundings): Diagnosis[] {
  return [
    checkNode(),
    { check: 'configuration', state: 'fine', what: config.path ?? 'none (the defaults)' },
    ...checkMode('vault folder', home.folder, 0o077, 'chmod 700'),
    ...checkMode('vault file', home.database, 0o077, 'chmod 600'),
    ...checkMode('root key file', home.rootKeyFile, 0o077, 'chmod 600'),
    ...checkGit(home.root, home.folder),
  ];
}

/** Nobody else on the machine may read these. */
function checkMode(check: string, path: string, forbidden: number, mend: string): Diagnosis[] {
  if (!existsSync(path) || process.platform === 'win32') return [];
  const mode = statSync(path).mode & 0o777;
  if ((mode & forbidden) === 0) return [{ check, state: 'fine', what: `${path}, mode 0${mode.toString(8)}` }];
  return [
    { check, state: 'bad', what: `${path} can be read by others (mode 0${mode.toString(8)})`, mend: `${mend} ${path}` },
  ];
}

function checkGit(root: string, folder: string): Diagnosis[] {
  if (!existsSync(join(root, '.git'))) return [];
  const git = (...args: string[]): string | undefined => {
    try {
      return execFileSync('git', ['-C', root, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      // Exit code 1 is git's "no"; a missing git is the same to us: nothing to say.
      return undefined;
    }
  };
  const found: Diagnosis[] = [];
  const tracked = git('ls-files', '--', '.env', '.env.local', '.env.production', folder)?.trim();
  if (tracked) {
    found.push({
      check: 'git',
      state: 'bad',
      what: `git tracks ${tracked.split('\n').join(', ')}`,
      mend: 'Take it out (`git rm --cached`), ignore it, and rotate every secret that was in it: history keeps them.',
    });
  }
  const ignored = git('check-ignore', '-q', folder) !== undefined;
  if (existsSync(folder) && !ignored) {
    found.push({
      check: 'git',
      state: 'warning',
      what: `${folder} is not ignored`,
      mend: 'Add `.keyturn/` and `backups/` to .gitignore.',
    });
  }
  if (found.length === 0)
    found.push({ check: 'git', state: 'fine', what: 'no secret file is tracked, and the vault is ignored' });
  return found;
}

function checkVault(around: Surroundings): Diagnosis[] {
  const { home } = around;
  let vault: EmbeddedVault;
  try {
    vault = EmbeddedVault.open(vaultOptions(around, 'doctor'));
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return [{ check: 'vault', state: 'bad', what: error.message }];
  }
  const progress = around.out.progress('doctor');
  vault.context.onProgress = progress.at;
  try {
    return [
      {
        check: 'vault',
        state: 'fine',
        what: `${home.folder}, schema ${SCHEMA_VERSION}, root key ${vault.context.rootKey.id}`,
      },
      checkRootKey(vault),
      checkIntegrity(vault),
      checkValues(vault),
      checkAudit(vault),
      checkBackups(around, vault.context.clock()),
      ...checkNamed(around, vault),
    ];
  } finally {
    progress.done();
    vault.close();
  }
}

function checkRootKey(vault: EmbeddedVault): Diagnosis {
  const { label, previous } = vault.rootKeySource;
  if (previous) {
    return {
      check: 'root key',
      state: 'warning',
      what: `from ${label}: a change of the root key is not finished`,
      mend: '`keyturn keys rotate-root`',
    };
  }
  if (label === vault.home.rootKeyFile) {
    return {
      check: 'root key',
      state: 'warning',
      what: `in a file beside the vault: whoever copies the folder has both`,
      mend: 'Fine on your own machine. On a server, give it as SECRETS_ENCRYPTION_KEY and take the file away.',
    };
  }
  return { check: 'root key', state: 'fine', what: `from ${label}` };
}

function checkIntegrity(vault: EmbeddedVault): Diagnosis {
  const [first = 'no answer', ...more] = vault.store.integrity();
  if (first === 'ok') return { check: 'database', state: 'fine', what: 'its structure is sound' };
  return {
    check: 'database',
    state: 'bad',
    what: `damaged: ${first}${more.length > 0 ? `, and ${more.length} more` : ''}`,
    mend: 'Keep a copy, make a new vault in another folder, and restore the last backup into it.',
  };
}

function checkValues(vault: EmbeddedVault): Diagnosis {
  let count = 0;
  // Values are opened in memory and let go; the log has it before the first one is.
  vault.run(transaction(vault.context.log([{ action: 'vault.check' }])));
  try {
    for (const environment of vault.context.environments.values()) {
      vault.run(
        forEachOpened(vault.context, environment, (opened) => {
          opened.value.fill(0);
          count += 1;
        }),
      );
    }
  } catch (error) {
    if (!(error instanceof KeyturnError)) throw error;
    return { check: 'values', state: 'bad', what: `after ${count} that open, one does not`, mend: error.message };
  }
  return { check: 'values', state: 'fine', what: `${plural(count, 'value')} open` };
}

function checkAudit(vault: EmbeddedVault): Diagnosis {
  const verdict = vault.run(verifyStore(vault.context.audit, [], vault.context.onProgress));
  if (verdict.intact && verdict.complete) {
    return {
      check: 'audit log',
      state: 'fine',
      what: `${plural(verdict.entries, 'entry', 'entries')}, intact and complete`,
    };
  }
  return {
    check: 'audit log',
    state: 'bad',
    what: verdict.fault?.what ?? verdict.missing ?? 'not intact',
    mend: 'Somebody changed it outside Keyturn. Keep a copy of the folder, and treat every secret as read.',
  };
}

function checkBackups({ home }: Surroundings, now: number): Diagnosis {
  const newest = listBackups(home)[0];
  if (!newest)
    return { check: 'backups', state: 'warning', what: `none in ${home.backups}`, mend: '`keyturn backup create`' };
  const at = Date.parse(newest.createdAt);
  const old = now - at > BACKUP_DAYS * DAY_MS;
  return {
    check: 'backups',
    state: old ? 'warning' : 'fine',
    what: `the newest was made ${ago(at, now)}`,
    ...(old && { mend: '`keyturn backup create`' }),
  };
}

/** The secrets that the configuration names for work of its own: one that is not there is met at night, in a rotation. */
interface Named {
  readonly name: string;
  readonly what: string;
  readonly project: string;
  /** Undefined where it may be in any: a provider's admin credential is where the provider's keys are. */
  readonly environment: string | undefined;
}

function namedIn({ config, at }: Surroundings): Named[] {
  const { providers = {}, destinations = {}, services = {}, alerts = {} } = config.operations;
  const placeOf = (from: FromConfig | undefined): Place => ({
    project: from?.project ?? at.project,
    environment: from?.environment ?? at.environment,
  });
  const named: (Omit<Named, 'name'> & { name: string | undefined })[] = [];
  for (const [id, one] of Object.entries(providers)) {
    named.push({ name: one.admin, what: `provider ${id}`, project: at.project, environment: undefined });
  }
  for (const [id, one] of Object.entries(destinations)) {
    const place = placeOf(one.from);
    named.push({ name: 'token' in one ? one.token : undefined, what: `destination ${id}`, ...place });
    named.push({ name: one.probe?.key, what: `destination ${id}`, ...place });
  }
  for (const [id, one] of Object.entries(services)) {
    const name = 'probe' in one.verify ? one.verify.probe : undefined;
    named.push({ name, what: `service ${id}`, ...placeOf(one.from) });
  }
  for (const channel of channelsOf(alerts.channels ?? {})) {
    named.push({ name: channel.secret, what: `channel ${channel.id}`, ...placeOf(alerts.secretsIn) });
  }
  return named.filter((one): one is Named => one.name !== undefined);
}

function checkNamed(around: Surroundings, vault: EmbeddedVault): Diagnosis[] {
  const named = namedIn(around);
  if (named.length === 0) return [];
  const isThere = ({ name, project, environment }: Named): boolean =>
    [...vault.context.environments.values()]
      .filter((one) => nameKey(one.project) === nameKey(project))
      .filter((one) => environment === undefined || nameKey(one.name) === nameKey(environment))
      .some(({ id }) => {
        const row = vault.run(first(findSecret, { environmentId: id, nameKey: nameKey(name) }));
        return row !== undefined && row.deleted_at === null && row.current_version > 0;
      });
  const missing = named.filter((one) => !isThere(one));
  if (missing.length === 0) {
    return [
      { check: 'configuration', state: 'fine', what: `${plural(named.length, 'secret')} that it names are there` },
    ];
  }
  return missing.map(({ name, what, project, environment }) => ({
    check: 'configuration',
    state: 'bad',
    what: `${what} wants ${name}, and it is not in ${environment === undefined ? project : `${project}/${environment}`}`,
    mend: `\`keyturn set ${name}${environment === undefined ? '' : ` --env ${environment}`}\``,
  }));
}
