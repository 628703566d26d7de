// The leak guard: known values against a bare pass over the same memory, likely values against secretlint on the same
// files, both on one core.
import { createSecretKey, randomBytes } from 'node:crypto';
import { cpSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lintSource } from '@secretlint/core';
import { creator } from '@secretlint/secretlint-rule-preset-recommend';
import { encodePrint, LeakKey, leakPrintOf } from '../lib/crypto/leak-print.ts';
import { KnownScanner, type ScanText, scanTextOf } from '../lib/leaks/known-scanner.ts';
import { scanLikely } from '../lib/leaks/likely-scanner.ts';
import { scanTree } from '../lib/leaks/scan-tree.ts';
import { median, record, temporaryFolder, timed } from './support.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const KEY_BYTES = randomBytes(32);
const KEY = { bytes: KEY_BYTES, leak: new LeakKey(createSecretKey(KEY_BYTES)) };
const TREE_BYTES = 200e6;
const ROUNDS = 7;
const LINT_ROUNDS = 3;

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
}

/** Text of installed packages: what repositories hold, of all kinds. */
function textsInMemory(): { texts: ScanText[]; bytes: number } {
  const texts: ScanText[] = [];
  let bytes = 0;
  for (const path of filesBelow(join(ROOT, 'node_modules'))) {
    const { size } = statSync(path);
    if (size === 0 || size > 1e6 || !/\.(?:[cm]?[jt]sx?|json|md|css|html)$/.test(path)) continue;
    texts.push(scanTextOf(readFileSync(path)));
    bytes += size;
    if (bytes > TREE_BYTES) break;
  }
  return { texts, bytes };
}

/** The least that any look at all bytes costs here: their words, added up. */
function barePass(texts: readonly ScanText[]): number {
  let sum = 0;
  for (const { words } of texts) for (let at = 0; at < words.length; at += 1) sum = (sum + (words[at] ?? 0)) | 0;
  return sum;
}

function planOf(count: number) {
  const values = Array.from({ length: count }, () => randomBytes(30).toString('base64url'));
  const prints = values.map((value) => leakPrintOf(KEY.leak, Buffer.from(value))).filter((one) => one !== undefined);
  const secrets = prints.map((print, index) => ({
    name: `SECRET_${index}`,
    project: 'default',
    environment: 'production',
    version: 1,
    valid: true,
    print: '0'.repeat(16),
    bytes: encodePrint(print),
  }));
  return { prints, plan: { key: KEY.bytes, hashBits: 32, secrets, likely: false } };
}

function known(): void {
  const { texts, bytes } = textsInMemory();
  const rate = (ms: number) => bytes / 1e3 / ms;
  for (const count of [100, 1000]) {
    const scanner = new KnownScanner(KEY.leak, planOf(count).prints);
    const floors: number[] = [];
    const scans: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      floors.push(timed(() => void barePass(texts)));
      scans.push(timed(() => texts.forEach((text) => void scanner.scan(text))));
    }
    const value = rate(median(scans));
    if (count === 100)
      record({ name: 'floor: all words of 200 MB, added up', unit: 'MB/s', value: rate(median(floors)) });
    record({
      name: `known values (${count} of them), in memory, one core`,
      unit: 'MB/s',
      value,
      against: 'the bare pass',
      ratio: median(floors) / median(scans),
      target: '≥ 200 MB/s',
      met: value >= 200,
    });
  }
}

async function fromDisk(): Promise<void> {
  const folder = temporaryFolder();
  // Outside of any repository: all of it is scanned.
  for (const name of ['next', 'typescript', '@mantine', 'better-auth', 'kysely', 'zod'])
    cpSync(join(ROOT, 'node_modules', name), join(folder, name), { recursive: true, dereference: true });
  const { plan } = planOf(100);
  for (const threads of [1, 2]) {
    const rates: number[] = [];
    let files = 0;
    for (let round = 0; round < 3; round += 1) {
      const started = performance.now();
      const result = await scanTree(folder, plan, { threads });
      rates.push(result.bytes / 1e3 / (performance.now() - started));
      files = result.files;
    }
    record({
      name: `known values (100), ${files} files from disk, ${threads} threads`,
      unit: 'MB/s',
      value: median(rates),
    });
  }
}

async function likely(): Promise<void> {
  const paths = ['lib', 'test', 'console/src', 'docs'].flatMap((folder) => filesBelow(join(ROOT, folder)));
  const texts = paths
    .filter((path) => extname(path) !== '.png')
    .map((path) => ({ path, text: readFileSync(path, 'utf8'), bytes: readFileSync(path) }));
  const bytes = texts.reduce((sum, one) => sum + Buffer.byteLength(one.text), 0);
  const config = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend', rule: creator }] };
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < LINT_ROUNDS; round += 1) {
    const started = performance.now();
    for (const { path, text } of texts) {
      await lintSource({
        source: { filePath: path, content: text, ext: extname(path), contentType: 'text' },
        options: { config },
      });
    }
    theirs.push(performance.now() - started);
    for (let again = 0; again < 3; again += 1)
      ours.push(timed(() => texts.forEach((one) => void scanLikely(one.bytes))));
  }
  const lint = bytes / 1e3 / median(theirs);
  const value = bytes / 1e3 / median(ours);
  record({ name: `peer: secretlint, ${texts.length} files, its recommended rules`, unit: 'MB/s', value: lint });
  record({
    name: 'likely values, the same files, one core',
    unit: 'MB/s',
    value,
    against: 'secretlint',
    ratio: value / lint,
    target: '≥ 10 ×',
    met: value / lint >= 10,
  });
}

export async function leaks(): Promise<void> {
  known();
  await likely();
  await fromDisk();
}
