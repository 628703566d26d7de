// keyturn validate: every secret against its rules.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { checkEnvironment, type LiveCheck } from '../../rotation/checks.ts';
import { validate } from '../../validation/validate.ts';
import type { Environment } from '../../vault/places.ts';
import { EXIT } from '../exit-codes.ts';
import { atLeast, isSeverity, showFindings } from '../findings.ts';
import type { Output } from '../output.ts';
import { type CommonOptions, chosenEnvironments, openWorld, type Session, withPlace, withSession } from '../session.ts';
import { plural } from '../words.ts';

interface ValidateOptions extends CommonOptions {
  readonly allEnvs?: boolean;
  readonly failOn: string;
  readonly live?: boolean;
}

export function register(program: Command): void {
  withPlace(program.command('validate').description('check every secret: presence, format, strength, reuse'))
    .option('-a, --all-envs', 'all environments of the project')
    .option('--live', 'ask each provider too whether its key works (read-only calls)')
    .option('--fail-on <severity>', 'exit 1 from this severity on: critical, high, medium, low', 'medium')
    .action((options: ValidateOptions) => withSession('validate', options, (session) => run(session, options)));
}

async function run(session: Session, options: ValidateOptions): Promise<void> {
  const { vault, out } = session;
  const limit = options.failOn;
  if (!isSeverity(limit)) throw new UsageError(`"${limit}" is no severity.`, 'Use critical, high, medium or low.');
  const environments = chosenEnvironments(session, options);
  const result = vault.run(validate(vault.context, environments));
  const live = options.live ? await checkLive(session, environments) : undefined;
  out.data(live ? { ...result, live } : result);
  showLive(out, live ?? []);
  showFindings(out, result.findings);
  if (result.findings.length > 0) out.line();
  out.line(
    `${plural(result.secrets.length, 'secret')} checked in ${result.environments.join(', ')}; ` +
      `${result.critical.present} of ${result.critical.wanted} critical ones present; ` +
      `${result.findings.length === 0 ? out.style('green', 'no findings') : plural(result.findings.length, 'finding')}.`,
  );
  const bad = result.findings.some((one) => atLeast(one.severity, limit));
  if (bad || live?.some((one) => one.status === 'refused')) process.exitCode = EXIT.findings;
}

/** Asks about every secret, with a bar for what takes longer than a second. */
async function checkLive(session: Session, environments: readonly Environment[]): Promise<LiveCheck[]> {
  const world = await openWorld(session);
  const progress = session.out.progress('Asking providers');
  session.vault.context.onProgress = progress.at;
  const found: LiveCheck[] = [];
  for (const { project, name } of environments) {
    const at = { project, environment: name };
    found.push(...(await session.vault.perform(checkEnvironment(session.vault.context, world, at))));
  }
  progress.done();
  return found;
}

const STYLES = {
  valid: 'green',
  restricted: 'yellow',
  refused: 'red',
  throttled: 'yellow',
  unreachable: 'yellow',
  unchecked: 'dim',
} as const;

function showLive(out: Output, checks: readonly LiveCheck[]): void {
  if (checks.length === 0) return;
  out.table(
    ['name', 'env', 'live check', 'answer', 'took'],
    checks.map((one) => [
      one.name,
      one.environment,
      out.style(STYLES[one.status], one.mode === 'test' ? `${one.status} (test key)` : one.status),
      one.detail,
      one.status === 'unchecked' ? '' : `${one.tookMs} ms`,
    ]),
  );
  out.line();
}
