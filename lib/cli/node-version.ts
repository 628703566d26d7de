// Which Node can do what: commands run on 20 too, with SQLite from a package; the server, and what it depends on, does not.
import { UsageError } from '../errors.ts';

/** The first with SQLite of its own, without a flag. */
export const SERVER_NODE = '22.13';

export function hasOwnSqlite(version = process.versions.node): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 13);
}

/** @throws UsageError on an older one */
export function requireServerNode(): void {
  if (hasOwnSqlite()) return;
  throw new UsageError(
    `The server needs Node ${SERVER_NODE} or newer; this is ${process.versions.node}.`,
    'Update Node, or run `npm install --save-dev node@24`: keyturn then uses that one by itself.',
  );
}
