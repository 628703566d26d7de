// Reports that come by themselves: made when their day, week or month is over, and brought by the alert channels.
import type { ReportsConfig } from '../config/operations.ts';
import { enqueue } from '../monitoring/alert-book.ts';
import { type AlertWorld, deliverAlerts, messageOnly } from '../monitoring/alert-delivery.ts';
import type { Channel } from '../monitoring/channels/channel.ts';
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import { findFact, putFact } from '../store/statements/vault-facts.ts';
import type { VaultContext } from '../vault/context.ts';
import { writeReport } from './formats.ts';
import type { SignedReport } from './model.ts';
import { lastPeriod, type PeriodKind } from './period.ts';
import { makeReport } from './reports.ts';
import type { Surroundings } from './vault-facts.ts';

const KINDS: readonly PeriodKind[] = ['daily', 'weekly', 'monthly'];
/** Where reports are read: a pager is for what cannot wait, and standard output is for lines. */
const READING = new Set(['slack', 'webhook', 'smtp', 'resend']);

export interface ReportRun {
  readonly config: ReportsConfig;
  readonly around: () => Surroundings;
  readonly world: AlertWorld;
}

/** Makes the reports whose time has come, and has them brought. @returns those that were made */
export function* makeDueReports(ctx: VaultContext, run: ReportRun): Operation<SignedReport[]> {
  const made: SignedReport[] = [];
  for (const kind of KINDS) {
    if (run.config[kind] === false) continue;
    const period = lastPeriod(kind, ctx.clock());
    const key = `report_${kind}`;
    const last = yield* first(findFact, { key });
    const createdAt = Number((yield* first(findFact, { key: 'created_at' }))?.value ?? 0);
    // What was over before there was a vault has nothing to tell.
    if (last?.value === period.label || period.to <= createdAt) continue;
    const signed = yield* makeReport(ctx, { kind, period }, run.around());
    // Noted after it is kept: a process that is killed in between makes it once more, and never leaves it out.
    yield* quietTransaction(all(putFact, { key, value: period.label }));
    yield* bringReport(ctx, run, signed);
    made.push(signed);
  }
  return made;
}

/** Queues a report to the channels, and sends what is queued. @returns the channels */
export function* bringReport(ctx: VaultContext, run: ReportRun, signed: SignedReport): Operation<Channel[]> {
  const channels = run.world.channels.filter((one) => run.config.to?.includes(one.id) ?? READING.has(one.kind));
  yield* quietTransaction(queueAll(ctx, run, signed, channels));
  yield* deliverAlerts(ctx, run.world);
  return channels;
}

function* queueAll(
  ctx: VaultContext,
  { world }: ReportRun,
  signed: SignedReport,
  channels: readonly Channel[],
): Operation<void> {
  const { report } = signed;
  const open = report.controls.filter((one) => one.status === 'not met').map((one) => `${one.framework} ${one.id}`);
  const alert = messageOnly({
    id: report.id,
    key: `report/${report.kind}/${report.period}`,
    kind: 'report',
    what: `${report.title}: ${report.headline}`,
    mend: open.length > 0 ? `Not met: ${open.join(', ')}.` : `\`keyturn report show ${report.id}\` writes it.`,
    now: ctx.clock(),
  });
  const file = { name: `${report.kind}-${report.period}.html`, type: 'text/html', text: writeReport(signed, 'html') };
  for (const channel of channels) yield* enqueue(ctx, channel, { event: 'report', alert, link: world.link, file });
}
