// A report as Markdown, with the signed model in a comment at its end.
import type { Cell, ControlResult, Section, SignedReport, Table } from './model.ts';
import { moment } from './words.ts';

/** Keeps a text from breaking out of its table cell. */
function cell(value: Cell): string {
  return value === null ? '–' : String(value).replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function markdownTable({ head, rows }: Table): string {
  const line = (cells: readonly Cell[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function section({ title, text, facts, chart, table }: Section): string[] {
  const parts = [`## ${title}`, ...(text ?? [])];
  if (facts && facts.length > 0) parts.push(markdownTable({ head: ['what', 'value'], rows: facts }));
  if (chart) {
    const head = ['', ...chart.series.map((one) => one.name)];
    const rows = chart.labels.map((label, index) => [label, ...chart.series.map((one) => one.values[index] ?? null)]);
    parts.push(`**${chart.title}**`, markdownTable({ head, rows }));
  }
  if (table) parts.push(table.rows.length === 0 ? 'None.' : markdownTable(table));
  return parts;
}

function controls(results: readonly ControlResult[]): string[] {
  if (results.length === 0) return [];
  const rows = results.map((one) => [
    `${one.framework} ${one.id}`,
    one.asks,
    one.status,
    [...one.evidence, ...(one.next ? [`Next: ${one.next}`] : [])].join(' '),
    one.how,
  ]);
  return [
    '## Controls',
    markdownTable({ head: ['control', 'asks for', 'status', 'evidence', 'how it was measured'], rows }),
  ];
}

export function reportMarkdown(signed: SignedReport): string {
  const { report } = signed;
  const { audit } = report;
  const { checkpoint } = audit;
  const parts = [
    `# ${report.title}`,
    `**${report.headline}**`,
    `Vault \`${report.vault}\`, from ${moment(report.from)} to ${moment(report.to)}, made ${moment(report.createdAt)}.`,
    ...controls(report.controls),
    ...report.sections.flatMap(section),
    '## What it rests on',
    `${audit.entries} entries of the audit log: ${audit.chains.map((one) => `${one.chain} ${one.first}–${one.last}`).join(', ') || 'none'}.`,
    checkpoint
      ? `Checkpoint ${checkpoint.number} of ${moment(checkpoint.time)}, anchor \`kta1-${checkpoint.number}-${checkpoint.hash}\`, signature \`${checkpoint.signature}\`.`
      : 'No checkpoint was signed yet.',
    ...(audit.verdict
      ? [
          `The whole log (${audit.verdict.entries} entries) was verified: ${audit.verdict.intact ? 'intact' : 'NOT intact'}, ${audit.verdict.complete ? 'complete' : 'NOT complete'}.`,
        ]
      : []),
    'Check this file with `keyturn report verify FILE`, on any machine.',
    `<!-- keyturn-report:${Buffer.from(JSON.stringify(signed), 'utf8').toString('base64url')} -->`,
  ];
  return `${parts.join('\n\n')}\n`;
}
