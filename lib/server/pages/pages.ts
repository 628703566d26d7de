// The few pages that the server has of its own: the start, the API's reference, and where one-time links lead. Strict:
// their own style and script only, no inline ones, nothing from elsewhere, in no frame.
import type { FastifyInstance, FastifyReply } from 'fastify';
import { problemCodes } from '../problems.ts';
import { JOIN_SCRIPT, STYLE } from './assets.ts';
import { docsPage, type OpenApi } from './docs.ts';

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

function html(title: string, body: string, script = ''): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title><link rel="stylesheet" href="/assets/pages.css">${script}</head><body>${body}</body></html>\n`;
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

const START = `<h1>Keyturn</h1><p>This server keeps and turns secrets. Programs reach it by its <a href="/docs">API</a>; the command <code>keyturn</code> works beside it.</p>`;

const JOIN = `<h1>One moment …</h1><p class="note" role="status" hidden></p>
<form hidden><label>Email <input name="email" type="email" autocomplete="username" required></label>
<label>Name <input name="name" autocomplete="name" required maxlength="100"></label>
<label>Password, 12 characters or more <input name="password" type="password" autocomplete="new-password" minlength="12" maxlength="256" required></label>
<label>The same again <input name="again" type="password" autocomplete="new-password" minlength="12" required></label>
<button>Go on</button></form>`;

export function registerPages(fastify: FastifyInstance): void {
  const open = { config: { open: true }, schema: { hide: true } };
  let docs: string | undefined;
  fastify.get('/', open, (_request, reply) => sendText(reply, 'text/html', html('Keyturn', START)));
  fastify.get('/docs', open, (_request, reply) => {
    docs ??= html('Keyturn API', docsPage(fastify.swagger() as unknown as OpenApi, problemCodes()));
    return sendText(reply, 'text/html', docs);
  });
  fastify.get('/join', open, (_request, reply) =>
    sendText(reply, 'text/html', html('Keyturn', JOIN, '<script type="module" src="/assets/join.js"></script>')),
  );
  fastify.get('/assets/pages.css', open, (_request, reply) => sendText(reply, 'text/css', STYLE));
  fastify.get('/assets/join.js', open, (_request, reply) => sendText(reply, 'text/javascript', JOIN_SCRIPT));
}
