// keyturn monitor: age, strength and use of every secret, and what is wrong with them.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { listAnomalies } from '../../monitoring/anomalies.ts';
import { type Alert, type MonitoredSecret, monitor } from '../../monitoring/monitor.ts';
import { observe } from '../../monitoring/observe.ts';
import { rotatorOf } from '../../rotation/rotator.ts';
import { EXIT } from '../exit-codes.ts';
import { severityWord } from '../findings.ts';
import type { Output } from '../output.ts';
import { type CommonOptions, chosenEnvironments, openWorld, type Session, withPlace, withSession } from '../session.ts';
import { ago, moment, plural } from '../words.ts';

const BAR = 10;
const LOOK_BACK_DAYS = 30;
const DAY_MS = 24 * 60 * 60_000;

/** Age as a bar of the interval, so that one look shows what turns next. */
function ageBar(out: Output, one: MonitoredSecret): string {
  if (one.agePart === undefined) return out.style('dim', '–');
  const words = `${one.ageDays} of ${one.intervalDays} d`;
  // A picture is for a terminal; a program that cuts columns wants the numbers.
  if (!process.stdout.isTTY) return words;
  const filled = Math.min(BAR, Math.round(one.agePart * BAR));
  const bar = '█'.repeat(filled) + '░'.repeat(BAR - filled);
  const colour = one.state === 'overdue' ? 'red' : one.state === 'due soon' ? 'yellow' : 'green';
  return `${out.style(colour, bar)} ${words}`;
}

function showAlerts(out: Output, alerts: readonly Alert[]): void {
  for (const one of alerts) {
    out.line(`${severityWord(out, one.severity)}  ${one.what}`);
    out.line(`          ${out.style('dim', '→')} ${one.mend}`);
  }
}

export function showMonitored(out: Output, secrets: readonly MonitoredSecret[], allEnvs: boolean, now: number): void {
  out.table(
    ['name', ...(allEnvs ? ['environment'] : []), 'type', 'age', 'strength', 'reads', 'last read'],
    secrets.map((one) => [
      one.name,
      ...(allEnvs ? [one.environment] : []),
      one.type,
      ageBar(out, one),
      one.strength === undefined ? '–' : String(one.strength),
      String(one.reads),
      ago(one.lastReadAt, now),
    ]),
  );
}

interface MonitorCommandOptions extends CommonOptions {
  readonly allEnvs?: boolean;
}

export function register(program: Command): void {
  withPlace(
    program
      .command('monitor')
      .description(
        'age, strength and use; `monitor check`: only what is critical; `monitor anomalies`: what is unusual',
      )
      .argument('[what]', 'check, for the quick form; anomalies, for what was out of the ordinary in 30 days'),
  )
    .option('-a, --all-envs', 'all environments of the project')
    .action((check: string | undefined, options: MonitorCommandOptions) =>
      withSession('monitor', options, async (session) => {
        if (check === 'anomalies') {
          unusual(session);
          return;
        }
        if (check !== undefined && check !== 'check')
          throw new UsageError(`"${check}" is neither check nor anomalies.`);
        await watch(session, options, check === 'check');
      }),
    );
}

async function watch(session: Session, options: MonitorCommandOptions, quick: boolean): Promise<void> {
  const { vault, out } = session;
  await vault.perform(rotatorOf(vault, await openWorld(session)).settle());
  const environments = chosenEnvironments(session, options);
  const result = vault.run(monitor(vault.context, environments, { strength: !quick }));
  const critical = result.alerts.filter((one) => one.severity === 'critical');
  if (critical.length > 0) process.exitCode = EXIT.findings;
  const shown = quick ? critical : result.alerts;
  out.data(quick ? { at: result.at, alerts: critical } : result);
  if (!quick && result.secrets.length > 0) {
    showMonitored(out, result.secrets, options.allEnvs === true, result.at);
    out.line();
  }
  showAlerts(out, shown);
  if (shown.length > 0) out.line();
  const count = plural(shown.length, quick ? 'critical alert' : 'alert');
  out.line(
    `${plural(result.secrets.length, 'secret')} watched; ${shown.length === 0 ? out.style('green', 'no alerts') : count}; ` +
      `${result.denied} denied, ${plural(result.failedReads, 'failed read')}, ${plural(result.failedRotations, 'failed rotation')} in 30 days.`,
  );
}

/** What was out of the ordinary, each with the entries of the log that show it. */
function unusual({ vault, out }: Session): void {
  const { context } = vault;
  vault.run(observe(context));
  const found = vault.run(listAnomalies(context, context.clock() - LOOK_BACK_DAYS * DAY_MS));
  out.data(found);
  if (found.length === 0) out.line(`Nothing out of the ordinary in ${LOOK_BACK_DAYS} days.`);
  for (const one of found) {
    const entries = one.evidence.map(({ chain, seq }) => `${chain} ${seq}`).join(', ');
    out.line(`${severityWord(out, one.severity)}  ${moment(one.at)}  ${one.what}`);
    out.line(`          ${out.style('dim', `${one.kind}; entries: ${entries}`)}`);
  }
}
