// Bundles a target with what it parses by: our own code counted by istanbul, what it needs of node_modules as it is. The words that
// stand in our code (names of fields, of formats, of kinds) go into inputs.
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { createInstrumenter } from 'istanbul-lib-instrument';
import { rolldown } from 'rolldown';
import { FUZZ, ROOT } from './places.ts';

export interface BuiltTarget {
  readonly file: string;
  readonly words: readonly string[];
}

export async function buildTarget(name: string, folder: string): Promise<BuiltTarget> {
  const instrumenter = createInstrumenter({ esModules: true, coverageVariable: '__coverage__', compact: false });
  const words = new Set<string>();
  const build = await rolldown({
    cwd: ROOT,
    platform: 'node',
    input: { [name]: join(FUZZ, 'targets', `${name}.ts`) },
    plugins: [
      {
        name: 'count',
        transform: {
          filter: { id: /[\\/]lib[\\/].*\.ts$/ },
          handler(code, id) {
            if (id.includes('node_modules')) return null;
            for (const [, word] of code.matchAll(/'([^'\\\n]{2,40})'/g))
              if (word && !word.includes(' ')) words.add(word);
            return { code: instrumenter.instrumentSync(stripTypeScriptTypes(code), id), moduleType: 'js' };
          },
        },
      },
    ],
  });
  const result = await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].mjs',
    comments: { legal: false },
  });
  await build.close();
  return { file: join(folder, result.output[0].fileName), words: [...words] };
}
