// What a report is, whatever it is about: one model, from which every format is written. Names and numbers only, never a
// value.
import type { ReportKind } from '../store/states.ts';

export type Cell = string | number | null;

export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

export interface Chart {
  readonly kind: 'bars' | 'line';
  readonly title: string;
  /** One for each value. */
  readonly labels: readonly string[];
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[];
}

export interface Section {
  readonly title: string;
  /** Sentences, one a paragraph. */
  readonly text?: readonly string[];
  readonly facts?: readonly (readonly [what: string, value: Cell])[];
  readonly chart?: Chart;
  readonly table?: Table;
}

export type ControlStatus = 'met' | 'partly' | 'not met' | 'not ours';

/** One control of a framework, judged by what this vault shows. */
export interface ControlResult {
  readonly framework: 'SOC 2' | 'PCI DSS 4.0.1';
  readonly id: string;
  /** What it asks for, in few words of ours. */
  readonly asks: string;
  readonly status: ControlStatus;
  /** What was measured here, as sentences with numbers. */
  readonly evidence: readonly string[];
  /** How it was measured. */
  readonly how: string;
  /** What to do where it is not met; what is somebody else's. */
  readonly next?: string;
}

/** Which part of the audit log a report rests on. */
export interface AuditRange {
  /** Entries of the period. */
  readonly entries: number;
  /** By chain: the first and the last entry of the period. */
  readonly chains: readonly { readonly chain: string; readonly first: number; readonly last: number }[];
  /** The newest signed checkpoint; null where there is none yet. */
  readonly checkpoint: {
    readonly number: number;
    /** ISO 8601. */
    readonly time: string;
    /** SHA-256 of its body, hexadecimal, as in an anchor. */
    readonly hash: string;
    /** Ed25519, base64url. */
    readonly signature: string;
  } | null;
  /** What verifying the whole log said when the report was made; null where it was not verified for it. */
  readonly verdict: { readonly intact: boolean; readonly complete: boolean; readonly entries: number } | null;
}

export interface Report {
  readonly keyturn: 'report';
  readonly format: 1;
  readonly kind: ReportKind;
  readonly id: string;
  readonly vault: string;
  readonly title: string;
  /** `2026-11-24`, `2026-W48`, `2026-11`, or an incident's id. */
  readonly period: string;
  /** ISO 8601, UTC; `to` is not part of it. */
  readonly from: string;
  readonly to: string;
  readonly createdAt: string;
  /** The most important thing in it. */
  readonly headline: string;
  readonly sections: readonly Section[];
  readonly controls: readonly ControlResult[];
  readonly audit: AuditRange;
}

/** A report with the vault's signature over it. */
export interface SignedReport {
  readonly report: Report;
  /** Ed25519, base64url: over `keyturn/v1/report`, a line feed, and the report as JSON without spaces. */
  readonly signature: string;
  /** The vault's own, base64url. */
  readonly publicKey: string;
}
