// Assurance as people and CI run it: journeys against a real server and in a real browser, the demo, reports, drills, and the
// check of the environment.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { noBrowser } from '../support/browser.ts';
import { keyturn, ROOT } from '../support/command.ts';
import { temporaryFolder } from '../support/vault.ts';

const LOGIN = {
  MONITOR_EMPLOYEE_EMAIL: 'demo@cloudgreet.example',
  MONITOR_EMPLOYEE_PASSWORD: 'the workspace monitor 1',
};

function at(cwd = temporaryFolder()) {
  const run = (args: string[], env: Record<string, string> = {}) => keyturn(args, { cwd, env, timeoutMs: 300_000 });
  const json = async (args: string[], env: Record<string, string> = {}) =>
    JSON.parse((await run([...args, '--json'], env)).stdout);
  return { cwd, run, json };
}

/** A server on the vault of a folder, as `keyturn serve` runs it. */
async function serve(cwd: string): Promise<{ url: string; child: ChildProcess }> {
  const env = { ...process.env, KEYTURN_LIVE: 'off', NO_COLOR: '1' };
  const child = spawn(process.execPath, [`${ROOT}/bin/keyturn.cjs`, 'serve', '--port', '0', '--log-level', 'warn'], {
    cwd,
    env,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await expect.poll(() => /serves at (http:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1], { timeout: 60_000 }).toBeDefined();
  return { url: /serves at (http:\/\/127\.0\.0\.1:\d+)/.exec(text)?.[1] ?? '', child };
}

describe('the demo and the journeys', () => {
  it('seeds a vault of four months and a login; both journeys pass with it and are kept', async () => {
    const { cwd, run, json } = at();
    const seeded = await run(['demo'], LOGIN);
    expect(seeded, seeded.stderr).toMatchObject({ code: 0 });
    expect(seeded.stdout).toContain('can sign in now');
    expect(await json(['audit', 'verify'])).toMatchObject({ intact: true, complete: true });
    // A second time nothing is made up, and the login has its password anew.
    const again = await run(['demo'], LOGIN);
    expect(again.stdout).toMatch(/already: no data was made up[\s\S]*has the password that is set now/);
    const { url } = await serve(cwd);
    const journeys = noBrowser ? ['registration'] : ['registration', 'employee-workspace'];
    const ran = await run(['synthetic', 'run', ...journeys, '--base-url', url, '--junit', 'out.xml'], LOGIN);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0 });
    const junit = readFileSync(join(cwd, 'out.xml'), 'utf8');
    expect(junit).toContain('<testsuite name="registration" tests="7" failures="0"');
    const kept = await json(['synthetic', 'list']);
    expect(kept.filter((one: { target: string }) => one.target === url)).toHaveLength(journeys.length);
    // It has cleaned up behind itself.
    const secrets = await json(['list']);
    expect(JSON.stringify(secrets)).not.toContain('SYNTHETIC_');
  });

  it('says which step failed and why, without a secret; cleans up all the same; alerts, and resolves when it passes', async () => {
    const { cwd, run, json } = at();
    await run(['init']);
    mkdirSync(join(cwd, 'journeys'));
    const source = `
      export default { name: 'shop', steps: [
        { name: 'look', run: async ({ http }) => { (await http.get('/')).expect(200); } },
        { name: 'buy', retries: 1, run: async ({ http, secret }) => {
          const key = secret('SHOP_KEY');
          if (process.env.SHOP_OPEN !== 'yes') throw new Error('refused with ' + key);
        } },
        { name: 'pay', run: async () => {} },
        { name: 'tidy', always: true, run: async ({ http }) => { await http.post('/tidied'); } },
      ] };`;
    writeFileSync(join(cwd, 'journeys', 'shop.ts'), source);
    const paths: string[] = [];
    const server = createServer((request, response) => {
      paths.push(`${request.method} ${request.url}`);
      response.end('fine');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const env = { SHOP_KEY: 'planted-shop-key-4711', SYNTHETIC_MONITOR_BASE_URL: url };
    const failed = await run(['synthetic', 'run', 'shop'], env);
    expect(failed.code).toBe(1);
    expect(failed.stdout).toMatch(/✓ look[\s\S]*✗ buy.*2 tries\s+refused with •••[\s\S]*– pay[\s\S]*✓ tidy/);
    expect(failed.stdout + failed.stderr).not.toContain('planted-shop-key');
    expect(paths).toEqual(['GET /', 'POST /tidied']);
    const journeys = async () =>
      (await json(['alerts', 'list'])).alerts.filter((one: { kind: string }) => one.kind === 'journey');
    expect(await journeys()).toMatchObject([
      { severity: 'high', what: expect.stringContaining('buy: refused with •••') },
    ]);
    expect((await run(['synthetic', 'run', 'shop'], { ...env, SHOP_OPEN: 'yes' })).code).toBe(0);
    expect(await journeys()).toEqual([]);
  });

  it.skipIf(noBrowser)('keeps a picture of the page on which a step in a browser failed', async () => {
    const { cwd, run } = at();
    mkdirSync(join(cwd, 'journeys'));
    const source = `
      export default { name: 'page', steps: [
        { name: 'open', run: async ({ page, baseUrl }) => { await (await page()).goto(baseUrl); } },
        { name: 'see', retries: 0, run: async ({ page }) => { await (await page()).getByText('not there').waitFor({ timeout: 500 }); } },
      ] };`;
    writeFileSync(join(cwd, 'journeys', 'page.js'), source);
    const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<h1>Shop</h1>'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const failed = await run(['synthetic', 'run', 'page', '--base-url', url, '--screenshots', 'shots']);
    expect(failed.code, failed.stdout + failed.stderr).toBe(1);
    expect(failed.stderr).toContain('kept nowhere but');
    const [picture = ''] = readdirSync(join(cwd, 'shots'));
    expect(
      readFileSync(join(cwd, 'shots', picture))
        .subarray(1, 4)
        .toString(),
    ).toBe('PNG');
  });

  it('refuses what cannot be meant, and a journey that is none', async () => {
    const { cwd, run } = at();
    expect((await run(['synthetic', 'run', 'registration'])).code).toBe(2);
    expect((await run(['synthetic', 'run', 'nothing', '--base-url', 'http://127.0.0.1:1'])).code).toBe(1);
    expect((await run(['synthetic', 'run', 'registration', '--base-url', 'cloudgreet.com'])).code).toBe(2);
    // Nobody is there: that is the journey's result, and no defect.
    const gone = await run(['synthetic', 'run', 'registration', '--base-url', 'http://127.0.0.1:1', '--no-keep']);
    expect(gone.code).toBe(1);
    expect(gone.stdout).toContain('✗ the server is ready');
    mkdirSync(join(cwd, 'journeys'));
    writeFileSync(join(cwd, 'journeys', 'bad.js'), 'export default { name: "Bad Name", steps: [] };');
    const bad = await run(['synthetic', 'journeys']);
    expect(bad.code).toBe(2);
    expect(bad.stderr).toContain('journeys/bad.js: name');
  });

  it('calls the outreach runner that OUTREACH_RUNNER_URL names', async () => {
    const { run } = at();
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`);
      response.writeHead(request.headers.authorization ? 202 : 401).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const OUTREACH_RUNNER_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/internal/outreach-runner`;
    expect((await run(['synthetic', 'run', 'outreach-runner', '--no-keep'], { OUTREACH_RUNNER_URL })).code).toBe(1);
    const env = { OUTREACH_RUNNER_URL, OUTREACH_RUNNER_TOKEN: 'planted-token-4711' };
    expect((await run(['synthetic', 'run', 'outreach-runner', '--no-keep'], env)).code).toBe(0);
    expect(asked.at(-1)).toBe('POST /api/internal/outreach-runner Bearer planted-token-4711');
  });
});

describe('reports and drills on the command line', () => {
  it('are written in every format, listed, and verified on a machine without the vault', async () => {
    const { cwd, run, json } = at();
    await run(['init']);
    const month = new Date().toISOString().slice(0, 7);
    const made = await run(['report', 'monthly', month, '-f', 'html,json,csv,md', '-o', 'out']);
    expect(made, made.stderr).toMatchObject({ code: 0 });
    for (const format of ['html', 'json', 'csv', 'md'])
      expect(existsSync(join(cwd, 'out', `monthly-${month}.${format}`)), format).toBe(true);
    expect(await json(['report', 'list'])).toHaveLength(1);
    const elsewhere = at();
    const text = readFileSync(join(cwd, 'out', `monthly-${month}.html`), 'utf8');
    writeFileSync(join(elsewhere.cwd, 'r.html'), text);
    const { signingKey } = await json(['keys', 'list']);
    expect((await elsewhere.run(['report', 'verify', 'r.html', '--key', signingKey])).code).toBe(0);
    expect((await elsewhere.run(['report', 'verify', 'r.html', '--key', '0000'])).code).toBe(1);
    writeFileSync(join(elsewhere.cwd, 'r.html'), text.replace('not met', 'met'));
    expect((await elsewhere.run(['report', 'verify', 'r.html'])).code).toBe(1);
    expect((await run(['report', 'daily', 'yesterday'])).code).toBe(2);
    expect((await run(['report', 'daily', '-f', 'pdf'])).code).toBe(2);
  });

  it('drill restores, and is skipped where the last good one is young', async () => {
    const { run, json } = at();
    await run(['init']);
    await run(['set', 'JWT_SECRET', '--generate']);
    expect((await run(['drill'])).code).toBe(1);
    await run(['backup', 'create']);
    expect(await json(['drill'])).toMatchObject({ passed: true, secrets: 1, same: 1 });
    expect(await json(['drill', '--every', '30d'])).toMatchObject({ skipped: true });
    expect(await json(['drill', 'list'])).toHaveLength(1);
  });
});

describe('the check of the environment on the command line', () => {
  it('shows a table, annotates in GitHub Actions, and ends with 1 on a critical finding only', async () => {
    const { cwd, run, json } = at();
    writeFileSync(join(cwd, '.env.production'), 'JWT_SECRET=planted-4711\nEXTRA=1\n');
    expect((await run(['env', 'init', '.env.production'])).code).toBe(0);
    expect(readFileSync(join(cwd, 'keyturn.env.yaml'), 'utf8')).not.toContain('planted');
    expect((await run(['env', 'init', '.env.production'])).code).toBe(2);
    const fine = await run(['env', 'validate']);
    expect(fine, fine.stdout + fine.stderr).toMatchObject({ code: 0 });
    writeFileSync(join(cwd, '.env.production'), 'EXTRA=1\n');
    const found = await run(['env', 'validate'], {
      GITHUB_ACTIONS: 'true',
      GITHUB_STEP_SUMMARY: join(cwd, 'summary.md'),
    });
    expect(found.code).toBe(1);
    expect(found.stderr).toContain('::error title=JWT_SECRET (production)::JWT_SECRET is not there.');
    expect(readFileSync(join(cwd, 'summary.md'), 'utf8')).toContain('| critical | JWT_SECRET |');
    expect((await json(['env', 'validate'])).findings[0]).toMatchObject({ rule: 'missing', secret: 'JWT_SECRET' });
    writeFileSync(join(cwd, '.env'), 'BROKEN="never closed\n');
    expect((await run(['env', 'validate'])).stderr).toContain('.env, line 1');
  });

  it('looks at the process where there is no file', async () => {
    const { run } = at();
    const found = await run(['env', 'validate', '--env', 'production'], {
      STRIPE_SECRET_KEY: `sk_test_${'4eC39HqLyjWDarjtT1zdp7dc'}`,
    });
    expect(found.code).toBe(1);
    expect(found.stdout).toContain('a test key');
  });
});
