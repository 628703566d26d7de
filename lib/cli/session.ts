// What most commands begin with: the options that say which vault and place are meant, and the vault opened.
import type { Command } from 'commander';
import { nameKey } from '../catalog/catalog.ts';
import { type ProjectConfig, projectConfig } from '../config/config.ts';
import type { World } from '../rotation/world.ts';
import { EmbeddedVault, type VaultOptions } from '../vault/embedded-vault.ts';
import { type VaultHome, vaultHome } from '../vault/home.ts';
import { DEFAULT_ENVIRONMENT, DEFAULT_PROJECT } from '../vault/names.ts';
import type { Environment, Place } from '../vault/places.ts';
import { Output } from './output.ts';

export interface CommonOptions {
  readonly env?: string;
  readonly project?: string;
  readonly json?: boolean;
}

export function withJson(command: Command): Command {
  return command.option('--json', 'print JSON for programs');
}

/** Adds --env, --project and --json. */
export function withPlace(command: Command): Command {
  return withJson(command)
    .option('-e, --env <name>', 'environment (KEYTURN_ENV, else the configuration, else development)')
    .option('-p, --project <name>', 'project (the configuration, else default)');
}

export interface Surroundings {
  readonly home: VaultHome;
  readonly config: ProjectConfig;
  readonly at: Place;
  readonly out: Output;
}

/** Where a command works, before any vault is opened. */
export function surroundings(options: CommonOptions): Surroundings {
  const home = vaultHome(process.cwd(), process.env);
  const config = projectConfig(home.root);
  return {
    home,
    config,
    out: new Output(options),
    at: {
      project: options.project ?? config.project ?? DEFAULT_PROJECT,
      environment: options.env ?? process.env.KEYTURN_ENV ?? config.environment ?? DEFAULT_ENVIRONMENT,
    },
  };
}

export interface Session extends Surroundings {
  readonly vault: EmbeddedVault;
}

export function vaultOptions(around: Surroundings, source: string): VaultOptions {
  const { home, config } = around;
  return { home, env: process.env, catalog: config.catalog, suite: config.suite, source: `keyturn ${source}` };
}

/** Opens the vault. Whoever calls closes it; `withSession` does both. */
export function openSession(source: string, options: CommonOptions): Session {
  const around = surroundings(options);
  const vault = EmbeddedVault.open(vaultOptions(around, source));
  if (vault.rootKeySource.previous && source !== 'keys rotate-root') {
    around.out.note(
      `Note: the vault is still under the key from ${vault.rootKeySource.label}. \`keyturn keys rotate-root\` puts it under the current one.`,
    );
  }
  return { ...around, vault };
}

/** Opens the vault, does the work with a progress bar for what takes longer than a second, closes the vault. */
export async function withSession<T>(
  source: string,
  options: CommonOptions,
  work: (session: Session) => T | Promise<T>,
): Promise<T> {
  const session = openSession(source, options);
  const progress = session.out.progress(source);
  session.vault.context.onProgress = progress.at;
  try {
    return await work(session);
  } finally {
    progress.done();
    session.vault.close();
  }
}

/** How long, in ms, a command waits for what is on its way to a destination. */
const PATIENCE_MS = 10 * 60_000;

/**
 * What lies beyond the vault: providers, destinations, services. Loaded here only: most commands never leave the vault.
 * @param patient true to wait for deployments, and to say so once
 */
export async function openWorld(session: Session, patient = false): Promise<World> {
  const { worldOf } = await import('../rotation/world-of.ts');
  const { vault, config, at, out } = session;
  let told = false;
  return worldOf({
    operations: config.operations,
    root: vault.home.root,
    at,
    env: process.env,
    random: vault.context.random,
    clock: vault.context.clock,
    patienceMs: patient ? PATIENCE_MS : 0,
    wait: (ms) => {
      if (!told && ms >= 2_000) {
        told = true;
        out.note('Waiting for what is on its way (10 minutes at most; Ctrl-C leaves the rest to the next run) …');
      }
      return new Promise((resolve) => setTimeout(resolve, ms));
    },
  });
}

/** The environments that a look at a project covers: the one named, or all of the project's. */
export function chosenEnvironments(session: Session, options: { env?: string; allEnvs?: boolean }): Environment[] {
  const { context } = session.vault;
  if (!options.allEnvs) return [context.environment(session.at)];
  return [...context.environments.values()].filter((one) => nameKey(one.project) === nameKey(session.at.project));
}
