// Brings a checkout to where it can run, with whatever Node (18 or newer) it was started by: installs when node_modules
// is missing or stale, builds when dist is, and runs on Node 24 from then on. Plain JavaScript with no imports but
// Node's own: nothing else is there yet. Works offline once it has worked.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const WANTED_NODE = 24;
const OWN_NODE = join(ROOT, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
const INSTALL_STAMP = join(ROOT, 'node_modules', '.keyturn-installed');
const BUILD_STAMP = join(ROOT, 'dist', '.keyturn-built');
/** What the build reads: a change in any of it makes dist stale. */
const SOURCES = [
  'lib',
  'console',
  'scripts/build.js',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

function read(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function filesIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesIn(join(path, name)));
}

function digest(paths) {
  const hash = createHash('sha256');
  for (const path of paths) hash.update(path.slice(ROOT.length)).update('\0').update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

function say(text) {
  process.stderr.write(`${text}\n`);
}

/** PATH without this project's own programs: `npm ci` takes them away, its own Node among them, while it runs. */
function outsidePath() {
  const own = join(ROOT, 'node_modules');
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(own))
    .join(delimiter);
}

function run(command, args, what) {
  const env = { ...process.env, PATH: outsidePath() };
  const result = spawnSync(command, args, { cwd: ROOT, env, encoding: 'utf8', shell: process.platform === 'win32' });
  if (result.status === 0) return;
  say(`${what} failed:`);
  say(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? `${result.error.message}\n` : ''}`.trim());
  process.exit(1);
}

/** One set-up at a time: two commands started together must not install over each other. */
function withLock(work) {
  const lock = join(ROOT, '.keyturn-set-up.lock');
  const waitUntil = Date.now() + 10 * 60 * 1000;
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const holder = Number(read(join(lock, 'pid')));
      if (holder > 0 ? !isRunning(holder) : isOld(lock)) rmSync(lock, { recursive: true, force: true });
      else if (Date.now() > waitUntil)
        throw new Error(`${lock} is held by process ${holder}; remove it if that is wrong`);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  writeFileSync(join(lock, 'pid'), String(process.pid));
  const release = () => rmSync(lock, { recursive: true, force: true });
  process.once('exit', release);
  try {
    work();
  } finally {
    release();
    process.off('exit', release);
  }
}

/** A lock that never got its holder's number: whoever made it was killed at once. */
function isOld(path) {
  const found = statSync(path, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs > 5000;
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function installedState() {
  return digest([join(ROOT, 'package-lock.json')]);
}

function builtState() {
  return digest(SOURCES.map((name) => join(ROOT, name)).flatMap(filesIn));
}

function install() {
  say('Installing (once; about half a minute) …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci');
  writeFileSync(INSTALL_STAMP, installedState());
}

function build() {
  say('Building …');
  const fresh = join(ROOT, 'dist');
  run(OWN_NODE, [join(ROOT, 'scripts', 'build.js')], 'The build');
  writeFileSync(`${BUILD_STAMP}.tmp`, builtState());
  renameSync(`${BUILD_STAMP}.tmp`, join(fresh, '.keyturn-built'));
}

/** Installs and builds what is missing or stale. In a package installed from a registry there is nothing to do. */
export function setUp() {
  if (!existsSync(join(ROOT, 'lib'))) return;
  const stale = () => read(INSTALL_STAMP) !== installedState() || !existsSync(OWN_NODE);
  const unbuilt = () => read(BUILD_STAMP) !== builtState();
  if (!stale() && !unbuilt()) return;
  withLock(() => {
    if (stale()) install();
    if (unbuilt()) build();
  });
}

/** The Node to run on: this one where it is new enough, else the one that the project brings. */
export function node() {
  return Number(process.versions.node.split('.')[0]) >= WANTED_NODE ? process.execPath : OWN_NODE;
}
