#!/usr/bin/env node
// The `keyturn` command as it is installed. On a Node that is too old it runs itself again on the one that the project
// brings (the `node` package), or says what is wanted. Plain CommonJS that an old Node can read, and that a new one
// starts fast: modules are loaded where they are used.
'use strict';

const WANTED_NODE = 24;

/** The Node of the npm package `node`, from here or from the project that keyturn is installed in. */
function broughtNode() {
  for (const from of [__dirname, process.cwd()]) {
    try {
      return require.resolve('node/bin/node', { paths: [from] });
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND' && error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    }
  }
  return undefined;
}

function runAgain() {
  const node = broughtNode();
  if (!node) {
    process.stderr.write(
      `keyturn needs Node ${WANTED_NODE} or newer; this is ${process.versions.node}.\n` +
        '  → Update Node, or run `npm install --save-dev node@24`: keyturn then uses that one by itself.\n',
    );
    process.exitCode = 2;
    return;
  }
  const { spawnSync } = require('node:child_process');
  const result = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' });
  process.exitCode = result.status ?? 1;
}

if (Number(process.versions.node.split('.')[0]) < WANTED_NODE) {
  runAgain();
} else if (!require('node:fs').existsSync(`${__dirname}/../dist/cli/keyturn.cjs`)) {
  process.stderr.write('keyturn is not built yet.\n  → Run `npm start` once in its checkout.\n');
  process.exitCode = 2;
} else {
  // Compiled code is kept between starts: that is a third of a start's time.
  require('node:module').enableCompileCache();
  require('../dist/cli/keyturn.cjs');
}
