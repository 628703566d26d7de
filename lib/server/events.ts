// What happens in an environment, told to browsers as it happens: server-sent events (WHATWG HTML, 9.2). Whoever listens is
// asked who they are before each telling, so that a person who was taken away hears no more.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServedVault } from '../vault/served-vault.ts';

/** Changes that come close together (ms) are told at once. */
const TOGETHER_MS = 150;
/** What other processes change in the same file is not told by it: it is looked for this often (ms). */
const LOOK_MS = 2_000;
/** A comment this often (ms) keeps proxies from closing a stream on which nothing happens. */
const KEEP_ALIVE_MS = 20_000;
/** How long (ms) a browser waits before it connects again. */
const RETRY_MS = 2_000;

export interface Telling {
  readonly event: string;
  readonly data: unknown;
}

/**
 * What a listener is to hear now; throws where it may not listen any longer.
 * @param changed whether anything is known to have changed since it was asked last
 */
type Ask = (changed: boolean) => Promise<readonly Telling[]>;

export class EventStreams {
  readonly #open = new Set<() => void>();
  readonly #listeners = new Set<() => void>();

  constructor(vault: ServedVault) {
    vault.onWrite(() => {
      for (const listener of this.#listeners) listener();
    });
  }

  /** Answers a request with a stream, which ends when either side goes away or `ask` throws. */
  open(request: FastifyRequest, reply: FastifyReply, ask: Ask): void {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    });
    raw.write(`retry: ${RETRY_MS}\n\n`);
    let waiting: NodeJS.Timeout | undefined;
    let asking = false;
    let changed = false;
    const end = () => raw.end();
    const tell = async () => {
      waiting = undefined;
      if (asking) return;
      asking = true;
      const since = changed;
      changed = false;
      try {
        for (const { event, data } of await ask(since)) raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
      } catch (error) {
        // It comes again, and is told then what is in the way.
        request.log.debug({ requestId: request.id, err: error }, 'a stream of events ended');
        end();
      }
      asking = false;
    };
    const soon = () => {
      changed = true;
      waiting ??= setTimeout(tell, TOGETHER_MS);
    };
    const look = setInterval(tell, LOOK_MS);
    const alive = setInterval(() => raw.write(': alive\n\n'), KEEP_ALIVE_MS);
    this.#open.add(end);
    this.#listeners.add(soon);
    raw.on('close', () => {
      clearInterval(alive);
      clearInterval(look);
      clearTimeout(waiting);
      this.#open.delete(end);
      this.#listeners.delete(soon);
    });
    void tell();
  }

  /** Ends every stream: the server stops. */
  close(): void {
    for (const end of this.#open) end();
  }
}
