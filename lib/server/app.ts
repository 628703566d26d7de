// The HTTP application: hooks that every request goes through, and every route. It knows nothing of ports and signals
// (server.ts does).
import swagger from '@fastify/swagger';
import underPressure from '@fastify/under-pressure';
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  createJsonSchemaTransform,
  jsonSchemaTransformObject,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { isKeyturnError, KeyturnError, RequestError } from '../errors.ts';
import type { Caller } from './caller.ts';
import type { Metrics } from './metrics.ts';
import { registerPages } from './pages/pages.ts';
import { sendProblem } from './problems.ts';
import { registerActivity } from './routes/activity.ts';
import { registerAlerts } from './routes/alerts.ts';
import { registerAssurance } from './routes/assurance.ts';
import { registerAudit } from './routes/audit.ts';
import { registerDestinations } from './routes/destinations.ts';
import { registerEmergency } from './routes/emergency.ts';
import { registerIntake } from './routes/intake.ts';
import { registerIntegrations } from './routes/integrations.ts';
import { registerPeople } from './routes/people.ts';
import { registerPlaces } from './routes/places.ts';
import { registerRotations } from './routes/rotations.ts';
import { registerSecrets } from './routes/secrets.ts';
import { registerTokens } from './routes/tokens.ts';
import { registerTurning } from './routes/turning.ts';
import { registerVault } from './routes/vault.ts';
import type { Api, Service } from './service.ts';
import type { Tracing } from './tracing.ts';

const BODY_BYTES = 128 * 1024;
const HEADER_BYTES = 16 * 1024;
const REQUEST_MS = 30_000;

/**
 * The event loop this far behind (ms, the mean of a second), or this much memory in use: new requests are refused until it
 * is better.
 */
const MOST_DELAY_MS = 200;
const MOST_HEAP_BYTES = 3 * 1024 ** 3;

/** What every answer carries. The API is no page: nothing of it may be framed, run or kept. */
const HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

export interface Tls {
  readonly cert: string;
  readonly key: string;
}

export interface AppOptions {
  readonly version: string;
  readonly logger: FastifyBaseLogger;
  readonly metrics: Metrics;
  readonly tracing: Tracing | undefined;
  readonly tls: Tls | undefined;
  readonly readOnly: boolean;
  /** Holds each answer against its schema: a wrong one is an error. For tests. */
  readonly checkAnswers: boolean;
  readonly trustProxy: string | undefined;
  readonly publicUrl: string;
  /** Why the server is sealed; undefined once it is not. */
  readonly sealed: () => KeyturnError | undefined;
  readonly metricsAdmit: (request: FastifyRequest) => boolean;
  /** Resolves when requests can be answered; rejects with why not. */
  readonly ready: () => Promise<void>;
}

export interface App {
  readonly fastify: FastifyInstance;
  /** How many requests are being answered. */
  inFlight(): number;
  /** Puts the routes of the API to work with an opened vault. */
  unseal(service: Service): void;
}

const METHODS_THAT_READ = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Routes ask for the service when they are called: a server that starts sealed has none yet. */
function lateService(): { service: Service; set: (real: Service) => void } {
  let real: Service | undefined;
  const handler: ProxyHandler<object> = {
    get(_, name) {
      if (!real) throw new RequestError('KT_SEALED', 'The server is sealed.', 'Give it its root key.');
      return Reflect.get(real, name);
    },
  };
  return {
    service: new Proxy({}, handler) as Service,
    set: (given) => {
      real = given;
    },
  };
}

export async function buildApp(options: AppOptions): Promise<App> {
  const fastify = Fastify({
    loggerInstance: options.logger,
    logController: new Fastify.LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: 65_000,
    trustProxy: options.trustProxy === undefined ? false : options.trustProxy.split(','),
    routerOptions: { maxParamLength: 256, ignoreTrailingSlash: false },
    genReqId: requestIds(),
    // A logger of its own for each request costs as much as its audit entry; lines carry the request's id themselves.
    childLoggerFactory: (logger) => logger,
    requestIdHeader: false,
    // A path that cannot be one is answered as everything else is.
    frameworkErrors: (error, request, reply) => {
      setHeaders(reply, request.id);
      sendProblem(request, reply, error);
    },
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    http: { maxHeaderSize: HEADER_BYTES },
    ...(options.tls && { https: { ...options.tls, maxHeaderSize: HEADER_BYTES, minVersion: 'TLSv1.2' as const } }),
  }) as unknown as FastifyInstance;
  fastify.setValidatorCompiler(validatorCompiler);
  // What a handler gives is typed by its schema, and the tests hold every answer against it: writing needs no check.
  fastify.setSerializerCompiler(options.checkAnswers ? serializerCompiler : () => (data) => JSON.stringify(data));
  const late = lateService();
  const flying = { count: 0 };
  hooks(fastify, options, late.service, flying);
  await fastify.register(underPressure, {
    maxEventLoopDelay: MOST_DELAY_MS,
    maxHeapUsedBytes: MOST_HEAP_BYTES,
    retryAfter: 1,
    pressureHandler: (request) => {
      // A page without its style is no help to anybody, and a file costs next to nothing.
      if (request.url.startsWith('/console/')) return;
      throw new RequestError('KT_OVERLOADED', 'The server has more to do than it can.', 'Try again shortly.');
    },
  });
  await fastify.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Keyturn',
        version: options.version,
        description: 'Secrets, kept and turned. Errors are problem details (RFC 9457) with stable codes.',
      },
      servers: [{ url: options.publicUrl }],
      components: {
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'A machine token: kt_<environment>_…' },
          session: { type: 'apiKey', in: 'cookie', name: 'keyturn.session_token' },
        },
      },
      security: [{ token: [] }, { session: [] }],
    },
    transform: (input) => {
      const { schema, url } = createJsonSchemaTransform({})(input as never);
      const { permission, open } = input.route.config ?? {};
      return {
        url,
        schema: { ...schema, ...(open ? { security: [] } : { 'x-permission': permission }) } as typeof schema,
      };
    },
    transformObject: jsonSchemaTransformObject as never,
  });
  health(fastify, options);
  options.metrics.register(fastify, options.metricsAdmit);
  const api = fastify.withTypeProvider<ZodTypeProvider>() as unknown as Api;
  for (const register of [
    registerPlaces,
    registerSecrets,
    registerIntake,
    registerIntegrations,
    registerActivity,
    registerRotations,
    registerTurning,
    registerDestinations,
    registerEmergency,
    registerAlerts,
    registerAssurance,
    registerVault,
    registerAudit,
    registerTokens,
    registerPeople,
  ]) {
    register(api, late.service);
  }
  fastify.route({
    method: ['GET', 'POST'],
    url: '/api/auth/*',
    schema: { hide: true },
    config: { open: true },
    handler: (request, reply) => late.service.signIn.handle(request, reply, late.service.callers),
  });
  await registerPages(fastify);
  return { fastify, inFlight: () => flying.count, unseal: late.set };
}

/** Ids that grow: two of a request never are the same, and a log can be searched by them. */
function requestIds(): () => string {
  const start = Date.now().toString(36) + process.pid.toString(36);
  let count = 0;
  return () => {
    count += 1;
    return `${start}-${count.toString(36)}`;
  };
}

function hooks(fastify: FastifyInstance, options: AppOptions, service: Service, flying: { count: number }): void {
  const landed = () => {
    flying.count -= 1;
  };
  const debug = ['debug', 'trace'].includes(options.logger.level);
  fastify.decorateRequest('caller', undefined);
  options.tracing?.register(fastify);
  fastify.addHook('onRequest', (request, reply, done) => {
    flying.count += 1;
    // Said once for each request, also where the client goes away before it is answered.
    reply.raw.on('close', landed);
    setHeaders(reply, request.id);
    const { config } = request.routeOptions;
    const why = options.sealed();
    if (why && !config.open) {
      done(sealedError(why));
      return;
    }
    if (options.readOnly && !config.reads && !METHODS_THAT_READ.has(request.method)) {
      done(new RequestError('KT_READ_ONLY', 'This server is read-only.', 'Ask one that is not.'));
      return;
    }
    if (config.open || request.is404) {
      done();
      return;
    }
    identify(request, service, done);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    options.metrics.observe(request, reply);
    if (debug || reply.statusCode >= 500) logAnswer(request, reply);
    done();
  });
  fastify.setErrorHandler((error, request, reply) => {
    options.metrics.problem(isKeyturnError(error) ? error.code : 'other');
    sendProblem(request, reply, error);
  });
  fastify.setNotFoundHandler((request, reply) => {
    sendProblem(request, reply, notHere());
  });
}

function logAnswer(request: FastifyRequest, reply: FastifyReply): void {
  const facts = {
    requestId: request.id,
    route: request.routeOptions.url,
    status: reply.statusCode,
    ms: Math.round(reply.elapsedTime),
  };
  if (reply.statusCode >= 500) request.log.warn(facts, 'refused');
  else request.log.debug(facts, 'answered');
}

function setHeaders(reply: FastifyReply, requestId: string): void {
  reply.headers(HEADERS);
  reply.header('x-request-id', requestId);
}

function notHere(): KeyturnError {
  return new KeyturnError('KT_NOT_FOUND', {
    what: 'There is nothing at that address.',
    next: '/docs shows what there is.',
  });
}

function sealedError(why: KeyturnError): RequestError {
  return new RequestError(
    'KT_SEALED',
    `The server is sealed: ${why.text.what}`,
    why.text.next ?? 'Give it its root key.',
  );
}

/** At once where the token is in memory: most requests wait for nothing here. */
function identify(request: FastifyRequest, service: Service, done: (error?: Error) => void): void {
  const set = (caller: Caller) => {
    request.caller = caller;
    done();
  };
  try {
    const found = service.callers.identify(request);
    if (found instanceof Promise) found.then(set, done);
    else set(found);
  } catch (error) {
    done(error as Error);
  }
}

function health(fastify: FastifyInstance, options: AppOptions): void {
  fastify.get('/healthz', { config: { open: true }, schema: { hide: true } }, async () => ({ status: 'up' }));
  fastify.get('/openapi.json', { config: { open: true }, schema: { hide: true } }, async () => fastify.swagger());
  fastify.get('/readyz', { config: { open: true }, schema: { hide: true } }, async (_request, reply) => {
    const why = options.sealed();
    if (why) throw sealedError(why);
    await options.ready();
    return reply.send({ status: 'ready', readOnly: options.readOnly });
  });
}
