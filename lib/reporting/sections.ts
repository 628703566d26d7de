// The sections that reports are put together from.
import type { IncidentTable } from '../store/schema.ts';
import type { LogFacts } from './log-facts.ts';
import type { Section } from './model.ts';
import type { RotationLine, VaultFacts } from './vault-facts.ts';
import { day, span, top, when } from './words.ts';

const LISTED = 50;
const GRAVE = new Set(['critical', 'high']);

export function openAlerts(vault: VaultFacts): Section {
  return {
    title: 'Open alerts',
    table: {
      head: ['severity', 'since', 'what', 'what to do'],
      rows: vault.openAlerts.slice(0, LISTED).map((one) => [one.severity, day(one.opened_at), one.what, one.mend]),
    },
  };
}

export function graveAlerts(vault: VaultFacts): number {
  return vault.openAlerts.filter((one) => GRAVE.has(one.severity)).length;
}

export function anomalies(vault: VaultFacts): Section {
  return {
    title: 'Out of the ordinary',
    table: {
      head: ['when', 'severity', 'what'],
      rows: vault.anomalies.slice(0, LISTED).map((one) => [when(one.at), one.severity, one.what]),
    },
  };
}

export function findings(vault: VaultFacts): Section {
  const found = vault.validation?.findings ?? [];
  return {
    title: 'Findings on values',
    ...(vault.validation ? {} : { text: ['Values were not judged for this report.'] }),
    table: {
      head: ['severity', 'secret', 'environment', 'what', 'how to mend it'],
      rows: found
        .filter((one) => one.severity !== 'info')
        .slice(0, LISTED)
        .map((one) => [one.severity, one.secret, one.environment, one.what, one.mend]),
    },
  };
}

export function activityByHour(log: LogFacts): Section {
  return {
    title: 'Access',
    facts: [
      ['reads', log.reads],
      ['refused attempts', log.denied],
      ['failed operations', log.failed],
      ['who read anything', log.readers.size],
    ],
    chart: {
      kind: 'bars',
      title: 'Reads and refusals by hour (UTC)',
      labels: log.readsByHour.map((_, hour) => String(hour % 24)),
      series: [
        { name: 'reads', values: log.readsByHour },
        { name: 'refused', values: log.deniedByHour },
      ],
    },
    table: {
      head: ['who reads most', 'reads'],
      rows: top(log.readers, 10).map(([who, reads]) => [who, reads]),
    },
  };
}

export function refusedAttempts(log: LogFacts): Section {
  return {
    title: 'Refused',
    table: { head: ['who', 'refused attempts'], rows: top(log.refused, 20).map(([who, times]) => [who, times]) },
  };
}

const STATES: Readonly<Record<string, string>> = {
  revoked: 'done, the old value ended',
  grace: 'done, the old value in its grace',
  rolled_back: 'rolled back',
  failed: 'failed, being undone',
};

export function rotations(lines: readonly RotationLine[]): Section {
  return {
    title: 'Rotations',
    table: {
      head: ['secret', 'environment', 'begun', 'by', 'why', 'state', 'took', 'trouble'],
      rows: lines
        .slice(0, 4 * LISTED)
        .map((one) => [
          one.name,
          one.environment,
          when(one.started_at),
          one.started_by,
          one.reason,
          one.needs_value === 1 ? 'waits for a value' : (STATES[one.state] ?? one.state),
          span(one.updated_at - one.started_at),
          one.error ?? one.trouble ?? null,
        ]),
    },
  };
}

export function isDone(one: RotationLine): boolean {
  return one.state === 'revoked' || one.state === 'grace';
}

export function isUndone(one: RotationLine): boolean {
  return one.state === 'rolled_back' || one.state === 'failed';
}

export function incidents(rows: readonly IncidentTable[]): Section {
  return {
    title: 'Incidents',
    table: {
      head: ['incident', 'what', 'opened', 'by', 'closed', 'took'],
      rows: rows.map((one) => [
        one.id,
        one.title,
        when(one.opened_at),
        one.opened_by,
        one.closed_at === null ? 'open' : when(one.closed_at),
        one.closed_at === null ? null : span(one.closed_at - one.opened_at),
      ]),
    },
  };
}

/** How old secrets are, as parts of their intervals. */
export function ages(vault: VaultFacts): Section {
  const aging = vault.monitoring.secrets.filter((one) => one.agePart !== undefined);
  const parts = [0.25, 0.5, 0.8, 1, Number.POSITIVE_INFINITY];
  const labels = ['below 25 %', '25–50 %', '50–80 %', '80–100 %', 'overdue'];
  const values = parts.map((most, index) => {
    const least = parts[index - 1] ?? 0;
    return aging.filter((one) => (one.agePart ?? 0) >= least && (one.agePart ?? 0) < most).length;
  });
  const due = vault.monitoring.secrets
    .filter((one) => one.state === 'overdue' || one.state === 'due soon')
    .sort((a, b) => (a.dueAt ?? 0) - (b.dueAt ?? 0));
  return {
    title: 'Ages',
    facts: [
      ['secrets', vault.monitoring.secrets.length],
      ['overdue', due.filter((one) => one.state === 'overdue').length],
      ['due soon', due.filter((one) => one.state === 'due soon').length],
    ],
    chart: { kind: 'bars', title: 'Age as a part of the interval', labels, series: [{ name: 'secrets', values }] },
    table: {
      head: ['secret', 'environment', 'risk', 'age (days)', 'interval (days)', 'due'],
      rows: due
        .slice(0, 4 * LISTED)
        .map((one) => [
          one.name,
          one.environment,
          one.risk,
          one.ageDays,
          one.intervalDays ?? null,
          one.dueAt === undefined ? null : day(one.dueAt),
        ]),
    },
  };
}

export function recovery(vault: VaultFacts): Section {
  const { newestBackupAt, now } = vault;
  return {
    title: 'Backups and restore drills',
    text: [
      newestBackupAt === undefined
        ? 'There is no backup.'
        : `The newest backup was made ${span(now - newestBackupAt)} before this report.`,
    ],
    table: {
      head: ['drill', 'result', 'secrets', 'ms'],
      rows: vault.drills
        .slice(0, 12)
        .map((one) => [when(one.at), one.passed ? 'passed' : 'FAILED', one.secrets, one.ms]),
    },
  };
}

export function journeys(vault: VaultFacts): Section[] {
  if (vault.journeys.length === 0) return [];
  const names = [...new Set(vault.journeys.map((one) => one.journey))];
  return [
    {
      title: 'Synthetic journeys',
      table: {
        head: ['journey', 'runs', 'passed', 'median ms'],
        rows: names.map((name) => {
          const runs = vault.journeys.filter((one) => one.journey === name);
          const times = runs.map((one) => one.ms).sort((a, b) => a - b);
          return [name, runs.length, runs.filter((one) => one.passed).length, times[Math.floor(times.length / 2)] ?? 0];
        }),
      },
    },
  ];
}
