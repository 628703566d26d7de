// A report's facts, tables and controls as CSV (RFC 4180), one block after the other with its title before it.
import type { Cell, SignedReport } from './model.ts';

/** A cell that a spreadsheet would take for a formula is kept from being one (OWASP, CSV injection). */
function cell(value: Cell): string {
  if (value === null) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function reportCsv({ report }: SignedReport): string {
  const lines: Cell[][] = [
    ['report', report.title],
    ['headline', report.headline],
    ['from', report.from],
    ['to', report.to],
    ['made', report.createdAt],
  ];
  for (const { title, facts, chart, table } of report.sections) {
    lines.push([], [title]);
    for (const fact of facts ?? []) lines.push([...fact]);
    if (chart) {
      lines.push([chart.title, ...chart.series.map((one) => one.name)]);
      chart.labels.forEach((label, index) => {
        lines.push([label, ...chart.series.map((one) => one.values[index] ?? null)]);
      });
    }
    if (table) lines.push([...table.head], ...table.rows.map((row) => [...row]));
  }
  if (report.controls.length > 0) {
    lines.push([], ['framework', 'control', 'asks for', 'status', 'evidence', 'how', 'next']);
    for (const one of report.controls) {
      const { framework, id, asks, status, evidence, how, next } = one;
      lines.push([framework, id, asks, status, evidence.join(' '), how, next ?? null]);
    }
  }
  return lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
}
