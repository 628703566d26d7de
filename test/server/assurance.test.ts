// Assurance by the API: reports made and taken away, journeys kept from elsewhere, anomalies and drills; and reports that the
// server makes by itself and has brought.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { projectConfig } from '../../lib/config/config.ts';
import { verifyReport } from '../../lib/reporting/sign.ts';
import { BASE, owner, testServer, token } from '../support/server.ts';
import { temporaryFolder } from '../support/vault.ts';

const DAY = 24 * 60 * 60_000;
const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

async function scene() {
  const at = await testServer();
  const as = await owner(at);
  const program = await token(at, as, { permissions: ['read', 'write', 'monitor'] });
  await at.call('PUT', `${BASE}/secrets/MY_PASSWORD`, {
    as: program,
    body: { value: STRONG },
    headers: { 'if-match': '*' },
  });
  return { at, as, program };
}

const run = {
  id: 'run-2026-11-25-0a1b2c3d',
  journey: 'registration',
  target: 'https://cloudgreet.example',
  startedAt: Date.now(),
  tookMs: 812,
  passed: false,
  error: 'sign in: it answers 500',
  steps: [{ name: 'sign in', outcome: 'failed', ms: 800, tries: 3, error: 'it answers 500' }],
};
/** The smallest PNG there is. */
const PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==';

describe('/v1/reports', () => {
  it('makes one, lists it, and gives it in every format, signed', async () => {
    const { at, as } = await scene();
    const made = await at.call('POST', '/v1/reports', {
      as,
      body: { kind: 'monthly', period: new Date().toISOString().slice(0, 7) },
    });
    expect(made).toMatchObject({ status: 201, body: { kind: 'monthly' } });
    const { reports } = (await at.call('GET', '/v1/reports', { as })).body;
    expect(reports).toMatchObject([{ id: made.body.id, createdBy: 'owner@example.com' }]);
    for (const [format, type] of [
      ['html', 'text/html'],
      ['json', 'application/json'],
      ['md', 'text/markdown'],
      ['csv', 'text/csv'],
    ] as const) {
      const { status, text, headers } = await at.call('GET', `/v1/reports/${made.body.id}?format=${format}`, { as });
      expect(status, format).toBe(200);
      expect(headers.get('content-type')).toContain(type);
      expect(headers.get('content-disposition')).toContain(`monthly-`);
      if (format !== 'csv') expect(verifyReport('x', text).authentic, format).toBe(true);
    }
    expect((await at.call('GET', '/v1/reports/rep-none', { as })).status).toBe(404);
    expect((await at.call('POST', '/v1/reports', { as, body: { kind: 'daily', period: 'yesterday' } })).status).toBe(
      400,
    );
  });
});

describe('/v1/journeys', () => {
  it('keeps a run from elsewhere once, with its picture, and an alert tells of it', async () => {
    const { at, as, program } = await scene();
    for (let twice = 0; twice < 2; twice += 1) {
      const kept = await at.call('POST', `${BASE}/journeys`, { as: program, body: { ...run, screenshot: PICTURE } });
      expect(kept).toMatchObject({ status: 201, body: { id: run.id } });
    }
    const { runs } = (await at.call('GET', '/v1/journeys?days=7', { as })).body;
    expect(runs).toEqual([run]);
    const picture = await at.call('GET', `/v1/journeys/${run.id}/screenshot`, { as });
    expect(picture.headers.get('content-type')).toBe('image/png');
    expect((await at.call('GET', '/v1/journeys/run-none/screenshot', { as })).status).toBe(404);
    for (const bad of [{ id: 'x' }, { journey: 'A B' }, { steps: 'none' }, { tookMs: -1 }, { screenshot: '<svg>' }])
      expect(
        (await at.call('POST', `${BASE}/journeys`, { as: program, body: { ...run, ...bad } })).status,
        JSON.stringify(bad),
      ).toBe(400);
  });
});

describe('/v1/anomalies and /v1/drills', () => {
  it('are there, and empty where nothing was', async () => {
    const { at, as } = await scene();
    expect((await at.call('GET', '/v1/anomalies', { as })).body).toEqual({ anomalies: [] });
    expect((await at.call('GET', '/v1/drills', { as })).body).toEqual({ drills: [] });
  });
});

describe('the log', () => {
  it('has the client beside the address, by its first product only', async () => {
    const { at, as } = await scene();
    const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 secret-looking';
    await at.call('GET', `${BASE}/secrets`, { as, headers: { 'user-agent': agent } });
    const { entries } = (await at.call('GET', '/v1/audit?action=secret.list&limit=1', { as })).body;
    expect(entries[0].source).toBe('http 127.0.0.1 Mozilla/5');
  });
});

describe('a server', () => {
  it('makes the reports whose time is over, and has the channels bring them, the HTML with the mail', async () => {
    const given: { path: string | undefined; body: string }[] = [];
    const post = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      given.push({ path: request.url, body: Buffer.concat(chunks).toString() });
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"1"}');
    });
    await new Promise<void>((resolve) => post.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void post.close());
    const url = `http://127.0.0.1:${(post.address() as AddressInfo).port}`;
    const folder = temporaryFolder();
    const operations = {
      reports: { weekly: false, monthly: false },
      alerts: {
        channels: {
          mail: { kind: 'resend', key: 'MAIL_KEY', sender: 'k@x.example', to: ['ops@x.example'], baseUrl: url },
          duty: { kind: 'pagerduty', key: 'MAIL_KEY', baseUrl: url },
        },
      },
    } as const;
    const clock = { now: Date.now() };
    const start = () =>
      testServer(
        { config: { ...projectConfig(folder), operations: operations as never }, clock: () => clock.now },
        folder,
      );
    const at = await start();
    const as = await owner(at);
    const program = await token(at, as);
    const body = {
      value: `re_${STRONG.replace(/[^A-Za-z0-9]/g, '').slice(0, 8)}_${STRONG.replace(/[^A-Za-z0-9]/g, '')}`,
    };
    await at.call('PUT', `${BASE}/secrets/MAIL_KEY`, { as: program, body, headers: { 'if-match': '*' } });
    clock.now += DAY;
    const { makeDueReports } = await import('../../lib/reporting/deliver.ts');
    const { alertRun } = await import('../../lib/monitoring/alert-run.ts');
    const { Http } = await import('../../lib/providers/http.ts');
    const { EmbeddedVault } = await import('../../lib/vault/embedded-vault.ts');
    const { vaultHome } = await import('../../lib/vault/home.ts');
    const home = { ...vaultHome(folder, { KEYTURN_HOME: `${folder}/.keyturn` }), root: folder };
    const vault = EmbeddedVault.open({ home, env: at.variables, clock: () => clock.now });
    onTestFinished(() => vault.close());
    const place = { project: 'default', environment: 'development' };
    const { world } = alertRun({
      config: operations.alerts as never,
      http: new Http(),
      at: place,
      home,
      destinations: [],
      print: () => undefined,
    });
    const around = () => ({ newestBackupAt: undefined, rootKeyFrom: undefined, channels: [], publicUrl: undefined });
    const made = await vault.perform(makeDueReports(vault.context, { config: operations.reports, around, world }));
    expect(made.map((one) => one.report.kind)).toEqual(['daily']);
    const mail = given.filter((one) => one.path === '/emails').map((one) => JSON.parse(one.body));
    expect(mail).toHaveLength(1);
    expect(mail[0].subject).toMatch(/^Security on \d{4}-/);
    const html = Buffer.from(mail[0].attachments[0].content, 'base64').toString();
    expect(verifyReport('x', html).authentic).toBe(true);
    // A pager is not for reading.
    expect(given.some((one) => one.path === '/v2/enqueue')).toBe(false);
  });
});
