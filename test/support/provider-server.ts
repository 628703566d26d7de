// Providers for tests: real HTTP servers that speak the documented protocol of each, errors included, and that can be made
// to fail as real ones do: throttled, slow, cut off in the middle, answering with a page.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** A key at a provider. */
export interface ProviderKey {
  readonly id: string;
  readonly value: string;
  readonly name: string;
  live: boolean;
  /** False for one that may do little: valid but restricted. */
  readonly full: boolean;
}

export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The key that a bearer token is, if there is one. */
  readonly key: ProviderKey | undefined;
}

export interface Reply {
  readonly status: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What goes wrong with the next request. */
export type Fault =
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** The work is done, and the answer never comes: the connection is cut. */
  | { readonly kind: 'cut-after' }
  | { readonly kind: 'cut-before' }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'page' };

export type Handler = (asked: Asked, server: ProviderServer) => Reply;

export class ProviderServer {
  url = '';
  readonly keys: ProviderKey[] = [];
  readonly requests: { readonly method: string; readonly path: string }[] = [];
  /** Consumed one by one, a request each. */
  readonly faults: Fault[] = [];
  /** Called before a request is worked on, and after that before it is answered. */
  onRequest: ((when: 'before' | 'after', asked: Asked) => void | Promise<void>) | undefined;
  #count = 0;

  /** @param admin may do everything, and is itself no key of the application */
  addKey(value: string, more: Partial<ProviderKey> = {}): ProviderKey {
    this.#count += 1;
    const key = { id: `key${this.#count}`, name: 'made by hand', live: true, full: true, ...more, value };
    this.keys.push(key);
    return key;
  }

  /** A new key in a form of the provider's. */
  newKey(prefix: string, name: string, length = 40): ProviderKey {
    const random = Buffer.from(crypto.getRandomValues(new Uint8Array(length)))
      .toString('hex')
      .slice(0, length);
    return this.addKey(prefix + random, { name });
  }

  find(value: string | undefined): ProviderKey | undefined {
    return this.keys.find((one) => one.value === value && one.live);
  }

  end(id: string | undefined): ProviderKey | undefined {
    const key = this.keys.find((one) => one.id === id && one.live);
    if (key) key.live = false;
    return key;
  }

  /** Live keys but for those that tests made to administer. */
  liveValues(): string[] {
    return this.keys.filter((one) => one.live && !one.value.includes('admin')).map((one) => one.value);
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}

function send(response: ServerResponse, reply: Reply): void {
  const json = reply.json !== undefined;
  const type = json ? 'application/json' : 'text/plain';
  response.writeHead(reply.status, { 'content-type': type, ...reply.headers });
  response.end(json ? JSON.stringify(reply.json) : (reply.text ?? ''));
}

const PAGE: Reply = {
  status: 200,
  text: '<html><body>Please sign in to this network.</body></html>',
  headers: { 'content-type': 'text/html' },
};

/** Starts a provider; it ends with the test. */
export async function providerServer(handler: Handler): Promise<ProviderServer> {
  const { provider, stop } = await startProvider(handler);
  onTestFinished(stop);
  return provider;
}

/** Starts a provider that runs until it is stopped. */
export async function startProvider(handler: Handler): Promise<{ provider: ProviderServer; stop: () => void }> {
  const provider = new ProviderServer();
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await bodyOf(request);
    const url = new URL(request.url ?? '/', 'http://provider');
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const asked: Asked = {
      method: request.method ?? '',
      url,
      headers: request.headers,
      body,
      key: provider.find(bearer ?? (request.headers.apikey as string | undefined)),
    };
    provider.requests.push({ method: asked.method, path: url.pathname });
    await provider.onRequest?.('before', asked);
    const fault = provider.faults.shift();
    if (fault?.kind === 'cut-before') return void request.socket.destroy();
    if (fault?.kind === 'reply') return send(response, fault.reply);
    if (fault?.kind === 'page') return send(response, PAGE);
    if (fault?.kind === 'slow') await new Promise((resolve) => setTimeout(resolve, fault.ms));
    const reply = handler(asked, provider);
    await provider.onRequest?.('after', asked);
    if (fault?.kind === 'cut-after') return void request.socket.destroy();
    send(response, reply);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response.destroy(error as Error);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  provider.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return { provider, stop };
}
