// The package as it would be published: packed, linted, and used from a project that has nothing but it.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runProgram } from '../support/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-package-'));
let tarball = '';

beforeAll(() => {
  // The build is there; building again here would take it away from under the tests beside this one.
  const output = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  tarball = join(folder, JSON.parse(output)[0].filename);
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'keyturn'), { recursive: true });
  execFileSync('tar', ['xzf', tarball, '-C', join(modules, 'keyturn'), '--strip-components=1']);
  cpSync(join(ROOT, 'node_modules', '@node-rs'), join(modules, '@node-rs'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
});

describe('the packed package', () => {
  it('holds what is needed to run it, and nothing else', () => {
    const top = readdirSync(join(folder, 'node_modules', 'keyturn')).sort();
    const files = [
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bin',
      'deploy',
      'dist',
      'docs',
      'package.json',
    ];
    expect(top).toEqual(files);
    expect(readFileSync(join(folder, 'node_modules/keyturn/dist/THIRD_PARTY_LICENSES.txt'), 'utf8')).toMatch(
      /kysely[\s\S]*MIT/i,
    );
  });

  it('has nothing that publint minds', async () => {
    const bytes = readFileSync(tarball);
    const { messages, pkg } = await publint({
      pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer },
      strict: true,
    });
    expect(messages.map((one) => formatMessage(one, pkg, { color: false }))).toEqual([]);
  });

  it('has types that fit what runs, in every way of resolving that can load an ES module', async () => {
    const { problems } = (await checkPackage(createPackageFromTarballData(readFileSync(tarball)))) as {
      problems?: { kind: string; resolutionKind?: string }[];
    };
    // CommonJS can require() it on Node 24; "CJS resolves to ESM" is how it is meant. Node 10 has no exports at all.
    const minded = (problems ?? []).filter((one) => one.kind !== 'CJSResolvesToESM' && one.resolutionKind !== 'node10');
    expect(minded).toEqual([]);
  });

  it('works from an empty project: the command, import, require, and types', async () => {
    const cwd = folder;
    const keyturn = join(folder, 'node_modules/keyturn/bin/keyturn.cjs');
    expect(await runProgram(process.execPath, [keyturn, 'init'], { cwd })).toMatchObject({ code: 0 });
    const esm =
      "import { secretsManager } from 'keyturn'; secretsManager.setSecret('a', 'value', 'generic', 90); console.log(secretsManager.getSecret('A'));";
    expect(await runProgram(process.execPath, ['--input-type=module', '-e', esm], { cwd })).toMatchObject({
      stdout: 'value\n',
      stderr: '',
    });
    const cjs = "const { SecretsManager } = require('keyturn'); console.log(new SecretsManager().getSecret('a'));";
    expect(await runProgram(process.execPath, ['--input-type=commonjs', '-e', cjs], { cwd })).toMatchObject({
      stdout: 'value\n',
      stderr: '',
    });
    writeFileSync(
      join(folder, 'use.ts'),
      "import { secretsManager, type RotationResult, defineConfig } from 'keyturn';\nexport const text: string = secretsManager.getSecret('a');\nexport const done: Promise<RotationResult> = secretsManager.rotateSecret('a', 'b');\nexport default defineConfig({ environment: 'staging' });\n",
    );
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const checked = await runProgram(
      process.execPath,
      [
        tsc,
        '--noEmit',
        '--strict',
        '--module',
        'nodenext',
        '--target',
        'es2024',
        '--lib',
        'es2024,esnext.disposable',
        '--types',
        'node',
        '--typeRoots',
        join(ROOT, 'node_modules/@types'),
        'use.ts',
      ],
      { cwd },
    );
    expect(checked.stdout).toBe('');
  });

  it('throws errors of the one hierarchy, from the parts that load late too', async () => {
    writeFileSync(join(folder, 'keyturn.config.json'), '{"nonsense": 1}');
    const script =
      "import { KeyturnError, SecretsManager } from 'keyturn'; try { new SecretsManager().getSecret('a'); } catch (error) { console.log(error instanceof KeyturnError, error.code); }";
    const ended = await runProgram(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
    rmSync(join(folder, 'keyturn.config.json'));
    expect(ended).toMatchObject({ stdout: 'true KT_CONFIG_INVALID\n', stderr: '' });
  });

  it('reads a configuration in TypeScript that imports its types from the package', async () => {
    writeFileSync(
      join(folder, 'keyturn.config.ts'),
      "import { defineConfig } from 'keyturn';\nexport default defineConfig({ environment: 'staging' });\n",
    );
    const keyturn = join(folder, 'node_modules/keyturn/bin/keyturn.cjs');
    const listed = await runProgram(process.execPath, [keyturn, 'list'], { cwd: folder });
    expect(listed.stdout, listed.stderr).toContain('No secrets in staging yet');
  });

  it('has a remote SDK of less than 10 kB that imports nothing, and knows the names of `keyturn types`', async () => {
    const file = join(folder, 'node_modules/keyturn/dist/client.js');
    const text = readFileSync(file, 'utf8');
    expect(Buffer.byteLength(text)).toBeLessThan(10_000);
    expect(text).not.toMatch(/\bimport\b(?!\.meta)|\brequire\(|process\.env/);
    const keyturn = join(folder, 'node_modules/keyturn/bin/keyturn.cjs');
    expect(
      await runProgram(process.execPath, [keyturn, 'types', '--env', 'development'], { cwd: folder }),
    ).toMatchObject({ code: 0 });
    writeFileSync(
      join(folder, 'remote.ts'),
      "/// <reference path=\"./keyturn.d.ts\" />\nimport { createClient } from 'keyturn/client';\nconst client = createClient({ url: 'http://127.0.0.1' });\nclient.getSecret('a');\n// @ts-expect-error there is no such name\nclient.getSecret('b');\n",
    );
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options = [
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2024',
      '--lib',
      'es2024,dom',
      '--skipLibCheck',
    ];
    const types = ['--types', 'node', '--typeRoots', join(ROOT, 'node_modules/@types')];
    const checked = await runProgram(process.execPath, [tsc, ...options, ...types, 'remote.ts'], { cwd: folder });
    expect(checked.stdout).toBe('');
  });
});
