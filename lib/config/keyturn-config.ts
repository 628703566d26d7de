// keyturn.config.ts as a type: what a project may say of itself. schema.ts checks the same with zod, and the compiler
// checks that the two agree.

import type { OperationsConfig } from './operations.ts';

type Risk = 'critical' | 'high' | 'medium' | 'low';

/** A secret type of the project's own. */
interface TypeConfig {
  /** What it is called in messages; the type's name where not given. */
  title?: string;
  /** Days between rotations, 1 to 3650; without it values of this type do not age. */
  intervalDays?: number;
  /** `medium` where not given. */
  risk?: Risk;
  /** Least number of characters. */
  minLength?: number;
  /** Whether values should be hard to guess; true where not given. */
  strength?: boolean;
  /** Whether values are addresses. */
  url?: boolean;
  /** A regular expression over the whole value, and what it is in words. */
  pattern?: { expression: string; words: string };
  /** How Keyturn makes new values; without it a person gives them. */
  generate?: {
    /** Random bytes (for `password`: characters), 16 to 1024. */
    bytes: number;
    /** `base64url` where not given. */
    notation?: 'base64url' | 'password';
    prefix?: string;
  };
  /** Hours for which the version before stays valid after a rotation; 24 where not given. */
  graceHours?: number;
}

/** One form that a secret's values may have. */
interface FormatConfig {
  /** A regular expression over the whole value. */
  expression: string;
  /** What it is, in words. */
  words: string;
  /** Where the form tells a test key from a live one. */
  mode?: 'test' | 'live';
  /** Where the form is on its way out: what to do instead. */
  retiring?: string;
}

/** A rule for one secret: the project's own, or over one of the catalogue's. */
interface SecretConfig {
  type?: string;
  /** `critical` ones must be there. */
  group?: 'critical' | 'webhook' | 'optional' | 'monitoring' | 'setting';
  purpose?: string;
  provider?: string;
  /** The page where a person makes a new one. */
  page?: string;
  formats?: FormatConfig[];
  risk?: Risk;
  intervalDays?: number;
  /** How long the version before stays valid. */
  graceHours?: number;
  /** False for settings that are not secret. */
  secret?: boolean;
  /** Another secret that may rightly hold the same value. */
  mayEqual?: string;
}

export interface KeyturnConfig extends OperationsConfig {
  $schema?: string;
  /** Which project commands mean when nobody says; `default` where not given. */
  project?: string;
  /** Which environment they mean; `development` where not given. */
  environment?: string;
  /** The suite for new versions; `A256CBC-HS512` where not given. */
  suite?: 'A256CBC-HS512' | 'A256GCM';
  types?: Record<string, TypeConfig>;
  secrets?: Record<string, SecretConfig>;
}
