// keyturn list: what is there, without values; or how two environments differ.
import type { Command } from 'commander';
import { dueAt } from '../../rotation/rotator.ts';
import { diffEnvironments, listSecrets } from '../../vault/list.ts';
import type { SecretSummary } from '../../vault/results.ts';
import { type CommonOptions, chosenEnvironments, type Session, withPlace, withSession } from '../session.ts';
import { ago, plural, remaining, span } from '../words.ts';
import { wholeNumber } from './set.ts';

interface ListCommandOptions extends CommonOptions {
  readonly allEnvs?: boolean;
  readonly deleted?: boolean;
  readonly names?: boolean;
  readonly diff?: string;
  readonly after?: string;
  readonly limit?: string;
}

export function register(program: Command): void {
  withPlace(program.command('list').description('list secrets; never their values'))
    .option('-a, --all-envs', 'all environments of the project')
    .option('--deleted', 'deleted ones too')
    .option('--names', 'names only, one a line')
    .option('--diff <environment>', 'compare with another environment, by fingerprint')
    .option('--limit <n>', 'at most so many')
    .option('--after <name>', 'only names after this one (for the next page)')
    .action((options: ListCommandOptions) =>
      withSession('list', options, (session) => {
        if (options.diff) showDifferences(session, options.diff);
        else showList(session, options);
      }),
    );
}

function showList(session: Session, options: ListCommandOptions): void {
  const { vault, out } = session;
  const page = {
    deleted: options.deleted === true,
    ...(options.limit !== undefined && { limit: wholeNumber(options.limit, 'a number of secrets') }),
    ...(options.after !== undefined && { after: options.after }),
  };
  const secrets = chosenEnvironments(session, options).flatMap((environment) =>
    vault.run(listSecrets(vault.context, { project: environment.project, environment: environment.name }, page)),
  );
  out.data(secrets.map((one) => ({ ...one, dueAt: due(session, one) ?? null })));
  if (options.names) {
    for (const one of secrets) out.line(one.name);
    return;
  }
  if (secrets.length === 0) {
    out.line(
      `No secrets in ${session.at.environment} yet. Add one with \`keyturn set NAME\`, or many with \`keyturn import .env\`.`,
    );
    return;
  }
  const now = vault.context.clock();
  out.table(
    ['name', ...(options.allEnvs ? ['environment'] : []), 'type', 'version', 'age', 'turns in', 'owner', 'last read'],
    secrets.map((one) => [
      one.deletedAt === null ? one.name : out.style('dim', `${one.name} (deleted)`),
      ...(options.allEnvs ? [one.environment] : []),
      one.type,
      String(one.version),
      span(now - one.rotatedAt) === 'now' ? 'new' : span(now - one.rotatedAt),
      turnsIn(session, one, now),
      one.owner ?? '–',
      ago(one.lastReadAt, now),
    ]),
  );
  out.aside();
  out.aside(`${plural(secrets.length, 'secret')} in ${options.allEnvs ? 'all environments' : session.at.environment}.`);
}

function due(session: Session, one: SecretSummary): number | undefined {
  return dueAt(one, session.vault.context.catalog.rule(one.name, one).intervalDays);
}

function turnsIn(session: Session, one: SecretSummary, now: number): string {
  const at = due(session, one);
  if (at === undefined) return '–';
  if (at <= now) return session.out.style('red', 'overdue');
  return remaining(at - now);
}

function showDifferences(session: Session, other: string): void {
  const { vault, at, out } = session;
  const differences = vault.run(diffEnvironments(vault.context, at, { ...at, environment: other }));
  out.data(differences);
  const words = {
    same: out.style('yellow', 'same value'),
    different: 'different values',
    'only-left': out.style('red', `only in ${at.environment}`),
    'only-right': out.style('red', `only in ${other}`),
  };
  if (differences.length === 0) out.line(`Neither ${at.environment} nor ${other} has secrets.`);
  else
    out.table(
      ['name', `${at.environment} and ${other}`],
      differences.map((one) => [one.name, words[one.state]]),
    );
}
