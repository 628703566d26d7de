// The bill of materials that goes into the package: everything that runs with it, and nothing of where this machine got it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT, runProgram } from '../support/command.ts';

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

it('lists each dependency with what it needs, and each package that is bundled', async () => {
  const ended = await runProgram(process.execPath, [join(ROOT, 'scripts', 'sbom.js')], { cwd: ROOT });
  expect(ended.code, ended.stderr).toBe(0);
  const text = readFileSync(join(ROOT, 'dist', 'sbom.cdx.json'), 'utf8');
  const bom = JSON.parse(text) as { bomFormat: string; specVersion: string; components: Component[] };
  expect(bom).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.5' });
  const names = new Set(bom.components.map((one) => one.name));
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  for (const name of Object.keys(dependencies)) expect(names, name).toContain(name);
  // Bundled, and what a dependency of ours depends on.
  for (const name of ['commander', 'zod', 'kysely', 'yaml', 'react', 'pg-protocol'])
    expect(names, name).toContain(name);
  for (const one of bom.components) expect(one.purl).toBe(`pkg:npm/${one.name.replace(/^@/, '%40')}@${one.version}`);
  // No tool of development, and no address of a registry.
  for (const name of ['vitest', 'typescript', '@biomejs/biome']) expect(names, name).not.toContain(name);
  expect(text).not.toMatch(/https?:\/\/registry|resolved/);
});
