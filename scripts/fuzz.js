#!/usr/bin/env node
// `npm run fuzz`: looks for inputs on which the parsers of foreign files fail (fuzz/fuzz.ts).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { node, ROOT, setUp } from './lib/set-up.js';

setUp();
const result = spawnSync(node(), [join(ROOT, 'fuzz', 'fuzz.ts'), ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = result.status ?? 1;
