// keyturn demo: a realistic vault of made-up values where there is none yet, and the login that the workspace monitor uses.
import type { Command } from 'commander';
import { isKeyturnError, UsageError } from '../../errors.ts';
import type * as SeedLogin from '../../server/seed-login.ts';
import { EmbeddedVault } from '../../vault/embedded-vault.ts';
import { makeDemo } from '../demo-data.ts';
import { type CommonOptions, type Surroundings, surroundings, vaultOptions, withJson } from '../session.ts';
import { plural } from '../words.ts';

export function register(program: Command): void {
  withJson(
    program
      .command('demo')
      .description('a realistic vault of made-up values, and the login of MONITOR_EMPLOYEE_EMAIL and …_PASSWORD')
      .option('--role <role>', 'the role of that login', 'admin'),
  ).action((options: CommonOptions & { role: string }) => seed(options));
}

async function seed(options: CommonOptions & { role: string }): Promise<void> {
  const around = surroundings(options);
  const { out, home } = around;
  const made = hasVault(around) ? undefined : makeDemo(vaultOptions(around, 'demo'));
  if (made) {
    out.line(
      `Made a vault at ${home.folder}: ${plural(made.secrets, 'secret')}, ${plural(made.rotations, 'rotation')}, ${plural(made.reads, 'read')} of four months. No value is real.`,
    );
  } else out.line(`There is a vault at ${home.folder} already: no data was made up in it.`);
  const login = await seedMonitor(around, options.role);
  out.data({ vault: made ?? null, login });
}

function hasVault(around: Surroundings): boolean {
  try {
    EmbeddedVault.open(vaultOptions(around, 'demo')).close();
    return true;
  } catch (error) {
    if (isKeyturnError(error) && error.code === 'KT_VAULT_NOT_FOUND') return false;
    throw error;
  }
}

async function seedMonitor(
  { out, home }: Surroundings,
  role: string,
): Promise<{ email: string; made: boolean } | null> {
  const { MONITOR_EMPLOYEE_EMAIL: email, MONITOR_EMPLOYEE_PASSWORD: password } = process.env;
  if (!email && !password) {
    out.line('MONITOR_EMPLOYEE_EMAIL and MONITOR_EMPLOYEE_PASSWORD are not set: no login was made.');
    return null;
  }
  if (!email || !password || password.length < 12) {
    throw new UsageError(
      'The login needs MONITOR_EMPLOYEE_EMAIL, and MONITOR_EMPLOYEE_PASSWORD of 12 characters or more.',
    );
  }
  const { seedLogin } = await loadSeedLogin();
  const { made, owned } = await seedLogin({ home, env: process.env, email, name: 'Workspace monitor', password, role });
  out.line(`${email} ${made ? `can sign in now, as ${role}` : 'has the password that is set now'}.`);
  if (!owned) out.line('Nobody owns this vault yet: `keyturn serve` prints the link for its owner.');
  return { email, made };
}

/** Beside the server: ES modules of their own, loaded where they are used only. */
async function loadSeedLogin(): Promise<typeof SeedLogin> {
  const url = new URL('../seed-login.js', import.meta.url).href;
  return (await import(url)) as typeof SeedLogin;
}
