// How findings and alerts are shown on a terminal.
import type { Finding, Severity } from '../validation/finding.ts';
import type { Output } from './output.ts';

const COLOURS = { critical: 'red', high: 'red', medium: 'yellow', low: 'cyan', info: 'dim' } as const;

export function severityWord(out: Output, severity: Severity): string {
  return out.style(COLOURS[severity], severity.padEnd(8));
}

export function showFindings(out: Output, findings: readonly Finding[]): void {
  for (const one of findings) {
    out.line(`${severityWord(out, one.severity)}  ${out.style('bold', one.secret)} (${one.environment})  ${one.what}`);
    out.line(`          ${one.why}`);
    out.line(`          ${out.style('dim', '→')} ${one.mend}`);
  }
}

const ORDER: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

export function isSeverity(text: string): text is Severity {
  return ORDER.includes(text as Severity);
}

export function atLeast(severity: Severity, limit: Severity): boolean {
  return ORDER.indexOf(severity) <= ORDER.indexOf(limit);
}
