// The policy as a whole: every route × every role × own, other and all projects, compared with the one table.
import { describe, expect, it } from 'vitest';
import { type Permission, ROLE_PERMISSIONS, ROLES, type Role } from '../../lib/vault/policy.ts';
import { type Answer, colleague, owner, type TestServer, testServer, token } from '../support/server.ts';

interface Target {
  readonly project: string;
  /** Makes what a route works on, anew, as the owner. */
  readonly make: {
    token(): Promise<string>;
    trust(): Promise<string>;
    invitation(): Promise<string>;
    person(): Promise<string>;
    grant(): Promise<{ person: string; id: string }>;
    approval(): Promise<string>;
    forward(): Promise<string>;
    backup(): Promise<string>;
    secret(): Promise<string>;
    incident(): Promise<string>;
    alert(): Promise<string>;
  };
}

interface Case {
  readonly route: string;
  readonly permission: Permission | 'any';
  /** 'vault' for what concerns the whole vault: a role in one project does not reach it. */
  readonly reach: 'project' | 'vault';
  readonly request: (target: Target) => Promise<{ path: string; body?: unknown; headers?: Record<string, string> }>;
}

const at = (target: Target) => `/v1/projects/${target.project}/environments/development`;
const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';
const body = {};
const plain = (path: (target: Target) => string, content?: unknown): Case['request'] => {
  return async (target) => ({ path: path(target), ...(content !== undefined && { body: content }) });
};
let count = 0;
const fresh = () => {
  count += 1;
  return `x${count}`;
};

const CASES: readonly Case[] = [
  { route: 'GET /v1/projects', permission: 'any', reach: 'vault', request: plain(() => '/v1/projects') },
  {
    route: 'POST /v1/projects',
    permission: 'places',
    reach: 'vault',
    request: async () => ({ path: '/v1/projects', body: { name: fresh() } }),
  },
  {
    route: 'POST /v1/projects/{project}/environments',
    permission: 'places',
    reach: 'project',
    request: async (t) => ({ path: `/v1/projects/${t.project}/environments`, body: { name: fresh() } }),
  },
  {
    route: 'PATCH /v1/projects/{project}/environments/{environment}',
    permission: 'settings',
    reach: 'project',
    request: plain((t) => at(t), { twoPeople: false }),
  },
  { route: 'GET /v1/whoami', permission: 'any', reach: 'vault', request: plain(() => '/v1/whoami') },
  { route: 'GET /v1/policy', permission: 'any', reach: 'vault', request: plain(() => '/v1/policy') },
  { route: 'GET …/secrets', permission: 'list', reach: 'project', request: plain((t) => `${at(t)}/secrets`) },
  { route: 'GET /v1/intake-key', permission: 'any', reach: 'vault', request: plain(() => '/v1/intake-key') },
  { route: 'GET /v1/catalog', permission: 'any', reach: 'vault', request: plain(() => '/v1/catalog') },
  { route: 'GET …/integrations', permission: 'list', reach: 'project', request: plain((t) => `${at(t)}/integrations`) },
  { route: 'GET …/activity', permission: 'monitor', reach: 'project', request: plain((t) => `${at(t)}/activity`) },
  {
    route: 'POST …/secrets/{name}/reveal',
    permission: 'read',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET/reveal`, {
      recipient: Buffer.alloc(32, 9).toString('base64url'),
      reason: 'the policy test',
    }),
  },
  {
    route: 'GET …/secrets/{name}',
    permission: 'read',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET`),
  },
  {
    route: 'GET …/secrets/{name}/versions',
    permission: 'read',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET/versions`),
  },
  {
    route: 'GET …/secrets/{name}/history',
    permission: 'list',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET/history`),
  },
  { route: 'GET …/values', permission: 'read', reach: 'project', request: plain((t) => `${at(t)}/values`) },
  {
    route: 'PUT …/secrets',
    permission: 'write',
    reach: 'project',
    request: async (t) => ({ path: `${at(t)}/secrets`, body: { secrets: [{ name: fresh(), value: 'x' }] } }),
  },
  {
    route: 'PUT …/secrets/{name}',
    permission: 'write',
    reach: 'project',
    request: async (t) => ({ path: `${at(t)}/secrets/${fresh()}`, body: { value: 'x' } }),
  },
  {
    route: 'PATCH …/secrets/{name}',
    permission: 'write',
    reach: 'project',
    request: async (t) => ({
      path: `${at(t)}/secrets/JWT_SECRET`,
      body: { owner: 'ann' },
      headers: { 'if-match': '*' },
    }),
  },
  {
    route: 'DELETE …/secrets/{name}',
    permission: 'delete',
    reach: 'project',
    request: async (t) => ({ path: `${at(t)}/secrets/${await t.make.secret()}` }),
  },
  {
    route: 'POST …/secrets/{name}/restore',
    permission: 'write',
    reach: 'project',
    // It is not deleted: whoever may ask is told so.
    request: async (t) => ({ path: `${at(t)}/secrets/JWT_SECRET/restore` }),
  },
  {
    route: 'POST …/secrets/{name}/rotate',
    permission: 'rotate',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET/rotate`, body),
  },
  {
    route: 'POST …/secrets/{name}/rotate/plan',
    permission: 'rotate',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET/rotate/plan`, body),
  },
  {
    route: 'GET …/secrets/{name}/uses',
    permission: 'list',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET/uses`),
  },
  {
    route: 'POST …/secrets/{name}/rollback',
    permission: 'rotate',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET/rollback`, body),
  },
  { route: 'GET …/rotations', permission: 'list', reach: 'project', request: plain((t) => `${at(t)}/rotations`) },
  {
    route: 'POST …/validate',
    permission: 'validate',
    reach: 'project',
    request: plain((t) => `${at(t)}/validate`, body),
  },
  { route: 'GET …/monitoring', permission: 'monitor', reach: 'project', request: plain((t) => `${at(t)}/monitoring`) },
  { route: 'GET …/report', permission: 'validate', reach: 'project', request: plain((t) => `${at(t)}/report`) },
  {
    route: 'POST …/secrets/{name}/check',
    permission: 'validate',
    reach: 'project',
    request: plain((t) => `${at(t)}/secrets/JWT_SECRET/check`, body),
  },
  { route: 'POST …/checks', permission: 'validate', reach: 'project', request: plain((t) => `${at(t)}/checks`, body) },
  { route: 'GET …/checks', permission: 'monitor', reach: 'project', request: plain((t) => `${at(t)}/checks`) },
  {
    route: 'POST …/secrets/{name}/compromise',
    permission: 'rotate',
    reach: 'project',
    request: async (t) => ({ path: `${at(t)}/secrets/${await t.make.secret()}/compromise`, body }),
  },
  {
    // Nothing was ever sent to it: whoever may ask is told so.
    route: 'POST /v1/destinations/{destination}/compromise',
    permission: 'rotate',
    reach: 'vault',
    request: plain(() => '/v1/destinations/none/compromise', body),
  },
  { route: 'GET …/schedule', permission: 'list', reach: 'project', request: plain((t) => `${at(t)}/schedule`) },
  { route: 'GET …/destinations', permission: 'list', reach: 'project', request: plain((t) => `${at(t)}/destinations`) },
  {
    route: 'POST …/destinations/{destination}/push',
    permission: 'rotate',
    reach: 'project',
    request: plain((t) => `${at(t)}/destinations/none/push`, body),
  },
  {
    route: 'POST …/destinations/{destination}/check',
    permission: 'validate',
    reach: 'project',
    request: plain((t) => `${at(t)}/destinations/none/check`, body),
  },
  {
    route: 'POST …/destinations/{destination}/prune',
    permission: 'delete',
    reach: 'project',
    request: plain((t) => `${at(t)}/destinations/none/prune`, body),
  },
  { route: 'GET /v1/providers', permission: 'any', reach: 'vault', request: plain(() => '/v1/providers') },
  { route: 'GET /v1/alerts', permission: 'any', reach: 'vault', request: plain(() => '/v1/alerts') },
  ...['anomalies', 'drills', 'journeys', 'reports'].map(
    (what): Case => ({
      route: `GET /v1/${what}`,
      permission: 'monitor',
      reach: 'vault',
      request: plain(() => `/v1/${what}`),
    }),
  ),
  {
    route: 'POST /v1/reports',
    permission: 'audit',
    reach: 'vault',
    request: plain(() => '/v1/reports', { kind: 'weekly' }),
  },
  { route: 'GET /v1/reports/{id}', permission: 'audit', reach: 'vault', request: plain(() => '/v1/reports/none') },
  {
    route: 'POST …/journeys',
    permission: 'monitor',
    reach: 'project',
    request: plain((t) => `${at(t)}/journeys`, {
      id: 'run-1',
      journey: 'registration',
      target: 'https://x.example',
      startedAt: 1,
      tookMs: 1,
      passed: true,
      error: null,
      steps: [],
    }),
  },
  {
    route: 'GET /v1/journeys/{id}/screenshot',
    permission: 'monitor',
    reach: 'vault',
    request: plain(() => '/v1/journeys/none/screenshot'),
  },
  {
    route: 'GET /v1/alerts/deliveries',
    permission: 'monitor',
    reach: 'vault',
    request: plain(() => '/v1/alerts/deliveries'),
  },
  {
    route: 'POST /v1/alerts/test',
    permission: 'settings',
    reach: 'vault',
    request: plain(() => '/v1/alerts/test', body),
  },
  ...(['acknowledge', 'reopen'] as const).map(
    (verb): Case => ({
      route: `POST /v1/alerts/{id}/${verb}`,
      permission: 'rotate',
      reach: 'project',
      request: async (t) => ({ path: `/v1/alerts/${await t.make.alert()}/${verb}`, body }),
    }),
  ),
  {
    route: 'POST /v1/alerts/{id}/mute',
    permission: 'rotate',
    reach: 'project',
    request: async (t) => ({
      path: `/v1/alerts/${await t.make.alert()}/mute`,
      body: { until: Date.now() + 3_600_000, reason: 'known' },
    }),
  },
  { route: 'GET /v1/incidents', permission: 'any', reach: 'vault', request: plain(() => '/v1/incidents') },
  {
    route: 'GET /v1/incidents/{id}',
    permission: 'monitor',
    reach: 'project',
    request: async (t) => ({ path: `/v1/incidents/${await t.make.incident()}` }),
  },
  {
    route: 'POST /v1/incidents/{id}/notes',
    permission: 'rotate',
    reach: 'project',
    request: async (t) => ({ path: `/v1/incidents/${await t.make.incident()}/notes`, body: { what: 'seen' } }),
  },
  {
    route: 'POST /v1/incidents/{id}/close',
    permission: 'rotate',
    reach: 'project',
    request: async (t) => ({ path: `/v1/incidents/${await t.make.incident()}/close`, body: { why: 'done' } }),
  },
  {
    route: 'POST /v1/tokens/{id}/thaw',
    permission: 'tokens',
    reach: 'project',
    request: async (t) => ({ path: `/v1/tokens/${await t.make.token()}/thaw`, body }),
  },
  { route: 'GET /v1/keys', permission: 'keys', reach: 'vault', request: plain(() => '/v1/keys') },
  {
    route: 'POST /v1/keys/rotate-data',
    permission: 'keys',
    reach: 'project',
    request: async (t) => ({ path: '/v1/keys/rotate-data', body: { project: t.project, environment: 'staging' } }),
  },
  {
    route: 'POST /v1/keys/rotate-root',
    permission: 'keys',
    reach: 'vault',
    request: plain(() => '/v1/keys/rotate-root', body),
  },
  { route: 'GET /v1/backups', permission: 'backup', reach: 'vault', request: plain(() => '/v1/backups') },
  { route: 'POST /v1/backups', permission: 'backup', reach: 'vault', request: plain(() => '/v1/backups', body) },
  {
    route: 'GET /v1/backups/{file}',
    permission: 'backup',
    reach: 'vault',
    request: async (t) => ({ path: `/v1/backups/${await t.make.backup()}` }),
  },
  {
    route: 'POST /v1/backups/{file}/verify',
    permission: 'backup',
    reach: 'vault',
    request: async (t) => ({ path: `/v1/backups/${await t.make.backup()}/verify`, body }),
  },
  {
    route: 'POST /v1/backups/{file}/restore',
    permission: 'restore',
    reach: 'vault',
    request: async (t) => ({ path: `/v1/backups/${await t.make.backup()}/restore`, body: { dryRun: true } }),
  },
  {
    route: 'GET /v1/audit',
    permission: 'audit',
    reach: 'project',
    request: plain((t) => `/v1/audit?project=${t.project}`),
  },
  { route: 'GET /v1/audit/export', permission: 'audit', reach: 'vault', request: plain(() => '/v1/audit/export') },
  {
    route: 'POST /v1/audit/verify',
    permission: 'audit',
    reach: 'vault',
    request: plain(() => '/v1/audit/verify', body),
  },
  {
    route: 'POST /v1/audit/anchor',
    permission: 'audit',
    reach: 'vault',
    request: plain(() => '/v1/audit/anchor', body),
  },
  {
    route: 'GET /v1/audit/forwards',
    permission: 'settings',
    reach: 'vault',
    request: plain(() => '/v1/audit/forwards'),
  },
  {
    route: 'POST /v1/audit/forwards',
    permission: 'settings',
    reach: 'vault',
    request: plain(() => '/v1/audit/forwards', { name: 'x', target: { kind: 'file', path: '/nonexistent/audit' } }),
  },
  {
    route: 'DELETE /v1/audit/forwards/{id}',
    permission: 'settings',
    reach: 'vault',
    request: async (t) => ({ path: `/v1/audit/forwards/${await t.make.forward()}` }),
  },
  { route: 'GET /v1/tokens', permission: 'any', reach: 'vault', request: plain(() => '/v1/tokens') },
  {
    route: 'POST /v1/tokens',
    permission: 'tokens',
    reach: 'project',
    request: async (t) => ({ path: '/v1/tokens', body: { name: 'x', project: t.project, permissions: ['list'] } }),
  },
  {
    route: 'POST /v1/tokens/{id}/rotate',
    permission: 'tokens',
    reach: 'project',
    request: async (t) => ({ path: `/v1/tokens/${await t.make.token()}/rotate`, body }),
  },
  {
    route: 'DELETE /v1/tokens/{id}',
    permission: 'tokens',
    reach: 'project',
    request: async (t) => ({ path: `/v1/tokens/${await t.make.token()}` }),
  },
  { route: 'GET /v1/trusts', permission: 'any', reach: 'vault', request: plain(() => '/v1/trusts') },
  {
    route: 'POST /v1/trusts',
    permission: 'tokens',
    reach: 'project',
    request: async (t) => ({
      path: '/v1/trusts',
      body: {
        name: 'x',
        issuer: 'https://ci.example',
        audience: 'a',
        claims: { sub: 'b' },
        project: t.project,
        environment: 'development',
        permissions: ['list'],
      },
    }),
  },
  {
    route: 'DELETE /v1/trusts/{id}',
    permission: 'tokens',
    reach: 'project',
    request: async (t) => ({ path: `/v1/trusts/${await t.make.trust()}` }),
  },
  { route: 'GET /v1/people', permission: 'any', reach: 'vault', request: plain(() => '/v1/people') },
  {
    route: 'POST /v1/people/{person}/grants',
    permission: 'people',
    reach: 'project',
    request: async (t) => ({
      path: `/v1/people/${await t.make.person()}/grants`,
      body: { role: 'reader', project: t.project },
    }),
  },
  {
    route: 'DELETE /v1/people/{person}/grants/{id}',
    permission: 'people',
    reach: 'project',
    request: async (t) => {
      const { person, id } = await t.make.grant();
      return { path: `/v1/people/${person}/grants/${id}` };
    },
  },
  {
    route: 'DELETE /v1/people/{person}',
    permission: 'people',
    reach: 'vault',
    request: async (t) => ({ path: `/v1/people/${await t.make.person()}` }),
  },
  {
    route: 'DELETE /v1/people/{person}/sessions',
    permission: 'people',
    reach: 'vault',
    request: async (t) => ({ path: `/v1/people/${await t.make.person()}/sessions` }),
  },
  { route: 'GET /v1/invitations', permission: 'any', reach: 'vault', request: plain(() => '/v1/invitations') },
  {
    route: 'POST /v1/invitations',
    permission: 'people',
    reach: 'project',
    request: async (t) => ({
      path: '/v1/invitations',
      body: { email: `${fresh()}@example.com`, role: 'reader', project: t.project },
    }),
  },
  {
    route: 'DELETE /v1/invitations/{id}',
    permission: 'people',
    reach: 'project',
    request: async (t) => ({ path: `/v1/invitations/${await t.make.invitation()}` }),
  },
  { route: 'GET /v1/roles', permission: 'any', reach: 'vault', request: plain(() => '/v1/roles') },
  {
    route: 'PUT /v1/roles/{role}',
    permission: 'people',
    reach: 'vault',
    request: async () => ({ path: `/v1/roles/${fresh()}`, body: { permissions: ['list'] } }),
  },
  { route: 'DELETE /v1/roles/{role}', permission: 'people', reach: 'vault', request: plain(() => '/v1/roles/spare') },
  { route: 'GET /v1/approvals', permission: 'any', reach: 'vault', request: plain(() => '/v1/approvals') },
  {
    route: 'POST /v1/approvals/{id}',
    permission: 'approve',
    reach: 'project',
    request: async (t) => ({ path: `/v1/approvals/${await t.make.approval()}`, body: { decision: 'refused' } }),
  },
  { route: 'GET /v1/sessions', permission: 'any', reach: 'vault', request: plain(() => '/v1/sessions') },
  { route: 'DELETE /v1/sessions/{id}', permission: 'any', reach: 'vault', request: plain(() => '/v1/sessions/none') },
];

/** Routes that ask for no caller: what they are for is tested where it belongs. */
const OPEN = ['GET /v1/sign-in', 'POST /v1/auth/exchange', 'POST /v1/join', 'POST /v1/join/look'];

/** An answer that does not end: who may hear it is in events.test.ts. */
const STREAMS = { 'GET /v1/projects/{project}/environments/{environment}/events': 'list' };

const full = (route: string) => route.replace('…', '/v1/projects/{project}/environments/{environment}');

/** Refused for want of a permission; in a project that one has nothing to do with, "not there" is all that is said. */
function refused({ status, body: answer }: Answer): boolean {
  if (status === 403) return answer.code === 'KT_ACCESS_DENIED';
  const hidden = [
    'KT_PROJECT_NOT_FOUND',
    'There is no such token.',
    'There is no such trust.',
    'There is no such grant.',
    'There is no such invitation.',
    'There is no such approval.',
    'There is no such incident.',
    'There is no such alert.',
  ];
  return status === 404 && (hidden.includes(answer.code) || hidden.includes(answer.detail));
}

/** Not to be done twice with one target. */
const ONCE = new Set(['DELETE /v1/people/{person}', 'DELETE /v1/roles/{role}', 'POST /v1/keys/rotate-root']);

/** What the table says, and what a route does: undefined where the two agree. */
async function faultOf(
  server: TestServer,
  as: string,
  has: { role: Role; project: string | undefined },
  one: Case,
  to: Target,
): Promise<string | undefined> {
  const { path, body: content, headers } = await one.request(to);
  const [method = ''] = one.route.split(' ');
  const answer = await server.call(method, path, { as, body: content, ...(headers && { headers }) });
  const everywhere = one.permission === 'any' || has.project === undefined;
  const reaches = everywhere || (one.reach === 'project' && to.project === has.project);
  const allowed = one.permission === 'any' || (reaches && ROLE_PERMISSIONS[has.role].includes(one.permission));
  const done = !refused(answer) && answer.status !== 401 && answer.status < 500;
  if (allowed ? !done : !refused(answer))
    return `${one.route} in ${to.project}: ${answer.status} ${answer.text.slice(0, 160)}`;
  // The name of a project that one has nothing to do with is in no answer but as an echo of one's own question.
  const named = has.project !== undefined && to.project === 'other' && !path.includes('other');
  return named && answer.text.includes('"other"') ? `${one.route} names other` : undefined;
}

async function made(server: TestServer, as: string, path: string, content: unknown): Promise<Answer['body']> {
  const answer = await server.call('POST', path, { as, body: content });
  if (answer.status >= 300) throw new Error(`${path}: ${answer.text}`);
  return answer.body;
}

async function target(
  server: TestServer,
  as: string,
  writer: string,
  project: string,
  person: string,
): Promise<Target> {
  const scope = { project, environment: 'development', permissions: ['list'] };
  const base = `/v1/projects/${project}/environments`;
  const compromised = async (): Promise<{ incident: string; name: string }> => {
    const name = fresh();
    await server.call('PUT', `${base}/development/secrets/${name}`, { as: writer, body: { value: STRONG + name } });
    return made(server, as, `${base}/development/secrets/${name}/compromise`, {});
  };
  return {
    project,
    make: {
      token: async () => (await made(server, as, '/v1/tokens', { name: 'x', ...scope })).summary.id,
      trust: async () =>
        (
          await made(server, as, '/v1/trusts', {
            name: 'x',
            issuer: 'https://ci.example',
            audience: 'a',
            claims: { sub: 'b' },
            ...scope,
          })
        ).id,
      invitation: async () =>
        (await made(server, as, '/v1/invitations', { email: `${fresh()}@example.com`, role: 'reader', project })).id,
      person: async () => person,
      grant: async () => ({
        person,
        id: (await made(server, as, `/v1/people/${person}/grants`, { role: 'auditor', project })).id,
      }),
      forward: async () =>
        (
          await made(server, as, '/v1/audit/forwards', {
            name: 'x',
            target: { kind: 'file', path: '/nonexistent/audit' },
          })
        ).id,
      backup: async () => (await server.call('GET', '/v1/backups', { as })).body.backups[0].file,
      approval: async () => {
        const asked = await server.call('DELETE', `${base}/guarded/secrets/JWT_SECRET`, { as });
        return asked.body.approval;
      },
      secret: async () => {
        const name = fresh();
        await server.call('PUT', `${base}/development/secrets/${name}`, { as: writer, body: { value: 'x' } });
        return name;
      },
      incident: async () => (await compromised()).incident,
      alert: async () => {
        const { name } = await compromised();
        const { body: answer } = await server.call('GET', '/v1/alerts', { as });
        return answer.alerts.find((each: { secret: string }) => each.secret === name).id;
      },
    },
  };
}

describe('the policy', () => {
  it('is asked by every route, and each route is in this test', async () => {
    const server = await testServer();
    const { body: document } = await server.call('GET', '/openapi.json');
    const routes = Object.entries(
      document.paths as Record<string, Record<string, { 'x-permission'?: string }>>,
    ).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, one]) => [`${method.toUpperCase()} ${path}`, one['x-permission']] as const),
    );
    const open = routes.filter(([, permission]) => permission === undefined).map(([route]) => route);
    expect(open.sort()).toEqual(OPEN);
    const declared = Object.fromEntries(routes.filter(([, permission]) => permission !== undefined));
    const asked = Object.fromEntries(CASES.map((one) => [full(one.route), one.permission]));
    expect(declared).toEqual({ ...asked, ...STREAMS });
  });

  it.each([...ROLES.map((role) => [role, 'mine'] as const), ...ROLES.map((role) => [role, undefined] as const)])(
    'gives a %s (in %s) what the table gives, and nothing else',
    async (role: Role, project) => {
      const server = await testServer();
      const as = await owner(server);
      const spare = await colleague(server, as, 'spare@example.com', { role: 'reader', project: 'default' });
      const person = (await server.call('GET', '/v1/whoami', { as: spare })).body.person.id;
      const targets: Target[] = [];
      for (const name of ['mine', 'other']) {
        await made(server, as, '/v1/projects', { name });
        await made(server, as, `/v1/projects/${name}/environments`, { name: 'guarded' });
        const writer = await token(server, as, { project: name, environment: undefined, permissions: ['write'] });
        for (const environment of ['development', 'guarded']) {
          const path = `/v1/projects/${name}/environments/${environment}/secrets/JWT_SECRET`;
          await server.call('PUT', path, { as: writer, body: { value: STRONG } });
        }
        await server.call('PATCH', `/v1/projects/${name}/environments/guarded`, { as, body: { twoPeople: true } });
        targets.push(await target(server, as, writer, name, person));
      }
      await made(server, as, '/v1/backups', {});
      await server.call('PUT', '/v1/roles/spare', { as, body: { permissions: ['list'] } });
      const caller = await colleague(server, as, 'caller@example.com', { role, ...(project && { project }) });
      const wrong: string[] = [];
      for (const one of CASES) {
        for (const to of ONCE.has(one.route) ? targets.slice(0, 1) : targets) {
          const fault = await faultOf(server, caller, { role, project }, one, to);
          if (fault) wrong.push(fault);
        }
      }
      expect(wrong).toEqual([]);
    },
  );

  it('gives a custom role its listed permissions, at once when it is changed, and no maker more than they have', async () => {
    const server = await testServer();
    const as = await owner(server);
    await server.call('PUT', '/v1/roles/lister', { as, body: { permissions: ['list'] } });
    const caller = await colleague(server, as, 'caller@example.com', { role: 'lister', project: 'default' });
    const path = '/v1/projects/default/environments/development/values';
    expect((await server.call('GET', path, { as: caller })).status).toBe(403);
    await server.call('PUT', '/v1/roles/lister', { as, body: { permissions: ['list', 'read'] } });
    expect((await server.call('GET', path, { as: caller })).status).toBe(200);
    const admin = await colleague(server, as, 'admin@example.com', { role: 'admin' });
    expect((await server.call('PUT', '/v1/roles/root', { as: admin, body: { permissions: ['keys'] } })).status).toBe(
      403,
    );
    expect(
      (await server.call('POST', '/v1/invitations', { as: admin, body: { email: 'a@example.com', role: 'owner' } }))
        .status,
    ).toBe(403);
  });

  it('keeps the last owner', async () => {
    const server = await testServer();
    const as = await owner(server);
    const { people } = (await server.call('GET', '/v1/people', { as })).body;
    const [me] = people;
    expect((await server.call('DELETE', `/v1/people/${me.id}`, { as })).status).toBe(409);
    expect((await server.call('DELETE', `/v1/people/${me.id}/grants/${me.grants[0].id}`, { as })).status).toBe(409);
  });
});
