// Which files are scanned, and where in them a value is said to be: large files, streams, binary files, git's history.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examineFile, examineInput, filesBelow, newFileRoom } from '../../lib/leaks/files.ts';
import { DiffReader, examineGit } from '../../lib/leaks/git.ts';
import { hookPath, installHook, uninstallHook } from '../../lib/leaks/hook.ts';
import { scannersFor } from '../support/leaks.ts';
import { temporaryFolder } from '../support/vault.ts';

const VALUE = 'kQ3xVb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0JfQr2Zq7Xn2';
const FORMER = 'former-kQ3xVb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0JfQr2';
const scanners = scannersFor({ API_KEY: VALUE, OLD_KEY: FORMER });

function git(folder: string, ...args: string[]): string {
  const who = ['-c', 'user.name=Tester', '-c', 'user.email=t@x.example', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', ['-C', folder, ...who, ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 1 << 30,
  });
}

function repository() {
  const folder = temporaryFolder();
  git(folder, 'init', '-q', '-b', 'main');
  const write = (path: string, text: string | Buffer) => {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  const commit = (message: string) => {
    git(folder, 'add', '-A');
    git(folder, 'commit', '-q', '-m', message);
  };
  return { folder, write, commit };
}

describe('the files of a folder', () => {
  it('are those that git would take', async () => {
    const { folder, write, commit } = repository();
    write('.gitignore', '.env\nbuild/\n');
    write('.env', 'X=1');
    write('build/a.js', 'x');
    write('src/tracked.ts', 'x');
    commit('one');
    write('src/new file.ts', 'x');
    write('src/gone.ts', 'x');
    git(folder, 'add', 'src/gone.ts');
    unlinkSync(join(folder, 'src/gone.ts'));
    expect((await filesBelow(folder)).sort()).toEqual(['.gitignore', 'src/new file.ts', 'src/tracked.ts']);
  });

  it('follow .gitignore where there is no repository, in each folder its own', async () => {
    const folder = temporaryFolder();
    for (const path of ['a/b', 'a/skip', 'node_modules/x']) mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, '.gitignore'), 'node_modules/\n*.log\n');
    writeFileSync(join(folder, 'a/.gitignore'), 'skip/\n');
    for (const path of ['a/b/c.ts', 'a/skip/d.ts', 'node_modules/x/e.js', 'a/f.log', 'g.ts'])
      writeFileSync(join(folder, path), 'x');
    symlinkSync(folder, join(folder, 'a/loop'));
    expect((await filesBelow(folder)).sort()).toEqual(['.gitignore', 'a/.gitignore', 'a/b/c.ts', 'g.ts']);
  });

  it('are none where there is no folder: that is an error', async () => {
    await expect(filesBelow('/nowhere/at/all')).rejects.toMatchObject({ code: 'KT_FILE_UNUSABLE' });
  });
});

describe('a file', () => {
  it('is told with line and column', () => {
    const path = join(temporaryFolder(), 'a.ts');
    writeFileSync(path, `// one\n\nconst key = "${VALUE}";\nconst old = "${FORMER}";\n`);
    expect(examineFile(path, 'a.ts', newFileRoom(), scanners).findings).toMatchObject([
      { rule: 'known-value', severity: 'critical', path: 'a.ts', line: 3, column: 14, endLine: 3 },
      { rule: 'known-value', severity: 'high', path: 'a.ts', line: 4, column: 14 },
    ]);
  });

  it('larger than a piece is scanned whole, each value once, on its own line', () => {
    const path = join(temporaryFolder(), 'large.txt');
    const filler = `${'some line of text, as files have them\n'.repeat(1000)}`;
    const lines: number[] = [];
    let text = '';
    for (let part = 0; part < 240; part += 1) {
      text += filler;
      lines.push(text.split('\n').length);
      text += `key=${VALUE}\n`;
    }
    expect(text.length).toBeGreaterThan(9_000_000);
    writeFileSync(path, text);
    const { findings, bytes } = examineFile(path, 'large.txt', newFileRoom(), scanners);
    expect(findings.map((one) => one.line)).toEqual(lines);
    expect(bytes).toBe(text.length);
  });

  it('is scanned at every place of a value around the end of a piece', () => {
    const folder = temporaryFolder();
    const room = newFileRoom();
    for (let shift = -60; shift <= 20; shift += 7) {
      const path = join(folder, 'edge.bin');
      writeFileSync(
        path,
        Buffer.concat([Buffer.alloc(room.bytes.length + shift, 65), Buffer.from(VALUE), Buffer.alloc(50_000, 66)]),
      );
      expect(examineFile(path, 'edge.bin', room, scanners).findings, `shift ${shift}`).toHaveLength(1);
    }
  });

  it('that is binary is searched for known values, and not for what looks like one', () => {
    const path = join(temporaryFolder(), 'a.bin');
    const looks = `sk_live_${randomBytes(20).toString('hex')}`;
    writeFileSync(path, Buffer.concat([Buffer.from([0, 1, 2, 3]), Buffer.from(`${VALUE}\0${looks}`)]));
    const both = { ...scanners, likely: true };
    expect(examineFile(path, 'a.bin', newFileRoom(), both).findings.map((one) => one.rule)).toEqual(['known-value']);
    writeFileSync(path, looks);
    expect(examineFile(path, 'a.bin', newFileRoom(), both).findings.map((one) => one.rule)).toEqual([
      'stripe-live-key',
    ]);
  });
});

describe('a stream', () => {
  it('is scanned as it comes, in chunks of any size', async () => {
    const text = Buffer.from(`first line\n${'y'.repeat(5_000_000)}\nkey: ${VALUE}\n${'z'.repeat(100_000)}${FORMER}`);
    for (const size of [977, 65_536, 7_000_000]) {
      async function* chunks() {
        for (let at = 0; at < text.length; at += size) yield text.subarray(at, at + size);
      }
      const { findings, bytes } = await examineInput(chunks(), '-', scanners);
      expect(findings).toMatchObject([{ line: 3, column: 6 }, { line: 4 }]);
      expect(findings).toHaveLength(2);
      expect(bytes).toBe(text.length);
    }
  });
});

describe('git', () => {
  it('has what was staged: the lines that are new, with their numbers', async () => {
    const { folder, write, commit } = repository();
    write('a.ts', `one\ntwo\nold = "${FORMER}"\nthree\n`);
    commit('one');
    write('a.ts', `one\ntwo\nold = "${FORMER}"\nthree\nfour\nkey = "${VALUE}"\n`);
    write('not-staged.ts', `x = "${VALUE}"`);
    git(folder, 'add', 'a.ts');
    const { findings } = await examineGit(folder, 'staged', scanners);
    expect(findings).toMatchObject([{ path: 'a.ts', line: 6, column: 8, secret: { name: 'API_KEY' } }]);
    expect(findings).toHaveLength(1);
  });

  it('has what any commit brought, taken out again or on another branch', async () => {
    const { folder, write, commit } = repository();
    write('src/a.ts', `x\ny\nkey = "${VALUE}"\n`);
    write('src/b.ts', 'b\n');
    commit('brings it');
    write('src/a.ts', 'x\ny\n');
    commit('takes it out');
    git(folder, 'checkout', '-q', '-b', 'side');
    write('ünï "quoted" name.ts', `z = "${FORMER}"\n`);
    commit('on the side');
    git(folder, 'checkout', '-q', 'main');
    const { findings, commits } = await examineGit(folder, 'history', scanners);
    expect(commits).toBe(3);
    const first = git(folder, 'rev-list', '--max-parents=0', 'main').trim();
    expect(findings.find((one) => one.path === 'src/a.ts')).toMatchObject({
      line: 3,
      secret: { name: 'API_KEY' },
      commit: { id: first, author: 'Tester' },
    });
    expect(findings.find((one) => one.secret?.name === 'OLD_KEY')?.path).toBe('ünï "quoted" name.ts');
    expect(findings).toHaveLength(2);
  });

  it('has what a merge brought that neither side had', async () => {
    const { folder, write, commit } = repository();
    write('a.txt', 'base\n');
    commit('base');
    git(folder, 'checkout', '-q', '-b', 'side');
    write('a.txt', 'side\n');
    commit('side');
    git(folder, 'checkout', '-q', 'main');
    write('a.txt', 'main\n');
    commit('main');
    expect(() => git(folder, 'merge', 'side')).toThrow();
    write('a.txt', `merged ${VALUE}\n`);
    commit('merge');
    const { findings } = await examineGit(folder, 'history', scanners);
    expect(findings).toMatchObject([{ path: 'a.txt', secret: { name: 'API_KEY' } }]);
    expect(findings).toHaveLength(1);
  });

  it('lines that look like headers are text', async () => {
    const { folder, write, commit } = repository();
    write('a.diff', `++ b/evil.ts\n@@ -1 +900 @@\n-- x\nkey = ${VALUE}\n`);
    commit('one');
    const { findings } = await examineGit(folder, 'history', scanners);
    expect(findings).toMatchObject([{ path: 'a.diff', line: 4 }]);
  });

  it('is read in chunks of any size, with lines of any length', async () => {
    const { folder, write, commit } = repository();
    write('long.js', `${'x'.repeat(3_000_000)}"${VALUE}"${'y'.repeat(3_000_000)}"${FORMER}"`);
    write('b.ts', `a\nb = "${VALUE}"\n`);
    commit('one');
    const diff = Buffer.from(
      git(
        folder,
        'log',
        '-p',
        '--unified=0',
        '--no-renames',
        '--src-prefix=a/',
        '--dst-prefix=b/',
        '--format=%x1e%H%x1f%an%x1f%aI',
      ),
    );
    for (const size of [1_000, 65_536, diff.length]) {
      const reader = new DiffReader(scanners, () => undefined);
      for (let at = 0; at < diff.length; at += size) reader.push(diff.subarray(at, at + size));
      const { findings } = reader.end();
      expect(findings.map((one) => [one.path, one.line, one.secret?.name])).toEqual([
        ['b.ts', 2, 'API_KEY'],
        ['long.js', 1, 'API_KEY'],
        ['long.js', 1, 'OLD_KEY'],
      ]);
    }
  });

  it('outside of a repository is an error that says so', async () => {
    const folder = temporaryFolder();
    await expect(examineGit(folder, 'history', scanners)).rejects.toMatchObject({ code: 'KT_FILE_UNUSABLE' });
  });
});

describe('the hook', () => {
  it('goes before what is there, is renewed in place, and is taken out without a trace', () => {
    const { folder } = repository();
    const path = hookPath(folder);
    expect(installHook(path, 'keyturn')).toBe('new');
    expect(installHook(path, 'keyturn')).toBe('renewed');
    const before = '#!/bin/bash\nset -e\nnpm test\n';
    writeFileSync(path, before);
    expect(installHook(path, 'keyturn')).toBe('added');
    const text = readFileSync(path, 'utf8');
    expect(text.indexOf('keyturn scan --staged')).toBeLessThan(text.indexOf('npm test'));
    expect(text.startsWith('#!/bin/bash\n')).toBe(true);
    expect(uninstallHook(path)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(uninstallHook(path)).toBe(false);
  });

  it('leaves a hook that is no shell script alone', () => {
    const { folder } = repository();
    const path = hookPath(folder);
    writeFileSync(path, '#!/usr/bin/env node\nprocess.exit(0)\n');
    expect(() => installHook(path, 'keyturn')).toThrow(/no shell script/);
  });
});
