// Makes the world out of a project's configuration. Loaded late: most starts of the facade and the command never leave
// the vault.
import { spawn } from 'node:child_process';
import type { OperationsConfig, ServiceConfig } from '../config/operations.ts';
import type { RandomSource } from '../crypto/random.ts';
import type { GenericProvider } from '../providers/generic.ts';
import { Http } from '../providers/http.ts';
import { Providers } from '../providers/providers.ts';
import { destinationsOf, placeFrom } from '../sync/destinations.ts';
import { matcher } from '../vault/access.ts';
import type { Place } from '../vault/places.ts';
import { type Service, thisProcess, type World } from './world.ts';

const HOOK_MS = 30_000;

export interface WorldOptions {
  readonly operations: OperationsConfig;
  /** The project's folder. */
  readonly root: string;
  /** The place that commands mean when nobody says. */
  readonly at: Place;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly random: RandomSource;
  readonly clock: () => number;
  readonly patienceMs?: number;
  /** Milliseconds that one attempt of a call may take. */
  readonly timeoutMs?: number;
  readonly wait?: (ms: number) => Promise<void>;
}

export function worldOf(options: WorldOptions): World {
  const { operations, root, at, env, random, clock } = options;
  const wait = options.wait ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  const http = { clock, wait, ...(options.timeoutMs !== undefined && { timeoutMs: options.timeoutMs }) };
  const declared = Object.entries(operations.providers ?? {});
  const builtIn = declared.filter(([, one]) => one.kind !== 'http');
  const settings = Object.fromEntries(builtIn.map(([id, { in: _, ...rest }]) => [id, rest])) as Record<string, never>;
  const places = Object.fromEntries(builtIn.map(([id, one]) => [id, one.in ?? {}])) as Record<string, never>;
  const generic = Object.fromEntries(declared.filter(([, one]) => one.kind === 'http'));
  const providers = new Providers({
    ...http,
    // The configuration's schema has checked them.
    settings: renamed(settings),
    places: renamed(places),
    generic: generic as unknown as Record<string, GenericProvider>,
    random,
  });
  return {
    live: operations.live !== false && env.KEYTURN_LIVE !== 'off',
    providers,
    http: new Http(http),
    destinations: destinationsOf(operations.destinations ?? {}, root, at, (name) => providers.isAdmin(name)),
    services: Object.entries(operations.services ?? {}).map(([id, one]) => serviceOf(id, one, at)),
    schedule: operations.schedule ?? {},
    claimant: thisProcess(random(6).toString('hex')),
    runCommand: (command, more, timeoutMs) =>
      runCommand(command, { ...plainEnvironment(env), ...more }, root, timeoutMs),
    wait,
    patienceMs: options.patienceMs ?? 0,
  };
}

/** `postgres` is what people call it. */
function renamed<T>(settings: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(settings).map(([id, one]) => [id === 'postgres' ? 'postgresql' : id, one]));
}

function serviceOf(id: string, config: ServiceConfig, at: Place): Service {
  const { verify } = config;
  const timeoutMs = verify.timeoutMs ?? HOOK_MS;
  return {
    id,
    from: placeFrom(config.from, at),
    uses: matcher(config.uses),
    verify:
      'url' in verify
        ? { kind: 'http', url: verify.url, probe: verify.probe, timeoutMs }
        : { kind: 'command', command: verify.command, timeoutMs },
  };
}

/** A hook gets no key of the vault's own. */
function plainEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept = Object.entries(env).filter(
    ([name, value]) => value !== undefined && !/^(SECRETS_ENCRYPTION_KEY|KEYTURN_)/.test(name),
  );
  return Object.fromEntries(kept) as Record<string, string>;
}

function runCommand(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
  cwd: string,
  timeoutMs: number,
): Promise<{ code: number } | { why: string }> {
  const [file = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd, env, stdio: 'ignore' });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      resolve({ why: `it has not ended within ${Math.round(timeoutMs / 1000)} s` });
    }, timeoutMs);
    child.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve({ why: `it cannot be run (${error.code ?? error.name})` });
    });
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve(code === null ? { why: `it was ended by ${signal}` } : { code });
    });
  });
}
