// What the command's exit code says. Part of the interface.
import { isKeyturnError } from '../errors.ts';

export const EXIT = {
  ok: 0,
  /** Findings, or the operation failed. */
  findings: 1,
  /** The command was not understood. */
  usage: 2,
  /** The vault cannot be opened. */
  vault: 3,
  /** A person has to do something. */
  person: 4,
} as const;

export function exitCodeOf(error: unknown): number {
  if (!isKeyturnError(error)) return EXIT.findings;
  if (error.code === 'KT_USAGE' || error.code === 'KT_CONFIG_INVALID') return EXIT.usage;
  if (error.code === 'KT_NEEDS_PERSON') return EXIT.person;
  const cannotOpen =
    error.code.startsWith('KT_ROOT_KEY') ||
    error.code.startsWith('KT_STORE') ||
    error.code.startsWith('KT_VAULT') ||
    error.code.startsWith('KT_KMS');
  return cannotOpen ? EXIT.vault : EXIT.findings;
}
