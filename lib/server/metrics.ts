// Metrics for Prometheus. Requests by route pattern, method and status class: never by path, which would name secrets.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ServedVault } from '../vault/served-vault.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

interface RouteMetrics {
  observe(seconds: number): void;
}

export class Metrics {
  readonly registry = new Registry();
  readonly #requests: Histogram<'method' | 'route' | 'status'>;
  readonly #problems: Counter<'code'>;
  /** A look-up by labels costs as much as all else: each combination is kept as it is. */
  readonly #known = new Map<string, RouteMetrics>();

  constructor(vault: () => ServedVault | undefined) {
    const { registry } = this;
    collectDefaultMetrics({ register: registry, prefix: 'keyturn_' });
    this.#requests = new Histogram({
      name: 'keyturn_http_request_duration_seconds',
      help: 'How long requests took, by route.',
      labelNames: ['method', 'route', 'status'],
      buckets: SECONDS,
      registers: [registry],
    });
    this.#problems = new Counter({
      name: 'keyturn_problems_total',
      help: 'Answers that were problems, by code: KT_UNAUTHENTICATED and KT_ACCESS_DENIED are refused attempts.',
      labelNames: ['code'],
      registers: [registry],
    });
    new Gauge({
      name: 'keyturn_sealed',
      help: '1 while the server waits for its root key.',
      registers: [registry],
      collect() {
        this.set(vault() ? 0 : 1);
      },
    });
  }

  observe(request: FastifyRequest, reply: FastifyReply): void {
    const route = request.routeOptions.url ?? 'none';
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    const key = `${request.method} ${route} ${status}`;
    let known = this.#known.get(key);
    if (!known) {
      known = this.#requests.labels({ method: request.method, route, status });
      this.#known.set(key, known);
    }
    known.observe(reply.elapsedTime / 1000);
  }

  problem(code: string): void {
    this.#problems.inc({ code });
  }

  /** /metrics, for whoever has the token, where one is set. */
  register(app: FastifyInstance, admits: (request: FastifyRequest) => boolean): void {
    app.get('/metrics', { config: { open: true }, schema: { hide: true } }, async (request, reply) => {
      if (!admits(request)) return reply.code(404).send({ message: 'not here' });
      return reply
        .header('content-type', this.registry.contentType)
        .serializer((text: unknown) => text as string)
        .send(await this.registry.metrics());
    });
  }
}
