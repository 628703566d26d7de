// The secret types as data: how long each may live, how much hangs on it, how a new value is made, and what a value
// must be. Intervals and risks are the guide's table.

export type Risk = 'critical' | 'high' | 'medium' | 'low';

export type BuiltInType =
  | 'jwt_secret'
  | 'webhook_secret'
  | 'api_key'
  | 'database_key'
  | 'url'
  | 'password'
  | 'public_key'
  | 'generic';

/** How a new value is made here. */
export interface GenerateRule {
  /** Random bytes in it. */
  readonly bytes: number;
  /** How they are written: URL-safe base64, or characters of every class. */
  readonly notation: 'base64url' | 'password';
  readonly prefix?: string;
}

export interface TypeRule {
  readonly name: string;
  readonly title: string;
  /** Days between rotations; undefined for what does not age. */
  readonly intervalDays?: number;
  readonly risk: Risk;
  /** There where Keyturn can make a new value by itself; elsewhere a person or a provider gives it. */
  readonly generate?: GenerateRule;
  /** Least number of characters (the guide: 32 and more for what is made by hand). */
  readonly minLength?: number;
  /** Whether a value should be hard to guess. False for what is not secret or is checked otherwise. */
  readonly strength: boolean;
  /** A value that is an address. */
  readonly url?: boolean;
  /** A regular expression that the whole value must match; the words say it to a person. */
  readonly pattern?: { readonly expression: string; readonly words: string };
  /** Hours for which the version before stays valid after a rotation. */
  readonly graceHours: number;
}

export const BUILT_IN_TYPES: Readonly<Record<BuiltInType, TypeRule>> = {
  jwt_secret: {
    name: 'jwt_secret',
    title: 'JWT signing secret',
    intervalDays: 90,
    risk: 'high',
    generate: { bytes: 48, notation: 'base64url' },
    minLength: 32,
    strength: true,
    graceHours: 24,
  },
  webhook_secret: {
    name: 'webhook_secret',
    title: 'Webhook signing secret',
    intervalDays: 90,
    risk: 'high',
    generate: { bytes: 32, notation: 'base64url' },
    minLength: 16,
    strength: true,
    graceHours: 24,
  },
  api_key: {
    name: 'api_key',
    title: 'API key',
    intervalDays: 365,
    risk: 'high',
    minLength: 16,
    strength: true,
    graceHours: 24,
  },
  database_key: {
    name: 'database_key',
    title: 'Database key',
    intervalDays: 180,
    risk: 'critical',
    minLength: 16,
    strength: true,
    graceHours: 24,
  },
  url: { name: 'url', title: 'Address', risk: 'low', strength: false, url: true, graceHours: 24 },
  password: {
    name: 'password',
    title: 'Password',
    intervalDays: 90,
    risk: 'high',
    generate: { bytes: 24, notation: 'password' },
    minLength: 12,
    strength: true,
    graceHours: 0,
  },
  public_key: { name: 'public_key', title: 'Public key', risk: 'low', strength: false, graceHours: 24 },
  generic: {
    name: 'generic',
    title: 'Secret',
    intervalDays: 365,
    risk: 'medium',
    generate: { bytes: 32, notation: 'base64url' },
    strength: true,
    graceHours: 24,
  },
};
