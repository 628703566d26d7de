// Builds the console into a folder: Vite, then each file again as gzip and Brotli make it, for the server to send.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { build } from 'vite';
import { writeApiTypes } from './api-types.js';
import { ROOT } from './set-up.js';

const COMPRESSED = /\.(js|css|svg|html|json)$/;

function compress(folder) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !COMPRESSED.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
    writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
  }
}

/** @returns the ids of the modules that went in */
export async function buildConsole(outDir) {
  await writeApiTypes();
  const result = await build({
    configFile: join(ROOT, 'console', 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir, emptyOutDir: true },
  });
  compress(outDir);
  return [result].flat().flatMap(({ output }) => output.flatMap((chunk) => Object.keys(chunk.modules ?? {})));
}
