// Group commit: everything that wants to be durable in one moment shares one transaction and one sync to the disk, and
// each caller goes on when that is done. Nothing is answered before.

import type { Actor, AuditEvent, LoggedEvent } from '../audit/entry.ts';
import type { AuditLog } from '../audit/log.ts';
import type { Operation } from '../store/operation.ts';
import type { ServedStore, Settled } from '../store/served-store.ts';

/** How many turns of the event loop a group gathers at most: some tenths of a millisecond under load, two when idle. */
const GATHER_TURNS = 4;

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface WaitingOperation extends Waiting {
  readonly operation: Operation<unknown>;
  readonly alone: boolean;
}

export class CommitGroups {
  readonly #store: ServedStore;
  readonly #audit: AuditLog;
  #operations: WaitingOperation[] = [];
  #events: LoggedEvent[] = [];
  #logging: Waiting[] = [];
  #scheduled = false;
  #idle: (() => void)[] = [];

  constructor(store: ServedStore, audit: AuditLog) {
    this.#store = store;
    this.#audit = audit;
  }

  /**
   * Runs an operation in the next group.
   * @param alone false for one that only appends to the log
   */
  run<T>(operation: Operation<T>, alone = true): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#operations.push({ operation, alone, resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Makes an event durable in the log with the next group. */
  log(event: AuditEvent, actor: Actor): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#events.push({ event, actor });
      this.#logging.push({ resolve: resolve as (value: unknown) => void, reject });
      this.#schedule();
    });
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    if (this.#scheduled) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** While a group is on its way to the disk, those who come gather for the next. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#gather(0, GATHER_TURNS));
  }

  /** Waits while each turn of the event loop brings more, for a few turns: the more share a sync, the less each pays. */
  #gather(before: number, turns: number): void {
    const waiting = this.#events.length + this.#operations.length;
    if (waiting === before || turns === 0) void this.#flush();
    else setImmediate(() => this.#gather(waiting, turns - 1));
  }

  async #flush(): Promise<void> {
    const operations = this.#operations;
    const events = this.#events;
    const logging = this.#logging;
    this.#operations = [];
    this.#events = [];
    this.#logging = [];
    const work = operations.map((one) => one.operation);
    if (events.length > 0) work.push(this.#audit.appendLogged(events));
    try {
      const settled = await this.#store.runTogether(
        work,
        operations.some((one) => one.alone),
      );
      for (const [index, one] of operations.entries()) settle(one, settled[index]);
      const logged = settled[operations.length];
      for (const one of logging) settle(one, logged);
    } catch (error) {
      for (const one of [...operations, ...logging]) one.reject(error);
    }
    this.#scheduled = false;
    if (this.#operations.length > 0 || this.#events.length > 0) this.#schedule();
    else for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function settle(waiting: Waiting, settled: Settled | undefined): void {
  if (settled && 'value' in settled) waiting.resolve(settled.value);
  else waiting.reject(settled?.error);
}
