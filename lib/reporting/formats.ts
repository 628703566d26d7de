// A signed report in each of its formats.
import { reportCsv } from './csv.ts';
import { reportHtml } from './html.ts';
import { reportMarkdown } from './markdown.ts';
import type { SignedReport } from './model.ts';
import { jsonFile } from './sign.ts';

export const FORMATS = ['html', 'json', 'csv', 'md'] as const;
export type ReportFormat = (typeof FORMATS)[number];

export function isFormat(text: string): text is ReportFormat {
  return (FORMATS as readonly string[]).includes(text);
}

const WRITERS: Readonly<Record<ReportFormat, (signed: SignedReport) => string>> = {
  html: reportHtml,
  json: jsonFile,
  csv: reportCsv,
  md: reportMarkdown,
};

export function writeReport(signed: SignedReport, format: ReportFormat): string {
  return WRITERS[format](signed);
}
