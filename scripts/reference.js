#!/usr/bin/env node
// `npm run reference`: writes docs/reference from the code.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { node, ROOT, setUp } from './lib/set-up.js';

setUp();
if (process.execPath === node()) {
  const { referencePages } = await import('./lib/reference.js');
  const folder = join(ROOT, 'docs', 'reference');
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(await referencePages())) writeFileSync(join(folder, name), text);
  process.stdout.write(`Written to ${folder}\n`);
} else {
  process.exitCode = spawnSync(node(), [fileURLToPath(import.meta.url)], { stdio: 'inherit' }).status ?? 1;
}
