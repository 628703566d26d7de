// What operations on secrets give back: plain types that the package's public types are made of.

/** What is known of a secret without its value. Times are milliseconds since 1970. */
export interface SecretSummary {
  readonly id: number;
  readonly name: string;
  readonly environment: string;
  readonly project: string;
  readonly type: string;
  readonly version: number;
  readonly owner: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** The secret's own interval in days; null for its type's. */
  readonly intervalDays: number | null;
  readonly createdAt: number;
  readonly rotatedAt: number;
  readonly deletedAt: number | null;
  readonly previousVersion: number | null;
  readonly previousValidUntil: number | null;
  /** Bytes. */
  readonly size: number;
  readonly reads: number;
  readonly lastReadAt: number | null;
  readonly lastReadBy: string | null;
  readonly setBy: string | null;
  /** Hexadecimal; the same for the same value anywhere in this vault. */
  readonly fingerprint: string;
}

export interface SetResult {
  readonly name: string;
  readonly version: number;
  readonly outcome: 'added' | 'updated' | 'unchanged' | 'described';
}
