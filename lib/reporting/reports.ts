// The four kinds of reports, each put together, signed and kept. The log has each that is made.

import { asBuffer } from '../crypto/bytes.ts';
import { NotFoundError } from '../errors.ts';
import { showIncident } from '../incidents/incidents.ts';
import { all, first, type Operation, quietTransaction } from '../store/operation.ts';
import { findReport, insertReport, selectReports } from '../store/statements/assurance.ts';
import type { ReportKind } from '../store/states.ts';
import type { VaultContext } from '../vault/context.ts';
import { judgeControls } from './controls.ts';
import { auditRange, logFacts } from './log-facts.ts';
import type { ControlStatus, Report, Section, SignedReport } from './model.ts';
import { lastPeriod, type Period, type PeriodKind } from './period.ts';
import * as sections from './sections.ts';
import { signReport } from './sign.ts';
import { type Surroundings, vaultFacts } from './vault-facts.ts';
import { count, span } from './words.ts';

const LISTED = 500;

export type ReportInput =
  | {
      readonly kind: PeriodKind /** The last one that is over where not given. */;
      readonly period?: Period | undefined;
    }
  | { readonly kind: 'incident'; readonly incident: string };

/**
 * Makes a report, signs it and keeps it.
 * @throws NotFoundError for an incident that is not there; AccessDeniedError
 */
export function* makeReport(ctx: VaultContext, input: ReportInput, around: Surroundings): Operation<SignedReport> {
  yield* ctx.authorize('monitor', { action: 'report.make', details: { kind: input.kind } });
  yield* ctx.authorize('audit', { action: 'report.make', details: { kind: input.kind } });
  const report =
    input.kind === 'incident'
      ? yield* incidentReport(ctx, input.incident)
      : yield* periodReport(ctx, input.kind, input.period ?? lastPeriod(input.kind, ctx.clock()), around);
  const signed = signReport(ctx.keyring.signingKey(), report);
  yield* quietTransaction(keep(ctx, signed));
  return signed;
}

function* keep(ctx: VaultContext, signed: SignedReport): Operation<void> {
  const { id, kind, period, headline } = signed.report;
  yield* all(insertReport, {
    id,
    kind,
    period,
    created_at: ctx.clock(),
    created_by: ctx.principal,
    headline,
    body: Buffer.from(JSON.stringify(signed), 'utf8'),
  });
  yield* ctx.log([{ action: 'report.make', details: { report: id, kind, period } }]);
}

interface Written {
  readonly title: string;
  readonly headline: string;
  readonly sections: readonly Section[];
  readonly controls?: Report['controls'];
}

function* periodReport(ctx: VaultContext, kind: PeriodKind, period: Period, around: Surroundings): Operation<Report> {
  // Rotations are told without opening a value; the other two judge values as well.
  const vault = yield* vaultFacts(ctx, period, around, kind !== 'weekly');
  const log = yield* logFacts(period);
  const audit = yield* auditRange(ctx, log, kind === 'monthly');
  const written = { daily, weekly, monthly }[kind]({ period, vault, log, audit });
  return {
    ...frame(ctx, kind, period.label),
    title: period.to > ctx.clock() ? `${written.title} (so far)` : written.title,
    from: new Date(period.from).toISOString(),
    to: new Date(period.to).toISOString(),
    headline: written.headline,
    sections: written.sections,
    controls: written.controls ?? [],
    audit,
  };
}

function frame(ctx: VaultContext, kind: ReportKind, period: string) {
  return {
    keyturn: 'report' as const,
    format: 1 as const,
    kind,
    id: `rep-${kind}-${period}-${ctx.random(4).toString('hex')}`,
    vault: ctx.audit.vaultId,
    period,
    createdAt: new Date(ctx.clock()).toISOString(),
  };
}

type Evidence = Parameters<typeof judgeControls>[0];

function daily({ period, vault, log }: Evidence): Written {
  const grave = sections.graveAlerts(vault);
  const parts = [
    grave > 0 ? count(grave, 'grave alert') : 'No grave alert',
    count(vault.anomalies.length, 'anomaly', 'anomalies'),
    count(log.denied, 'refused attempt'),
    count(log.reads, 'read'),
  ];
  return {
    title: `Security on ${period.label}`,
    headline: `${parts.join(', ')}.`,
    sections: [
      sections.openAlerts(vault),
      sections.anomalies(vault),
      sections.activityByHour(log),
      sections.refusedAttempts(log),
      ...(vault.incidents.length > 0 ? [sections.incidents(vault.incidents)] : []),
      sections.rotations(vault.rotations),
      sections.findings(vault),
      ...sections.journeys(vault),
    ],
  };
}

function weekly({ period, vault }: Evidence): Written {
  const done = vault.rotations.filter(sections.isDone).length;
  const undone = vault.rotations.filter(sections.isUndone).length;
  const waiting = vault.rotations.filter((one) => one.needs_value === 1 && one.state === 'planned').length;
  const overdue = vault.monitoring.secrets.filter((one) => one.state === 'overdue').length;
  const days = Array.from({ length: 7 }, (_, day) => period.from + day * 24 * 60 * 60_000);
  const onDay = (from: number, which: (one: (typeof vault.rotations)[number]) => boolean) =>
    vault.rotations.filter((one) => one.started_at >= from && one.started_at < from + 24 * 60 * 60_000 && which(one))
      .length;
  return {
    title: `Rotations in ${period.label}`,
    headline: `${count(done, 'rotation')} done, ${undone} rolled back, ${waiting} waiting for a value; ${count(overdue, 'secret')} overdue.`,
    sections: [
      {
        title: 'The week',
        chart: {
          kind: 'bars',
          title: 'Rotations begun, by day',
          labels: days.map((day) => new Date(day).toISOString().slice(5, 10)),
          series: [
            { name: 'done', values: days.map((day) => onDay(day, sections.isDone)) },
            { name: 'rolled back', values: days.map((day) => onDay(day, sections.isUndone)) },
          ],
        },
      },
      sections.rotations(vault.rotations),
      sections.ages(vault),
    ],
  };
}

function monthly(evidence: Evidence): Written {
  const { period, vault, log } = evidence;
  const controls = judgeControls(evidence);
  const of = (status: ControlStatus) => controls.filter((one) => one.status === status).length;
  return {
    title: `Compliance in ${period.label}`,
    headline: `${of('met')} controls met, ${of('partly')} partly, ${of('not met')} not met, ${of('not ours')} not ours.`,
    sections: [
      {
        title: 'Scope',
        text: [
          'Each control is judged by what this vault shows: its store, its audit log and its configuration. The log is that of the period; people, tokens, keys and ages are those of the moment in which this was made.',
        ],
        facts: [
          ['secrets', vault.monitoring.secrets.length],
          ['environments', vault.environments.length],
          ['people', vault.people.all],
          ['machine tokens', vault.tokens.length],
          ['audit entries of the period', log.entries],
          ['reads', log.reads],
          ['refused attempts', log.denied],
        ],
      },
      sections.ages(vault),
      sections.recovery(vault),
      sections.incidents(vault.incidents),
      sections.findings(vault),
      ...sections.journeys(vault),
    ],
    controls,
  };
}

function* incidentReport(ctx: VaultContext, id: string): Operation<Report> {
  const incident = yield* showIncident(ctx, id);
  const to = incident.closedAt ?? ctx.clock();
  const period = { label: id, from: incident.openedAt, to: to + 1 };
  const log = yield* logFacts(period);
  const took = span(to - incident.openedAt);
  return {
    ...frame(ctx, 'incident', id),
    title: `Incident ${id}`,
    from: new Date(period.from).toISOString(),
    to: new Date(period.to).toISOString(),
    headline: `${incident.title}; ${incident.closedAt === null ? `open for ${took}` : `closed after ${took}`}.`,
    sections: [
      {
        title: 'What',
        facts: [
          ['kind', incident.kind],
          ['subject', incident.subject],
          ['project', incident.project],
          ['environment', incident.environment],
          ['opened by', incident.openedBy],
          ['closed by', incident.closedBy],
        ],
      },
      {
        title: 'Timeline',
        table: {
          head: ['when', 'by', 'what'],
          rows: incident.timeline.map((one) => [new Date(one.at).toISOString(), one.by, one.what]),
        },
      },
      ...(incident.items.length > 0
        ? [
            {
              title: 'What had to turn',
              table: {
                head: ['secret', 'environment', 'state', 'why', 'rotation'],
                rows: incident.items.map((one) => [one.name, one.environment, one.state, one.why, one.rotation]),
              },
            },
          ]
        : []),
      sections.activityByHour(log),
    ],
    controls: [],
    audit: yield* auditRange(ctx, log, true),
  };
}

export interface ReportSummary {
  readonly id: string;
  readonly kind: ReportKind;
  readonly period: string;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  readonly createdBy: string;
  readonly headline: string;
}

/** The newest reports, without their contents. */
export function* listReports(ctx: VaultContext): Operation<ReportSummary[]> {
  yield* ctx.authorize('monitor', { action: 'report.make', details: { looked: 'list' } });
  return (yield* all(selectReports, { limit: LISTED })).map((row) => ({
    id: row.id,
    kind: row.kind,
    period: row.period,
    createdAt: row.created_at,
    createdBy: row.created_by,
    headline: row.headline,
  }));
}

/** A report as it was signed. @throws NotFoundError */
export function* readReport(ctx: VaultContext, id: string): Operation<SignedReport> {
  yield* ctx.authorize('monitor', { action: 'report.make', details: { looked: id } });
  yield* ctx.authorize('audit', { action: 'report.make', details: { looked: id } });
  const row = yield* first(findReport, { id });
  if (row) return JSON.parse(asBuffer(row.body).toString('utf8')) as SignedReport;
  throw new NotFoundError('KT_NOT_FOUND', `There is no report ${id}.`, '`keyturn report list` shows them.');
}
