// SQLite itself: Node's own where it has it (22.13 and newer), else the package of the same interface that a project on Node 20 installs
// beside Keyturn. Both read and write the same file, with the same locks.
import { createRequire } from 'node:module';
import type * as NodeSqlite from 'node:sqlite';
import { StoreError } from '../errors.ts';

/** The optional peer dependency for a Node without SQLite. */
const PACKAGE = '@photostructure/sqlite';

let loaded: typeof NodeSqlite | undefined;

/** @throws StoreError KT_STORE_UNUSABLE where there is none */
export function sqlite(): typeof NodeSqlite {
  loaded ??= ownSqlite() ?? packagedSqlite();
  return loaded;
}

/**
 * Whether `close` leaves nothing of the file open. The package's does while a statement has not been collected (it has no `finalize`, and
 * SQLite keeps the connection for it): a file must not be given another name then, since its log would stay under the old one.
 */
export function closesWholly(): boolean {
  return ownSqlite() !== undefined;
}

/** Node 22 warns that its SQLite is experimental: it is stable from 24 on, the same interface, and this one is tested on both. */
function ownSqlite(): typeof NodeSqlite | undefined {
  const emit = process.emitWarning;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).includes('SQLite is an experimental feature')) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  };
  try {
    return process.getBuiltinModule('node:sqlite');
  } finally {
    process.emitWarning = emit;
  }
}

function packagedSqlite(): typeof NodeSqlite {
  for (const from of [import.meta.url, `${process.cwd()}/`]) {
    try {
      return createRequire(from)(PACKAGE) as typeof NodeSqlite;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  throw new StoreError('KT_STORE_UNUSABLE', {
    what: `Node ${process.versions.node} has no SQLite of its own.`,
    left: 'Nothing was read or changed.',
    next: `Use Node 22.13 or newer, or \`npm install ${PACKAGE}@1\`.`,
  });
}
