#!/usr/bin/env node
// The `keyturn` command as it is installed. On a Node that is too old it runs itself again on the one that the project
// brings (the `node` package), or says what is wanted. Plain JavaScript that an old Node can read.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as module from 'node:module';

const WANTED_NODE = 24;
const MAIN = new URL('../dist/keyturn.js', import.meta.url);

/** The Node of the npm package `node`, from here or from the project that keyturn is installed in. */
function broughtNode() {
  for (const from of [import.meta.url, `${process.cwd()}/package.json`]) {
    try {
      return createRequire(from).resolve('node/bin/node');
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
  const result = spawnSync(node, process.argv.slice(1), { stdio: 'inherit' });
  process.exitCode = result.status ?? 1;
}

if (!existsSync(MAIN)) {
  process.stderr.write('keyturn is not built yet.\n  → Run `npm start` once in its checkout.\n');
  process.exitCode = 2;
} else if (Number(process.versions.node.split('.')[0]) < WANTED_NODE) {
  runAgain();
} else {
  // Compiled code is kept between starts: that is half of a start's time.
  module.enableCompileCache?.();
  await import(MAIN.href);
}
