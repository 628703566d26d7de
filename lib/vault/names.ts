// The rules for names of projects, environments and secrets.
import { UsageError } from '../errors.ts';

const PLACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const SECRET = /^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/;

/** The environments that every project starts with. */
export const STANDARD_ENVIRONMENTS = ['development', 'staging', 'production'] as const;
export const DEFAULT_PROJECT = 'default';
export const DEFAULT_ENVIRONMENT = 'development';

/** @throws UsageError */
export function checkPlaceName(kind: 'project' | 'environment', name: string): void {
  if (PLACE.test(name)) return;
  throw new UsageError(
    `"${name}" cannot be the name of a${kind === 'environment' ? 'n' : ''} ${kind}.`,
    'Use up to 64 letters, digits, dots, hyphens and underscores, the first a letter or digit.',
  );
}

/** @throws UsageError. The name is not repeated: what was typed there by mistake may be a value. */
export function checkSecretName(name: string): void {
  if (SECRET.test(name)) return;
  throw new UsageError(
    'That cannot be the name of a secret.',
    'Use up to 200 letters, digits, underscores, dots and hyphens, the first a letter or an underscore.',
  );
}
