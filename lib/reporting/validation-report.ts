// The detailed report: one model from a validation and a monitoring run, as JSON and as Markdown.
import type { MonitorResult } from '../monitoring/monitor.ts';
import type { Finding } from '../validation/finding.ts';
import type { ValidationResult } from '../validation/validate.ts';

export interface SecretsReport {
  readonly keyturn: 'secrets-report';
  readonly format: 1;
  readonly vault: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly environments: readonly string[];
  readonly summary: {
    readonly secrets: number;
    readonly criticalPresent: number;
    readonly criticalWanted: number;
    readonly findings: Readonly<Record<Finding['severity'], number>>;
    readonly overdue: number;
    readonly dueSoon: number;
    readonly deniedAttempts: number;
    readonly failedRotations: number;
  };
  readonly secrets: readonly {
    readonly name: string;
    readonly environment: string;
    readonly type: string;
    readonly risk: string;
    readonly version: number;
    readonly ageDays: number;
    readonly intervalDays: number | null;
    readonly state: string;
    readonly strength: number | null;
    readonly reads: number;
    readonly lastRead: string | null;
  }[];
  readonly findings: readonly Finding[];
  readonly alerts: MonitorResult['alerts'];
}

export function buildReport(vault: string, validation: ValidationResult, monitoring: MonitorResult): SecretsReport {
  const findings = { critical: 0, high: 0, medium: 0, low: 0, info: 0 };
  for (const finding of validation.findings) findings[finding.severity] += 1;
  // Whoever validates has measured strength: monitoring need not open every value once more for it.
  const strengths = new Map(validation.secrets.map((one) => [`${one.environment}/${one.name}`, one.strength]));
  return {
    keyturn: 'secrets-report',
    format: 1,
    vault,
    createdAt: new Date(monitoring.at).toISOString(),
    environments: validation.environments,
    summary: {
      secrets: validation.secrets.length,
      criticalPresent: validation.critical.present,
      criticalWanted: validation.critical.wanted,
      findings,
      overdue: monitoring.secrets.filter((one) => one.state === 'overdue').length,
      dueSoon: monitoring.secrets.filter((one) => one.state === 'due soon').length,
      deniedAttempts: monitoring.denied,
      failedRotations: monitoring.failedRotations,
    },
    secrets: monitoring.secrets.map((one) => ({
      name: one.name,
      environment: one.environment,
      type: one.type,
      risk: one.risk,
      version: one.version,
      ageDays: one.ageDays,
      intervalDays: one.intervalDays ?? null,
      state: one.state,
      strength: strengths.get(`${one.environment}/${one.name}`) ?? one.strength ?? null,
      reads: one.reads,
      lastRead: one.lastReadAt === null ? null : new Date(one.lastReadAt).toISOString(),
    })),
    findings: validation.findings,
    alerts: monitoring.alerts,
  };
}

/** Keeps a text from breaking out of its table cell. */
function cell(text: string | number | null): string {
  return text === null ? '–' : String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function table(head: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const line = (cells: readonly (string | number | null)[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export function reportMarkdown(report: SecretsReport): string {
  const { summary } = report;
  const parts = [
    '# Secrets report',
    `Vault \`${report.vault}\`, ${report.environments.join(', ')}, made ${report.createdAt}.`,
    '## Summary',
    table(
      ['what', 'number'],
      [
        ['secrets', summary.secrets],
        ['critical secrets present', `${summary.criticalPresent} of ${summary.criticalWanted}`],
        ...Object.entries(summary.findings).map(([severity, count]) => [`findings, ${severity}`, count]),
        ['overdue for rotation', summary.overdue],
        ['due soon', summary.dueSoon],
        ['unauthorised attempts (30 days)', summary.deniedAttempts],
        ['failed rotations (30 days)', summary.failedRotations],
      ],
    ),
    '## Findings',
    report.findings.length === 0
      ? 'None.'
      : table(
          ['severity', 'secret', 'environment', 'what', 'why', 'how to mend it'],
          report.findings.map((one) => [one.severity, one.secret, one.environment, one.what, one.why, one.mend]),
        ),
    '## Alerts',
    report.alerts.length === 0
      ? 'None.'
      : table(
          ['severity', 'what', 'what to do'],
          report.alerts.map((one) => [one.severity, one.what, one.mend]),
        ),
    '## Secrets',
    report.secrets.length === 0
      ? 'None.'
      : table(
          [
            'secret',
            'environment',
            'type',
            'risk',
            'version',
            'age (days)',
            'interval (days)',
            'state',
            'strength',
            'reads',
            'last read',
          ],
          report.secrets.map((one) => [
            one.name,
            one.environment,
            one.type,
            one.risk,
            one.version,
            one.ageDays,
            one.intervalDays,
            one.state,
            one.strength,
            one.reads,
            one.lastRead,
          ]),
        ),
  ];
  return `${parts.join('\n\n')}\n`;
}
