// `npm run bench:peers`: Keyturn beside what a user would pick instead, and beside its floors, on the same work in one run; then what it
// costs as it grows. Writes the table and the plot into docs/performance.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { files } from './files.ts';
import { measuredRows, type Row } from './peer.ts';
import { plotSvg } from './plot.ts';
import { scanning } from './scanning.ts';
import { servers } from './servers.ts';
import { bySize } from './size.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENT = join(ROOT, 'docs', 'performance.md');
const PLOT = join(ROOT, 'docs', 'performance-size.svg');
const BEGIN = '<!-- peers: written by `npm run bench:peers` -->';
const END = '<!-- /peers -->';

const HELP = `npm run bench:peers -- [files] [scanning] [servers] [size] [--no-write]

Compares with dotenvx, and with sops, age, gitleaks, secretlint, OpenBao and Vault where they are on the PATH.
  --secrets N    size: up to 10^N secrets (6)
  --entries N    size: up to 10^N audit entries (7)
  --no-write     leave docs/performance.md as it is
`;

function cell({ value, unit, ratio, note }: Row): string[] {
  if (value === undefined) return ['not on this machine', '', ''];
  const number = value < 100 ? value.toPrecision(3) : Math.round(value).toLocaleString('en');
  return [`${number} ${unit}`, ratio === undefined ? '' : `${ratio.toFixed(2)} ×`, note ?? ''];
}

function table(rows: readonly Row[]): string {
  const lines = ['| work | who | median | beside Keyturn | |', '| --- | --- | --- | --- | --- |'];
  let work = '';
  for (const row of rows) {
    lines.push(`| ${row.work === work ? '' : row.work} | ${row.who} | ${cell(row).join(' | ')} |`);
    work = row.work;
  }
  return lines.join('\n');
}

function machine(): string {
  const cpu = cpus()[0]?.model ?? 'unknown';
  const memory = Math.round(totalmem() / 2 ** 30);
  const day = new Date().toISOString().slice(0, 10);
  return `${day}, ${cpus().length} cores of ${cpu}, ${memory} GiB, Linux ${release()}, Node ${process.versions.node}, SQLite ${process.versions.sqlite}.`;
}

function write(rows: readonly Row[], plotted: boolean): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < 0) throw new Error(`${DOCUMENT} has no place for it`);
  const plot = plotted ? '\n\n![What it costs as it grows](performance-size.svg)' : '';
  const body = `${BEGIN}\n\n${machine()}\n\n${table(rows)}${plot}\n\n`;
  writeFileSync(DOCUMENT, text.slice(0, from) + body + text.slice(to));
  process.stdout.write(`\nWritten to ${DOCUMENT}\n`);
}

const PARTS = ['files', 'scanning', 'servers', 'size'];
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    secrets: { type: 'string', default: '6' },
    entries: { type: 'string', default: '7' },
    'no-write': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || positionals.some((one) => !PARTS.includes(one))) {
  process.stdout.write(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  const wanted = (part: string) => positionals.length === 0 || positionals.includes(part);
  if (wanted('files')) files();
  if (wanted('scanning')) scanning();
  if (wanted('servers')) await servers();
  if (wanted('size')) {
    writeFileSync(PLOT, plotSvg(await bySize({ secrets: Number(values.secrets), entries: Number(values.entries) })));
  }
  // What was asked for in parts is not the whole table.
  if (!values['no-write'] && positionals.length === 0) write(measuredRows(), true);
}
