// The pages that the server has of its own: the API's reference, and a word where the console was not built. Strict: their
// own style only, no script, nothing from elsewhere, in no frame.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { problemCodes } from '../problems.ts';
import { STYLE } from './assets.ts';
import { registerConsole } from './console.ts';
import { docsPage, type OpenApi } from './docs.ts';

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

function html(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><link rel="stylesheet" href="/assets/pages.css"></head><body>${body}</body></html>\n`;
}

function sendText(reply: FastifyReply, type: string, text: string): FastifyReply {
  return reply
    .header('content-security-policy', POLICY)
    .header('referrer-policy', 'no-referrer')
    .header('cross-origin-resource-policy', 'same-origin')
    .header('content-type', `${type}; charset=utf-8`)
    .serializer((body: unknown) => body as string)
    .send(text);
}

const UNBUILT = `<h1>Keyturn</h1><p>This server keeps and turns secrets. Programs reach it by its <a href="/docs">API</a>; the command <code>keyturn</code> works beside it. The console is not here: <code>npm start</code> in a checkout builds it.</p>`;

export async function registerPages(fastify: FastifyInstance): Promise<void> {
  const open = { config: { open: true }, schema: { hide: true } };
  let docs: string | undefined;
  fastify.get('/docs', open, (_request, reply) => {
    docs ??= html('Keyturn API', docsPage(fastify.swagger() as unknown as OpenApi, problemCodes()));
    return sendText(reply, 'text/html', docs);
  });
  fastify.get('/assets/pages.css', open, (_request, reply) => sendText(reply, 'text/css', STYLE));
  if (await registerConsole(fastify)) return;
  for (const address of ['/', '/admin', '/join']) {
    fastify.get(address, open, (_request, reply) => sendText(reply, 'text/html', html('Keyturn', UNBUILT)));
  }
}
