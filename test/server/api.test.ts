// The API by HTTP: secrets, conditions, idempotency, rotations, oversight, keys, backups, audit.
import { describe, expect, it } from 'vitest';
import { ExportVerifier } from '../../lib/audit/export.ts';
import { BASE, owner, testServer, token } from '../support/server.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

async function prepared() {
  const at = await testServer();
  const as = await owner(at);
  const program = await token(at, as);
  const put = (name: string, value: string, headers: Record<string, string> = {}) =>
    at.call('PUT', `${BASE}/secrets/${name}`, { as: program, body: { value }, headers });
  return { ...at, as, program, put };
}

describe('a secret', () => {
  it('is set, read, listed, described, deleted and brought back', async () => {
    const { call, program, put } = await prepared();
    expect(await put('JWT_SECRET', STRONG)).toMatchObject({ status: 201, body: { version: 1, outcome: 'added' } });
    const read = await call('GET', `${BASE}/secrets/jwt_secret`, { as: program });
    expect(read.body).toEqual({ name: 'JWT_SECRET', version: 1, value: STRONG });
    const listed = await call('GET', `${BASE}/secrets`, { as: program });
    expect(listed.body.secrets).toMatchObject([{ name: 'JWT_SECRET', type: 'jwt_secret', version: 1 }]);
    expect(listed.text).not.toContain(STRONG);
    const etag = read.headers.get('etag') ?? '';
    const described = await call('PATCH', `${BASE}/secrets/JWT_SECRET`, {
      as: program,
      body: { owner: 'ann' },
      headers: { 'if-match': etag },
    });
    expect(described.body).toMatchObject({ outcome: 'described' });
    expect((await call('DELETE', `${BASE}/secrets/JWT_SECRET`, { as: program })).status).toBe(200);
    expect((await call('GET', `${BASE}/secrets/JWT_SECRET`, { as: program })).body).toMatchObject({
      status: 404,
      code: 'KT_SECRET_NOT_FOUND',
    });
    expect((await call('POST', `${BASE}/secrets/JWT_SECRET/restore`, { as: program })).body).toEqual({
      name: 'JWT_SECRET',
      version: 1,
    });
    expect((await call('GET', `${BASE}/secrets/JWT_SECRET/history`, { as: program })).body.versions).toMatchObject([
      { number: 1, state: 'current' },
    ]);
  });

  it('keeps bytes, and reads an earlier version', async () => {
    const { call, program, put } = await prepared();
    const base64 = Buffer.from([0, 255, 1, 254]).toString('base64');
    await call('PUT', `${BASE}/secrets/KEY`, { as: program, body: { base64 } });
    await put('KEY', 'text now', { 'if-match': '*' });
    expect((await call('GET', `${BASE}/secrets/KEY?version=1`, { as: program })).body).toEqual({
      name: 'KEY',
      version: 1,
      base64,
    });
    expect((await call('GET', `${BASE}/secrets/KEY?version=9`, { as: program })).body.code).toBe(
      'KT_VERSION_NOT_FOUND',
    );
    for (const body of [{}, { value: 'a', base64: 'YQ==' }, { base64: 'not base64!' }, { value: '' }]) {
      expect(
        (await call('PUT', `${BASE}/secrets/KEY`, { as: program, body, headers: { 'if-match': '*' } })).status,
      ).toBe(400);
    }
  });

  it('that two writers saw is changed by one of them; the other is told', async () => {
    const { call, program, put } = await prepared();
    await put('NAME', 'one');
    const etag = (await call('GET', `${BASE}/secrets/NAME`, { as: program })).headers.get('etag') ?? '';
    expect((await put('NAME', 'blind')).body).toMatchObject({ status: 428, code: 'KT_PRECONDITION_REQUIRED' });
    const both = await Promise.all(['first', 'second'].map((value) => put('NAME', value, { 'if-match': etag })));
    expect(both.map((one) => one.status).sort()).toEqual([200, 412]);
    expect((await put('NAME', 'third', { 'if-none-match': '*' })).status).toBe(412);
    expect((await put('NAME', 'forced', { 'if-match': '*' })).status).toBe(200);
    expect((await call('DELETE', `${BASE}/secrets/NAME`, { as: program, headers: { 'if-match': etag } })).status).toBe(
      412,
    );
    // A description that changed counts too.
    const seen = (await call('GET', `${BASE}/secrets/NAME`, { as: program })).headers.get('etag') ?? '';
    await call('PATCH', `${BASE}/secrets/NAME`, { as: program, body: { owner: 'ann' }, headers: { 'if-match': seen } });
    expect((await put('NAME', 'stale', { 'if-match': seen })).status).toBe(412);
  });

  it('that has not changed is answered by 304, and that is in the log too', async () => {
    const { call, as, program, put } = await prepared();
    await put('NAME', 'one');
    const { headers } = await call('GET', `${BASE}/secrets/NAME`, { as: program });
    const again = await call('GET', `${BASE}/secrets/NAME`, {
      as: program,
      headers: { 'if-none-match': headers.get('etag') ?? '' },
    });
    expect(again).toMatchObject({ status: 304, text: '' });
    const log = await call('GET', '/v1/audit?action=secret.read', { as });
    expect(log.body.entries).toMatchObject([
      { secret: 'NAME', details: { unchanged: true } },
      { secret: 'NAME', details: null },
    ]);
  });

  it('is read as it is now, whoever changed it last', async () => {
    const { call, program, put } = await prepared();
    for (let n = 1; n <= 20; n += 1) {
      await put('NAME', `value ${n}`, { 'if-match': '*' });
      expect((await call('GET', `${BASE}/secrets/NAME`, { as: program })).body).toMatchObject({
        version: n,
        value: `value ${n}`,
      });
    }
  });
});

describe('many secrets', () => {
  it('are set at once, all or none, and read at once', async () => {
    const { call, program } = await prepared();
    const secrets = Array.from({ length: 60 }, (_, n) => ({ name: `NAME_${n}`, value: `value ${n}` }));
    expect((await call('PUT', `${BASE}/secrets`, { as: program, body: { secrets } })).body.secrets).toHaveLength(60);
    const again = await call('PUT', `${BASE}/secrets`, {
      as: program,
      body: { secrets: [{ name: 'NEW', value: 'x' }, ...secrets] },
    });
    expect(again.status).toBe(409);
    expect((await call('GET', `${BASE}/secrets/NEW`, { as: program })).status).toBe(404);
    const values = await call('GET', `${BASE}/values`, { as: program });
    expect(values.body.secrets).toHaveLength(60);
    const etag = values.headers.get('etag') ?? '';
    expect((await call('GET', `${BASE}/values`, { as: program, headers: { 'if-none-match': etag } })).status).toBe(304);
    const named = await call('GET', `${BASE}/values?names=name_1,NAME_2,NOTHING`, { as: program });
    expect(named.body).toEqual({
      secrets: [
        { name: 'NAME_1', version: 1, value: 'value 1' },
        { name: 'NAME_2', version: 1, value: 'value 2' },
      ],
      missing: ['NOTHING'],
    });
  });

  it('come in pages, each once', async () => {
    const { call, program } = await prepared();
    const secrets = Array.from({ length: 25 }, (_, n) => ({
      name: `N${String(n).padStart(2, '0')}`,
      value: `value ${n}`,
    }));
    await call('PUT', `${BASE}/secrets`, { as: program, body: { secrets } });
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await call('GET', `${BASE}/secrets?limit=10${cursor}`, { as: program });
      seen.push(...page.body.secrets.map((one: { name: string }) => one.name));
      cursor = page.body.next ? `&cursor=${page.body.next}` : '';
    } while (cursor);
    expect(seen).toEqual(secrets.map((one) => one.name));
    expect((await call('GET', `${BASE}/secrets?cursor=%2e%2e`, { as: program })).status).toBe(400);
  });
});

describe('an Idempotency-Key', () => {
  it('makes a change once, however often it is sent, and is bound to what was asked', async () => {
    const { call, as, program } = await prepared();
    const headers = { 'idempotency-key': 'one' };
    const send = (body: object) => call('PUT', `${BASE}/secrets/NAME`, { as: program, body, headers });
    const first = await send({ value: 'x' });
    const second = await send({ value: 'x' });
    expect(second).toMatchObject({ status: 201, body: first.body });
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect((await send({ value: 'y' })).body).toMatchObject({ status: 422, code: 'KT_IDEMPOTENCY_MISMATCH' });
    const make = () =>
      call('POST', '/v1/tokens', {
        as,
        headers: { 'idempotency-key': 'token' },
        body: { name: 'ci', project: 'default', permissions: ['read'] },
      });
    expect((await make()).body.token).toBe((await make()).body.token);
    expect((await call('GET', '/v1/tokens', { as })).body.tokens).toHaveLength(2);
  });

  it('of a change that failed may be used again, and the failure is in the log', async () => {
    const { call, as } = await prepared();
    const reader = await token({ call } as never, as, { permissions: ['read'] });
    const headers = { 'idempotency-key': 'k' };
    const denied = await call('PUT', `${BASE}/secrets/NAME`, { as: reader, body: { value: 'x' }, headers });
    expect(denied.body.code).toBe('KT_ACCESS_DENIED');
    expect((await call('PUT', `${BASE}/secrets/NAME`, { as: reader, body: { value: 'x' }, headers })).status).toBe(403);
    const log = await call('GET', '/v1/audit?outcome=denied&action=secret.set', { as });
    expect(log.body.entries).toHaveLength(2);
  });

  it('that two send at once is done by one of them', async () => {
    const { call, program } = await prepared();
    const headers = { 'idempotency-key': 'both', 'if-match': '*' };
    const both = await Promise.all(
      [1, 2, 3].map(() => call('PUT', `${BASE}/secrets/NAME`, { as: program, body: { value: 'x' }, headers })),
    );
    expect(both.map((one) => one.status)).toEqual([201, 201, 201]);
    expect(both.filter((one) => one.headers.get('idempotency-replayed') === 'true')).toHaveLength(2);
  });
});

describe('a rotation', () => {
  it('keeps both valid in grace, rolls back, and waits for a person where it must', async () => {
    const { call, as, program, put } = await prepared();
    await put('JWT_SECRET', STRONG);
    const rotated = await call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as: program, body: {} });
    expect(rotated.body).toMatchObject({ state: 'grace', fromVersion: 1, version: 2 });
    const valid = await call('GET', `${BASE}/secrets/JWT_SECRET/versions`, { as: program });
    expect(valid.body.versions.map((one: { version: number }) => one.version)).toEqual([2, 1]);
    expect((await call('POST', `${BASE}/secrets/JWT_SECRET/rollback`, { as: program, body: {} })).body).toMatchObject({
      state: 'rolled_back',
      version: 3,
    });
    await put('STRIPE_SECRET_KEY', 'sk_test_Made4Up51Hx9Qw3Zr');
    const waiting = await call('POST', `${BASE}/secrets/STRIPE_SECRET_KEY/rotate`, { as: program, body: {} });
    expect(waiting.body).toMatchObject({ status: 409, code: 'KT_NEEDS_PERSON' });
    const given = await call('POST', `${BASE}/secrets/STRIPE_SECRET_KEY/rotate`, {
      as: program,
      body: { value: 'sk_test_Other4Up51Hx9Qw3Z' },
    });
    expect(given.body).toMatchObject({ state: 'grace', version: 2 });
    const listed = await call('GET', `${BASE}/rotations`, { as });
    expect(listed.body.rotations.map((one: { name: string; state: string }) => [one.name, one.state])).toEqual(
      expect.arrayContaining([
        ['STRIPE_SECRET_KEY', 'grace'],
        ['JWT_SECRET', 'rolled_back'],
      ]),
    );
  });
});

describe('oversight', () => {
  it('validates, monitors and reports, and gives no value away', async () => {
    const { call, as, put } = await prepared();
    await put('JWT_SECRET', 'planted-1');
    const validated = await call('POST', `${BASE}/validate`, { as, body: {} });
    expect(validated.body.findings.length).toBeGreaterThan(0);
    const monitored = await call('GET', `${BASE}/monitoring`, { as });
    expect(monitored.body.secrets).toMatchObject([{ name: 'JWT_SECRET' }]);
    const report = await call('GET', `${BASE}/report?format=markdown`, { as });
    expect(report.text).toContain('# Secrets report');
    for (const one of [validated, monitored, report]) expect(one.text).not.toContain('planted-1');
  });
});

describe('keys and backups', () => {
  it('turns a data key and the root key while values stay', async () => {
    const { call, as, program, put } = await prepared();
    await put('NAME', 'kept');
    const turned = await call('POST', '/v1/keys/rotate-data', {
      as,
      body: { project: 'default', environment: 'development' },
    });
    expect(turned.body).toEqual({ resumed: false, versions: 1 });
    const root = await call('POST', '/v1/keys/rotate-root', { as, body: {} });
    expect(root.body.from).not.toBe(root.body.to);
    expect((await call('GET', '/v1/keys', { as })).body.rootKeyId).toBe(root.body.to);
    expect((await call('GET', `${BASE}/secrets/NAME`, { as: program })).body.value).toBe('kept');
  });

  it('makes, lists, checks, downloads and restores a backup, and reaches no other file', async () => {
    const { call, as, program, put } = await prepared();
    await put('NAME', 'before');
    const made = await call('POST', '/v1/backups', { as, body: {} });
    expect(made).toMatchObject({ status: 201, body: { secrets: 1 } });
    await put('NAME', 'after', { 'if-match': '*' });
    const path = `/v1/backups/${made.body.file}`;
    expect((await call('GET', '/v1/backups', { as })).body.backups).toMatchObject([
      { file: made.body.file, secrets: 1 },
    ]);
    expect((await call('POST', `${path}/verify`, { as, body: {} })).body).toEqual({ opens: true, secrets: 1 });
    expect((await call('GET', path, { as })).text).not.toContain('before');
    expect((await call('POST', `${path}/restore`, { as, body: { dryRun: true } })).body.secrets).toMatchObject([
      { outcome: 'new-version' },
    ]);
    expect((await call('POST', `${path}/restore`, { as, body: {} })).status).toBe(200);
    expect((await call('GET', `${BASE}/secrets/NAME`, { as: program })).body).toMatchObject({
      version: 3,
      value: 'before',
    });
    for (const file of ['..%2f..%2f.keyturn%2froot.key', 'root.key', '%2e%2e', 'secrets-backup-1999-01-01.json']) {
      expect((await call('GET', `/v1/backups/${file}`, { as })).status).toBe(404);
    }
  });
});

describe('the audit log', () => {
  it('is read in pages, filtered, each entry once', async () => {
    const { call, as, put } = await prepared();
    for (let n = 0; n < 12; n += 1) await put(`NAME_${n}`, 'x');
    const seen: number[] = [];
    let cursor = '';
    do {
      const page = await call('GET', `/v1/audit?action=secret.set&limit=5${cursor}`, { as });
      seen.push(...page.body.entries.map((one: { seq: number }) => one.seq));
      cursor = page.body.next ? `&cursor=${page.body.next}` : '';
    } while (cursor);
    expect(seen).toHaveLength(12);
    expect(new Set(seen).size).toBe(12);
    expect((await call('GET', '/v1/audit?secret=name_3', { as })).body.entries).toHaveLength(1);
    expect((await call('GET', '/v1/audit?cursor=x', { as })).status).toBe(400);
  });

  it('is exported as lines that verify with no vault at hand, and as CSV; verified, and anchored', async () => {
    const { call, as, put } = await prepared();
    await put('NAME', 'x');
    const { body: anchor } = await call('POST', '/v1/audit/anchor', { as, body: {} });
    const exported = await call('GET', '/v1/audit/export', { as });
    const verifier = new ExportVerifier(Buffer.from(anchor.publicKey, 'base64url'));
    for (const line of exported.text.split('\n')) verifier.push(line);
    expect(verifier.end()).toMatchObject({ intact: true, complete: true });
    expect((await call('GET', '/v1/audit/export?format=csv', { as })).text).toMatch(/^chain,seq,/);
    const verified = await call('POST', '/v1/audit/verify', { as, body: { anchors: [anchor.anchor] } });
    expect(verified.body).toMatchObject({ intact: true, complete: true, macsChecked: true });
  });
});

describe('the reference page', () => {
  it('has every route of the document', async () => {
    const server = await testServer();
    const { body: document } = await server.call('GET', '/openapi.json');
    const page = (await server.call('GET', '/docs')).text;
    const operations = Object.values(document.paths as Record<string, Record<string, { summary: string }>>).flatMap(
      (methods) => Object.values(methods),
    );
    const escaped = (text: string) =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
    const missing = operations.map((one) => one.summary).filter((summary) => !page.includes(escaped(summary)));
    expect(missing).toEqual([]);
    expect(operations.length).toBeGreaterThan(80);
  });
});
