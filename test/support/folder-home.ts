// The places of a vault that lies in a folder of a test.
import { join } from 'node:path';
import type { VaultHome } from '../../lib/vault/home.ts';

export function folderHome(folder: string): VaultHome {
  return {
    folder: join(folder, '.keyturn'),
    database: join(folder, '.keyturn', 'keyturn.db'),
    rootKeyFile: join(folder, '.keyturn', 'root.key'),
    root: folder,
    backups: join(folder, 'backups', 'secrets'),
  };
}
