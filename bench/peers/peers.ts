// `npm run bench:peers`: Keyturn beside what a user would pick instead, and beside its floors, on the same work in one run; then what it
// costs as it grows. Writes the table and the plot into docs/performance.md.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { files } from './files.ts';
import { measuredRows, type Row } from './peer.ts';
import { type Panel, plotSvg } from './plot.ts';
import { scanning } from './scanning.ts';
import { servers } from './servers.ts';
import { measureSize, type SizePart } from './size.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCUMENT = join(ROOT, 'docs', 'performance.md');
const PLOT = join(ROOT, 'docs', 'performance-size.svg');
/** The panels of the plot as numbers: each can be measured again alone. */
const SIZES = join(ROOT, 'bench', 'results', 'size.json');
const BEGIN = '<!-- peers: written by `npm run bench:peers` -->';
const END = '<!-- /peers -->';

const COMPARISONS = ['files', 'scanning', 'servers'] as const;
const SIZE_PARTS: readonly SizePart[] = ['by-secrets', 'by-entries', 'by-servers'];

const HELP = `npm run bench:peers -- [PART …] [--no-write]

Parts: ${[...COMPARISONS, ...SIZE_PARTS].join(', ')} (all of them where none is named).
Compares with dotenvx, and with sops, age, gitleaks, secretlint, OpenBao and Vault where they are on the PATH.
  --secrets N    by-secrets: up to 10^N secrets (6)
  --entries N    by-entries: up to 10^N audit entries (7)
  --no-write     leave docs/performance.md and its plot as they are
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

function write(rows: readonly Row[]): void {
  const text = readFileSync(DOCUMENT, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < 0) throw new Error(`${DOCUMENT} has no place for it`);
  const body = `${BEGIN}\n\n${machine()}\n\n${table(rows)}\n\n![What it costs as it grows](performance-size.svg)\n\n`;
  writeFileSync(DOCUMENT, text.slice(0, from) + body + text.slice(to));
  process.stdout.write(`\nWritten to ${DOCUMENT}\n`);
}

type Panels = Partial<Record<SizePart, Panel>>;

function plot(measured: Panels): void {
  const kept = existsSync(SIZES) ? (JSON.parse(readFileSync(SIZES, 'utf8')) as Panels) : {};
  const panels = { ...kept, ...measured };
  writeFileSync(SIZES, `${JSON.stringify(panels, undefined, 2)}\n`);
  writeFileSync(PLOT, plotSvg(SIZE_PARTS.flatMap((part) => panels[part] ?? [])));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    secrets: { type: 'string', default: '6' },
    entries: { type: 'string', default: '7' },
    'no-write': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help || positionals.some((one) => ![...COMPARISONS, ...SIZE_PARTS].some((part) => part === one))) {
  process.stdout.write(HELP);
  process.exitCode = values.help ? 0 : 2;
} else {
  const wanted = (part: string) => positionals.length === 0 || positionals.includes(part);
  if (wanted('files')) files();
  if (wanted('scanning')) scanning();
  if (wanted('servers')) await servers();
  const panels: Panels = {};
  for (const part of SIZE_PARTS.filter(wanted)) {
    panels[part] = await measureSize(part, Number(part === 'by-secrets' ? values.secrets : values.entries));
  }
  if (!values['no-write']) {
    // Some comparisons alone are not the whole table.
    if (COMPARISONS.every(wanted)) write(measuredRows());
    if (Object.keys(panels).length > 0) plot(panels);
  }
}
