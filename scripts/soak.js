#!/usr/bin/env node
// `npm run soak`: servers under load while things go wrong, then a checker (soak/soak.ts).
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { node, ROOT, setUp } from './lib/set-up.js';

/** What moves a server's clock: installed where that is possible; else no clock is moved, and the soak says so. */
function provideFaketime() {
  const there = spawnSync('dpkg-query', ['-W', 'faketime'], { stdio: 'ignore' }).status === 0;
  if (there || process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  process.stdout.write('Installing faketime, which moves the clocks of servers …\n');
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  spawnSync('apt-get', ['update', '-qq'], { stdio: 'ignore', env });
  spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'faketime'], { stdio: 'ignore', env });
}

setUp();
provideFaketime();
const result = spawnSync(node(), [join(ROOT, 'soak', 'soak.ts'), ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = result.status ?? 1;
