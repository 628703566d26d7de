// Opens a vault in a process of its own, reads from it, and says how much memory that process has.

import { EmbeddedVault } from '../lib/vault/embedded-vault.ts';
import { listSecrets } from '../lib/vault/list.ts';
import { readSecret } from '../lib/vault/read.ts';
import { AT, options } from './support.ts';

const vault = EmbeddedVault.open(options(process.argv[2] ?? ''));
for (let n = 0; n < 100; n += 1) vault.run(readSecret(vault.context, AT, `SECRET_00${10_000 + n}`)).value.fill(0);
vault.run(listSecrets(vault.context, AT, { limit: 50, after: '' }));
process.stdout.write(JSON.stringify({ rssMiB: process.memoryUsage.rss() / 2 ** 20 }));
vault.close();
