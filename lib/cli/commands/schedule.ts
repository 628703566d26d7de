// keyturn schedule: what will turn when, and a tick of it by hand.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { rotatorOf } from '../../rotation/rotator.ts';
import { type PlannedTurn, Ticker, turnsAhead } from '../../rotation/tick.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { type CommonOptions, chosenEnvironments, openWorld, type Session, withPlace, withSession } from '../session.ts';
import { moment, plural } from '../words.ts';
import { wholeNumber } from './set.ts';

interface ScheduleOptions extends CommonOptions {
  readonly allEnvs?: boolean;
  readonly days: string;
  readonly run?: boolean;
}

const DAY_MS = 24 * 60 * 60_000;
const MONTH = new Intl.DateTimeFormat('en', { month: 'short', year: 'numeric', timeZone: 'UTC' });

export function register(program: Command): void {
  withPlace(
    program
      .command('schedule')
      .description('what will turn when, a year ahead; with --run, turn what is due now')
      .option('-a, --all-envs', 'all environments of the project')
      .option('--days <n>', 'how far to look ahead', '365')
      .option('--run', 'one tick of the schedule: for cron, where no server does it'),
  ).action((options: ScheduleOptions) =>
    withSession('schedule', options, (session) => (options.run ? runDue(session) : show(session, options))),
  );
}

async function show(session: Session, options: ScheduleOptions): Promise<void> {
  const { vault, out } = session;
  const days = wholeNumber(options.days, 'a number of days');
  if (days < 1 || days > 3650)
    throw new UsageError(`${days} days is too far ahead or not ahead at all.`, 'Give 1 to 3650.');
  const world = await openWorld(session);
  const rotator = rotatorOf(vault, world);
  const now = vault.context.clock();
  const turns: PlannedTurn[] = [];
  for (const environment of chosenEnvironments(session, options)) {
    turns.push(...(await vault.perform(turnsAhead(vault.context, world, rotator, environment, now + days * DAY_MS))));
  }
  turns.sort((a, b) => a.at - b.at);
  out.data({ from: now, days, turns });
  if (turns.length === 0) {
    out.line(`Nothing turns in the next ${plural(days, 'day')}: no secret here ages.`);
    return;
  }
  if (process.stdout.isTTY) showMonths(out, turns);
  out.table(
    ['when', 'name', 'env', 'how'],
    turns.map((one) => [
      one.overdue ? out.style('red', 'overdue') : moment(one.at),
      one.name,
      one.environment,
      one.byItself ? 'by itself' : out.style('yellow', 'by a person'),
    ]),
  );
  const byHand = turns.filter((one) => !one.byItself).length;
  out.aside();
  out.aside(`${plural(turns.length, 'turn')} in ${plural(days, 'day')}, ${byHand} of them by a person.`);
}

/** A bar a month: a year is easier to look at than to read. */
function showMonths(out: Output, turns: readonly PlannedTurn[]): void {
  const months = new Map<string, number>();
  for (const { at } of turns) months.set(MONTH.format(at), (months.get(MONTH.format(at)) ?? 0) + 1);
  const most = Math.max(...months.values());
  for (const [month, count] of months) {
    const bar = '█'.repeat(Math.max(1, Math.round((count / most) * 40)));
    out.line(`${month.padEnd(9)} ${out.style('cyan', bar)} ${count}`);
  }
  out.line();
}

async function runDue(session: Session): Promise<void> {
  const { vault, out } = session;
  const world = await openWorld(session, true);
  const settled = await vault.perform(rotatorOf(vault, world).settle());
  const result = await vault.perform(new Ticker(vault.context, world).tick(rotatorOf(vault, world)));
  out.data({ settled, ...result });
  for (const one of result.turned)
    out.line(`${out.style('green', '✓')} ${one.name} (${one.environment}): version ${one.version}, ${one.state}.`);
  for (const one of result.failed) out.line(`${out.style('red', '✗')} ${one.name} (${one.environment}): ${one.error}`);
  for (const one of result.needsPerson) {
    out.line(
      `${out.style('yellow', '…')} ${one.name} (${one.environment}) needs a person: keyturn rotate ${one.name} --env ${one.environment}`,
    );
  }
  const nothing = result.turned.length + result.failed.length + result.needsPerson.length === 0;
  if (nothing) out.line('Nothing is due now.');
  if (result.failed.length > 0) process.exitCode = EXIT.findings;
  else if (result.needsPerson.length > 0) process.exitCode = EXIT.person;
}
