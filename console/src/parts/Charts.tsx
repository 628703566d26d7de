// The charts, by recharts through Mantine; loaded only where one is shown. Each has a table of its numbers for who cannot see
// it.
import '@mantine/charts/styles.css';
import { AreaChart, BarChart } from '@mantine/charts';
import { VisuallyHidden } from '@mantine/core';
import { words } from '../words.ts';

interface Day {
  readonly day: number;
  readonly reads: number;
  readonly changes: number;
  readonly denied: number;
  readonly failed: number;
}

const dayName = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });
const hourName = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  timeZone: 'UTC',
});
const HEIGHT = 230;

interface Run {
  readonly startedAt: number;
  readonly tookMs: number;
  readonly passed: boolean;
}

export function UseChart({ days }: { days: readonly Day[] }) {
  const data = days.map((one) => ({
    day: dayName.format(one.day),
    [words.monitoring.reads]: one.reads,
    [words.monitoring.changes]: one.changes,
  }));
  return (
    <figure style={{ margin: 0 }} aria-label={words.monitoring.use}>
      <AreaChart
        h={HEIGHT}
        data={data}
        dataKey="day"
        withLegend
        curveType="monotone"
        series={[
          { name: words.monitoring.reads, color: 'pine.6' },
          { name: words.monitoring.changes, color: 'blue.6' },
        ]}
      />
      <Numbers rows={days.map((one) => [dayName.format(one.day), one.reads, one.changes])} />
    </figure>
  );
}

export function DeniedChart({ days }: { days: readonly Day[] }) {
  const data = days.map((one) => ({
    day: dayName.format(one.day),
    [words.monitoring.refused]: one.denied,
    [words.monitoring.failed]: one.failed,
  }));
  return (
    <figure style={{ margin: 0 }} aria-label={words.monitoring.denied}>
      <BarChart
        h={HEIGHT}
        data={data}
        dataKey="day"
        type="stacked"
        withLegend
        series={[
          { name: words.monitoring.refused, color: 'red.6' },
          { name: words.monitoring.failed, color: 'orange.5' },
        ]}
      />
      <Numbers rows={days.map((one) => [dayName.format(one.day), one.denied, one.failed])} />
    </figure>
  );
}

/** How long runs of a journey took, the oldest first; those that failed stand out. */
export function JourneyChart({ label, runs }: { label: string; runs: readonly Run[] }) {
  const data = runs.map((one) => ({
    at: hourName.format(one.startedAt),
    [words.monitoring.took]: one.passed ? one.tookMs : 0,
    [words.monitoring.failed]: one.passed ? 0 : one.tookMs,
  }));
  return (
    <figure style={{ margin: 0 }} aria-label={label}>
      <BarChart
        h={HEIGHT}
        data={data}
        dataKey="at"
        type="stacked"
        withLegend
        series={[
          { name: words.monitoring.took, color: 'pine.6' },
          { name: words.monitoring.failed, color: 'red.6' },
        ]}
      />
      <Numbers rows={runs.map((one) => [hourName.format(one.startedAt), one.tookMs])} />
    </figure>
  );
}

interface Bar {
  readonly name: string;
  readonly count: number;
  readonly color: string;
}

export function CountChart({ label, bars }: { label: string; bars: readonly Bar[] }) {
  const data = bars.map((one) => ({ name: one.name, [words.overview.secrets]: one.count, color: one.color }));
  return (
    <figure style={{ margin: 0 }} aria-label={label}>
      <BarChart
        h={HEIGHT}
        data={data}
        dataKey="name"
        series={[{ name: words.overview.secrets, color: 'pine.6' }]}
        withBarValueLabel
        xAxisProps={{ interval: 0 }}
      />
      <Numbers rows={bars.map((one) => [one.name, one.count])} />
    </figure>
  );
}

function Numbers({ rows }: { rows: readonly (readonly (string | number)[])[] }) {
  return (
    <VisuallyHidden>
      <table>
        <tbody>
          {rows.map(([name, ...numbers]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>{numbers.join(', ')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </VisuallyHidden>
  );
}
