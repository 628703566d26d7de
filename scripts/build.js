// Builds dist/: the library, the command and the parts that load late, bundled; the library's type declarations; and the
// console.
// Pure JavaScript dependencies go into the bundle: a start then reads a handful of files instead of hundreds. Their
// licences go beside it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { rolldown } from 'rolldown';
import { buildConsole } from './lib/build-console.js';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const DIST = join(ROOT, 'dist');
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

/** The package's folder that a bundled module came from. */
function packageOf(id) {
  const match = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(id);
  return match?.[1];
}

function licenceOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one));
  const text = file ? readFileSync(join(folder, file), 'utf8').trim() : `Licence: ${license}`;
  return `${name} ${version} (${license})\n\n${text}\n`;
}

/** Parts that load late, by require(), so that getSecret can stay synchronous: entries of their own. */
const LATE = {
  'load-config': 'lib/config/load-config.ts',
  guessing: 'lib/validation/guessing.ts',
  'sqlite-compiler': 'lib/store/sqlite-compiler.ts',
  'sync-postgres': 'lib/store/sync-postgres.ts',
  'postgres-worker': 'lib/store/postgres-worker.ts',
  'remote-secrets': 'lib/facade/remote-secrets.ts',
  'sync-client-worker': 'lib/facade/sync-client-worker.ts',
  'scan-worker': 'lib/leaks/scan-worker.ts',
  'kms-worker': 'lib/vault/kms/kms-worker.ts',
};

/**
 * Puts compiled statements in place of the store's files that declare them, so that a start needs no query builder and
 * reads no queries: SQL only.
 */
async function compiledStatements() {
  const { compileForSqlite } = await import('../lib/store/sqlite-compiler.ts');
  const folder = join(ROOT, 'lib', 'store', 'statements');
  const files = new Map();
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.ts'))) {
    const path = join(folder, file);
    const declared = Object.entries(await import(pathToFileURL(path).href));
    if (declared.length === 0 || !declared.every(([, value]) => typeof value?.build === 'function')) continue;
    const lines = declared.map(([name, value]) => {
      if (value.name !== name) throw new Error(`${file}: the statement ${name} is named ${value.name}`);
      return `export const ${name} = ${JSON.stringify({ name, compiled: compileForSqlite(value) })};`;
    });
    files.set(path, lines.join('\n'));
  }
  return {
    name: 'compiled-statements',
    load: { filter: { id: /[\\/]lib[\\/]store[\\/]statements[\\/]/ }, handler: (id) => files.get(id) },
  };
}

async function bundle(input, output) {
  const build = await rolldown({
    cwd: ROOT,
    platform: 'node',
    input,
    // What a project installs itself for journeys in a browser stays its own.
    external: [...Object.keys(PACKAGE.dependencies), ...Object.keys(PACKAGE.peerDependencies)],
    plugins: [await compiledStatements()],
    treeshake: { moduleSideEffects: false },
  });
  const extension = output.format === 'cjs' ? 'cjs' : 'js';
  const result = await build.write({
    // All in one folder: the late parts are found beside whichever chunk asks for them.
    entryFileNames: `[name].${extension}`,
    chunkFileNames: `chunk-[name]-[hash].${extension}`,
    comments: { legal: false },
    ...output,
  });
  await build.close();
  return result.output.flatMap((chunk) => Object.keys(chunk.modules ?? {}));
}

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
const library = { dir: DIST, format: 'esm' };
/** Loaded by `keyturn serve` and `keyturn demo` only. */
const SERVER = {
  server: 'lib/server/server.ts',
  tracing: 'lib/server/tracing.ts',
  'seed-login': 'lib/server/seed-login.ts',
};
const command = { dir: join(DIST, 'cli'), format: 'cjs', minify: true };
const modules = [
  // The library and its late parts share what they have in common: an error's class is the same one in both.
  ...(await bundle({ 'secrets-manager': 'lib/secrets-manager.ts', ...LATE, ...SERVER }, library)),
  // The remote SDK is one small file: it goes into browsers and edge functions.
  ...(await bundle({ client: 'lib/client/client.ts' }, { dir: DIST, format: 'esm', minify: true })),
  // The command is CommonJS and small: on Node 24, importing node:crypto into an ES module loads all of its lazy parts
  // and costs 6 ms; require() does not. A start is measured in `npm run bench`.
  ...(await bundle({ keyturn: 'lib/cli/main.ts' }, command)),
  // Its late parts are built on their own: sharing files with them would cost every start a read of each shared file.
  ...(await bundle(LATE, command)),
];
modules.push(...(await buildConsole(join(DIST, 'console'))));
const packages = new Set(modules.map(packageOf).filter(Boolean));
writeFileSync(
  join(DIST, 'THIRD_PARTY_LICENSES.txt'),
  [...packages]
    .sort()
    .map(licenceOf)
    .join(`\n${'-'.repeat(80)}\n\n`),
);
const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
if (!existsSync(tsc)) throw new Error('TypeScript is not installed');
execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], { stdio: 'inherit' });
