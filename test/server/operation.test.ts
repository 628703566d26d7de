// Running a server: health, metrics, traces, logs without secrets, sealed start, read-only, TLS, limits, overload, and a
// stop that loses nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { BASE, OWNER, owner, signIn, testServer, token } from '../support/server.ts';
import { temporaryFolder } from '../support/vault.ts';

describe('health', () => {
  it('is up, and ready', async () => {
    const { call } = await testServer();
    expect((await call('GET', '/healthz')).body).toEqual({ status: 'up' });
    expect((await call('GET', '/readyz')).body).toEqual({ status: 'ready', readOnly: false });
  });

  it('gives each request an id, in the header, in problems, and no client its own', async () => {
    const { call } = await testServer();
    const answer = await call('GET', '/v1/projects', { headers: { 'x-request-id': 'planted' } });
    expect(answer.headers.get('x-request-id')).toBe(answer.body.instance);
    expect(answer.body.instance).not.toBe('planted');
  });
});

describe('metrics', () => {
  it('are on a port of their own, by route and never by name', async () => {
    const at = await testServer({ metricsPort: 0 });
    expect((await at.call('GET', '/metrics')).status).toBe(404);
    const as = await owner(at);
    const program = await token(at, as);
    await at.call('GET', `${BASE}/secrets/PLANTED_NAME`, { as: program });
    const url = at.server.metricsUrl ?? '';
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain('route="/v1/projects/:project/environments/:environment/secrets/:name",status="4xx"');
    expect(text).toContain('keyturn_problems_total{code="KT_SECRET_NOT_FOUND"} 1');
    expect(text).toContain('keyturn_sealed 0');
    expect(text).not.toContain('PLANTED_NAME');
    expect((await fetch(`${url}/v1/projects`)).status).toBe(404);
  });

  it('are on the server’s own port for whoever has their token', async () => {
    const { call } = await testServer({ metricsToken: 'made up metrics token' });
    expect((await call('GET', '/metrics', { headers: { authorization: 'Bearer wrong' } })).status).toBe(404);
    const answer = await call('GET', '/metrics', { headers: { authorization: 'Bearer made up metrics token' } });
    expect(answer.text).toContain('keyturn_http_request_duration_seconds');
  });
});

describe('traces', () => {
  it('go to the OTLP endpoint: a span a request, with its route and the caller’s trace, never a name', async () => {
    const received: string[] = [];
    const collector = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      received.push(text);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void collector.close());
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    const at = await testServer({ otlpEndpoint: endpoint });
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    await at.call('GET', `${BASE}/secrets/PLANTED_NAME`, {
      headers: { traceparent: `00-${trace}-00f067aa0ba902b7-01` },
    });
    await vi.waitFor(() => expect(received.join('')).toContain(trace), { timeout: 5000 });
    expect(received.join('')).toContain('GET /v1/projects/:project/environments/:environment/secrets/:name');
    expect(received.join('')).not.toContain('PLANTED_NAME');
  });
});

describe('the log', () => {
  it('holds no value, password, token, link or cookie, whatever is asked and however it fails', async () => {
    const at = await testServer({ logLevel: 'trace' });
    const link = (await at.server.ownerLink()) ?? '';
    const as = await owner(at);
    const program = await token(at, as);
    const planted = 'planted-value-7Qx4Wn9Kd2Zb6Rt8Lm';
    const everywhere = [
      () => at.call('PUT', `${BASE}/secrets/NAME`, { as: program, body: { value: planted } }),
      () => at.call('PUT', `${BASE}/secrets/NAME`, { as: program, body: { value: planted, labels: 7 } }),
      () => at.call('PUT', `${BASE}/secrets/NAME`, { as: program, body: `{"value":"${planted}",` }),
      () => at.call('GET', `${BASE}/secrets/NAME`, { as: program }),
      () =>
        at.call('POST', '/api/auth/sign-in/email', {
          body: { email: OWNER.email, password: planted },
          headers: { origin: at.url },
        }),
      () => at.call('POST', '/v1/join', { body: { link: planted, name: 'x', password: planted } }),
      () => at.call('POST', '/v1/auth/exchange', { body: { token: planted } }),
      () =>
        at.call('GET', `/v1/projects?value=${planted}`, {
          headers: { authorization: `Bearer ${planted}`, cookie: planted },
        }),
      () =>
        at.call('POST', '/v1/audit/forwards', {
          as,
          body: { name: 'x', target: { kind: 'webhook', url: `http://127.0.0.1:1/${planted}`, secret: planted } },
        }),
    ];
    for (const one of everywhere) await one();
    await at.server.stop();
    const text = at.log.join('');
    expect(text).toContain('answered');
    for (const secret of [planted, program, as, OWNER.password, link.split('#')[1] ?? ''])
      expect(text).not.toContain(secret);
  });
});

describe('a server without its root key', () => {
  it('starts sealed, says why, and opens by itself when the key arrives', async () => {
    const at = await testServer();
    await owner(at);
    await at.server.stop();
    const keyFile = join(at.folder, '.keyturn', 'root.key');
    renameSync(keyFile, `${keyFile}.away`);
    const again = await testServer({ env: at.variables }, at.folder);
    expect(again.server.sealed?.code).toBe('KT_ROOT_KEY_MISSING');
    expect((await again.call('GET', '/healthz')).status).toBe(200);
    for (const path of ['/readyz', '/v1/projects', '/docs-not-there']) {
      const answer = await again.call('GET', path);
      expect(answer.body).toMatchObject({ status: 503, code: 'KT_SEALED' });
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(answer.body.detail).toMatch(/root key [0-9a-f]{32}/);
    }
    expect((await again.call('GET', '/docs')).status).toBe(200);
    renameSync(`${keyFile}.away`, keyFile);
    await vi.waitFor(async () => expect((await again.call('GET', '/readyz')).status).toBe(200), {
      timeout: 5000,
      interval: 100,
    });
    expect(await signIn(again, OWNER.email, OWNER.password)).toContain('session');
  });
});

describe('a read-only server', () => {
  it('answers reads, and refuses everything that changes', async () => {
    const at = await testServer();
    const as = await owner(at);
    const program = await token(at, as);
    await at.call('PUT', `${BASE}/secrets/NAME`, { as: program, body: { value: 'x' } });
    const reader = await testServer({ env: at.variables, readOnly: true }, at.folder);
    expect((await reader.call('GET', `${BASE}/secrets/NAME`, { as: program })).body.value).toBe('x');
    expect((await reader.call('POST', `${BASE}/validate`, { as: program, body: {} })).status).toBe(403);
    for (const [method, path] of [
      ['PUT', `${BASE}/secrets/NAME`],
      ['DELETE', `${BASE}/secrets/NAME`],
      ['POST', '/v1/join'],
    ] as const) {
      expect((await reader.call(method, path, { as: program, body: {} })).body.code).toBe('KT_READ_ONLY');
    }
    expect(await reader.server.ownerLink()).toBeUndefined();
  });
});

describe('TLS', () => {
  it('is served by certificate files, read again when they change; a broken one is left alone', async () => {
    const folder = temporaryFolder();
    const certificate = (name: string) => {
      const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
      const files = ['-subj', `/CN=${name}`, '-keyout', join(folder, 'key.pem'), '-out', join(folder, 'cert.pem')];
      execFileSync('openssl', [...args, ...files], { stdio: 'ignore' });
    };
    certificate('first');
    const at = await testServer({ tlsCert: join(folder, 'cert.pem'), tlsKey: join(folder, 'key.pem') });
    const { port } = new URL(at.url);
    const subject = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.end();
        });
        socket.on('error', reject);
      });
    expect(at.url).toMatch(/^https:/);
    expect(await subject()).toBe('first');
    certificate('second');
    await vi.waitFor(async () => expect(await subject()).toBe('second'), { timeout: 8000, interval: 200 });
    writeFileSync(join(folder, 'cert.pem'), 'broken');
    await vi.waitFor(() => expect(at.log.join('')).toContain('cannot be used'), { timeout: 8000, interval: 200 });
    expect(await subject()).toBe('second');
  }, 30_000);
});

describe('limits', () => {
  it('are on bodies, headers and content types, each with a clear problem', async () => {
    const { call, url, as, program } = await (async () => {
      const at = await testServer();
      const cookie = await owner(at);
      return { ...at, as: cookie, program: await token(at, cookie) };
    })();
    const big = await call('PUT', `${BASE}/secrets/NAME`, { as: program, body: { value: 'x'.repeat(300_000) } });
    expect(big.body).toMatchObject({ status: 413, code: 'KT_TOO_LARGE' });
    const form = await call('POST', '/v1/projects', {
      as,
      body: 'name=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(form.body).toMatchObject({ status: 415 });
    const header = await fetch(`${url}/v1/projects`, { headers: { 'x-long': 'x'.repeat(20_000) } });
    expect(header.status).toBe(431);
  });

  it('carry strict headers on every answer, pages and problems too', async () => {
    const { call } = await testServer();
    for (const path of [
      '/',
      '/docs',
      '/join',
      '/healthz',
      '/v1/projects',
      '/nowhere',
      '/assets/pages.css',
      '/admin/secrets',
      '/sign-in',
    ]) {
      const { headers, text } = await call('GET', path);
      expect(headers.get('content-security-policy'), path).toMatch(/^default-src 'none'/);
      expect(headers.get('content-security-policy'), path).not.toContain('unsafe');
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('x-frame-options'), path).toBe('DENY');
      expect(headers.get('access-control-allow-origin'), path).toBeNull();
      // Nothing that the policy would refuse: no inline script or style, nothing from elsewhere.
      expect(text, path).not.toMatch(/<script(?![^>]*src=)|style="|(?:src|href)="(?:https?:)?\/\//);
    }
  });

  it('a server that cannot keep up refuses with 503 and says when to come back', async () => {
    const at = await testServer();
    const refused: { headers: Headers; body: unknown }[] = [];
    for (let round = 0; round < 8 && refused.length === 0; round += 1) {
      // What more work than there is time for does to an event loop: each turn takes half a second.
      for (let turn = 0; turn < 5; turn += 1) {
        const until = performance.now() + 500;
        while (performance.now() < until);
        await new Promise(setImmediate);
      }
      const answer = await fetch(`${at.url}/readyz`);
      if (answer.status === 503) refused.push({ headers: answer.headers, body: await answer.json() });
    }
    expect(refused[0]?.body).toMatchObject({ code: 'KT_OVERLOADED' });
    expect(refused[0]?.headers.get('retry-after')).toBe('1');
    await vi.waitFor(async () => expect((await at.call('GET', '/readyz')).status).toBe(200), {
      timeout: 15_000,
      interval: 300,
    });
  }, 60_000);
});

describe('stopping', () => {
  it('finishes what is being answered, and the log has it', async () => {
    const at = await testServer();
    const as = await owner(at);
    const program = await token(at, as);
    const writes = Array.from({ length: 40 }, (_, n) =>
      at.call('PUT', `${BASE}/secrets/N${n}`, { as: program, body: { value: 'x' } }).catch(() => undefined),
    );
    await wait(5);
    await at.server.stop();
    const acknowledged = (await Promise.all(writes)).filter((one) => one?.status === 201).length;
    const again = await testServer({ env: at.variables }, at.folder);
    const listed = await again.call('GET', `${BASE}/secrets?limit=100`, { as: program });
    expect(listed.body.secrets.length).toBeGreaterThanOrEqual(acknowledged);
    const cookie = await signIn(again, OWNER.email, OWNER.password);
    const log = await again.call('GET', '/v1/audit?action=secret.set&limit=100', { as: cookie });
    expect(log.body.entries.length).toBe(listed.body.secrets.length);
    expect((await again.call('POST', '/v1/audit/verify', { as: cookie, body: {} })).body).toMatchObject({
      intact: true,
      complete: true,
    });
  });

  it('does not wait for a connection on which nothing is asked', async () => {
    const at = await testServer();
    const idle = connect(Number(new URL(at.url).port), '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const started = performance.now();
    await at.server.stop();
    expect(performance.now() - started).toBeLessThan(10_000);
    idle.destroy();
  }, 20_000);
});

describe('forwarding', () => {
  it('brings every entry to a webhook at least once and in order, over failures and a restart', async () => {
    const received: { chain: string; seq: number }[] = [];
    let broken = true;
    const signatures: (string | undefined)[] = [];
    const sink = createServer(async (request, response) => {
      let text = '';
      for await (const chunk of request) text += chunk;
      if (broken) return response.writeHead(500).end();
      signatures.push(request.headers['webhook-signature']?.toString());
      for (const line of text.trim().split('\n')) received.push(JSON.parse(line));
      response.writeHead(204).end();
    });
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void sink.close());
    const at = await testServer();
    const as = await owner(at);
    const url = `http://127.0.0.1:${(sink.address() as AddressInfo).port}/hook`;
    const body = { name: 'siem', target: { kind: 'webhook', url, secret: 'made up signing secret' } };
    expect((await at.call('POST', '/v1/audit/forwards', { as, body })).status).toBe(201);
    await vi.waitFor(
      async () => {
        const { forwards } = (await at.call('GET', '/v1/audit/forwards', { as })).body;
        expect(forwards[0]).toMatchObject({ delivered: 0, error: 'it answers 500' });
      },
      { timeout: 8000 },
    );
    broken = false;
    await vi.waitFor(() => expect(received.length).toBeGreaterThan(5), { timeout: 15_000 });
    await at.server.stop();
    const again = await testServer({ env: at.variables }, at.folder);
    const before = received.length;
    await token(again, await signIn(again, OWNER.email, OWNER.password));
    await vi.waitFor(() => expect(received.length).toBeGreaterThan(before + 2), { timeout: 15_000 });
    for (const entries of Map.groupBy(received, (one) => one.chain).values()) {
      const seqs = [...new Set(entries.map((one) => one.seq))];
      expect(seqs).toEqual(seqs.map((_, index) => index + 1));
    }
    expect(signatures.every((one) => one?.startsWith('v1,'))).toBe(true);
  }, 60_000);

  it('goes to a file and to syslog too', async () => {
    let text = '';
    const { createServer: tcp } = await import('node:net');
    const syslog = tcp((socket) =>
      socket.on('data', (chunk) => {
        text += chunk;
      }),
    );
    await new Promise<void>((resolve) => syslog.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void syslog.close());
    const at = await testServer();
    const as = await owner(at);
    const path = join(at.folder, 'audit.jsonl');
    const { port } = syslog.address() as AddressInfo;
    await at.call('POST', '/v1/audit/forwards', { as, body: { name: 'file', target: { kind: 'file', path } } });
    await at.call('POST', '/v1/audit/forwards', {
      as,
      body: { name: 'syslog', target: { kind: 'syslog', host: '127.0.0.1', port, tls: false } },
    });
    await vi.waitFor(
      () => expect(existsSync(path) && readFileSync(path, 'utf8')).toContain('"action":"audit.forward"'),
      { timeout: 15_000 },
    );
    await vi.waitFor(() => expect(text).toMatch(/^\d+ <109>1 \S+ - keyturn \d+ audit - \{"chain"/), {
      timeout: 15_000,
    });
  }, 40_000);
});
