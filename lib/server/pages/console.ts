// The owner's console: files that the build has made (console/ in the sources), and one page that every address of it
// leads to. Strict: its own scripts and styles only, no inline script, nothing from elsewhere, in no frame.
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Beside the server's own file once it is built; in the sources, where the build puts it. */
const FOLDERS = ['./console/', '../../../dist/console/'].map((path) => fileURLToPath(new URL(path, import.meta.url)));

/** Addresses that the page itself makes something of. */
const ADDRESSES = ['/admin', '/admin/*', '/sign-in', '/join'];
/** Where the page says which nonce its style elements carry. */
const NONCE = '__KEYTURN_NONCE__';
/** The names of built files have a hash in them: what is behind one never changes. */
const FOREVER = 'public, max-age=31536000, immutable';

function policy(nonce: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    // Mantine writes its colours and breakpoints into a style element of its own.
    `style-src 'self' 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ');
}

/** @returns false where the console was not built */
export async function registerConsole(fastify: FastifyInstance): Promise<boolean> {
  const folder = FOLDERS.find((path) => existsSync(join(path, 'index.html')));
  if (folder === undefined) return false;
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  await fastify.register(fastifyStatic, {
    root: folder,
    serve: false,
    preCompressed: true,
    cacheControl: false,
  });
  const open = { config: { open: true }, schema: { hide: true } };
  fastify.get<{ Params: { '*': string } }>('/console/*', open, (request, reply) =>
    reply
      .header('cache-control', request.params['*'].startsWith('assets/') ? FOREVER : 'no-cache')
      .header('cross-origin-resource-policy', 'same-origin')
      .sendFile(request.params['*']),
  );
  for (const address of ADDRESSES) fastify.get(address, open, (_request, reply) => sendPage(reply, page));
  fastify.get('/', open, (_request, reply) => reply.redirect('/admin'));
  return true;
}

function sendPage(reply: FastifyReply, page: string): FastifyReply {
  const nonce = randomBytes(16).toString('base64url');
  return reply
    .header('content-security-policy', policy(nonce))
    .header('referrer-policy', 'no-referrer')
    .header('cross-origin-opener-policy', 'same-origin')
    .header('cross-origin-resource-policy', 'same-origin')
    .header('content-type', 'text/html; charset=utf-8')
    .serializer((body: unknown) => body as string)
    .send(page.replaceAll(NONCE, nonce));
}
