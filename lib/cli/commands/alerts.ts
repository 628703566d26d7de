// keyturn alerts: what is wrong now, who deals with it, and whether the channels work.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import {
  type AlertSummary,
  acknowledgeAlert,
  listAlerts,
  muteAlert,
  reopenAlert,
} from '../../monitoring/alert-book.ts';
import { listDeliveries, testChannels } from '../../monitoring/alert-delivery.ts';
import { updateAlerts } from '../../monitoring/alert-run.ts';
import { rotatorOf } from '../../rotation/rotator.ts';
import { alertRunOf } from '../alerting.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { type CommonOptions, openWorld, type Session, withJson, withSession } from '../session.ts';
import { ago, moment, parseSpan, plural } from '../words.ts';

const DAY_MS = 24 * 60 * 60_000;
const LISTED = 100;
const STYLES = { critical: 'red', high: 'red', medium: 'yellow', low: 'dim', info: 'dim' } as const;

export function register(program: Command): void {
  const alerts = program.command('alerts').description('what is wrong now, who deals with it, who is told');
  list(alerts);
  handle(alerts);
  channels(alerts);
}

function list(alerts: Command): void {
  withJson(
    alerts.command('list', { isDefault: true }).description('look now, tell the channels, and list what is open'),
  )
    .option('--history <days>', 'those of so many days, resolved ones too')
    .option('--strength', 'judge strength too (opens every value in memory)')
    .action((options: CommonOptions & { history?: string; strength?: boolean }) =>
      withSession('alerts', options, (session) => look(session, options)),
    );
}

async function look(session: Session, options: { history?: string; strength?: boolean }): Promise<void> {
  const { vault, out } = session;
  const { context } = vault;
  const days = options.history === undefined ? undefined : Number(options.history);
  if (days !== undefined && !(days > 0)) throw new UsageError(`"${options.history}" is no number of days.`);
  const world = await openWorld(session);
  await vault.perform(rotatorOf(vault, world).settle());
  await vault.perform(updateAlerts(context, alertRunOf(session, world), options.strength === true));
  const now = context.clock();
  const found = vault.run(listAlerts(context, days === undefined ? undefined : now - days * DAY_MS));
  out.data({ alerts: found });
  if (found.length === 0) out.line(out.style('green', 'No alerts.'));
  for (const one of found) showOne(out, one, now);
  if (found.some((one) => one.severity === 'critical' && one.state === 'open')) process.exitCode = EXIT.findings;
}

function showOne(out: Output, one: AlertSummary, now: number): void {
  const by = one.acknowledgedBy === null ? '' : ` by ${one.acknowledgedBy}`;
  const state = one.state === 'open' ? '' : ` (${one.state}${by})`;
  out.line(`${out.style(STYLES[one.severity], one.severity.padEnd(8))} ${one.what}${state}`);
  out.line(`         ${out.style('dim', `${one.id}, ${ago(one.openedAt, now)}.`)} ${one.mend}`);
}

function handle(alerts: Command): void {
  withJson(alerts.command('ack').description('say that you deal with it').argument('<id>')).action(
    (id: string, options: CommonOptions) =>
      withSession('alerts', options, ({ vault, out }) => {
        const alert = vault.run(acknowledgeAlert(vault.context, id));
        out.data(alert);
        out.line(`${id} is acknowledged by ${alert.acknowledgedBy}: it is told again only if it becomes worse.`);
      }),
  );
  withJson(alerts.command('mute').description('tell nobody of it for a time').argument('<id>'))
    .requiredOption('--for <time>', 'how long: 90m, 24h, 7d')
    .requiredOption('--reason <text>', 'why')
    .action((id: string, options: CommonOptions & { for: string; reason: string }) =>
      withSession('alerts', options, ({ vault, out }) => {
        const span = parseSpan(options.for);
        if (span === undefined)
          throw new UsageError(`"${options.for}" is not a length of time.`, 'Give 90m, 24h or 7d.');
        const alert = vault.run(muteAlert(vault.context, id, vault.context.clock() + span, options.reason));
        out.data(alert);
        out.line(`${id} is muted until ${moment(alert.mutedUntil ?? 0)}: ${alert.muteReason}`);
      }),
    );
  withJson(alerts.command('reopen').description('take an acknowledgement or a mute back').argument('<id>')).action(
    (id: string, options: CommonOptions) =>
      withSession('alerts', options, ({ vault, out }) => {
        out.data(vault.run(reopenAlert(vault.context, id)));
        out.line(`${id} is open.`);
      }),
  );
}

function channels(alerts: Command): void {
  withJson(
    alerts.command('test').description('send a test message by every channel (or one), now').argument('[channel]'),
  ).action((channel: string | undefined, options: CommonOptions) =>
    withSession('alerts', options, (session) => test(session, channel)),
  );
  withJson(alerts.command('deliveries').description('what was told to whom, and what has not arrived')).action(
    (options: CommonOptions) =>
      withSession('alerts', options, ({ vault, out }) => {
        const found = vault.run(listDeliveries(vault.context, LISTED));
        out.data({ deliveries: found });
        if (found.length === 0) {
          out.line('Nobody has been told of anything yet.');
          return;
        }
        out.table(
          ['when', 'channel', 'what', 'state', 'tries', 'in the way'],
          found.map((one) => [
            moment(one.createdAt),
            one.channel,
            one.event,
            one.state,
            String(one.attempts),
            one.error ?? '',
          ]),
        );
        const waiting = found.filter((one) => one.state === 'waiting').length;
        if (waiting > 0) out.aside(`${plural(waiting, 'delivery', 'deliveries')} on the way.`);
      }),
  );
}

async function test(session: Session, channel: string | undefined): Promise<void> {
  const { vault, out } = session;
  const run = alertRunOf(session, await openWorld(session));
  const declared = run.world.channels.map((one) => one.id);
  if (declared.length === 0) {
    throw new UsageError(
      'No channel is declared.',
      'Declare one in keyturn.config.ts: docs/alerts.md shows each kind.',
    );
  }
  if (channel !== undefined && !declared.includes(channel)) {
    throw new UsageError(`There is no channel ${channel}.`, `There are: ${declared.join(', ')}.`);
  }
  const results = await vault.perform(testChannels(vault.context, run.world, channel));
  out.data({ results });
  for (const one of results) {
    const mark = one.error === null ? out.style('green', '✓') : out.style('red', '✗');
    out.line(`${mark} ${one.channel} (${one.title})${one.error === null ? '' : `: ${one.error}`}`);
  }
  if (results.some((one) => one.error !== null)) process.exitCode = EXIT.findings;
}
