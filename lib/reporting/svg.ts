// Charts as inline SVG: no script, readable in print, with their numbers as text for who does not see them.
import type { Chart } from './model.ts';

const WIDTH = 720;
const HEIGHT = 220;
const LEFT = 44;
const BOTTOM = 34;
const TOP = 12;
const RIGHT = 8;
const COLOURS = ['#2f6fde', '#d9480f', '#2b8a3e', '#862e9c'];
/** So many labels fit under a chart. */
const LABELS = 16;

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}

/** The next of 1, 2, 5, 10, 20, … above. */
function niceMost(most: number): number {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((one) => one >= most) ?? 10 * power;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export function chartSvg(chart: Chart): string {
  const most = niceMost(Math.max(0, ...chart.series.flatMap((one) => one.values)));
  const plotWidth = WIDTH - LEFT - RIGHT;
  const plotHeight = HEIGHT - TOP - BOTTOM;
  const step = plotWidth / Math.max(1, chart.labels.length);
  const y = (value: number) => round(TOP + plotHeight * (1 - value / most));
  const grid = [0, most / 2, most].map(
    (value) =>
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}" stroke="#ccc"/>` +
      `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${round(value)}</text>`,
  );
  const every = Math.ceil(chart.labels.length / LABELS);
  const labels = chart.labels.map((label, index) =>
    index % every === 0
      ? `<text x="${round(LEFT + step * (index + 0.5))}" y="${HEIGHT - BOTTOM + 16}" text-anchor="middle">${escapeHtml(label)}</text>`
      : '',
  );
  const drawn = chart.series.map((one, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? '#000';
    return chart.kind === 'line' ? line(one.values, colour) : bars(one.values, index, colour);
  });
  function line(values: readonly number[], colour: string): string {
    const points = values.map((value, at) => `${round(LEFT + step * (at + 0.5))},${y(value)}`);
    return `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${points.join(' ')}"/>`;
  }
  function bars(values: readonly number[], index: number, colour: string): string {
    const wide = (step * 0.8) / chart.series.length;
    const all = values.map((value, at) => {
      const x = round(LEFT + step * at + step * 0.1 + wide * index);
      return `<rect x="${x}" y="${y(value)}" width="${round(wide)}" height="${round(TOP + plotHeight - y(value))}" fill="${colour}"/>`;
    });
    return all.join('');
  }
  const legend =
    chart.series.length < 2
      ? ''
      : chart.series
          .map(
            (one, index) =>
              `<text x="${LEFT + index * 140}" y="${HEIGHT - 2}" fill="${COLOURS[index % COLOURS.length]}">■ ${escapeHtml(one.name)}</text>`,
          )
          .join('');
  const said = chart.labels
    .map((label, index) => `${label}: ${chart.series.map((one) => `${one.name} ${one.values[index] ?? 0}`).join(', ')}`)
    .join('; ');
  return (
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(chart.title)}">` +
    `<title>${escapeHtml(chart.title)}</title><desc>${escapeHtml(said)}</desc>` +
    `${grid.join('')}${drawn.join('')}${labels.join('')}${legend}</svg>`
  );
}
