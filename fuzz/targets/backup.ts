// Backup files: they come back from disks, buckets and mail. One is taken whole and as it was made, or refused.
import { RootKey } from '../../lib/crypto/root-key.ts';
import { type BackupRecord, openBackup, parseBackup, sealBackup } from '../../lib/vault/backup-format.ts';
import { answers, type FuzzTarget, fixedRandom, holds } from '../target.ts';

const random = fixedRandom(2);
const root = new RootKey(random(32));
const records = ['JWT_SECRET', 'STRIPE_SECRET_KEY'].map((name, index) => ({
  project: 'default',
  environment: 'production',
  name,
  version: index + 1,
  value: Buffer.from(`value of ${name}`),
})) as unknown as BackupRecord[];
const whole = sealBackup(root, records, { vault: 'v', now: 1_700_000_000_000, passphrase: undefined }, random);
const names = JSON.stringify(records.map(({ name, version }) => [name, version]));

export const target: FuzzTarget = {
  name: 'backup',
  seeds: () => [Buffer.from(whole), Buffer.from(JSON.stringify(JSON.parse(whole)))],
  run: (input) => {
    const file = answers(() => parseBackup('backup.json', input.toString('utf8')));
    if (!file) return;
    const opened = answers(() => openBackup('backup.json', file, root));
    if (!opened) return;
    holds(
      JSON.stringify(opened.map(({ name, version }) => [name, version])) === names,
      'what opens is what was sealed',
    );
    holds(
      opened.every((one, index) => one.value.equals(records[index]?.value ?? Buffer.alloc(0))),
      'every value is the one that was sealed',
    );
  },
};
