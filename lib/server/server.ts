// The server: opens the store and the vault (or waits, sealed, for its root key), listens, and stops gracefully.
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type DestinationStream, type Logger, pino } from 'pino';
import type { ProjectConfig } from '../config/config.ts';
import { isKeyturnError, type KeyturnError, UsageError } from '../errors.ts';
import { Directory } from '../identity/directory.ts';
import { ownerLink } from '../identity/people.ts';
import { type AlertRun, alertRun } from '../monitoring/alert-run.ts';
import type { ReportRun } from '../reporting/deliver.ts';
import type { World } from '../rotation/world.ts';
import { worldOf } from '../rotation/world-of.ts';
import { logTransaction } from '../store/operation.ts';
import { ServedPostgres } from '../store/postgres/served-postgres.ts';
import { ServedSqlite } from '../store/served-sqlite.ts';
import type { ServedStore } from '../store/served-store.ts';
import { SqliteStore } from '../store/sqlite.ts';
import { compileForSqlite } from '../store/sqlite-compiler.ts';
import type { VaultHome } from '../vault/home.ts';
import { Intake, turnIntakeKey } from '../vault/intake.ts';
import { DEFAULT_ENVIRONMENT, DEFAULT_PROJECT } from '../vault/names.ts';
import type { Place } from '../vault/places.ts';
import { placeOfRootKey } from '../vault/root-key-files.ts';
import { ServedVault } from '../vault/served-vault.ts';
import { type App, buildApp, type Tls } from './app.ts';
import { Callers } from './caller.ts';
import { EventStreams } from './events.ts';
import { Exchange } from './exchange.ts';
import { Forwarder } from './forwarder.ts';
import { Metrics } from './metrics.ts';
import { type Scheduler, startBoss, startTimers } from './scheduler.ts';
import { type OidcOptions, SignIn } from './sign-in.ts';
import type { Tracing } from './tracing.ts';

/**
 * How many pages the write-ahead log may have before it is folded back (12 MB): the pages that each group writes again
 * are folded once instead of three times.
 */
const LOG_PAGES = 3_000;
/** How often, in ms, a sealed server looks for its root key. */
const UNSEAL_MS = 1_000;
const CERTIFICATE_MS = 1_000;

export interface ServerOptions {
  readonly home: VaultHome;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config: ProjectConfig;
  readonly version: string;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** As browsers see this server, where that is not where it listens. */
  readonly publicUrl?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly readOnly?: boolean;
  readonly trustProxy?: string | undefined;
  /** Metrics on a port of their own, on the same host. */
  readonly metricsPort?: number | undefined;
  /** What /metrics wants as a bearer token, where it is on the server's own port. */
  readonly metricsToken?: string | undefined;
  readonly oidc?: OidcOptions | undefined;
  readonly otlpEndpoint?: string | undefined;
  readonly logLevel?: string;
  readonly logStream?: DestinationStream;
  readonly cachedValues?: number | undefined;
  /** Runs a `keyturn` command as a process of its own, for work that would hold up requests; without it that work is left out. */
  readonly runCommand?: ((args: readonly string[]) => Promise<void>) | undefined;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
  /** Holds each answer against its schema: a wrong one is an error. For tests. */
  readonly checkAnswers?: boolean;
}

/** How long, in ms, requests that are being answered when the server stops may take. */
const FINISH_MS = 30_000;

/** Takes no new requests, finishes those that are being answered, then closes every connection. */
async function closeGently(app: App): Promise<void> {
  const until = performance.now() + FINISH_MS;
  const closed = app.fastify.close();
  while (app.inFlight() > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 20));
  app.fastify.server.closeAllConnections();
  await closed;
}

/** Where a log line might hold what nobody should read, should anybody ever log a request or an error's parts. */
const REDACTED = [
  'req.headers.authorization',
  'req.headers.cookie',
  'headers.authorization',
  'headers.cookie',
  '*.value',
  '*.base64',
  '*.password',
  '*.token',
  '*.secret',
  '*.link',
];

export class KeyturnServer {
  readonly #options: ServerOptions;
  readonly #log: Logger;
  readonly #metrics: Metrics;
  #app: App | undefined;
  #store: ServedStore | undefined;
  #vault: ServedVault | undefined;
  #signIn: SignIn | undefined;
  #forwarder: Forwarder | undefined;
  #scheduler: Scheduler | undefined;
  #events: EventStreams | undefined;
  #tracing: Tracing | undefined;
  #metricsServer: Server | undefined;
  #sealed: KeyturnError | undefined;
  #unsealTimer: NodeJS.Timeout | undefined;
  #url = '';
  #stopping: Promise<void> | undefined;

  private constructor(options: ServerOptions) {
    this.#options = options;
    this.#log = pino(
      {
        level: options.logLevel ?? 'info',
        base: { pid: process.pid },
        redact: { paths: REDACTED, censor: '[redacted]' },
        serializers: {
          err: (error: Error & { code?: string }) => ({
            type: error.name,
            code: error.code,
            message: error.message,
            stack: error.stack,
          }),
        },
      },
      options.logStream ?? pino.destination({ fd: 2, sync: true }),
    );
    this.#metrics = new Metrics(() => this.#vault);
  }

  /**
   * Starts. A vault whose root key is not at hand does not stop it: it answers 503 and says what it waits for.
   * @throws UsageError, StoreError
   */
  static async start(options: ServerOptions): Promise<KeyturnServer> {
    const server = new KeyturnServer(options);
    try {
      await server.#start();
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  /** Where it listens. */
  get url(): string {
    return this.#url;
  }

  /** Where the metrics are, if on a port of their own. */
  get metricsUrl(): string | undefined {
    const address = this.#metricsServer?.address();
    if (!address || typeof address === 'string') return undefined;
    return `http://${this.#options.host}:${address.port}`;
  }

  get publicUrl(): string {
    return this.#options.publicUrl ?? this.#url;
  }

  /** Why it is sealed; undefined once it is not. */
  get sealed(): KeyturnError | undefined {
    return this.#sealed;
  }

  get fastify(): FastifyInstance {
    if (!this.#app) throw new TypeError('not started');
    return this.#app.fastify;
  }

  /** The one-time link that makes the first owner; undefined where there is one, and while sealed. */
  async ownerLink(): Promise<string | undefined> {
    if (!this.#vault || this.#options.readOnly) return undefined;
    const secret = await this.#vault.read(ownerLink(this.#vault.system));
    return secret === undefined ? undefined : `${this.publicUrl}/join#${secret}`;
  }

  /** Finishes what is being answered, writes what is counted, and closes everything. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #start(): Promise<void> {
    const { host, port, otlpEndpoint } = this.#options;
    const tls = this.#tls();
    if (otlpEndpoint) this.#tracing = (await import('./tracing.ts')).startTracing(otlpEndpoint);
    this.#store = await this.#openStore();
    this.#app = await buildApp({
      version: this.#options.version,
      logger: this.#log,
      metrics: this.#metrics,
      tracing: this.#tracing,
      tls,
      readOnly: this.#options.readOnly ?? false,
      checkAnswers: this.#options.checkAnswers ?? false,
      trustProxy: this.#options.trustProxy,
      publicUrl: this.#options.publicUrl ?? '/',
      sealed: () => this.#sealed,
      metricsAdmit: (request) => this.#admitsMetrics(request),
      ready: async () => this.#vault?.store.ping(),
    });
    this.#url = await this.#listen(this.#app, host, port);
    if (tls) this.#watchCertificate();
    await this.#unseal();
    if (this.#options.metricsPort !== undefined) await this.#serveMetrics(this.#options.metricsPort);
    this.#log.info({ url: this.#url, store: this.#store.label, sealed: this.#sealed?.code }, 'listening');
  }

  async #listen({ fastify }: App, host: string, port: number): Promise<string> {
    try {
      return await fastify.listen({ host, port });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE')
        throw new UsageError(`Something listens on ${host}:${port} already.`, 'Choose another with --port.');
      if (code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
        throw new UsageError(`Cannot listen on ${host}:${port} (${code}).`, 'Choose another with --host and --port.');
      }
      throw error;
    }
  }

  async #openStore(): Promise<ServedStore> {
    const { env, home } = this.#options;
    const url = env.KEYTURN_DATABASE_URL;
    if (url) return ServedPostgres.open({ url, compile: compileForSqlite });
    try {
      return new ServedSqlite(SqliteStore.open(home.database, { logPages: LOG_PAGES }));
    } catch (error) {
      if (!isKeyturnError(error) || error.code !== 'KT_VAULT_NOT_FOUND') throw error;
      return new ServedSqlite(SqliteStore.create(home.database, { logPages: LOG_PAGES }));
    }
  }

  /** Opens the vault, or waits for its key. */
  async #unseal(): Promise<void> {
    const { home, env, config, version } = this.#options;
    if (!this.#store || !this.#app) return;
    try {
      this.#vault = await ServedVault.open({
        home,
        env,
        store: this.#store,
        catalog: config.catalog,
        suite: config.suite,
        source: `keyturn serve ${version}`,
        onError: (error) => this.#log.error({ err: error }, 'housekeeping failed; it is tried again'),
        ...(this.#options.clock && { clock: this.#options.clock }),
        ...(this.#options.cachedValues !== undefined && { cachedValues: this.#options.cachedValues }),
      });
    } catch (error) {
      if (!isKeyturnError(error) || !/^KT_(?:ROOT_KEY|KMS)/.test(error.code)) throw error;
      if (!this.#sealed) this.#log.warn({ code: error.code }, `sealed: ${error.message}`);
      this.#sealed = error;
      this.#unsealTimer = setTimeout(() => {
        this.#unseal().catch((failure: unknown) => this.#log.error({ err: failure }, 'cannot unseal'));
      }, UNSEAL_MS);
      return;
    }
    await this.#furnish(this.#vault, this.#app);
    if (this.#sealed) this.#log.info('unsealed');
    this.#sealed = undefined;
  }

  async #furnish(vault: ServedVault, app: App): Promise<void> {
    const { env, home, oidc, readOnly } = this.#options;
    const databaseUrl = env.KEYTURN_DATABASE_URL || undefined;
    const tokenKey = vault.serverKey.deriveKey('keyturn/v1/tokens');
    const directory = new Directory(vault);
    const signIn = SignIn.open({ vault, databaseUrl, file: home.database, publicUrl: this.publicUrl, oidc });
    this.#signIn = signIn;
    const callers = new Callers(vault, directory, tokenKey, (request) => signIn.person(request));
    const forwarder = new Forwarder(vault);
    this.#forwarder = forwarder;
    const exchange = new Exchange(vault, tokenKey);
    const world = this.#world(vault);
    const alerts = this.#alerts(vault, world);
    const reports = this.#reports(vault, alerts);
    const { publicUrl } = this;
    const intake = new Intake(vault.state);
    const events = new EventStreams(vault);
    this.#events = events;
    app.unseal({
      vault,
      directory,
      callers,
      signIn,
      exchange,
      events,
      intake,
      forwarder,
      world,
      alerts,
      reports,
      tokenKey,
      publicUrl,
    });
    if (readOnly) return;
    await vault.run(turnIntakeKey(vault.system));
    await vault.read(logTransaction(vault.system.log([{ action: 'server.start', details: { url: this.#url } }])));
    const onError = (error: unknown, job: string) => this.#log.error({ err: error, job }, 'a job failed');
    const { runCommand } = this.#options;
    const work = { vault, forwarder, world, alerts, reports, runCommand, onError };
    this.#scheduler =
      databaseUrl !== undefined && vault.store instanceof ServedPostgres
        ? await startBoss(databaseUrl, `${vault.store.schema}_jobs`, work)
        : startTimers(work);
  }

  #world(vault: ServedVault): World {
    const { config, env, home } = this.#options;
    const { clock, random } = vault.state;
    return worldOf({ operations: config.operations, root: home.root, at: this.#place, env, random, clock });
  }

  #alerts(vault: ServedVault, world: World): AlertRun {
    const { alerts = {} } = this.#options.config.operations;
    return alertRun({
      config: { link: this.#options.publicUrl, ...alerts },
      http: world.http,
      at: this.#place,
      home: vault.home,
      destinations: world.destinations.map((one) => one.id),
      print: (line) => this.#log.warn({ alert: true }, line),
    });
  }

  #reports(vault: ServedVault, alerts: AlertRun): ReportRun {
    const { config } = this.#options;
    const around = () => ({
      newestBackupAt: alerts.newestBackupAt(),
      rootKeyFrom: placeOfRootKey(vault.rootKeySource),
      channels: alerts.world.channels.map((one) => one.title),
      publicUrl: this.publicUrl,
    });
    return { config: config.operations.reports ?? {}, around, world: alerts.world };
  }

  /** What the configuration means when it does not say where. */
  get #place(): Place {
    const { config, env } = this.#options;
    return {
      project: config.project ?? DEFAULT_PROJECT,
      environment: env.KEYTURN_ENV ?? config.environment ?? DEFAULT_ENVIRONMENT,
    };
  }

  async #stop(): Promise<void> {
    const { tlsCert, tlsKey } = this.#options;
    clearTimeout(this.#unsealTimer);
    for (const file of [tlsCert, tlsKey]) if (file) unwatchFile(file);
    this.#events?.close();
    await this.#scheduler?.stop();
    await this.#forwarder?.stop();
    if (this.#app) await closeGently(this.#app);
    await new Promise<void>((resolve) =>
      this.#metricsServer ? this.#metricsServer.close(() => resolve()) : resolve(),
    );
    try {
      await this.#closeVault();
    } catch (error) {
      // The database is away: what was answered is there; what was counted since is lost, and the log says so here.
      if (!isKeyturnError(error)) throw error;
      this.#log.error({ code: error.code }, `closed without a last word in the audit log: ${error.message}`);
    }
    await this.#tracing?.stop();
    this.#log.info('stopped');
  }

  async #closeVault(): Promise<void> {
    await this.#signIn?.close();
    if (!this.#vault) {
      await this.#store?.close();
      return;
    }
    try {
      if (!this.#options.readOnly) {
        await this.#vault.read(logTransaction(this.#vault.system.log([{ action: 'server.stop' }])));
      }
    } finally {
      await this.#vault.close();
    }
  }

  #tls(): Tls | undefined {
    const { tlsCert, tlsKey } = this.#options;
    if (tlsCert === undefined && tlsKey === undefined) return undefined;
    if (tlsCert === undefined || tlsKey === undefined)
      throw new UsageError('TLS needs both a certificate and its key.');
    try {
      return { cert: readFileSync(tlsCert, 'utf8'), key: readFileSync(tlsKey, 'utf8') };
    } catch (error) {
      throw new UsageError(
        `The TLS files cannot be read (${(error as NodeJS.ErrnoException).code}).`,
        'Check --tls-cert and --tls-key.',
      );
    }
  }

  /** A renewed certificate is used for new connections, without a restart. One that does not fit is left alone. */
  #watchCertificate(): void {
    const { tlsCert, tlsKey } = this.#options;
    const reload = () => {
      try {
        const tls = this.#tls();
        if (tls) (this.fastify.server as unknown as TlsServer).setSecureContext(tls);
        this.#log.info('the certificate was reloaded');
      } catch (error) {
        this.#log.error({ err: error }, 'the new certificate cannot be used; the one before still is');
      }
    };
    for (const file of [tlsCert, tlsKey])
      if (file) watchFile(file, { interval: CERTIFICATE_MS, persistent: false }, reload);
  }

  /** On the server's own port /metrics is there for whoever has the token; without a token, only on its own port. */
  #admitsMetrics(request: FastifyRequest): boolean {
    const { metricsToken } = this.#options;
    const given = request.headers.authorization;
    if (metricsToken === undefined || given === undefined) return false;
    const hash = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(hash(given), hash(`Bearer ${metricsToken}`));
  }

  async #serveMetrics(port: number): Promise<void> {
    const server = createServer((request, response) => {
      if (request.url !== '/metrics') {
        response.writeHead(404).end();
        return;
      }
      this.#metrics.registry.metrics().then(
        (text) => response.writeHead(200, { 'content-type': this.#metrics.registry.contentType }).end(text),
        (error: unknown) => {
          this.#log.error({ err: error }, 'no metrics');
          response.writeHead(500).end();
        },
      );
    });
    this.#metricsServer = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#options.host, resolve);
    });
  }
}
