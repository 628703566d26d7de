// What the server is deployed with: the image's recipe, the systemd unit and the Kubernetes manifests, each held against a tool that knows
// its kind; and that a server needs to write to its own folder only.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { ROOT, runProgram } from '../support/command.ts';
import { temporaryFolder } from '../support/vault.ts';

function there(program: string): boolean {
  return spawnSync('which', [program]).status === 0;
}

describe('the Dockerfile', () => {
  const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

  it.skipIf(!there('hadolint'))('has nothing that hadolint minds', async () => {
    expect(await runProgram('hadolint', ['--no-color', 'Dockerfile'], { cwd: ROOT })).toMatchObject({
      code: 0,
      stdout: '',
    });
  });

  it('builds in stages, and what runs has no rights, no installer, and a way to say how it is', () => {
    const last = text.slice(text.lastIndexOf('\nFROM '));
    expect(text.match(/^FROM /gm)).toHaveLength(3);
    expect(last).toMatch(/^USER 1000:1000$/m);
    expect(last).toMatch(/rm -rf .*npm/);
    expect(last).toMatch(/^HEALTHCHECK .*\n?.*readyz/m);
    expect(text).not.toMatch(/^ADD |:latest|--privileged/m);
  });

  it('takes sources only: no vault, key, or environment file goes into the build', () => {
    const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
    expect(ignored).toContain('**');
    expect(ignored).toEqual(expect.arrayContaining(['**/.keyturn', '**/.env*', '**/node_modules']));
    const copied = [...text.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, what]) => what?.split(' ') ?? []);
    for (const one of copied.filter((name) => name !== '.')) expect(ignored).toContain(`!${one}`);
  });
});

describe('the systemd unit', () => {
  const unit = join(ROOT, 'deploy', 'systemd', 'keyturn.service');

  it.skipIf(!there('systemd-analyze'))('is one that systemd takes, and hardened as far as JavaScript allows', () => {
    expect(execFileSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' })).toBe('');
    // 0 is nothing exposed, 10 everything; systemd calls up to 2 "OK" at its best.
    execFileSync('systemd-analyze', ['security', '--offline=yes', '--threshold=20', unit]);
  });

  it('forbids cores and gives the root key as a credential', () => {
    const text = readFileSync(unit, 'utf8');
    expect(text).toMatch(/^LimitCORE=0$/m);
    expect(text).toMatch(/^LoadCredential=root\.key:/m);
    expect(text).not.toMatch(/^Environment=.*(SECRETS_ENCRYPTION_KEY|DATABASE_URL)=/m);
  });
});

/** Where the types of a kind are in `kubernetes-types`. */
const MODULES: Readonly<Record<string, string>> = {
  v1: 'core/v1',
  'apps/v1': 'apps/v1',
  'policy/v1': 'policy/v1',
  'networking.k8s.io/v1': 'networking/v1',
};

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: manifests of every shape
  readonly spec: any;
}

describe('the Kubernetes manifests', () => {
  const text = readFileSync(join(ROOT, 'deploy', 'kubernetes', 'keyturn.yaml'), 'utf8');
  const manifests = parseAllDocuments(text).map((one) => one.toJS() as Manifest);
  const deployment = manifests.find((one) => one.kind === 'Deployment');

  it('have no field that Kubernetes does not know, and each of its type', async () => {
    const folder = temporaryFolder();
    const lines = manifests.map((one, index) => {
      const module = MODULES[one.apiVersion];
      expect(module, one.apiVersion).toBeDefined();
      const types = join(ROOT, 'node_modules', 'kubernetes-types', `${module}`);
      return `import type { ${one.kind} as T${index} } from '${types}';\nexport const m${index}: T${index} = ${JSON.stringify(one)};`;
    });
    writeFileSync(join(folder, 'manifests.ts'), lines.join('\n'));
    const check = (file: string) =>
      runProgram(
        process.execPath,
        [
          join(ROOT, 'node_modules/typescript/bin/tsc'),
          '--noEmit',
          '--strict',
          '--skipLibCheck',
          '--ignoreConfig',
          file,
        ],
        { cwd: folder },
      );
    expect((await check('manifests.ts')).stdout).toBe('');
    // The check sees a field that is none.
    writeFileSync(join(folder, 'wrong.ts'), lines.join('\n').replace('"replicas":2', '"replicas":2,"relicas":2'));
    expect((await check('wrong.ts')).stdout).toContain('relicas');
  });

  it('run servers without rights, on a read-only file system, without a token of the cluster', () => {
    const pod = deployment?.spec.template.spec;
    const [container] = pod.containers;
    expect(pod).toMatchObject({ automountServiceAccountToken: false, securityContext: { runAsNonRoot: true } });
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    // Nothing secret stands in the manifest itself.
    expect(manifests.some((one) => one.kind === 'Secret')).toBe(false);
  });
});

it.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0 || !there('unshare') || !there('setpriv'))(
  'a server runs as a user without rights, where nothing but its own folder can be written',
  async () => {
    const folder = temporaryFolder();
    const data = join(folder, 'data');
    // Another user has to come through here.
    chmodSync(folder, 0o755);
    mkdirSync(data);
    // As `docker run --read-only` and `readOnlyRootFilesystem` do it: a mount namespace of its own, everything in it read-only.
    const script = [
      'mount --make-rprivate /',
      'mount -t tmpfs -o mode=0700,uid=1000,gid=1000 tmpfs "$1"',
      'mount -o remount,bind,ro /',
      'if touch /tmp/keyturn-probe 2>/dev/null; then echo "still writable"; exit 9; fi',
      'cd "$1"',
      'exec setpriv --reuid=1000 --regid=1000 --clear-groups --no-new-privs --bounding-set=-all "$2" "$3" serve --port 0',
    ].join('\n');
    const command = join(ROOT, 'bin', 'keyturn.cjs');
    const timeout = ['-s', 'TERM', '-k', '10', '8', 'unshare', '--mount', 'sh', '-ec', script, 'sh', data];
    const ended = await runProgram('timeout', [...timeout, process.execPath, command], {
      cwd: folder,
      env: { KEYTURN_HOME: join(data, '.keyturn'), HOME: data },
    });
    expect(ended.stdout, ended.stderr).toMatch(/Keyturn serves at http:\/\/127\.0\.0\.1:\d+/);
    expect(ended.stdout).toContain('/join#');
  },
);
