// Where a vault is: `.keyturn/` at the project's root, or `KEYTURN_HOME`; backups lie under `backups/secrets/`.
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export interface VaultHome {
  /** The vault's folder. */
  readonly folder: string;
  readonly database: string;
  readonly rootKeyFile: string;
  /** The project's root: where `.env`, `keyturn.config.ts` and `backups/` are. */
  readonly root: string;
  readonly backups: string;
}

const FOLDER = '.keyturn';

function ancestors(from: string): string[] {
  const folders = [from];
  for (let at = from; dirname(at) !== at; at = dirname(at)) folders.push(dirname(at));
  return folders;
}

/**
 * Whether a folder has a vault that is this user's own. One that somebody else put above a project (in /tmp, say) would
 * take in this user's secrets under that somebody's key; who means such a vault names it with KEYTURN_HOME.
 */
function hasOwnVault(folder: string): boolean {
  try {
    const found = statSync(join(folder, FOLDER), { throwIfNoEntry: false });
    return found?.isDirectory() === true && (process.getuid === undefined || found.uid === process.getuid());
  } catch {
    // A folder that this user may not look into has no vault of this user's.
    return false;
  }
}

/** The nearest folder upwards that has a vault; else the nearest that looks like a project's root; else `cwd` itself. */
function findRoot(cwd: string): string {
  const folders = ancestors(resolve(cwd));
  const withVault = folders.find(hasOwnVault);
  const withProject = folders.find(
    (folder) => existsSync(join(folder, 'package.json')) || existsSync(join(folder, '.git')),
  );
  return withVault ?? withProject ?? resolve(cwd);
}

export function vaultHome(cwd: string, env: Readonly<Record<string, string | undefined>>): VaultHome {
  const root = findRoot(cwd);
  const folder = env.KEYTURN_HOME ? resolve(cwd, env.KEYTURN_HOME) : join(root, FOLDER);
  return {
    folder,
    root,
    database: join(folder, 'keyturn.db'),
    rootKeyFile: join(folder, 'root.key'),
    backups: join(root, 'backups', 'secrets'),
  };
}
