// The packed package in an empty project on each Node that it names: installed by npm from what was packed, embedded and remote, by the
// command, by import and by require.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ROOT, runProgram } from '../support/command.ts';
import { joinAsOwner, serve } from '../support/serve.ts';
import { BASE, call } from '../support/server.ts';
import { temporaryFolder } from '../support/vault.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyturn-nodes-'));
let tarball = '';

beforeAll(() => {
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  tarball = join(folder, JSON.parse(packed)[0].filename);
});

/** An empty project with that Node, and keyturn as its only dependency (on 20, with SQLite). */
function emptyProject(major: number): { cwd: string; node: string } {
  const cwd = join(folder, `node-${major}`);
  mkdirSync(cwd);
  writeFileSync(join(cwd, 'package.json'), '{"name":"shop","private":true}');
  const npm = (args: string[]) =>
    execFileSync('npm', [...args, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'], { cwd });
  npm(['install', `node@${major}`]);
  npm(['install', tarball, ...(major < 22 ? ['@photostructure/sqlite@1'] : [])]);
  return { cwd, node: join(cwd, 'node_modules', 'node', 'bin', 'node') };
}

const EMBEDDED = `
  setSecret('stripe_key', 'first value', 'api_key', 90);
  setSecret('jwt_secret', 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf', 'jwt_secret', 90);
  const done = await rotateSecret('jwt_secret');
  console.log(process.versions.node.split('.')[0], getSecret('STRIPE_KEY'), done.newVersion ?? done.version, getSecretVersions('jwt_secret').length);
`;

describe.each([20, 22, 24])('on Node %i', (major) => {
  it('installs into an empty project, and works there embedded and remote', async () => {
    const { cwd, node } = emptyProject(major);
    const run = (args: string[], more: { input?: string; env?: Record<string, string> } = {}) =>
      runProgram(node, args, { cwd, ...more });
    const keyturn = (args: string[], more: { input?: string } = {}) =>
      run([join(cwd, 'node_modules/keyturn/bin/keyturn.cjs'), ...args], more);

    // Embedded: the command.
    expect(await keyturn(['init'])).toMatchObject({ code: 0, stderr: '' });
    expect(await keyturn(['set', 'RESEND_API_KEY'], { input: 're_1234567890abcdefghijklmnop' })).toMatchObject({
      code: 0,
    });
    expect((await keyturn(['get', 'RESEND_API_KEY'])).stdout.trim()).toBe('re_1234567890abcdefghijklmnop');
    const ran = await keyturn(['run', '--', node, '-p', 'process.env.RESEND_API_KEY.length + process.version']);
    expect(ran.stdout, ran.stderr).toMatch(new RegExp(`^29v${major}\\.`));
    for (const command of [
      ['validate'],
      ['list'],
      ['backup', 'create'],
      ['audit', 'verify'],
      ['scan', '.'],
      ['doctor'],
    ]) {
      const ended = await keyturn(command);
      expect([0, 1], `${command.join(' ')}: ${ended.stderr}`).toContain(ended.code);
      expect(ended.stderr).not.toMatch(/at .*:\d+:\d+|Warning/);
    }

    // Embedded: import, and require.
    const names = 'getSecret, setSecret, rotateSecret, getSecretVersions';
    const bound = names
      .split(', ')
      .map((one) => `const ${one} = secretsManager.${one}.bind(secretsManager);`)
      .join('\n');
    const esm = `import { secretsManager } from 'keyturn';\n${bound}\n${EMBEDDED}`;
    const imported = await run(['--input-type=module', '-e', esm]);
    expect(imported.stdout, imported.stderr).toBe(`${major} first value 2 2\n`);
    const required = await run([
      '--input-type=commonjs',
      '-e',
      "console.log(require('keyturn').secretsManager.getSecret('stripe_key'))",
    ]);
    expect(required.stdout, required.stderr).toBe('first value\n');

    // Remote: the same facade, and the SDK.
    const server = await serve(temporaryFolder(), {});
    const as = await joinAsOwner(server);
    const body = { name: 'shop', project: 'default', environment: 'development', permissions: ['read', 'list'] };
    const { token } = (await call(server.url, 'POST', '/v1/tokens', { as, body })).body;
    await call(server.url, 'PUT', `${BASE}/secrets/API_KEY`, {
      as,
      body: { value: 'from the server' },
      headers: { origin: server.url },
    });
    const env = { KEYTURN_URL: server.url, KEYTURN_TOKEN: token };
    const facade =
      "import { secretsManager } from 'keyturn'; console.log(secretsManager.getSecret('api_key')); secretsManager.close();";
    const remote = await run(['--input-type=module', '-e', facade], { env });
    expect(remote.stdout, remote.stderr).toBe('from the server\n');
    const sdk =
      "import { createClient } from 'keyturn/client'; const c = createClient({ url: process.env.KEYTURN_URL, token: process.env.KEYTURN_TOKEN, environment: 'development' }); await c.load(); console.log(c.getSecret('API_KEY')); c.close?.();";
    const used = await run(['--input-type=module', '-e', sdk], { env });
    expect(used.stdout, used.stderr).toBe('from the server\n');
  });
});

it('on a Node that has no SQLite, and where nothing brings one, it says what to do', async () => {
  const cwd = join(folder, 'node-20');
  const bare = join(folder, 'bare');
  mkdirSync(join(bare, 'node_modules'), { recursive: true });
  execFileSync('cp', ['-r', join(cwd, 'node_modules', 'keyturn'), join(bare, 'node_modules')]);
  const node = join(cwd, 'node_modules', 'node', 'bin', 'node');
  const ended = await runProgram(node, [join(bare, 'node_modules/keyturn/bin/keyturn.cjs'), 'list'], { cwd: bare });
  expect(ended).toMatchObject({ code: 2, stdout: '' });
  expect(ended.stderr).toMatch(/needs Node 22\.13 or newer; this is 20\.\d+\.\d+\.\n {2}→ Update Node/);
});
