// Forwarding the audit log: to a webhook, a syslog server or a file, at least once and in order. The cursor (the last
// entry delivered, by chain) is kept in the store, and moves only when the other side has taken what came before.
import { createHmac } from 'node:crypto';
import { appendFileSync, closeSync, fsyncSync, openSync } from 'node:fs';
import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { SealedEntry } from '../audit/entry.ts';
import { exportEntry } from '../audit/export.ts';
import { asBuffer } from '../crypto/bytes.ts';
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { all, first, type Operation, transaction } from '../store/operation.ts';
import type { ForwardTable } from '../store/schema.ts';
import { selectChains, selectEntriesAfter } from '../store/statements/audit.ts';
import { deleteForward, insertForward, moveForward, selectForwards } from '../store/statements/service.ts';
import type { VaultContext } from '../vault/context.ts';
import type { ServedVault } from '../vault/served-vault.ts';

const BATCH = 500;
const IDLE_MS = 1_000;
const SEND_MS = 10_000;
const MOST_PAUSE_MS = 60_000;
/** Facility "log audit" (13), severity "notice" (5): RFC 5424, section 6.2.1. */
const SYSLOG_PRIORITY = 13 * 8 + 5;

export type ForwardTarget =
  | { readonly kind: 'webhook'; readonly url: string; readonly secret?: string | undefined }
  | { readonly kind: 'syslog'; readonly host: string; readonly port: number; readonly tls: boolean }
  | { readonly kind: 'file'; readonly path: string };

export interface ForwardSummary {
  readonly id: string;
  readonly name: string;
  readonly kind: ForwardTable['kind'];
  /** Where it goes, without its keys. */
  readonly to: string;
  readonly delivered: number;
  readonly error: string | null;
  readonly updatedAt: number;
}

function shown(target: ForwardTarget): string {
  if (target.kind === 'webhook') return new URL(target.url).origin;
  if (target.kind === 'syslog') return `${target.tls ? 'tls' : 'tcp'}://${target.host}:${target.port}`;
  return target.path;
}

function checkTarget(target: ForwardTarget): void {
  if (target.kind === 'webhook') {
    const url = URL.canParse(target.url) ? new URL(target.url) : undefined;
    if (url && (url.protocol === 'https:' || url.protocol === 'http:')) return;
    throw new UsageError('A webhook needs an https address.');
  }
  if (target.kind === 'file' && !target.path.startsWith('/')) throw new UsageError('A file needs its whole path.');
}

function contextFor(id: string): string[] {
  return ['keyturn/v1/forward', id];
}

/** Adds a forward. It begins with what the log holds from its beginning. */
export function* addForward(
  ctx: VaultContext,
  vault: ServedVault,
  name: string,
  target: ForwardTarget,
): Operation<ForwardSummary> {
  checkTarget(target);
  yield* ctx.authorize('settings', { action: 'audit.forward' });
  const id = ctx.random(8).toString('hex');
  const text = Buffer.from(JSON.stringify(target), 'utf8');
  const sealed = sealEnvelope(vault.serverKey, ctx.suite, contextFor(id), text, ctx.random);
  text.fill(0);
  const now = ctx.clock();
  yield* transaction(
    (function* () {
      yield* all(insertForward, { id, name, kind: target.kind, target: sealed, cursor: '{}', now, by: ctx.principal });
      yield* ctx.log([{ action: 'audit.forward', details: { forward: id, name, to: shown(target) } }]);
    })(),
  );
  return { id, name, kind: target.kind, to: shown(target), delivered: 0, error: null, updatedAt: now };
}

export function* removeForward(ctx: VaultContext, id: string): Operation<void> {
  yield* ctx.authorize('settings', { action: 'audit.forward' });
  yield* transaction(
    (function* () {
      if (!(yield* first(deleteForward, { id }))) throw new NotFoundError('KT_NOT_FOUND', 'There is no such forward.');
      yield* ctx.log([{ action: 'audit.forward', details: { forward: id, removed: true } }]);
    })(),
  );
}

export class Forwarder {
  readonly #vault: ServedVault;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  readonly #failures = new Map<string, { count: number; until: number }>();

  constructor(vault: ServedVault) {
    this.#vault = vault;
  }

  *list(ctx: VaultContext): Operation<ForwardSummary[]> {
    yield* ctx.authorize('settings', { action: 'audit.forward' });
    const rows = yield* all(selectForwards, {});
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      kind: row.kind,
      to: shown(this.#target(row)),
      delivered: row.delivered,
      error: row.error,
      updatedAt: row.updated_at,
    }));
  }

  /** Delivers by itself from now on, every second. On several servers, one of them does at a time (scheduler.ts). */
  start(): void {
    this.#timer = setInterval(() => void this.deliver(), IDLE_MS).unref();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await this.#running;
  }

  /** Delivers what has come since the last time, to every forward. */
  deliver(): Promise<void> {
    this.#running ??= this.#deliverAll().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #deliverAll(): Promise<void> {
    for (const row of await this.#vault.read(all(selectForwards, {}))) {
      const failed = this.#failures.get(row.id);
      if (failed && failed.until > performance.now()) continue;
      try {
        await this.#deliverOne(row);
        this.#failures.delete(row.id);
      } catch (error) {
        await this.#failed(row, error as Error);
      }
    }
  }

  async #deliverOne(row: ForwardTable): Promise<void> {
    const target = this.#target(row);
    const cursor = JSON.parse(row.cursor) as Record<string, number>;
    for (const { chain } of await this.#vault.read(all(selectChains, {}))) {
      for (;;) {
        if (this.#stopped) return;
        const after = cursor[chain] ?? 0;
        const entries = await this.#vault.read(all(selectEntriesAfter, { chain, after, limit: BATCH }));
        const last = entries.at(-1);
        if (!last) break;
        await sendTo(target, entries);
        cursor[chain] = last.seq;
        const moved = { id: row.id, cursor: JSON.stringify(cursor), delivered: entries.length, error: null };
        await this.#vault.read(transaction(first(moveForward, { ...moved, now: this.#vault.clock() })));
        if (entries.length < BATCH) break;
      }
    }
  }

  async #failed(row: ForwardTable, error: Error): Promise<void> {
    const count = (this.#failures.get(row.id)?.count ?? 0) + 1;
    const until = performance.now() + Math.min(IDLE_MS * 2 ** count, MOST_PAUSE_MS);
    this.#failures.set(row.id, { count, until });
    const moved = { id: row.id, cursor: row.cursor, delivered: 0, error: error.message.slice(0, 200) };
    // The cursor may have moved meanwhile, for what did go through.
    const now = (await this.#vault.read(all(selectForwards, {}))).find((one) => one.id === row.id);
    if (!now) return;
    await this.#vault.read(transaction(first(moveForward, { ...moved, cursor: now.cursor, now: this.#vault.clock() })));
  }

  #target(row: ForwardTable): ForwardTarget {
    const opened = openEnvelope(this.#vault.serverKey, contextFor(row.id), asBuffer(row.target));
    const target = JSON.parse(opened.toString('utf8')) as ForwardTarget;
    opened.fill(0);
    return target;
  }
}

async function sendTo(target: ForwardTarget, entries: readonly SealedEntry[]): Promise<void> {
  if (target.kind === 'webhook') await sendToWebhook(target, entries);
  else if (target.kind === 'syslog') await sendToSyslog(target, entries);
  else sendToFile(target.path, entries);
}

/** JSON lines, signed as Standard Webhooks do it where there is a secret. */
async function sendToWebhook(
  target: { url: string; secret?: string | undefined },
  entries: readonly SealedEntry[],
): Promise<void> {
  const body = `${entries.map(exportEntry).join('\n')}\n`;
  const first = entries[0];
  const id = `${first?.chain}-${first?.seq}`;
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signature =
    target.secret === undefined
      ? undefined
      : `v1,${createHmac('sha256', target.secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  const response = await fetch(target.url, {
    method: 'POST',
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(SEND_MS),
    headers: {
      'content-type': 'application/x-ndjson',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      ...(signature !== undefined && { 'webhook-signature': signature }),
    },
  }).catch((error: Error) => {
    throw new Error(`it cannot be reached (${error.name})`);
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`it answers ${response.status}`);
}

/** RFC 5424 messages, framed by their length (RFC 6587, 3.4.1). TCP takes them or fails; there is no answer to wait for. */
function sendToSyslog(
  target: { host: string; port: number; tls: boolean },
  entries: readonly SealedEntry[],
): Promise<void> {
  const messages = entries.map((entry) => {
    const time = new Date(entry.time).toISOString();
    const text = `<${SYSLOG_PRIORITY}>1 ${time} - keyturn ${process.pid} audit - ${exportEntry(entry)}`;
    return `${Buffer.byteLength(text)} ${text}`;
  });
  return new Promise((resolve, reject) => {
    const socket = target.tls
      ? connectTls({ host: target.host, port: target.port, servername: target.host })
      : connectTcp({ host: target.host, port: target.port });
    socket.setTimeout(SEND_MS, () => socket.destroy(new Error('it does not answer in time')));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      reject(new Error(`it cannot be reached (${error.code ?? error.message})`)),
    );
    socket.on('close', () => resolve());
    socket.end(messages.join(''));
    socket.resume();
  });
}

function sendToFile(path: string, entries: readonly SealedEntry[]): void {
  const file = openSync(path, 'a', 0o600);
  try {
    appendFileSync(file, `${entries.map(exportEntry).join('\n')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
