// A process that brings the alerts up to date and sends them, and is killed while it does. Run by Node itself.
//   node alerts.child.ts <folder> <alerts configuration, JSON> [kill after the nth commit; 0 for never]

import { alertRun, updateAlerts } from '../../lib/monitoring/alert-run.ts';
import { Http } from '../../lib/providers/http.ts';
import { EmbeddedVault } from '../../lib/vault/embedded-vault.ts';
import { folderHome } from '../support/folder-home.ts';

const [folder = '', config = '{}', killAfter = '0'] = process.argv.slice(2);
let commits = 0;

const home = folderHome(folder);
const vault = EmbeddedVault.open({
  home,
  env: {},
  principal: 'child',
  onStatement: (statement) => {
    // Killed at the first statement that follows: the commit before it is durable.
    if (Number(killAfter) > 0 && commits >= Number(killAfter)) process.kill(process.pid, 'SIGKILL');
    if (statement === 'commit') commits += 1;
  },
});
const run = alertRun({
  config: JSON.parse(config),
  http: new Http({ clock: Date.now, retries: 0, timeoutMs: 3_000 }),
  at: { project: 'default', environment: 'development' },
  home,
  destinations: [],
  print: () => undefined,
});
await vault.perform(updateAlerts(vault.context, run));
process.stdout.write(JSON.stringify({ commits }));
vault.close();
