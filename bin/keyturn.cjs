#!/usr/bin/env node
// The `keyturn` command as it is installed. On a Node that is too old it runs itself again on the one that the project
// brings (the `node` package), or says what is wanted. Plain CommonJS that an old Node can read, and that a new one
// starts fast: modules are loaded where they are used.
'use strict';

const [major, minor] = process.versions.node.split('.').map(Number);

/** From 22.13 on, Node has SQLite itself. */
const complete = major > 22 || (major === 22 && minor >= 13);

/** A module's file, from here or from the project that keyturn is installed in. */
function find(name) {
  for (const from of [__dirname, process.cwd()]) {
    try {
      return require.resolve(name, { paths: [from] });
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND' && error.code !== 'ERR_PACKAGE_PATH_NOT_EXPORTED') throw error;
    }
  }
  return undefined;
}

/** Node 20 can do everything but serve, where the project has SQLite for it. */
function canDoWithout() {
  return major > 20 || (major === 20 && minor >= 19) ? find('@photostructure/sqlite') !== undefined : false;
}

function runAgain(node) {
  const { spawnSync } = require('node:child_process');
  const env = { ...process.env, KEYTURN_RUN_AGAIN: '1' };
  const result = spawnSync(node, process.argv.slice(1), { stdio: 'inherit', env });
  process.exitCode = result.status ?? 1;
}

function start() {
  if (!require('node:fs').existsSync(`${__dirname}/../dist/cli/keyturn.cjs`)) {
    process.stderr.write('keyturn is not built yet.\n  → Run `npm start` once in its checkout.\n');
    process.exitCode = 2;
    return;
  }
  // Compiled code is kept between starts (Node 22 and newer): that is a third of a start's time.
  require('node:module').enableCompileCache?.();
  require('../dist/cli/keyturn.cjs');
}

if (complete) {
  start();
} else {
  // Once: the Node that a project brings may be an old one too.
  const node = process.env.KEYTURN_RUN_AGAIN ? undefined : find('node/bin/node');
  if (node) runAgain(node);
  else if (canDoWithout()) start();
  else {
    process.stderr.write(
      `keyturn needs Node 22.13 or newer; this is ${process.versions.node}.\n` +
        '  → Update Node, or run `npm install --save-dev node@24`: keyturn then uses that one by itself. On Node 20,\n' +
        '    `npm install @photostructure/sqlite@1` is enough for everything but the server.\n',
    );
    process.exitCode = 2;
  }
}
