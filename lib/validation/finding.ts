// What validation finds: what it is, why it matters, how to mend it. Never the value.
import type { Risk } from '../catalog/types.ts';

export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info';

/** Every rule that can find something. Names are part of the interface. */
export type RuleName =
  | 'missing'
  | 'too-short'
  | 'bad-format'
  | 'unusual-format'
  | 'retiring-format'
  | 'test-key'
  | 'live-key'
  | 'placeholder'
  | 'common-pattern'
  | 'guessable'
  | 'few-classes'
  | 'low-entropy'
  | 'bad-url'
  | 'insecure-url'
  | 'local-url'
  | 'credentials-in-url'
  | 'surrounding-space'
  | 'not-text'
  | 'reused'
  | 'shared-environments'
  | 'public-name';

export interface Finding {
  readonly rule: RuleName;
  readonly severity: Severity;
  readonly secret: string;
  readonly environment: string;
  readonly what: string;
  readonly why: string;
  readonly mend: string;
}

const ORDER: readonly Severity[] = ['critical', 'high', 'medium', 'low', 'info'];

/** Worst first, then by name. */
export function bySeverity(a: Finding, b: Finding): number {
  return ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity) || a.secret.localeCompare(b.secret);
}

/** How bad a flaw of a secret is, by how much hangs on it. */
export function severityFor(risk: Risk): Severity {
  return risk === 'critical' || risk === 'high' ? 'high' : risk;
}
