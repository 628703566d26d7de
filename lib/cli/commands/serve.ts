// keyturn serve: the server. It listens on this machine only, until told otherwise.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import type * as ServerModule from '../../server/server.ts';
import { forbidCoreDumps } from '../core-dumps.ts';
import { EXIT } from '../exit-codes.ts';
import { requireServerNode } from '../node-version.ts';
import { type Surroundings, surroundings } from '../session.ts';
import { wholeNumber } from './set.ts';

/** Where it listens when nobody says. */
const DEFAULT_PORT = '4780';

export interface ServeOptions {
  readonly host?: string;
  readonly port?: string;
  readonly publicUrl?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly readOnly?: boolean;
  readonly trustProxy?: string;
  readonly metricsPort?: string;
  readonly logLevel?: string;
}

export function withServe(command: Command): Command {
  return command
    .option('--host <address>', 'where to listen (KEYTURN_HOST, else 127.0.0.1: this machine only)')
    .option('--port <n>', `on which port (KEYTURN_PORT, else ${DEFAULT_PORT}; 0 for any free one)`)
    .option('--public-url <url>', 'as browsers see the server (KEYTURN_PUBLIC_URL)')
    .option('--tls-cert <file>', 'certificate chain, PEM; read again when it changes (KEYTURN_TLS_CERT)')
    .option('--tls-key <file>', 'its key, PEM (KEYTURN_TLS_KEY)')
    .option('--read-only', 'answer reads only')
    .option(
      '--trust-proxy <addresses>',
      'proxies whose X-Forwarded-For is believed, with commas between (KEYTURN_TRUST_PROXY)',
    )
    .option('--metrics-port <n>', '/metrics on a port of its own (KEYTURN_METRICS_PORT)')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent (KEYTURN_LOG_LEVEL, else info)');
}

export function register(program: Command): void {
  withServe(program.command('serve').description('run the server: REST API, sign-in, metrics')).action(
    async (options: ServeOptions) => {
      forbidCoreDumps(process.env);
      await serve(surroundings({}), options);
    },
  );
}

/** The server is ES modules of its own, loaded where it is run only. */
async function loadServer(): Promise<typeof ServerModule> {
  const url = new URL('../server.js', import.meta.url).href;
  return (await import(url)) as typeof ServerModule;
}

function oidcOptions(env: NodeJS.ProcessEnv) {
  const { KEYTURN_OIDC_ISSUER: issuer, KEYTURN_OIDC_CLIENT_ID: clientId } = env;
  const file = env.KEYTURN_OIDC_CLIENT_SECRET_FILE;
  const clientSecret = file ? readFileSync(file, 'utf8').trim() : env.KEYTURN_OIDC_CLIENT_SECRET;
  if (!issuer && !clientId && !clientSecret) return undefined;
  if (issuer && clientId && clientSecret) return { issuer, clientId, clientSecret };
  throw new UsageError(
    'Single sign-on is half set up.',
    'Set KEYTURN_OIDC_ISSUER, KEYTURN_OIDC_CLIENT_ID and KEYTURN_OIDC_CLIENT_SECRET (or …_FILE), or none of them.',
  );
}

/** Starts, says where it is, and runs until a signal ends it. */
export async function serve(around: Surroundings, options: ServeOptions): Promise<void> {
  const { env } = process;
  const { home, config, out } = around;
  requireServerNode();
  const { KeyturnServer } = await loadServer();
  const metricsPort = options.metricsPort ?? env.KEYTURN_METRICS_PORT;
  const server = await KeyturnServer.start({
    home,
    env,
    config,
    version: packageVersion(),
    host: options.host ?? env.KEYTURN_HOST ?? '127.0.0.1',
    port: wholeNumber(options.port ?? env.KEYTURN_PORT ?? DEFAULT_PORT, 'a port'),
    publicUrl: options.publicUrl ?? env.KEYTURN_PUBLIC_URL,
    tlsCert: options.tlsCert ?? env.KEYTURN_TLS_CERT,
    tlsKey: options.tlsKey ?? env.KEYTURN_TLS_KEY,
    readOnly: options.readOnly ?? false,
    trustProxy: options.trustProxy ?? env.KEYTURN_TRUST_PROXY,
    metricsPort: metricsPort === undefined ? undefined : wholeNumber(metricsPort, 'a port'),
    metricsToken: env.KEYTURN_METRICS_TOKEN,
    oidc: oidcOptions(env),
    otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    logLevel: options.logLevel ?? env.KEYTURN_LOG_LEVEL ?? 'info',
    runCommand: (args) => runCommand(args, home.root),
  });
  out.line(
    `Keyturn serves at ${out.style('cyan', server.publicUrl)}  (console: ${server.publicUrl}/admin, API: ${server.publicUrl}/docs)`,
  );
  if (server.sealed) {
    out.line(`It is sealed: ${server.sealed.message}`);
    out.line('It looks for the key every second, and opens by itself.');
  }
  const link = await server.ownerLink();
  if (link !== undefined) {
    out.line('Nobody owns this vault yet. Create its owner with this link; it works once, for a day:');
    out.line(`  ${out.style('bold', link)}`);
  }
  await untilSignal();
  await server.stop();
}

/** The same program once more, for work that takes the whole process. It reads the same environment. */
function runCommand(args: readonly string[], cwd: string): Promise<void> {
  const child = spawn(process.execPath, [process.argv[1] ?? '', ...args], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-1000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      // What it found (1) it has kept: that is told as an alert.
      if (code === EXIT.ok || code === EXIT.findings) resolve();
      else reject(new Error(`keyturn ${args.join(' ')} ended with ${code}: ${complaint}`));
    });
  });
}

function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

function packageVersion(): string {
  // Beside the bundle's folder, as in the package.
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
