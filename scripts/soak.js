#!/usr/bin/env node
// `npm run soak`: servers under load while things go wrong, then a checker (soak/soak.ts).
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { node, ROOT, setUp } from './lib/set-up.js';

setUp();
const result = spawnSync(node(), [join(ROOT, 'soak', 'soak.ts'), ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: 'inherit',
});
process.exitCode = result.status ?? 1;
