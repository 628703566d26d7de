// The guide's own commands, verbatim, from the checkout: the launchers and `npm start`.
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { projectFolder, ROOT, runProgram } from '../support/command.ts';
import { temporaryFolder } from '../support/vault.ts';

/** Runs `node scripts/…` as the guide writes it; the project is another folder, so that the checkout stays clean. */
async function guide() {
  const cwd = projectFolder(temporaryFolder());
  const node = (line: string, input?: string) => {
    const [script = '', ...args] = line.split(' ');
    return runProgram(process.execPath, [`${ROOT}/${script}`, ...args], { cwd, ...(input !== undefined && { input }) });
  };
  writeFileSync(
    `${cwd}/.env`,
    'JWT_SECRET=Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf\nSTRIPE_SECRET_KEY=sk_test_Made4Up51Hx9Qw3Zr\n',
  );
  const started = await node('scripts/start.js --no-serve --yes');
  expect(started.code, started.stderr).toBe(0);
  return { cwd, node, started };
}

describe('the guide', () => {
  it('npm start sets everything up, imports, validates and says what is next', async () => {
    const { started, node } = await guide();
    expect(started.stdout).toContain('2 added');
    expect(started.stdout).toMatch(/JWT_SECRET\s+jwt_secret/);
    expect(started.stdout).toContain('Next');
    expect(started.stdout).not.toContain('Zq7-Xn2');
    expect((await node('scripts/start.js --no-serve --yes')).stdout).toContain('0 added, 0 updated, 2 unchanged');
  });

  it('npm start asks before it imports: off a terminal, without --yes, it does not', async () => {
    const cwd = projectFolder(temporaryFolder());
    writeFileSync(`${cwd}/.env`, 'JWT_SECRET=Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf\n');
    const ended = await runProgram(process.execPath, [`${ROOT}/scripts/start.js`, '--no-serve'], { cwd });
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stdout).toContain('Not imported');
    expect(ended.stdout).toContain('0 secrets in development');
  });

  it('npm start takes known names from the environment', async () => {
    const cwd = projectFolder(temporaryFolder());
    const env = { RESEND_API_KEY: 're_7Q_x4Wn9Kd2Zb6Rt8Lm', SOMETHING_ELSE: 'planted' };
    const ended = await runProgram(process.execPath, [`${ROOT}/scripts/start.js`, '--no-serve', '--yes'], { cwd, env });
    expect(ended.stdout).toContain('1 of 1 secret new or changed');
    expect(ended.stdout).not.toContain('SOMETHING_ELSE');
  });

  it('npm start shows the example where there is nothing else, once', async () => {
    const cwd = temporaryFolder();
    const start = () => runProgram(process.execPath, [`${ROOT}/scripts/start.js`, '--no-serve'], { cwd });
    expect((await start()).stdout).toContain('17 added');
    expect((await start()).stdout).not.toContain('example values');
  });

  it('npm start ends with the server, and a one-time link that creates its owner', async () => {
    const cwd = projectFolder(temporaryFolder());
    const { PATH = '' } = process.env;
    const child = spawn(process.execPath, [`${ROOT}/scripts/start.js`, '--yes', '--port', '0'], { cwd, env: { PATH } });
    onTestFinished(() => void child.kill('SIGKILL'));
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    await vi.waitFor(() => expect(text).toContain('/join#'), { timeout: 30_000, interval: 100 });
    const url = /Keyturn serves at (\S+)/.exec(text)?.[1] ?? '';
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:/);
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('node scripts/rotate-secrets.js rotate, … rotate JWT_SECRET jwt_secret, … rollback FILE', async () => {
    const { cwd, node } = await guide();
    expect(await node('scripts/rotate-secrets.js rotate')).toMatchObject({ code: 0 });
    const one = await node('scripts/rotate-secrets.js rotate JWT_SECRET jwt_secret');
    expect(one).toMatchObject({ code: 0 });
    expect(one.stdout).toContain('version 2 is in use; version 1 stays valid until');
    const [backup] = readdirSync(`${cwd}/backups/secrets`);
    expect(backup).toMatch(/^secrets-backup-\d{4}-\d{2}-\d{2}\.json$/);
    const back = await node(`scripts/rotate-secrets.js rollback backups/secrets/${backup}`);
    expect(back).toMatchObject({ code: 0 });
    expect(back.stdout).toMatch(/JWT_SECRET\s+development\s+new version\s+3/);
  });

  it('node scripts/validate-secrets.js validate | check | report', async () => {
    const { node } = await guide();
    expect(await node('scripts/validate-secrets.js validate')).toMatchObject({ code: 1 });
    const check = await node('scripts/validate-secrets.js check');
    expect(check.code).toBe(1);
    expect(check.stdout).toContain('✓ JWT_SECRET');
    expect(check.stdout).toContain('✗ OPENAI_API_KEY');
    expect(await node('scripts/validate-secrets.js report')).toMatchObject({ code: 0 });
  });

  it('node scripts/monitor-secrets.js monitor | check', async () => {
    const { node } = await guide();
    expect((await node('scripts/monitor-secrets.js monitor')).stdout).toContain('2 secrets watched');
    expect(await node('scripts/monitor-secrets.js check')).toMatchObject({ code: 0 });
  });

  it.each(['rotate-secrets', 'validate-secrets', 'monitor-secrets'])(
    '%s prints its usage and exits 2 for a wrong argument',
    async (script) => {
      const { node } = await guide();
      for (const args of ['', ' nonsense', ' constructor']) {
        const wrong = await node(`scripts/${script}.js${args}`);
        expect(wrong.code).toBe(2);
        expect(wrong.stderr).toContain(`node scripts/${script}.js`);
      }
      expect(await node(`scripts/${script}.js --help`)).toMatchObject({ code: 0, stderr: '' });
      expect((await node('scripts/rotate-secrets.js rollback')).code).toBe(2);
    },
  );
});
