// The types of the API that the console uses (console/src/api/schema.d.ts), from the OpenAPI document, which is made from
// the schemas that check each request: a page that asks for what is not there does not compile.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTypes, { astToString } from 'openapi-typescript';
import { buildApp } from '../../lib/server/app.ts';
import { Metrics } from '../../lib/server/metrics.ts';
import { ROOT } from './set-up.js';

const TARGET = join(ROOT, 'console', 'src', 'api', 'schema.d.ts');
const nothing = () => undefined;
const logger = { level: 'silent', child: () => logger };
for (const level of ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']) logger[level] = nothing;

/** The OpenAPI document, as the server gives it out. */
export async function apiDocument() {
  const { fastify } = await buildApp({
    version: 'types',
    logger,
    metrics: new Metrics(nothing),
    tracing: undefined,
    tls: undefined,
    readOnly: false,
    checkAnswers: false,
    trustProxy: undefined,
    publicUrl: '/',
    sealed: nothing,
    metricsAdmit: () => false,
    ready: async () => undefined,
  });
  await fastify.ready();
  const document = JSON.parse(JSON.stringify(fastify.swagger()));
  await fastify.close();
  return document;
}

export async function writeApiTypes() {
  const document = await apiDocument();
  const head = '// Made from the API by the build. Not to be changed by hand, and not kept in git.\n';
  writeFileSync(TARGET, head + astToString(await openapiTypes(document)));
}
