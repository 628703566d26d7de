// Destinations: what is sent arrives as each place demands it; "distributed" is deployed and seen; drift and pruning; what
// happens when a place is down. Real HTTP, real files, another real Keyturn.
import { spawnSync } from 'node:child_process';
import { chownSync, lstatSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { versionReport } from '../../lib/client/version-report.ts';
import type { DestinationConfig, OperationsConfig, ServiceConfig } from '../../lib/config/operations.ts';
import { listIncidents } from '../../lib/incidents/incidents.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { all } from '../../lib/store/operation.ts';
import { selectSecretRotations } from '../../lib/store/statements/rotations.ts';
import { checkDrift, destinationOf, destinationStatus, prune, pushTo } from '../../lib/sync/overview.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { deleteSecret, liveSecret } from '../../lib/vault/write.ts';
import { GitHubSecrets, VercelProject } from '../support/destination-answers.ts';
import { type ProviderServer, providerServer } from '../support/provider-server.ts';
import { owner, testServer, token } from '../support/server.ts';
import { DAY, DEVELOPMENT, HOUR, put, type TestVault, testVault } from '../support/vault.ts';
import { testWorld } from '../support/world.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

interface Scene extends TestVault {
  readonly world: ReturnType<typeof testWorld>;
  rotate(graceMs?: number): Promise<{ state: string; trouble: string | null; version: number }>;
  settle(): Promise<unknown>;
  current(name?: string): string;
  push(id: string, names?: string[]): Promise<readonly { state: string; error: string | null }[]>;
}

function scene(operations: OperationsConfig, options: { patienceMs?: number } = {}, made = testVault()): Scene {
  const { vault, clock, folder } = made;
  const world = testWorld(operations, { clock: clock.read, root: folder, ...options });
  return {
    ...made,
    world,
    rotate: (graceMs = 0) =>
      vault.perform(rotatorOf(vault, world).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET', graceMs })),
    settle: () => vault.perform(rotatorOf(vault, world).settle()),
    current: (name = 'JWT_SECRET') => vault.run(readSecret(vault.context, DEVELOPMENT, name)).value.toString(),
    push: (id, names = []) =>
      vault.perform(pushTo(vault.context, world, destinationOf(world, id), names, names.length > 0)),
  };
}

const drift = ({ vault, world }: Scene, id: string) =>
  vault.perform(checkDrift(vault.context, world, destinationOf(world, id)));
const pruned = ({ vault, world }: Scene, id: string, dryRun: boolean) =>
  vault.perform(prune(vault.context, world, destinationOf(world, id), dryRun));

describe('a dotenv file', () => {
  const declared = (secrets: string[]): OperationsConfig => ({
    destinations: { file: { kind: 'dotenv', path: 'app/.env.local', secrets, rename: { API_TOKEN: 'PUBLIC_TOKEN' } } },
  });

  it('gets our lines and keeps all others, with mode 0600', async () => {
    const at = scene(declared(['JWT_SECRET', 'API_TOKEN']));
    const path = join(at.folder, 'app', '.env.local');
    put(at.vault, 'JWT_SECRET', STRONG);
    put(at.vault, 'API_TOKEN', 'two\nlines "and" quotes');
    await at.push('file');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const before = `# mine\nPORT=3000\nJWT_SECRET="old\nover two lines" # note\nLAST='x'`;
    writeFileSync(path, before);
    await at.push('file', ['JWT_SECRET', 'API_TOKEN']);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain('# mine\nPORT=3000\n');
    expect(text).toContain(`JWT_SECRET=${STRONG}\nLAST='x'\n`);
    expect(text).toContain(`PUBLIC_TOKEN='two\nlines "and" quotes'\n`);
    expect(text).not.toContain('over two lines');
  });

  it('has one line for a name afterwards, as the file writes them: exported, with CRLF, through a link, for its owner', async () => {
    const at = scene(declared(['JWT_SECRET', 'API_TOKEN']));
    put(at.vault, 'JWT_SECRET', STRONG);
    await at.push('file');
    const path = join(at.folder, 'app', '.env.local');
    const shared = join(at.folder, 'shared.env');
    rmSync(path);
    symlinkSync(shared, path);
    writeFileSync(shared, 'JWT_SECRET=older\r\nPORT=3000\r\nexport JWT_SECRET=old\r\nLAST=x');
    const isRoot = process.getuid?.() === 0;
    if (isRoot) chownSync(shared, 12_345, 12_345);
    await at.push('file', ['JWT_SECRET']);
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(readFileSync(shared, 'utf8')).toBe(`export JWT_SECRET=${STRONG}\r\nPORT=3000\r\nLAST=x`);
    if (isRoot) expect(statSync(shared).uid).toBe(12_345);
    put(at.vault, 'API_TOKEN', 'new');
    await at.push('file', ['API_TOKEN']);
    expect(readFileSync(shared, 'utf8')).toContain('\r\nLAST=x\r\nPUBLIC_TOKEN=new\r\n');
    at.vault.run(deleteSecret(at.vault.context, DEVELOPMENT, 'JWT_SECRET'));
    writeFileSync(shared, 'JWT_SECRET=older\nPORT=3000\nJWT_SECRET=old\n');
    expect(await pruned(at, 'file', false)).toEqual(['JWT_SECRET']);
    expect(readFileSync(shared, 'utf8')).toBe('PORT=3000\n');
  });

  it('is left as it is where the disk is full, with nothing beside it, and gets its line once there is room', async () => {
    const at = scene(declared(['JWT_SECRET']));
    put(at.vault, 'JWT_SECRET', STRONG);
    await at.push('file');
    const app = join(at.folder, 'app');
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', app]);
    // Only root may mount, and not in every container.
    if (mounted.status !== 0) return;
    onTestFinished(() => void spawnSync('umount', [app]));
    const path = join(app, '.env.local');
    writeFileSync(path, `JWT_SECRET=old\nFILL='${'x'.repeat(5_000)}'\n`);
    const before = readFileSync(path, 'utf8');
    writeFileSync(join(app, 'other'), 'x'.repeat(4_000));
    const [delivery] = await at.push('file', ['JWT_SECRET']);
    expect(delivery?.error).toMatch(/cannot be written \(ENOSPC\)/);
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readdirSync(app).sort()).toEqual(['.env.local', 'other']);
    rmSync(join(app, 'other'));
    expect(await at.push('file', ['JWT_SECRET'])).toMatchObject([{ state: 'live' }]);
    expect(readFileSync(path, 'utf8')).toContain(`JWT_SECRET=${STRONG}\n`);
  });

  it('is left as it is where it cannot be read', async () => {
    const at = scene(declared(['JWT_SECRET']));
    put(at.vault, 'JWT_SECRET', STRONG);
    await at.push('file');
    const path = join(at.folder, 'app', '.env.local');
    writeFileSync(path, 'OPEN="never closed\n');
    const [delivery] = await at.push('file', ['JWT_SECRET']);
    expect(delivery).toMatchObject({ state: 'failed' });
    expect(delivery?.error).toMatch(/line 1 opens a quote/);
    expect(readFileSync(path, 'utf8')).toBe('OPEN="never closed\n');
  });

  it('gets what makes other keys only by its name, and not by a pattern', async () => {
    const secrets = { open: ['*'], named: ['*', 'OPENAI_ADMIN_KEY', 'VERCEL_TOKEN'] };
    const file = (name: keyof typeof secrets): DestinationConfig => ({
      kind: 'dotenv',
      path: name,
      secrets: secrets[name],
    });
    const at = scene({
      providers: { openai: { admin: 'OPENAI_ADMIN_KEY' } },
      destinations: {
        open: file('open'),
        named: file('named'),
        shop: { kind: 'vercel', project: 'shop', token: 'vercel_token', secrets: ['NOTHING'] },
      },
    });
    for (const name of ['JWT_SECRET', 'OPENAI_ADMIN_KEY', 'VERCEL_TOKEN']) put(at.vault, name, `${STRONG}${name}`);
    await at.push('open');
    await at.push('named');
    const namesIn = (path: string) => readFileSync(join(at.folder, path), 'utf8').match(/^[A-Z_]+(?==)/gm);
    expect(namesIn('open')).toEqual(['JWT_SECRET']);
    expect(namesIn('named')).toEqual(['JWT_SECRET', 'OPENAI_ADMIN_KEY', 'VERCEL_TOKEN']);
  });

  it('written by many at once loses no line', async () => {
    const at = scene(declared(['*']));
    const names = Array.from({ length: 12 }, (_, n) => `KEY_${n}`);
    for (const name of names) put(at.vault, name, `${STRONG}${name}`);
    await Promise.all(names.map((name) => at.push('file', [name])));
    const text = readFileSync(join(at.folder, 'app', '.env.local'), 'utf8');
    for (const name of names) expect(text).toContain(`${name}=${STRONG}${name}\n`);
  });

  it('tells what somebody changed, and prunes what is deleted, only when asked', async () => {
    const at = scene(declared(['JWT_SECRET', 'GONE']));
    put(at.vault, 'JWT_SECRET', STRONG);
    put(at.vault, 'GONE', `${STRONG}gone`);
    await at.push('file');
    expect(await drift(at, 'file')).toEqual([
      { name: 'GONE', as: 'GONE', drift: 'same' },
      { name: 'JWT_SECRET', as: 'JWT_SECRET', drift: 'same' },
    ]);
    const path = join(at.folder, 'app', '.env.local');
    writeFileSync(
      path,
      `${readFileSync(path, 'utf8').replace(`JWT_SECRET=${STRONG}`, 'JWT_SECRET=tampered')}OTHER=stays\n`,
    );
    expect(await drift(at, 'file')).toMatchObject([{ drift: 'same' }, { name: 'JWT_SECRET', drift: 'different' }]);
    at.vault.run(deleteSecret(at.vault.context, DEVELOPMENT, 'GONE'));
    expect(await pruned(at, 'file', true)).toEqual(['GONE']);
    expect(readFileSync(path, 'utf8')).toContain('GONE=');
    expect(await pruned(at, 'file', false)).toEqual(['GONE']);
    expect(readFileSync(path, 'utf8')).not.toContain('GONE=');
    expect(readFileSync(path, 'utf8')).toContain('OTHER=stays');
  });
});

describe('GitHub Actions', () => {
  it.each<[string, Partial<DestinationConfig>, string]>([
    ['a repository', { owner: 'acme', repository: 'shop' }, '/repos/acme/shop/actions/secrets'],
    [
      'an environment',
      { owner: 'acme', repository: 'shop', githubEnvironment: 'production' },
      '/repos/acme/shop/environments/production/secrets',
    ],
    ['an organisation', { owner: 'acme' }, '/orgs/acme/actions/secrets'],
  ])('gets secrets of %s, sealed to its key, and drift is told by their time', async (_, config, base) => {
    const github = await new GitHubSecrets('ghp_token', base).ready();
    const server = await providerServer(github.answer);
    const destination = {
      kind: 'github',
      token: 'GITHUB_TOKEN',
      secrets: ['JWT_SECRET'],
      baseUrl: server.url,
      ...config,
    };
    const at = scene({ live: false, destinations: { ci: destination as DestinationConfig } });
    put(at.vault, 'GITHUB_TOKEN', 'ghp_token');
    put(at.vault, 'JWT_SECRET', STRONG);
    expect(await at.rotate()).toMatchObject({ state: 'revoked' });
    expect(github.secrets.get('JWT_SECRET')?.value).toBe(at.current());
    expect(await drift(at, 'ci')).toMatchObject([{ drift: 'same' }]);
    github.secrets.set('JWT_SECRET', { value: 'x', updatedAt: '2027-01-01T00:00:00Z' });
    expect(await drift(at, 'ci')).toMatchObject([{ drift: 'different' }]);
    github.secrets.delete('JWT_SECRET');
    expect(await drift(at, 'ci')).toMatchObject([{ drift: 'missing' }]);
    for (const one of server.requests) expect(JSON.stringify(one)).not.toContain(at.current());
  });
});

interface VercelScene extends Scene {
  readonly project: VercelProject;
  readonly server: ProviderServer;
}

async function vercelScene(
  more: Partial<DestinationConfig> = {},
  options: { patienceMs?: number } = {},
  services: Record<string, ServiceConfig> = {},
): Promise<VercelScene> {
  const project = new VercelProject('vercel-token-vercel-tok1');
  const server = await providerServer(project.answer);
  const declared = {
    kind: 'vercel',
    project: 'shop',
    token: 'VERCEL_TOKEN',
    secrets: ['JWT_SECRET', 'API_KEY'],
    baseUrl: server.url,
    ...more,
  } as DestinationConfig;
  const at = scene({ live: false, destinations: { vercel: declared }, services }, options);
  put(at.vault, 'VERCEL_TOKEN', project.token);
  put(at.vault, 'JWT_SECRET', STRONG);
  return { ...at, project, server };
}

describe('Vercel', () => {
  it('always gets variables of the type sensitive, for the targets that are declared', async () => {
    const at = await vercelScene({}, { patienceMs: 60_000 });
    await at.rotate();
    expect(at.project.variables).toMatchObject([
      { key: 'JWT_SECRET', value: at.current(), type: 'sensitive', target: ['production'] },
    ]);
  });

  it('has a version only once it is deployed again and ready; the old one is valid until then', async () => {
    const at = await vercelScene();
    at.project.readyAfter = 3;
    const waiting = await at.rotate();
    expect(waiting).toMatchObject({ state: 'promoted' });
    expect(waiting.trouble).toMatch(/not in use there yet/);
    const secret = () => at.vault.run(liveSecret(at.vault.context.environment(DEVELOPMENT), 'JWT_SECRET'));
    for (let looks = 0; looks < 6 && secret().previous_version !== null; looks += 1) {
      expect(at.project.serving.JWT_SECRET === at.current()).toBe(false);
      at.clock.forward(6_000);
      await at.settle();
    }
    expect(at.project.serving.JWT_SECRET).toBe(at.current());
    expect(secret().previous_version).toBeNull();
    expect(at.project.deployments).toHaveLength(2);
  });

  it('waited for, as long as there is patience, in one run', async () => {
    const at = await vercelScene({}, { patienceMs: 60_000 });
    at.clock.now = Date.now();
    const timer = setInterval(() => at.clock.forward(10_000), 1);
    expect(await at.rotate()).toMatchObject({ state: 'revoked', version: 2 });
    clearInterval(timer);
    expect(at.project.serving.JWT_SECRET).toBe(at.current());
  });

  it('a deployment that fails rolls the rotation back, there too', async () => {
    const at = await vercelScene();
    at.project.variables = [
      {
        id: 'env_JWT_SECRET',
        key: 'JWT_SECRET',
        value: STRONG,
        type: 'sensitive',
        target: ['production'],
        updatedAt: 1,
      },
    ];
    at.project.deploy();
    at.project.endsAs = 'ERROR';
    await at.rotate();
    at.clock.forward(6_000);
    await at.settle();
    at.clock.forward(6_000);
    at.project.endsAs = 'READY';
    for (let n = 0; n < 6; n += 1) {
      await at.settle();
      at.clock.forward(60_000);
    }
    expect(at.current()).toBe(STRONG);
    expect(at.project.variables[0]?.value).toBe(STRONG);
    expect(at.project.serving.JWT_SECRET).toBe(STRONG);
    const row = at.vault.run(liveSecret(at.vault.context.environment(DEVELOPMENT), 'JWT_SECRET'));
    const [rotation] = at.vault.run(all(selectSecretRotations, { secretId: row.id, limit: 1 }));
    expect(rotation).toMatchObject({ state: 'rolled_back' });
    expect(rotation?.error).toMatch(/deployment on Vercel ended as ERROR/);
    expect(at.vault.run(listIncidents(at.vault.context, 5))).toMatchObject([{ kind: 'rotation' }]);
  });

  it('seen serving: the running application says which version it uses, and shows no value', async () => {
    const key = 'probe-key-of-thirty-two-characters!';
    const project = new VercelProject('vercel-token-vercel-tok1');
    // The application, as it was deployed.
    const report = versionReport({
      key,
      names: ['JWT_SECRET'],
      get: (name) => stale ?? project.serving[name],
      clock: () => at.clock.now,
    });
    let stale: string | undefined = STRONG;
    let answered = '';
    const app = await providerServer(() => ({
      status: 200,
      text: answered,
      headers: { 'content-type': 'application/json' },
    }));
    app.onRequest = async (when, asked) => {
      if (when !== 'before') return;
      const headers = { authorization: asked.headers.authorization ?? '' };
      answered = await (await report(new Request('http://app/keyturn', { headers }))).text();
    };
    const server = await providerServer(project.answer);
    const at = scene({
      live: false,
      destinations: {
        vercel: {
          kind: 'vercel',
          project: 'shop',
          token: 'VERCEL_TOKEN',
          secrets: ['JWT_SECRET'],
          baseUrl: server.url,
          probe: { url: `${app.url}/keyturn`, key: 'PROBE_KEY' },
        },
      },
    });
    put(at.vault, 'VERCEL_TOKEN', project.token);
    put(at.vault, 'JWT_SECRET', STRONG);
    put(at.vault, 'PROBE_KEY', key);
    await at.rotate();
    for (let n = 0; n < 4; n += 1) {
      at.clock.forward(6_000);
      await at.settle();
    }
    // Deployed and ready, but something still serves the old version.
    expect(project.serving.JWT_SECRET).toBe(at.current());
    const status = () =>
      at.vault.run(destinationStatus(at.vault.context, destinationOf(at.world, 'vercel'))).secrets[0];
    expect(status()).toMatchObject({ state: 'deploying', error: 'the application still uses another version' });
    stale = undefined;
    at.clock.forward(6_000);
    await at.settle();
    expect(status()).toMatchObject({ state: 'live', error: null });
    expect(answered).toMatch(/"JWT_SECRET":"[A-Za-z0-9_-]{43}"/);
    expect(answered).not.toContain(at.current());
  });

  it('that is down is tried again, and comes back', async () => {
    const at = await vercelScene();
    let down = true;
    at.server.onRequest = (when) => {
      if (when === 'before' && down) at.server.faults.unshift({ kind: 'reply', reply: { status: 503, json: {} } });
    };
    expect(await at.rotate(DAY)).toMatchObject({
      state: 'promoted',
      trouble: expect.stringMatching(/Vercel refused setting JWT_SECRET \(503\)/),
    });
    at.clock.forward(HOUR);
    await at.settle();
    down = false;
    for (let n = 0; n < 5; n += 1) {
      at.clock.forward(HOUR);
      await at.settle();
    }
    expect(at.project.serving.JWT_SECRET).toBe(at.current());
  });

  it('that stays down is given up: the value before is in use everywhere', async () => {
    const at = await vercelScene();
    at.server.onRequest = (when) => {
      if (when === 'before') at.server.faults.unshift({ kind: 'reply', reply: { status: 503, json: {} } });
    };
    await at.rotate(DAY);
    for (let n = 0; n < 40; n += 1) {
      at.clock.forward(2 * HOUR);
      await at.settle();
    }
    expect(at.current()).toBe(STRONG);
    const row = at.vault.run(liveSecret(at.vault.context.environment(DEVELOPMENT), 'JWT_SECRET'));
    const [rotation] = at.vault.run(all(selectSecretRotations, { secretId: row.id, limit: 1 }));
    expect(rotation?.state).toBe('rolled_back');
  });
});

it('a plain set follows to where the secret was sent before, and a rotation that a set overtakes ends', async () => {
  const at = await vercelScene({ redeploy: false });
  await at.push('vercel');
  put(at.vault, 'JWT_SECRET', `${STRONG}set`);
  await at.settle();
  expect(at.project.variables[0]?.value).toBe(`${STRONG}set`);
  at.server.onRequest = (when) => {
    if (when === 'before') at.server.faults.unshift({ kind: 'reply', reply: { status: 503, json: {} } });
  };
  expect(await at.rotate(DAY)).toMatchObject({ state: 'promoted' });
  put(at.vault, 'JWT_SECRET', `${STRONG}again`);
  at.server.onRequest = undefined;
  for (let n = 0; n < 3; n += 1) {
    at.clock.forward(HOUR);
    await at.settle();
  }
  expect(at.current()).toBe(`${STRONG}again`);
  expect(at.project.variables[0]?.value).toBe(`${STRONG}again`);
});

describe('services that use a secret', () => {
  const withService = (verify: ServiceConfig['verify']): OperationsConfig => ({
    live: false,
    services: { web: { uses: ['JWT_SECRET'], verify } },
  });

  it('by HTTP: the old version ends only when they answer well', async () => {
    let well = false;
    const service = await providerServer(() => ({ status: well ? 200 : 503, text: '' }));
    const at = scene(withService({ url: `${service.url}/health` }));
    put(at.vault, 'JWT_SECRET', STRONG);
    expect(await at.rotate()).toMatchObject({
      state: 'promoted',
      trouble: expect.stringMatching(/The service web does not do well.*answers 503/),
    });
    well = true;
    at.clock.forward(HOUR);
    await at.settle();
    expect(
      at.vault.run(liveSecret(at.vault.context.environment(DEVELOPMENT), 'JWT_SECRET')).previous_version,
    ).toBeNull();
  });

  it('by a command, which gets the name and the version, and neither value nor key', async () => {
    const at = scene(withService({ command: ['sh', '-c', 'env > seen.txt; test -e ok'] }));
    put(at.vault, 'JWT_SECRET', STRONG);
    expect(await at.rotate()).toMatchObject({
      state: 'promoted',
      trouble: expect.stringMatching(/its command ended with 1/),
    });
    const seen = readFileSync(join(at.folder, 'seen.txt'), 'utf8');
    expect(seen).toContain('KEYTURN_SECRET_NAME=JWT_SECRET\n');
    expect(seen).toContain('KEYTURN_SECRET_VERSION=2\n');
    expect(seen).not.toContain(at.current());
    writeFileSync(join(at.folder, 'ok'), '');
    at.clock.forward(HOUR);
    await at.settle();
    expect(
      at.vault.run(liveSecret(at.vault.context.environment(DEVELOPMENT), 'JWT_SECRET')).previous_version,
    ).toBeNull();
  });

  it('a command that is not there, or does not end, is said so', async () => {
    const at = scene(withService({ command: ['/no/such/program'] }));
    put(at.vault, 'JWT_SECRET', STRONG);
    expect((await at.rotate()).trouble).toMatch(/cannot be run \(ENOENT\)/);
    const slow = scene(withService({ command: ['sleep', '5'], timeoutMs: 100 }));
    put(slow.vault, 'JWT_SECRET', STRONG);
    expect((await slow.rotate()).trouble).toMatch(/has not ended/);
  });
});

describe('another Keyturn', () => {
  it('gets the value by its API, with a token that may write', async () => {
    const other = await testServer();
    const as = await owner(other);
    const given = await token(other, as, { permissions: ['write', 'list'] });
    const at = scene({
      live: false,
      destinations: {
        mirror: {
          kind: 'keyturn',
          url: other.url,
          token: 'MIRROR_TOKEN',
          project: 'default',
          environment: 'development',
          secrets: ['JWT_SECRET'],
        },
      },
    });
    put(at.vault, 'MIRROR_TOKEN', given);
    put(at.vault, 'JWT_SECRET', STRONG);
    expect(await at.rotate()).toMatchObject({ state: 'revoked' });
    const reader = await token(other, as);
    const path = '/v1/projects/default/environments/development/secrets/JWT_SECRET';
    expect((await other.call('GET', path, { as: reader })).body.value).toBe(at.current());
    expect(await drift(at, 'mirror')).toMatchObject([{ drift: 'same' }]);
    await other.call('PUT', path, { as: reader, body: { value: `${STRONG}other` }, headers: { 'if-match': '*' } });
    expect(await drift(at, 'mirror')).toMatchObject([{ drift: 'different' }]);
  });
});
