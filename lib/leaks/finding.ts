// What the leak guard finds, as it is told: where, what, and how grave. Never a value.
import type { Severity } from '../validation/finding.ts';
import type { KnownForm } from './known-scanner.ts';

export const KNOWN_RULE = 'known-value';

/** The vault's own secret that was found. */
export interface KnownSecretFound {
  readonly name: string;
  readonly project: string;
  readonly environment: string;
  readonly version: number;
  /** Whether it is still in use, or in its grace. */
  readonly valid: boolean;
  readonly form: KnownForm;
}

export interface LeakFinding {
  /** `known-value`, or a rule of the catalogue. */
  readonly rule: string;
  readonly severity: Severity;
  /** In words: never the value. */
  readonly what: string;
  /** From where the scan began; `-` for standard input. */
  readonly path: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  /** Names the value for the allow file, and tells nothing of it: 16 hexadecimal digits. */
  readonly print: string;
  readonly secret?: KnownSecretFound;
  /** Where a person ends such a value. */
  readonly page?: string;
  readonly commit?: LeakCommit;
}

export interface LeakCommit {
  readonly id: string;
  readonly author: string;
  /** ISO 8601. */
  readonly date: string;
}

/** Where somebody reads it: `src/a.ts:10:5`, with the commit that brought it. */
export function placeOf(finding: LeakFinding): string {
  const at = `${finding.path}:${finding.line}:${finding.column}`;
  return finding.commit ? `${at} (commit ${finding.commit.id.slice(0, 10)})` : at;
}
