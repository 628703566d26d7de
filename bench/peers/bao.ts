// OpenBao (or Vault) as it is run for real: integrated storage on disk, unsealed, a file audit device, KV v2 and Transit; one server on
// this machine, as Keyturn's is.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type autocannon from 'autocannon';
import { freePort } from '../../test/support/postgres.ts';
import { temporaryFolder } from '../support.ts';
import { programPath, versionOf } from './peer.ts';

const START_MS = 30_000;

export interface Bao {
  readonly who: string;
  readonly url: string;
  readonly token: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

async function ask<T>(url: string, method: string, path: string, token: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}/v1/${path}`, {
    method,
    headers: { 'x-vault-token': token },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} was answered by ${response.status}: ${text.slice(0, 300)}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

/** Audit devices are declared in the configuration since OpenBao 2.4, and enabled by the API before, and in Vault. */
function configuration(program: string, folder: string, port: number, clusterPort: number): string {
  const audit = `audit "file" "file" {\n  options {\n    file_path = "${join(folder, 'audit.log')}"\n  }\n}\n`;
  return [
    `storage "raft" {\n  path = "${join(folder, 'raft')}"\n  node_id = "one"\n}\n`,
    `listener "tcp" {\n  address = "127.0.0.1:${port}"\n  tls_disable = true\n}\n`,
    `api_addr = "http://127.0.0.1:${port}"\ncluster_addr = "http://127.0.0.1:${clusterPort}"\ndisable_mlock = true\nui = false\nlog_level = "error"\n`,
    program.endsWith('bao') ? audit : '',
  ].join('\n');
}

/** @returns undefined where neither is on the PATH */
export async function startBao(): Promise<Bao | undefined> {
  const program = programPath('bao') ?? programPath('vault');
  if (!program) return undefined;
  const folder = temporaryFolder();
  mkdirSync(join(folder, 'raft'));
  const port = await freePort();
  writeFileSync(join(folder, 'config.hcl'), configuration(program, folder, port, await freePort()));
  const child = spawn(program, ['server', '-config', join(folder, 'config.hcl')], {
    env: { PATH: process.env.PATH ?? '', HOME: folder },
    stdio: 'ignore',
  });
  const url = `http://127.0.0.1:${port}`;
  const until = performance.now() + START_MS;
  while (
    !(await fetch(`${url}/v1/sys/seal-status`).then(
      (r) => r.ok,
      () => false,
    ))
  ) {
    if (performance.now() > until || child.exitCode !== null) throw new Error(`${program} did not start`);
    await wait(100);
  }
  const made = await ask<{ keys_base64: string[]; root_token: string }>(url, 'PUT', 'sys/init', '', {
    secret_shares: 1,
    secret_threshold: 1,
  });
  await ask(url, 'PUT', 'sys/unseal', '', { key: made.keys_base64[0] });
  const token = made.root_token;
  while (
    !(await fetch(`${url}/v1/sys/health`).then(
      (r) => r.status === 200,
      () => false,
    ))
  )
    await wait(100);
  if (!program.endsWith('bao')) {
    await ask(url, 'PUT', 'sys/audit/file', token, { type: 'file', options: { file_path: join(folder, 'audit.log') } });
  }
  await ask(url, 'POST', 'sys/mounts/secret', token, { type: 'kv', options: { version: '2' } });
  await ask(url, 'POST', 'sys/mounts/transit', token, { type: 'transit' });
  await ask(url, 'POST', 'transit/keys/bench', token, {});
  return {
    who: `${program.endsWith('bao') ? 'OpenBao' : 'Vault'} ${versionOf(program, ['version'])}`,
    url,
    token,
    child,
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** Puts as many secrets as Keyturn has, by the same names. */
export async function fillBao({ url, token }: Bao, names: readonly string[]): Promise<void> {
  // A new KV v2 mount is upgraded in the background for a moment.
  await wait(2000);
  for (const name of names) {
    await ask(url, 'POST', `secret/data/${name}`, token, {
      data: { value: 'a value of a usual length, 40 bytes long' },
    });
  }
}

export function baoReads(names: readonly string[]): autocannon.Request[] {
  return names.map((name) => ({ method: 'GET', path: `/v1/secret/data/${name}` }));
}

export function baoWrites(count: number): autocannon.Request[] {
  return Array.from({ length: count }, (_, n) => ({
    method: 'POST',
    path: `/v1/secret/data/WRITTEN_${n}`,
    body: `{"data":{"value":"a value of a usual length, number ${n}"}}`,
  }));
}

export function baoEncrypts(value: Buffer): autocannon.Request[] {
  return [
    {
      method: 'POST',
      path: '/v1/transit/encrypt/bench',
      body: JSON.stringify({ plaintext: value.toString('base64') }),
    },
  ];
}
