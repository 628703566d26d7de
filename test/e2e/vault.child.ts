// A process that works on a vault and is killed, or starved, while it does. Run by Node itself, from the sources.
//   node vault.child.ts <folder> <operation> [kill at the nth statement; 0 for never]
import { readFileSync } from 'node:fs';
import { KeyturnError } from '../../lib/errors.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { openBackup, parseBackup } from '../../lib/vault/backup-format.ts';
import { restoreRecords } from '../../lib/vault/backups.ts';
import { DataKeyRotation } from '../../lib/vault/data-keys.ts';
import { EmbeddedVault, type VaultOptions } from '../../lib/vault/embedded-vault.ts';
import { setSecret } from '../../lib/vault/write.ts';
import { folderHome } from '../support/folder-home.ts';

const [folder = '', operation = '', killAt = '0', argument = ''] = process.argv.slice(2);
const AT = { project: 'default', environment: 'development' };
let statements = 0;

if (operation === 'read-only') {
  // Root may write everywhere: become nobody, now that all modules are loaded.
  process.setgid?.(65534);
  process.setuid?.(65534);
}

const home = folderHome(folder);

function open(): EmbeddedVault {
  const options: VaultOptions = {
    home,
    env: process.env.CHILD_KEY ? { SECRETS_ENCRYPTION_KEY: process.env.CHILD_KEY } : {},
    principal: 'child',
    onStatement: () => {
      statements += 1;
      if (statements === Number(killAt)) process.kill(process.pid, 'SIGKILL');
    },
  };
  return operation === 'init' ? EmbeddedVault.create(options).vault : EmbeddedVault.open(options);
}

function set(vault: EmbeddedVault, name: string, value: string | Buffer): void {
  vault.run(setSecret(vault.context, { at: AT, name, value: Buffer.from(value) }));
}

const operations: Record<string, (vault: EmbeddedVault) => void> = {
  set: (vault) => set(vault, 'JWT_SECRET', argument),
  add: (vault) => set(vault, 'ADDED', argument),
  rotate: (vault) => {
    vault.run(rotatorOf(vault).rotate({ at: AT, name: 'JWT_SECRET' }));
  },
  'rotate-data': (vault) => {
    const rotation = new DataKeyRotation(vault.context, AT);
    vault.run(rotation.begin());
    while (vault.run(rotation.step()));
    vault.run(rotation.finish());
  },
  restore: (vault) => {
    const records = openBackup(argument, parseBackup(argument, readFileSync(argument, 'utf8')), vault.context.rootKey);
    vault.run(restoreRecords(vault.context, records, 'backup'));
  },
  // Sets the same secret and its own ones, as fast as it can.
  contend: (vault) => {
    for (let n = 0; n < 40; n += 1) {
      set(vault, 'SHARED', `${argument} ${n}`);
      set(vault, `OWN_${argument}_${n}`, `${argument} ${n}`);
    }
  },
  // Fills the disk; tells each secret that was acknowledged.
  fill: (vault) => {
    for (let n = 0; n < 500; n += 1) {
      set(vault, `FILL_${n}`, Buffer.alloc(16_384, n % 251 || 1));
      process.stdout.write(`FILL_${n}\n`);
    }
  },
  'read-only': (vault) => set(vault, 'ADDED', 'x'),
};

try {
  const vault = open();
  process.stdout.write('ready\n');
  operations[operation]?.(vault);
  process.stdout.write(`statements ${statements}\n`);
  vault.close();
} catch (error) {
  if (!(error instanceof KeyturnError)) throw error;
  process.stdout.write(`error ${error.code}\n`);
  process.exitCode = 1;
}
