// A process that rotates a secret at its provider and is killed while it does. Run by Node itself, from the sources.
//   node turning.child.ts <folder> <configuration, JSON> <secret> <grace ms> [kill after the nth commit; 0 for never]

import { systemRandom } from '../../lib/crypto/random.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { worldOf } from '../../lib/rotation/world-of.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { folderHome } from '../support/folder-home.ts';

const [folder = '', config = '{}', name = '', graceMs = '0', killAfter = '0'] = process.argv.slice(2);
const AT = { project: 'default', environment: 'development' };
let commits = 0;

const vault = EmbeddedVault.open({
  home: folderHome(folder),
  env: {},
  principal: 'child',
  onStatement: (statement) => {
    // Killed at the first statement that follows: the commit before it is durable.
    if (Number(killAfter) > 0 && commits >= Number(killAfter)) process.kill(process.pid, 'SIGKILL');
    if (statement === 'commit') commits += 1;
  },
});
const world = worldOf({
  operations: JSON.parse(config),
  root: folder,
  at: AT,
  env: {},
  random: systemRandom,
  clock: Date.now,
  timeoutMs: 3_000,
});
const rotator = rotatorOf(vault, world);
await vault.perform(rotator.settle());
const result = await vault.perform(rotator.rotate({ at: AT, name, graceMs: Number(graceMs) }));
process.stdout.write(`${JSON.stringify({ state: result.state, commits })}\n`);
vault.close();
