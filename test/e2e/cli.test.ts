// The command as a black box: real processes, their output, their exit codes.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { keyturn, projectFolder, ROOT, runProgram } from '../support/command.ts';
import { temporaryFolder } from '../support/vault.ts';

/** A project with a vault in it. */
async function project() {
  const cwd = projectFolder(temporaryFolder());
  const run = (args: string[], input?: string | Buffer, env?: Record<string, string>) =>
    keyturn(args, { cwd, ...(input !== undefined && { input }), ...(env && { env }) });
  const made = await run(['init']);
  expect(made.code, made.stderr).toBe(0);
  const json = async (args: string[]) => JSON.parse((await run([...args, '--json'])).stdout);
  return { cwd, run, json };
}

describe('keyturn init', () => {
  it('makes the vault, and does no harm the second time', async () => {
    const { cwd, run } = await project();
    expect(existsSync(`${cwd}/.keyturn/keyturn.db`)).toBe(true);
    const again = await run(['init']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    expect(again.stdout).toContain('has that already');
    expect((await run(['init', '--env', 'qa'])).stdout).toContain('Added the environment qa');
    expect((await run(['init', '--env', 'q/a'])).code).toBe(2);
  });
});

describe('keyturn set and get', () => {
  it('takes a value from standard input and prints it alone', async () => {
    const { run } = await project();
    expect((await run(['set', 'API_KEY'], 'planted-4711\n')).stdout).toBe('API_KEY (development), version 1: added.\n');
    expect(await run(['get', 'api_key'])).toMatchObject({ code: 0, stdout: 'planted-4711', stderr: '' });
    expect((await run(['set', 'API_KEY'], 'planted-4711')).stdout).toContain('unchanged');
    expect((await run(['get', 'API_KEY', '--json'])).stdout).toContain('"version": 1');
  });

  it('keeps a PEM and a binary file byte for byte', async () => {
    const { cwd, run } = await project();
    const pem = '-----BEGIN X-----\r\nMIIB\n-----END X-----\n';
    await run(['set', 'PEM'], pem);
    expect((await run(['get', 'PEM'])).stdout).toBe(pem);
    const bytes = Buffer.from([0, 255, 10, 13, 128]);
    writeFileSync(`${cwd}/file.bin`, bytes);
    await run(['set', 'BIN', '--from-file', 'file.bin']);
    expect((await run(['get', 'BIN', '--json'])).stdout).toContain(bytes.toString('base64'));
  });

  it('refuses a value on the command line, without repeating it', async () => {
    const { run } = await project();
    const ended = await run(['set', 'API_KEY', 'planted-4711']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('shell history');
    expect(ended.stdout + ended.stderr).not.toContain('planted-4711');
  });

  it('makes a value, and says where to get one that it cannot make', async () => {
    const { run } = await project();
    await run(['set', 'JWT_SECRET', '--generate']);
    expect((await run(['get', 'JWT_SECRET'])).stdout).toMatch(/^[\w-]{64}$/);
    const refused = await run(['set', 'STRIPE_SECRET_KEY', '--generate']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('https://dashboard.stripe.com/apikeys');
  });

  it('needs a person where nothing is piped in', async () => {
    const { run } = await project();
    expect((await run(['set', 'API_KEY'])).code).toBe(4);
  });

  it('asks on a terminal without showing what is typed, and ends the value with a line break there', async () => {
    const { cwd, run } = await project();
    const command = `"${process.execPath}" "${ROOT}/bin/keyturn.cjs"`;
    // A real terminal, by util-linux's script(1).
    const typed = await new Promise<string>((resolve) => {
      const child = spawn('script', ['-qec', `${command} set API_KEY`, '/dev/null'], {
        cwd,
        env: { ...process.env, TERM: 'xterm' },
      });
      let shown = '';
      let answered = false;
      child.stdout.on('data', (chunk) => {
        shown += chunk;
        if (answered || !shown.includes('not shown')) return;
        answered = true;
        child.stdin.write('planted-4711\r');
      });
      child.on('close', () => resolve(shown));
    });
    expect(typed).toContain('version 1: added');
    expect(typed).not.toContain('planted-4711');
    expect((await run(['get', 'API_KEY'])).stdout).toBe('planted-4711');
    const shown = await runProgram('script', ['-qec', `${command} get API_KEY`, '/dev/null'], { cwd });
    expect(shown.stdout).toMatch(/planted-4711\r?\n$/);
  });

  it('says where it looked for what is not there', async () => {
    const { run } = await project();
    const ended = await run(['get', 'NOTHING']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('NOTHING is not in default/development');
    expect(ended.stderr).toContain('KT_SECRET_NOT_FOUND');
  });

  it('lets a version be the condition of a change', async () => {
    const { run } = await project();
    await run(['set', 'A', '--if-version', '0'], 'one');
    const late = await run(['set', 'A', '--if-version', '0'], 'two');
    expect(late.code).toBe(1);
    expect(late.stderr).toContain('KT_CONFLICT');
    expect((await run(['set', 'A', '--if-version', 'x'], 'two')).code).toBe(2);
  });
});

describe('keyturn list, show, history, rm, restore', () => {
  it('shows what is there, never a value', async () => {
    const { run, json } = await project();
    await run(['set', 'JWT_SECRET', '--owner', 'ann', '--label', 'team=pay'], 'planted-4711');
    await run(['set', 'JWT_SECRET'], 'planted-4712');
    const outputs = await Promise.all(
      [
        ['list'],
        ['list', '--all-envs'],
        ['show', 'jwt_secret'],
        ['history', 'JWT_SECRET'],
        ['list', '--json'],
        ['show', 'JWT_SECRET', '--json'],
      ].map((args) => run(args)),
    );
    for (const { stdout, code } of outputs) {
      expect(code).toBe(0);
      expect(stdout).not.toContain('planted');
    }
    expect(outputs[2]?.stdout).toContain('ann');
    expect(await json(['history', 'JWT_SECRET'])).toMatchObject({
      versions: [
        { number: 2, state: 'current' },
        { number: 1, state: 'retired' },
      ],
    });
    expect((await run(['list', '--names'])).stdout).toBe('JWT_SECRET\n');
    // Into a pipe: rows with tabs between, and nothing else.
    expect(outputs[0]?.stdout).toBe('JWT_SECRET\tjwt_secret\t2\tnew\t90 d\tann\tnever\n');
  });

  it('takes away and brings back', async () => {
    const { run } = await project();
    await run(['set', 'A'], 'one');
    await run(['set', 'A'], 'two');
    expect((await run(['rm', 'A'])).code).toBe(0);
    expect((await run(['get', 'A'])).code).toBe(1);
    expect((await run(['list'])).stdout).toContain('No secrets in development yet');
    expect((await run(['restore', 'A'])).code).toBe(0);
    expect((await run(['restore', 'A', '--version', '1'])).stdout).toContain('as version 3');
    expect((await run(['get', 'A'])).stdout).toBe('one');
    expect((await run(['get', 'A', '--version', '2'])).stdout).toBe('two');
  });

  it('compares environments', async () => {
    const { run } = await project();
    await run(['set', 'A'], 'one');
    await run(['set', 'A', '--env', 'production'], 'one');
    expect((await run(['list', '--diff', 'production'])).stdout).toContain('same value');
  });
});

describe('keyturn import and export', () => {
  it('says for each name what it did', async () => {
    const { cwd, run } = await project();
    writeFileSync(`${cwd}/.env`, 'A=one\nB="two\nlines"\nexport C=\'three\' # note\r\nEMPTY=\n');
    const dry = await run(['import', '--dry-run']);
    expect(dry.stdout).toMatch(/A\s+added/);
    expect((await run(['list', '--names'])).stdout).not.toContain('A\n');
    const first = await run(['import']);
    expect(first.stdout).toMatch(/A\s+added[\s\S]*B\s+added[\s\S]*C\s+added[\s\S]*EMPTY\s+left out: empty/);
    writeFileSync(`${cwd}/.env`, 'A=one\nB=changed\n');
    expect((await run(['import'])).stdout).toMatch(/A\s+unchanged[\s\S]*B\s+updated/);
    expect((await run(['get', 'C'])).stdout).toBe('three');
  });

  it('takes nothing of a file with a line that is wrong, and names the line', async () => {
    const { cwd, run } = await project();
    writeFileSync(`${cwd}/bad.env`, 'A=one\nthis is planted-4711\n');
    const ended = await run(['import', 'bad.env']);
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain('line 2');
    expect(ended.stderr).not.toContain('planted');
    expect((await run(['list', '--names'])).stdout).not.toContain('A\n');
    expect((await run(['import', 'none.env'])).stderr).toContain('ENOENT');
  });

  it.each(['dotenv', 'json', 'yaml'])('writes %s that it reads back', async (format) => {
    const { cwd, run } = await project();
    await run(['set', 'A'], `it's "so" # $x`);
    await run(['set', 'B'], 'two\nlines\n');
    const written = await run([
      'export',
      '--format',
      format,
      '--output',
      `out.${format === 'dotenv' ? 'env' : format}`,
    ]);
    expect(written).toMatchObject({ code: 0, stdout: '' });
    const file = `${cwd}/out.${format === 'dotenv' ? 'env' : format}`;
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const back = await run(['import', file, '--env', 'staging']);
    expect(back.code, back.stderr).toBe(0);
    expect((await run(['get', 'B', '--env', 'staging'])).stdout).toBe('two\nlines\n');
    expect((await run(['list', '--diff', 'staging'])).stdout.match(/same value/g)).toHaveLength(2);
  });

  it('writes a shell text that a shell takes', async () => {
    const { cwd, run } = await project();
    await run(['set', 'A'], `it's $HOME`);
    const { stdout } = await run(['export', '--format', 'shell']);
    const shell = await runProgram('sh', ['-c', `${stdout}printf %s "$A"`], { cwd });
    expect(shell.stdout).toBe("it's $HOME");
  });
});

describe('keyturn run', () => {
  it('gives the command its secrets, and neither the root key nor a file', async () => {
    const { cwd, run } = await project();
    await run(['set', 'A_SECRET'], 'planted-4711');
    const shown = await run(
      ['run', '--', 'sh', '-c', 'echo "$A_SECRET|$SECRETS_ENCRYPTION_KEY|$1"', 'sh', '--flag'],
      undefined,
      { SECRETS_ENCRYPTION_KEY: readFileSync(`${cwd}/.keyturn/root.key`, 'utf8').trim() },
    );
    expect(shown).toMatchObject({ code: 0, stdout: 'planted-4711||--flag\n' });
    const search = await runProgram('grep', ['-r', '-l', 'planted-4711', cwd], { cwd });
    expect(search.stdout).toBe('');
  });

  it('passes on the exit code, signals and standard input', async () => {
    const { cwd, run } = await project();
    expect((await run(['run', '--', 'sh', '-c', 'exit 7'])).code).toBe(7);
    expect((await run(['run', '-e', 'staging', '--', 'cat'], 'through')).stdout).toBe('through');
    expect((await run(['run', '--', 'no-such-command'])).code).toBe(127);
    expect((await run(['run', '--', './example.env'])).code).toBe(126);
    expect((await run(['run'])).code).toBe(2);
    const child = spawn(
      process.execPath,
      [
        `${ROOT}/bin/keyturn.cjs`,
        'run',
        '--',
        'sh',
        '-c',
        'trap "echo got it; exit 3" TERM; echo ready; while :; do sleep 0.05; done',
      ],
      { cwd },
    );
    const output: string[] = [];
    const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
    child.stdout.on('data', (chunk) => {
      output.push(String(chunk));
      if (String(chunk).includes('ready')) child.kill('SIGTERM');
    });
    expect(await ended).toBe(3);
    expect(output.join('')).toContain('got it');
  });

  it('leaves no log behind that grows from start to start', async () => {
    const { cwd, run } = await project();
    for (let n = 0; n < 20; n += 1) await run(['set', `NAME_${n}`], 'x');
    for (let n = 0; n < 25; n += 1) {
      await run(['run', '--', 'true']);
      const log = statSync(`${cwd}/.keyturn/keyturn.db-wal`, { throwIfNoEntry: false })?.size ?? 0;
      expect(log).toBeLessThan(512 * 1024);
    }
    expect((await run(['audit', 'verify'])).code).toBe(0);
  });

  it('logs each secret that it gave, before the command runs', async () => {
    const { run, json } = await project();
    await run(['set', 'A'], 'x');
    await run(['set', 'B'], 'y');
    await run(['run', '--', 'true']);
    const entries = await json(['audit', 'list', '--action', 'secret.read']);
    expect(entries.map((one: { secret: string; details: unknown }) => [one.secret, one.details])).toEqual([
      ['B', { purpose: 'run' }],
      ['A', { purpose: 'run' }],
    ]);
  });
});

describe('keyturn rotate and rollback', () => {
  it('turns what is due or all, and lists what needs a person', async () => {
    const { cwd, run } = await project();
    await run(['import', 'example.env']);
    expect((await run(['rotate'])).stdout).toContain('Nothing in development is due');
    const dry = await run(['rotate', '--all', '--dry-run']);
    expect(dry.stdout).toMatch(/Would rotate JWT_SECRET .*Keyturn makes/);
    const all = await run(['rotate', '--all']);
    expect(all.code).toBe(4);
    expect(all.stdout).toMatch(/✓ JWT_SECRET/);
    expect(all.stdout).toMatch(/STRIPE_SECRET_KEY\s+https:\/\/dashboard/);
    expect(existsSync(`${cwd}/backups/secrets`)).toBe(true);
    expect((await run(['monitor'])).stdout).toContain('waits for its new value');
    expect((await run(['rotate', 'STRIPE_SECRET_KEY'], 'sk_test_Another1Vb5Rt9Kd2\n')).code).toBe(0);
    expect((await run(['get', 'STRIPE_SECRET_KEY'])).stdout).toBe('sk_test_Another1Vb5Rt9Kd2');
  });

  it('refuses a bad value and keeps the good one', async () => {
    const { run } = await project();
    await run(['import', 'example.env']);
    const refused = await run(['rotate', 'STRIPE_SECRET_KEY'], 'planted-4711');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('Version 1 is in use, as before');
    expect(refused.stderr).not.toContain('planted');
    expect((await run(['rotate', 'STRIPE_SECRET_KEY'])).code).toBe(4);
    expect((await run(['rotate', 'NONE'])).code).toBe(1);
    expect((await run(['rotate', 'JWT_SECRET', 'no_such_type'])).code).toBe(2);
    expect((await run(['rotate', 'JWT_SECRET', '--grace', 'soon'])).code).toBe(2);
  });

  it('goes back to a version and to a backup', async () => {
    const { cwd, run, json } = await project();
    await run(['import', 'example.env']);
    const before = (await run(['get', 'JWT_SECRET'])).stdout;
    const { backupFile } = await json(['rotate', 'JWT_SECRET']);
    expect((await run(['get', 'JWT_SECRET'])).stdout).not.toBe(before);
    expect((await run(['rollback', 'JWT_SECRET'])).code).toBe(0);
    expect((await run(['get', 'JWT_SECRET'])).stdout).toBe(before);
    await run(['set', 'JWT_SECRET', '--generate']);
    const dry = await run(['rollback', backupFile, '--dry-run']);
    expect(dry.stdout).toContain('1 secret of 17 would change');
    expect((await run(['rollback', backupFile])).stdout).toContain('1 secret of 17 changed');
    expect((await run(['get', 'JWT_SECRET'])).stdout).toBe(before);
    expect((await run(['rollback', 'backups/none.json'])).code).toBe(1);
    expect(cwd).toBeTruthy();
  });
});

describe('keyturn validate, check, report, monitor', () => {
  it('finds what is wrong with the example, and exits 1', async () => {
    const { cwd, run, json } = await project();
    await run(['import', 'example.env']);
    const validated = await run(['validate']);
    expect(validated.code).toBe(1);
    expect(validated.stdout).toMatch(/critical\s+TELNYX_API_KEY .*placeholder/);
    expect(validated.stdout).not.toContain('your-api-key-here');
    expect((await run(['check'])).code).toBe(1);
    await run(['rotate', 'TELNYX_API_KEY'], 'KEY0182f7Xn2Vb9KdTw4Rz8LmYp1Hs6Gc');
    expect(await run(['check'])).toMatchObject({ code: 0 });
    expect((await json(['check'])).critical).toEqual({ present: 7, wanted: 7 });
    const report = await run(['report']);
    expect(report.code).toBe(0);
    const [jsonFile, markdown] = readdirSync(`${cwd}/reports`);
    expect(readFileSync(`${cwd}/reports/${markdown}`, 'utf8')).toContain('# Secrets report');
    expect(JSON.parse(readFileSync(`${cwd}/reports/${jsonFile}`, 'utf8'))).toMatchObject({ keyturn: 'secrets-report' });
    expect((await run(['monitor'])).code).toBe(0);
    expect((await run(['monitor', 'check'])).code).toBe(0);
    expect((await run(['monitor', 'nonsense'])).code).toBe(2);
    expect((await run(['validate', '--fail-on', 'nothing'])).code).toBe(2);
  });
});

describe('keyturn keys, backup, audit', () => {
  it('turns root and data keys; everything opens after', async () => {
    const { cwd, run } = await project();
    await run(['set', 'A'], 'one');
    expect((await run(['backup', 'create'])).code).toBe(0);
    expect((await run(['keys', 'rotate-root'])).stdout).toContain('keys rewrapped');
    expect((await run(['keys', 'rotate-data', '--all-envs'])).code).toBe(0);
    expect((await run(['get', 'A'])).stdout).toBe('one');
    expect((await run(['keys', 'list'])).stdout).toContain('destroyed');
    // A backup from before is under the old root key, which is kept beside the new one.
    const { stdout } = await run(['backup', 'list', '--json']);
    const [backup] = JSON.parse(stdout);
    expect((await run(['backup', 'verify', backup.path])).code).toBe(0);
    expect((await run(['backup', 'restore', backup.path, 'A', '--dry-run'])).stdout).toContain(
      '0 secrets of 1 would change',
    );
    expect((await run(['backup', 'restore', backup.path, 'NONE'])).code).toBe(1);
    writeFileSync(backup.path, readFileSync(backup.path, 'utf8').replace(/"payload": "..../, '"payload": "AAAA'));
    const broken = await run(['backup', 'verify', backup.path]);
    expect(broken.code).toBe(1);
    expect(broken.stderr).toContain('KT_BACKUP_INVALID');
    expect(existsSync(`${cwd}/.keyturn/root.key.previous`)).toBe(true);
  });

  it('takes a root key from the environment through a change', async () => {
    const cwd = projectFolder(temporaryFolder());
    const key = async () => (await keyturn(['keys', 'generate'], { cwd })).stdout.trim();
    const [old, current] = [await key(), await key()];
    const run = (args: string[], env: Record<string, string>, input?: string) =>
      keyturn(args, { cwd, env, ...(input !== undefined && { input }) });
    await run(['init'], { SECRETS_ENCRYPTION_KEY: old });
    expect(existsSync(`${cwd}/.keyturn/root.key`)).toBe(false);
    await run(['set', 'A'], { SECRETS_ENCRYPTION_KEY: old }, 'one');
    const wrong = await run(['get', 'A'], { SECRETS_ENCRYPTION_KEY: current });
    expect(wrong.code).toBe(3);
    expect(wrong.stderr).toContain('KT_ROOT_KEY_WRONG');
    expect(wrong.stderr).not.toContain(current);
    expect((await run(['get', 'A'], {})).code).toBe(3);
    expect((await run(['keys', 'rotate-root'], { SECRETS_ENCRYPTION_KEY: old })).code).toBe(2);
    const both = { SECRETS_ENCRYPTION_KEY: current, SECRETS_ENCRYPTION_KEY_PREVIOUS: old };
    const warned = await run(['get', 'A'], both);
    expect(warned).toMatchObject({ code: 0, stdout: 'one' });
    expect(warned.stderr).toContain('rotate-root');
    expect((await run(['keys', 'rotate-root'], both)).code).toBe(0);
    expect(await run(['get', 'A'], { SECRETS_ENCRYPTION_KEY: current })).toMatchObject({
      code: 0,
      stdout: 'one',
      stderr: '',
    });
  });

  it('lists, verifies, anchors and exports the log', async () => {
    const { cwd, run, json } = await project();
    await run(['set', 'A'], 'one');
    await run(['get', 'NONE']);
    expect((await run(['audit', 'list'])).stdout).toContain('secret.set');
    expect(await json(['audit', 'list', '--outcome', 'failed'])).toMatchObject([{ secret: 'NONE' }]);
    expect((await run(['audit', 'list', '--outcome', 'x'])).code).toBe(2);
    const anchor = (await run(['audit', 'anchor'])).stdout.trim();
    expect((await run(['audit', 'verify', '--anchor', anchor])).code).toBe(0);
    expect(
      (await run(['audit', 'verify', '--anchor', anchor.replace(/.$/, (last) => (last === '0' ? '1' : '0'))])).code,
    ).toBe(1);
    expect((await run(['audit', 'verify', '--anchor', 'nonsense'])).code).toBe(2);
    expect((await run(['audit', 'export', '-o', 'log.jsonl'])).code).toBe(0);
    const { publicKey } = await json(['audit', 'anchor']);
    const elsewhere = temporaryFolder();
    const verified = await keyturn(['audit', 'verify', `${cwd}/log.jsonl`, '--public-key', publicKey], {
      cwd: elsewhere,
    });
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    writeFileSync(`${cwd}/log.jsonl`, readFileSync(`${cwd}/log.jsonl`, 'utf8').replace('secret.set', 'secret.get'));
    const found = await keyturn(['audit', 'verify', `${cwd}/log.jsonl`], { cwd: elsewhere });
    expect(found.code).toBe(1);
    expect(found.stdout).toMatch(/Entry \d+ of chain main is not as it was written/);
    expect((await run(['audit', 'export', '--format', 'csv'])).stdout).toMatch(/^chain,seq,time/);
  });
});

describe('everything else', () => {
  it('doctor looks around, and says what is wrong', async () => {
    const { cwd, run } = await project();
    await run(['set', 'A'], 'one');
    const fine = await run(['doctor']);
    expect(fine.code, fine.stdout).toBe(0);
    expect(fine.stdout).toContain('1 value open');
    const exposed = await runProgram('chmod', ['644', '.keyturn/root.key'], { cwd });
    expect(exposed.code).toBe(0);
    const bad = await run(['doctor']);
    expect(bad.code).toBe(1);
    expect(bad.stdout).toContain('can be read by others');
    expect((await keyturn(['doctor'], { cwd: temporaryFolder() })).code).toBe(1);
  });

  it('migrate says that the schema is the newest', async () => {
    const { run } = await project();
    expect((await run(['migrate'])).stdout).toContain('that is the newest');
  });

  it.each(['bash', 'zsh', 'fish'])('completes in %s', async (shell) => {
    const { cwd, run } = await project();
    const { stdout, code } = await run(['completion', shell]);
    expect(code).toBe(0);
    for (const command of ['rotate', 'validate', 'audit', 'completion']) expect(stdout).toContain(command);
    if (shell !== 'bash') return;
    writeFileSync(
      `${cwd}/complete.bash`,
      `${stdout}\nCOMP_WORDS=(keyturn aud); COMP_CWORD=1; _keyturn; echo "\${COMPREPLY[@]}"\nCOMP_WORDS=(keyturn keys rotate-); COMP_CWORD=2; _keyturn; echo "\${COMPREPLY[@]}"\n`,
    );
    expect((await runProgram('bash', ['complete.bash'], { cwd })).stdout).toBe('audit\nrotate-root rotate-data\n');
  });

  it('explains itself, and exits 2 when it is not understood', async () => {
    const { run } = await project();
    const help = await run(['--help']);
    expect(help.code).toBe(0);
    for (const command of 'init set get list show rm restore history rotate rollback import export run validate check report monitor keys backup audit doctor migrate'.split(
      ' ',
    )) {
      expect(help.stdout).toContain(`  ${command} `);
    }
    expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run(['nonsense'])).code).toBe(2);
    expect((await run(['get'])).code).toBe(2);
    expect((await run(['get', 'A', '--nonsense'])).code).toBe(2);
    const none = await keyturn(['list'], { cwd: temporaryFolder() });
    expect(none.code).toBe(3);
    expect(none.stderr).toContain('keyturn init');
  });

  it('takes a configuration, and says line and key of what is wrong in it', async () => {
    const { cwd, run } = await project();
    writeFileSync(
      `${cwd}/keyturn.config.ts`,
      "export default {\n  environment: 'staging',\n  types: { app_token: { intervalDays: 7, generate: { bytes: 32, prefix: 'app_' } } },\n  secrets: { APP_TOKEN: { type: 'app_token', group: 'critical' } },\n};\n",
    );
    const set = await run(['set', 'APP_TOKEN', '--generate']);
    expect(set.stdout, set.stderr).toContain('(staging)');
    expect((await run(['get', 'APP_TOKEN'])).stdout).toMatch(/^app_/);
    expect((await run(['check'])).stdout).toContain('✓ APP_TOKEN');
    writeFileSync(
      `${cwd}/keyturn.config.ts`,
      "export default {\n  types: {\n    app_token: { intervalDays: 'weekly' },\n  },\n};\n",
    );
    const wrong = await run(['list']);
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('line 3, types.app_token.intervalDays');
    await runProgram('rm', ['keyturn.config.ts'], { cwd });
    writeFileSync(`${cwd}/keyturn.config.json`, '{\n  "secrets": {\n    "X": { "tpye": "api_key" }\n  }\n}\n');
    const json = await run(['list']);
    expect(json.stderr).toContain('line 3, secrets.X.tpye');
    writeFileSync(`${cwd}/keyturn.config.json`, '{\n  "secrets": {\n    "X": { "type": "no_such" }\n  }\n}\n');
    expect((await run(['list'])).stderr).toContain('there is no type "no_such"');
    writeFileSync(`${cwd}/keyturn.config.json`, '{\n  "secrets": \n');
    expect((await run(['list'])).stderr).toMatch(/line \d+: it is not JSON/);
  });

  it('shows a progress bar on a terminal for what takes longer than a second, and nothing of it elsewhere', async () => {
    const { cwd, run } = await project();
    const lines = Array.from({ length: 4000 }, (_, n) => `PASSWORD_${n}=Summer${n}Winter${n}Spring!`);
    writeFileSync(`${cwd}/many.env`, `${lines.join('\n')}\n`);
    await run(['import', 'many.env']);
    const command = `"${process.execPath}" "${ROOT}/bin/keyturn.cjs" validate`;
    const shown = await runProgram('script', ['-qec', command, '/dev/null'], { cwd });
    expect(shown.stdout).toMatch(/validate [█░]{30} \d+ % \(\d+ of 4000\)/);
    const piped = await run(['validate']);
    expect(piped.stdout + piped.stderr).not.toContain('░');
  });

  it('is quiet when its reader goes away', async () => {
    const { cwd, run } = await project();
    await run(['import', 'example.env']);
    const piped = await runProgram('sh', ['-c', `"${process.execPath}" "${ROOT}/bin/keyturn.cjs" list | head -1`], {
      cwd,
    });
    expect(piped.stderr).toBe('');
  });
});
