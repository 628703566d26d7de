#!/usr/bin/env node
// `npm run bench`: measures, side by side with a floor in the same run, and writes bench/results/<date>.json.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { node, ROOT, setUp } from './lib/set-up.js';

setUp();
const result = spawnSync(node(), ['--expose-gc', join(ROOT, 'bench', 'bench.ts'), ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = result.status ?? 1;
