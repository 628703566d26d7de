// A report as one HTML file: no script, no address of anything else, fit to print, with the signed model inside.
import type { Cell, ControlResult, ControlStatus, Section, SignedReport, Table } from './model.ts';
import { chartSvg, escapeHtml } from './svg.ts';
import { moment } from './words.ts';

const STYLE = `
:root{color-scheme:light;--ink:#1a1b1e;--dim:#5c5f66;--line:#d8dade;--met:#2b8a3e;--partly:#b35c00;--not:#c92a2a}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);max-width:60rem;margin:2rem auto;padding:0 1.5rem}
h1{font-size:1.7rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
.headline{font-size:1.1rem;font-weight:600}.dim{color:var(--dim)}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
thead th{color:var(--dim);font-weight:600;overflow-wrap:normal;white-space:nowrap}tbody th{font-weight:600;white-space:nowrap}dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.2rem;margin:0}dt{color:var(--dim)}dd{margin:0;font-weight:600}
svg{width:100%;height:auto;font:11px system-ui,sans-serif}svg text{fill:var(--dim)}figure{margin:1rem 0}figcaption{font-weight:600;margin-bottom:.3rem}
.status{font-weight:700;white-space:nowrap}.met{color:var(--met)}.partly{color:var(--partly)}.not{color:var(--not)}.ours{color:var(--dim)}
.tally{display:flex;gap:1.5rem;flex-wrap:wrap;margin:.6rem 0 1rem}.tally b{font-size:1.4rem;display:block}
code{font-size:.85em;overflow-wrap:anywhere}
@media print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}tr,figure{break-inside:avoid}}
`;

function cell(value: Cell): string {
  return value === null ? '–' : escapeHtml(String(value));
}

function table({ head, rows }: Table): string {
  if (rows.length === 0) return '<p class="dim">None.</p>';
  const heads = head.map((one) => `<th scope="col">${escapeHtml(one)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((one) => `<td>${cell(one)}</td>`).join('')}</tr>`).join('\n');
  return `<table><thead><tr>${heads}</tr></thead><tbody>\n${body}\n</tbody></table>`;
}

function section(one: Section): string {
  const parts = [`<h2>${escapeHtml(one.title)}</h2>`];
  for (const text of one.text ?? []) parts.push(`<p>${escapeHtml(text)}</p>`);
  if (one.facts && one.facts.length > 0) {
    parts.push(
      `<dl>${one.facts.map(([what, value]) => `<dt>${escapeHtml(what)}</dt><dd>${cell(value)}</dd>`).join('')}</dl>`,
    );
  }
  if (one.chart) {
    parts.push(`<figure><figcaption>${escapeHtml(one.chart.title)}</figcaption>${chartSvg(one.chart)}</figure>`);
  }
  if (one.table) parts.push(table(one.table));
  return parts.join('\n');
}

const CLASSES: Readonly<Record<ControlStatus, string>> = {
  met: 'met',
  partly: 'partly',
  'not met': 'not',
  'not ours': 'ours',
};
const STATUSES = Object.keys(CLASSES) as ControlStatus[];

function controls(results: readonly ControlResult[]): string {
  if (results.length === 0) return '';
  const tally = STATUSES.map((status) => {
    const count = results.filter((one) => one.status === status).length;
    return `<span class="${CLASSES[status]}"><b>${count}</b>${status}</span>`;
  });
  const rows = results.map((one) => {
    const evidence = [...one.evidence, ...(one.next ? [`Next: ${one.next}`] : [])].map(
      (text) => `<div>${escapeHtml(text)}</div>`,
    );
    return (
      `<tr><th scope="row">${escapeHtml(one.framework)} ${escapeHtml(one.id)}</th><td>${escapeHtml(one.asks)}</td>` +
      `<td class="status ${CLASSES[one.status]}">${one.status}</td><td>${evidence.join('')}<div class="dim">${escapeHtml(one.how)}</div></td></tr>`
    );
  });
  return (
    `<h2>Controls</h2><div class="tally">${tally.join('')}</div>` +
    `<table><thead><tr><th>control</th><th>asks for</th><th>status</th><th>evidence, and how it was measured</th></tr></thead><tbody>\n${rows.join('\n')}\n</tbody></table>`
  );
}

function restsOn({ report, publicKey, signature }: SignedReport): string {
  const { audit } = report;
  const { checkpoint, verdict } = audit;
  const chains = audit.chains.map((one) => `${one.chain} ${one.first}–${one.last}`).join(', ') || 'none';
  const lines = [
    `<p>${audit.entries} entries of the audit log: ${escapeHtml(chains)}.</p>`,
    checkpoint
      ? `<p>Checkpoint ${checkpoint.number} of ${moment(checkpoint.time)}. Anchor <code>kta1-${checkpoint.number}-${checkpoint.hash}</code>, signature <code>${checkpoint.signature}</code>.</p>`
      : '<p>No checkpoint was signed yet.</p>',
  ];
  if (verdict) {
    const words = `${verdict.intact ? 'intact' : 'NOT intact'}, ${verdict.complete ? 'complete' : 'NOT complete'}`;
    lines.push(`<p>The whole log (${verdict.entries} entries) was verified when this was made: ${words}.</p>`);
  }
  lines.push(
    `<p class="dim">Signed with the vault's key <code>${publicKey}</code>: <code>${signature}</code>. Check this file on any machine: <code>keyturn report verify FILE</code>.</p>`,
  );
  return `<h2>What it rests on</h2>${lines.join('\n')}`;
}

export function reportHtml(signed: SignedReport): string {
  const { report } = signed;
  // A < in the model would end the element early.
  const model = JSON.stringify(signed).replaceAll('<', '\\u003c');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(report.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(report.title)}</h1>
<p class="headline">${escapeHtml(report.headline)}</p>
<p class="dim">Vault <code>${report.vault}</code>, from ${moment(report.from)} to ${moment(report.to)}, made ${moment(report.createdAt)}.</p>
${controls(report.controls)}
${report.sections.map(section).join('\n')}
${restsOn(signed)}
<script type="application/json" id="keyturn-report">${model}</script>
</body>
</html>
`;
}
