// Files that decide where secrets go, or that are run, have to be this user's own: a folder above a project (/tmp, say) may have one that
// somebody else put there. git asks the same of a repository (safe.directory).
import { statSync } from 'node:fs';
import { UsageError } from '../errors.ts';

export interface Reader {
  /** This process's user id; undefined where there is none (Windows). */
  readonly uid: number | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

function thisReader(): Reader {
  return { uid: process.getuid?.(), env: process.env };
}

/**
 * Refuses a file of another user's. Root's own are everybody's; so are those of whoever called `sudo`, for root.
 * @throws UsageError KT_CONFIG_INVALID; `KEYTURN_TRUST_CONFIG=1` says that it is meant
 */
export function requireOwnFile(path: string, { uid, env }: Reader = thisReader()): void {
  if (uid === undefined || env.KEYTURN_TRUST_CONFIG === '1') return;
  const owner = statSync(path).uid;
  if (owner === uid || owner === 0 || (uid === 0 && String(owner) === env.SUDO_UID)) return;
  throw new UsageError(
    `${path} belongs to another user (uid ${owner}) and was not read: it could send secrets elsewhere.`,
    'If it is meant, set KEYTURN_TRUST_CONFIG=1 or change its owner; else run in a folder of your own.',
    'KT_CONFIG_INVALID',
  );
}
