// Builds dist/: the library, the command and the parts that load late, bundled; and the library's type declarations.
// Pure JavaScript dependencies go into the bundle: a start then reads a handful of files instead of hundreds. Their
// licences go beside it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');
const DIST = join(ROOT, 'dist');

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

async function bundle() {
  const build = await rolldown({
    cwd: ROOT,
    platform: 'node',
    input: {
      'secrets-manager': 'lib/secrets-manager.ts',
      keyturn: 'lib/cli/main.ts',
      // Loaded by require() when needed, so that getSecret can stay synchronous: entries of their own.
      'load-config': 'lib/config/load-config.ts',
      guessing: 'lib/validation/guessing.ts',
    },
    external: ['@node-rs/argon2'],
    treeshake: { moduleSideEffects: false },
  });
  const { output } = await build.write({
    dir: DIST,
    format: 'esm',
    // All in one folder: the late parts are found beside whichever chunk asks for them.
    entryFileNames: '[name].js',
    chunkFileNames: 'chunk-[name]-[hash].js',
    minify: { compress: true, mangle: false, codegen: { removeWhitespace: false } },
    comments: { legal: false },
  });
  await build.close();
  return new Set(output.flatMap((chunk) => Object.keys(chunk.modules ?? {})).map(packageOf).filter(Boolean));
}

rmSync(DIST, { recursive: true, force: true });
mkdirSync(DIST);
const packages = await bundle();
writeFileSync(
  join(DIST, 'THIRD_PARTY_LICENSES.txt'),
  [...packages].sort().map(licenceOf).join(`\n${'-'.repeat(80)}\n\n`),
);
const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
if (!existsSync(tsc)) throw new Error('TypeScript is not installed');
execFileSync(process.execPath, [tsc, '-p', join(ROOT, 'tsconfig.build.json')], { stdio: 'inherit' });
