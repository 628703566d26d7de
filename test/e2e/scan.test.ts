// keyturn scan as a newcomer and as CI run it: the vault's own values, in files, in git and in a stream; incidents, the hook
// that stops a commit, the index without a vault.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keyturn, ROOT, runProgram } from '../support/command.ts';
import { temporaryFolder } from '../support/vault.ts';

const COMMAND = `${ROOT}/bin/keyturn.cjs`;

async function project() {
  const cwd = temporaryFolder();
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=T', '-c', 'user.email=t@x.example', ...args], { cwd, encoding: 'utf8' });
  git('init', '-q', '-b', 'main');
  writeFileSync(join(cwd, '.gitignore'), '.keyturn/\n.env\n');
  const run = (args: string[], input?: string) => keyturn(args, { cwd, ...(input !== undefined && { input }) });
  const json = async (args: string[], input?: string) => JSON.parse((await run([...args, '--json'], input)).stdout);
  const write = (path: string, text: string) => {
    mkdirSync(join(cwd, path, '..'), { recursive: true });
    writeFileSync(join(cwd, path), text);
  };
  expect((await run(['init'])).code).toBe(0);
  const value = randomBytes(36).toString('base64');
  await run(['set', 'JWT_SECRET', '--env', 'production'], value);
  return { cwd, git, run, json, write, value };
}

/** No output holds a value, in any form. */
function expectNoValue(output: { stdout: string; stderr: string }, value: string) {
  for (const form of [value, Buffer.from(value).toString('base64'), Buffer.from(value).toString('hex')])
    expect(output.stdout + output.stderr).not.toContain(form.slice(4, 24));
}

describe('keyturn scan', () => {
  it('finds a value of the vault in every form, opens an incident, and ends with 1', async () => {
    const { run, json, write, value } = await project();
    expect(await run(['scan'])).toMatchObject({ code: 0 });
    write('src/plain.ts', `export const secret = "${value}";\n`);
    write('src/basic.http', `Authorization: Basic ${Buffer.from(`user:${value}`).toString('base64')}\n`);
    write('src/hex.txt', `${Buffer.from(value).toString('hex')}\n`);
    write('src/link.md', `[a](https://x.example/?token=${encodeURIComponent(value)})\n`);
    write('src/split.js', `const a = "${value.slice(0, 17)}" +\n    "${value.slice(17)}";\n`);
    write('.env', `JWT_SECRET=${value}\n`);
    const scanned = await run(['scan']);
    expect(scanned.code).toBe(1);
    expectNoValue(scanned, value);
    for (const place of [
      'src/plain.ts:1:24',
      'src/basic.http:1:',
      'src/hex.txt:1:1',
      'src/link.md:1:',
      'src/split.js:1:12',
    ])
      expect(scanned.stdout).toContain(place);
    expect(scanned.stdout).not.toContain('.env:');
    expect(scanned.stdout).toContain('keyturn compromise JWT_SECRET --env production');
    const { incidents } = await json(['scan']);
    expect(incidents).toHaveLength(1);
    const incident = await json(['incidents', 'show', incidents[0]]);
    expect(incident).toMatchObject({ kind: 'leak', subject: 'JWT_SECRET', environment: 'production' });
    // The second scan found nothing new: each place is on the timeline once.
    expect(incident.timeline).toHaveLength(5);
    const alerts = await json(['alerts', 'list']);
    expect(JSON.stringify(alerts)).toContain(incidents[0]);
  });

  it('knows former values, and those of deleted secrets', async () => {
    const { run, json, write, value } = await project();
    const second = randomBytes(36).toString('base64');
    await run(['set', 'JWT_SECRET', '--env', 'production'], second);
    await run(['rm', 'JWT_SECRET', '--env', 'production']);
    write('a.txt', `${value}\n${second}\n`);
    const { findings } = await json(['scan']);
    expect(findings).toMatchObject([
      { severity: 'high', line: 1, secret: { version: 1, valid: false } },
      { severity: 'high', line: 2, secret: { version: 2, valid: false } },
    ]);
  });

  it('reads standard input, and a single file', async () => {
    const { run, write, value } = await project();
    expect(await run(['scan', '-'], `log line: ${value}\n`)).toMatchObject({ code: 1 });
    expect(await run(['scan', '-'], 'nothing in here\n')).toMatchObject({ code: 0 });
    write('one.txt', value);
    write('two.txt', value);
    expect((await run(['scan', 'one.txt'])).stdout).toMatch(/1 finding in 1 file/);
    expect(await run(['scan', 'no-such-file'])).toMatchObject({ code: 1 });
  });

  it('scans many files in threads with the same result', async () => {
    const { json, write, value } = await project();
    for (let n = 0; n < 900; n += 1) write(`many/${n}.txt`, n % 90 === 0 ? `x\nkey ${value}\n` : `file ${n}\n`);
    const one = await json(['scan', '--threads', '1']);
    const two = await json(['scan', '--threads', '2']);
    expect(one.findings).toHaveLength(10);
    expect(two.findings).toEqual(one.findings);
    expect(two.bytes).toBe(one.bytes);
  });

  it('finds in the history what is gone from the files', async () => {
    const { git, run, json, write, value } = await project();
    write('a.txt', `key ${value}\n`);
    git('add', '-A');
    git('commit', '-q', '-m', 'one');
    write('a.txt', 'key\n');
    git('commit', '-q', '-a', '-m', 'two');
    expect(await run(['scan'])).toMatchObject({ code: 0 });
    const { findings, scanned } = await json(['scan', '--history']);
    expect(findings).toMatchObject([{ path: 'a.txt', line: 1, commit: { author: 'T' } }]);
    expect(scanned).toBe('the history (2 commits)');
  });

  it('stops a commit once it is installed', async () => {
    const { cwd, git, run, write, value } = await project();
    expect((await run(['scan', 'install'])).code).toBe(0);
    write('fine.txt', 'fine\n');
    git('add', '-A');
    git('commit', '-q', '-m', 'fine');
    write('bad.txt', `${value}\n`);
    git('add', '-A');
    const stopped = await runProgram(
      'git',
      ['-c', 'user.name=T', '-c', 'user.email=t@x.example', 'commit', '-q', '-m', 'bad'],
      { cwd },
    );
    expect(stopped.code).toBe(1);
    expect(stopped.stdout + stopped.stderr).toContain('bad.txt:1:1');
    expect(git('log', '--format=%s').trim()).toBe('fine');
    expect((await run(['scan', 'uninstall'])).code).toBe(0);
    git('commit', '-q', '-m', 'without the hook');
  });

  it('scans with an index where there is no vault, and the index reveals nothing', async () => {
    const { cwd, run, value } = await project();
    expect((await run(['scan', 'index'])).code).toBe(0);
    const index = readFileSync(join(cwd, 'keyturn-leaks.json'), 'utf8');
    expectNoValue({ stdout: index, stderr: '' }, value);
    const elsewhere = temporaryFolder();
    writeFileSync(join(elsewhere, 'leaks.json'), index);
    writeFileSync(join(elsewhere, 'a.txt'), `x ${value}`);
    const found = await keyturn(['scan', '--index', 'leaks.json', '--format', 'sarif', '-o', 'out.sarif'], {
      cwd: elsewhere,
    });
    expect(found.code).toBe(1);
    const sarif = JSON.parse(readFileSync(join(elsewhere, 'out.sarif'), 'utf8'));
    expect(sarif.runs[0].results).toMatchObject([{ ruleId: 'known-value', level: 'error' }]);
    const without = await keyturn(['scan'], { cwd: elsewhere });
    expect(without.code).toBe(0);
    expect(without.stderr).toContain('no vault here');
    expect((await keyturn(['scan', '--known'], { cwd: elsewhere })).code).toBe(2);
  });

  it('follows the allow file, and says when an entry allows nothing', async () => {
    const { json, run, write, value } = await project();
    write('a.txt', `${value}\nsk_test_${randomBytes(12).toString('hex')}\n`);
    const { findings } = await json(['scan']);
    expect(findings).toHaveLength(2);
    const entries = findings.map((one: { print: string }) => `- print: ${one.print}\n  reason: made for this test\n`);
    write('.keyturn-allow.yaml', `${entries.join('')}- path: nothing/**\n  reason: is not there\n`);
    const allowed = await run(['scan']);
    expect(allowed).toMatchObject({ code: 0 });
    expect(allowed.stdout).toContain('2 allowed');
    expect(allowed.stderr).toContain('line 5: it allows nothing any more');
    write('.keyturn-allow.yaml', '- path: "**"\n  reason: no\n');
    expect(await run(['scan'])).toMatchObject({ code: 2 });
  });

  it('finds what was sealed before there were prints', async () => {
    const { cwd, json, write, value } = await project();
    const { DatabaseSync } = await import('node:sqlite');
    const database = new DatabaseSync(join(cwd, '.keyturn', 'keyturn.db'));
    database.exec('update versions set leak_print = null');
    database.close();
    write('a.txt', value);
    expect((await json(['scan'])).findings).toHaveLength(1);
    expect(JSON.stringify(await json(['audit', 'list', '--action', 'leak']))).toContain('leak.print');
  });

  it('refuses what cannot be meant', async () => {
    const { run } = await project();
    for (const args of [
      ['--staged', '--history'],
      ['--known', '--likely'],
      ['--format', 'xml'],
      ['--threads', '0'],
    ])
      expect((await run(['scan', ...args])).code, args.join(' ')).toBe(2);
    expect(await run(['scan', '--index', 'nowhere.json'])).toMatchObject({ code: 1 });
  });

  it('is one key away from ending what it found', async () => {
    const { cwd, write, value } = await project();
    write('a.txt', value);
    // `script` gives it a terminal: the key is pressed once it asks.
    const asked = await runProgram('script', ['-qec', `"${process.execPath}" "${COMMAND}" scan`, '/dev/null'], {
      cwd,
      input: 'c',
    });
    expect(asked.stdout).toContain('Press c to turn it');
    expect(asked.stdout).toContain('version 2 is in use, version 1 is revoked');
  });
});
