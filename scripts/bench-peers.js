#!/usr/bin/env node
// `npm run bench:peers`: side by side with what a user would pick instead (bench/peers/peers.ts).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { node, ROOT, setUp } from './lib/set-up.js';

setUp();
const result = spawnSync(node(), ['--expose-gc', join(ROOT, 'bench', 'peers', 'peers.ts'), ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = result.status ?? 1;
