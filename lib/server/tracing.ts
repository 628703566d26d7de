// Traces by OpenTelemetry, where an OTLP endpoint is set (OTEL_EXPORTER_OTLP_ENDPOINT): one span a request, named by its
// route, never with a path's parts or a header in it. Loaded only then.
import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';
import type { FastifyInstance } from 'fastify';

const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

export interface Tracing {
  register(app: FastifyInstance): void;
  stop(): Promise<void>;
}

/** @param endpoint as OTEL_EXPORTER_OTLP_ENDPOINT has it: `http://127.0.0.1:4318` */
export function startTracing(endpoint: string): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': process.env.OTEL_SERVICE_NAME ?? 'keyturn' }),
    spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 500 })],
  });
  const tracer = provider.getTracer('keyturn');
  const spans = new WeakMap<object, Span>();
  return {
    register(app) {
      app.addHook('onRequest', (request, _reply, done) => {
        const route = request.routeOptions.url ?? 'none';
        const options = {
          kind: SpanKind.SERVER,
          attributes: { 'http.request.method': request.method, 'http.route': route, 'keyturn.request_id': request.id },
        };
        spans.set(
          request,
          tracer.startSpan(`${request.method} ${route}`, options, parentOf(request.headers.traceparent)),
        );
        done();
      });
      app.addHook('onResponse', (request, reply, done) => {
        const span = spans.get(request);
        span?.setAttribute('http.response.status_code', reply.statusCode);
        if (reply.statusCode >= 500) span?.setStatus({ code: SpanStatusCode.ERROR });
        span?.end();
        done();
      });
    },
    stop: () => provider.shutdown(),
  };
}

/** The caller's span, where it names one (W3C Trace Context). */
function parentOf(header: string | string[] | undefined) {
  const match = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
  const context = ROOT_CONTEXT;
  if (!match?.[1] || !match[2]) return context;
  return trace.setSpanContext(context, {
    traceId: match[1],
    spanId: match[2],
    traceFlags: Number.parseInt(match[3] ?? '0', 16),
    isRemote: true,
  });
}
