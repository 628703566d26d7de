#!/usr/bin/env node
// `npm test`: sets up what is missing, then style, types, layers, dead code and the whole suite. Stops at the first that
// fails. `npm test -- FILTER` runs the tests of matching files only.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { node, ROOT, setUp } from './lib/set-up.js';

const filters = process.argv.slice(2);
const results = join(tmpdir(), `keyturn-test-${process.pid}.json`);

/** Runs a tool of node_modules on the Node that the project brings. */
function tool(name, file, args) {
  process.stdout.write(`\n── ${name}\n`);
  const bin = join(ROOT, 'node_modules', '.bin');
  const result = spawnSync(node(), [join(ROOT, 'node_modules', file), ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` },
  });
  return result.status === 0;
}

function fail(name) {
  process.stdout.write(`\n${name} failed.\n`);
  process.exit(1);
}

setUp();
const checks = [
  ['style', '@biomejs/biome/bin/biome', ['check']],
  ['types', 'typescript/bin/tsc', ['-p', '.']],
  ['layers', 'dependency-cruiser/bin/dependency-cruiser.mjs', ['--config', '.dependency-cruiser.cjs', 'lib']],
  ['dead code', 'knip/bin/knip.js', []],
];
if (filters.length === 0) for (const [name, file, args] of checks) if (!tool(name, file, args)) fail(name);

const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${results}`];
const passed = tool('tests', 'vitest/vitest.mjs', ['run', ...reporters, ...filters]);
// The report counts, too: a library that a test loads may end the runner with a status of its own.
const { numPassedTests, numFailedTests, success } = existsSync(results)
  ? JSON.parse(readFileSync(results, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 0, success: false };
rmSync(results, { force: true });
process.stdout.write(`\n${numPassedTests} passed, ${numFailedTests} failed\n`);
if (!passed || !success || numPassedTests === 0) process.exit(1);
