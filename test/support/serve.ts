// `keyturn serve` as a process of its own: what is killed in tests is what runs in production.
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { ROOT } from './command.ts';
import { call, OWNER } from './server.ts';

export interface ServeProcess {
  readonly url: string;
  /** The one-time link for the first owner, where there is none yet. */
  readonly ownerLink: string | undefined;
  readonly child: ChildProcess;
  /** Everything that it has written so far. */
  output(): string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export async function serve(
  cwd: string,
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<ServeProcess> {
  const child = spawn(process.execPath, [`${ROOT}/bin/keyturn.cjs`, 'serve', '--port', '0', ...args], {
    cwd,
    env: {
      PATH: process.env.PATH ?? '',
      KEYTURN_HOME: `${cwd}/.keyturn`,
      KEYTURN_LOG_LEVEL: 'warn',
      KEYTURN_LIVE: 'off',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  child.stderr.on('data', (chunk) => {
    text += chunk;
  });
  const lines = createInterface({ input: child.stdout });
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      text += `${line}\n`;
      const match = /^Keyturn serves at (\S+)/.exec(line);
      if (match?.[1]) resolve(match[1]);
    });
    child.once('exit', () => reject(new Error(`the server has ended: ${text}`)));
  });
  // The link follows at once, if there is one.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const kill = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await gone;
  };
  onTestFinished(() => kill('SIGKILL'));
  return { url, child, kill, ownerLink: /http\S+\/join#\S+/.exec(text)?.[0], output: () => text };
}

/** Signs the owner of a server in. @returns the session's cookie */
export async function ownerCookie({ url }: Pick<ServeProcess, 'url'>): Promise<string> {
  const signed = await call(url, 'POST', '/api/auth/sign-in/email', {
    body: { email: OWNER.email, password: OWNER.password },
    headers: { origin: url },
  });
  return signed.headers
    .getSetCookie()
    .map((one) => one.split(';')[0])
    .join('; ');
}

/** Makes a new server's owner by its link, and signs in. @returns the session's cookie */
export async function joinAsOwner(server: ServeProcess): Promise<string> {
  const body = { link: server.ownerLink?.split('#')[1], ...OWNER };
  const joined = await call(server.url, 'POST', '/v1/join', { body });
  if (joined.status !== 201) throw new Error(`the owner was not made: ${joined.text}`);
  return ownerCookie(server);
}
