#!/usr/bin/env node
// `npm test`: sets up what is missing, then style, types, layers, dead code and the whole suite. Stops at the first that
// fails. `npm test -- FILTER` runs the tests of matching files only.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findBrowser } from './lib/browser.js';
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

/** The console's tests want a browser: installed where that is possible, asked for in CI, and left out with a word elsewhere. */
function provideBrowser() {
  if (findBrowser()) return;
  const installs = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  if (installs) {
    process.stdout.write('\n── installing Chromium, for the console\u2019s tests\n');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [
      ['update', '-qq'],
      ['install', '-y', '-qq', '--no-install-recommends', 'chromium'],
    ])
      spawnSync('apt-get', args, { stdio: 'inherit', env });
  }
  if (findBrowser()) return;
  process.stdout.write('\nThere is no Chromium: install it, or name a browser as KEYTURN_BROWSER.\n');
  if (process.env.CI) fail('the search for a browser');
  process.stdout.write('The tests of the console are left out.\n');
}

setUp();
provideBrowser();
const checks = [
  ['style', '@biomejs/biome/bin/biome', ['check']],
  ['types', 'typescript/bin/tsc', ['-p', '.']],
  ['types of the console', 'typescript/bin/tsc', ['-p', 'console']],
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
