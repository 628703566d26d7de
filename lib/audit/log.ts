// The audit log as it is written: entries go into the transaction of what they tell of, so that neither is there
// without the other.
import type { KeyObject } from 'node:crypto';
import type { SigningKey } from '../crypto/signing.ts';
import { all, first, many, type Operation } from '../store/operation.ts';
import {
  insertCheckpoint,
  insertEntry,
  selectChains,
  selectHead,
  selectLastCheckpoint,
} from '../store/statements/audit.ts';
import { type ChainHead, type Checkpoint, checkpointHash, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import {
  type Actor,
  type AuditEntry,
  type AuditEvent,
  detailsText,
  genesisHash,
  hashEntry,
  type LoggedEvent,
  macOf,
} from './entry.ts';

/**
 * The chain of the embedded store. All processes write to one: SQLite lets one of them write at a time, and one chain
 * leaves nothing to tie together. A server on a shared database has a chain of its own.
 */
export const EMBEDDED_CHAIN = 'main';

/** A checkpoint is made with the first entry that comes this many entries … */
const CHECKPOINT_ENTRIES = 256;
/** … or this long (ms) after the last one. */
const CHECKPOINT_MS = 60 * 60 * 1000;

export interface AuditLogOptions {
  readonly vaultId: string;
  /** The chain that this process writes to, as it is now. */
  readonly chain: string | (() => string);
  readonly macKey: KeyObject;
  /** Opened when a checkpoint is due, not at each start. */
  readonly signingKey: () => SigningKey;
  readonly clock: () => number;
  /**
   * Checkpoints that come with entries are at least this long (ms) apart: a busy server would sign hundreds a second.
   * `never` where they are made by themselves: on a database that several servers write to, each is a change of its own.
   */
  readonly checkpointEvery?: number | 'never';
  /**
   * True where nobody else writes to the chain: its head need not be asked for each time. Whatever may have undone an
   * append has to say so (`forgetHead`).
   */
  readonly soleWriter?: boolean;
}

export class AuditLog {
  readonly #at: AuditLogOptions;
  /** The time of a checkpoint that this process knows of, so that most entries need not ask for the last one. */
  #checkpointedAt = Number.NEGATIVE_INFINITY;
  #head: { readonly chain: string; readonly seq: number; readonly hash: Uint8Array } | undefined;

  constructor(options: AuditLogOptions) {
    this.#at = options;
  }

  /** After anything that may have undone an append, or left open whether it was done: the head is read anew. */
  forgetHead(): void {
    this.#head = undefined;
  }

  get publicKey(): Buffer {
    return this.#at.signingKey().publicKey;
  }

  get vaultId(): string {
    return this.#at.vaultId;
  }

  get macKey(): KeyObject {
    return this.#at.macKey;
  }

  /** Appends one actor's events. Runs inside the caller's transaction: they are durable when that is. */
  append(events: readonly AuditEvent[], actor: Actor): Operation<void> {
    return this.appendLogged(events.map((event) => ({ event, actor })));
  }

  /** Appends events of several actors. */
  *appendLogged(events: readonly LoggedEvent[]): Operation<void> {
    if (events.length === 0) return;
    const { vaultId, clock, macKey } = this.#at;
    const chain = this.#chain();
    const head = this.#at.soleWriter && this.#head?.chain === chain ? this.#head : yield* first(selectHead, { chain });
    const before = head?.seq ?? 0;
    let hash: Uint8Array = head?.hash ?? genesisHash(vaultId, chain);
    const now = clock();
    const rows = events.map((one, index) => {
      const entry = entryOf(one, chain, before + index + 1, now);
      hash = hashEntry(hash, entry);
      return { ...entry, hash, mac: macOf(macKey, hash) };
    });
    yield* many(insertEntry, rows);
    this.#head = { chain, seq: before + events.length, hash };
    yield* this.#checkpointWhenDue(before + events.length, now, Math.floor(before / CHECKPOINT_ENTRIES));
  }

  /** Signs how far the chains have come. Runs inside the caller's transaction. */
  *checkpoint(): Operation<Checkpoint> {
    const last = yield* first(selectLastCheckpoint, {});
    const heads: ChainHead[] = [];
    const chains = (yield* all(selectChains, {})).map((row) => row.chain);
    // Chains that the last one knew stay in, so that one that is gone is missed.
    const known = last ? parseCheckpoint(last).heads.map((head) => head.chain) : [];
    for (const chain of [...new Set([...known, ...chains])].sort()) {
      const head = yield* first(selectHead, { chain });
      if (head) heads.push({ chain, seq: head.seq, hash: Buffer.from(head.hash).toString('base64url') });
    }
    const number = (last?.number ?? 0) + 1;
    const time = this.#at.clock();
    const checkpoint = signCheckpoint(this.#at.signingKey(), {
      format: 1,
      vault: this.#at.vaultId,
      number,
      time,
      heads,
      previous: last ? checkpointHash(last.body).toString('base64url') : null,
    });
    yield* all(insertCheckpoint, { number, time, ...checkpoint });
    this.#checkpointedAt = time;
    return checkpoint;
  }

  #chain(): string {
    const { chain } = this.#at;
    return typeof chain === 'string' ? chain : chain();
  }

  *#checkpointWhenDue(seq: number, now: number, blockBefore: number): Operation<void> {
    const { checkpointEvery = 0 } = this.#at;
    if (checkpointEvery === 'never') return;
    const since = Math.abs(now - this.#checkpointedAt);
    if (Math.floor(seq / CHECKPOINT_ENTRIES) !== blockBefore && since >= checkpointEvery) {
      yield* this.checkpoint();
      return;
    }
    if (now - this.#checkpointedAt < CHECKPOINT_MS) return;
    const last = yield* first(selectLastCheckpoint, {});
    if (!last || now - last.time >= CHECKPOINT_MS) yield* this.checkpoint();
    else this.#checkpointedAt = last.time;
  }
}

/** What somebody has asked for is logged as it came, but for what no database of ours can keep. */
function withoutNul(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text;
}

function entryOf({ event, actor }: LoggedEvent, chain: string, seq: number, time: number): AuditEntry {
  return {
    chain,
    seq,
    time,
    principal: withoutNul(actor.principal),
    action: event.action,
    outcome: event.outcome ?? 'ok',
    project: event.project ?? null,
    environment: event.environment ?? null,
    secret: event.secret === undefined ? null : withoutNul(event.secret),
    version: event.version ?? null,
    source: actor.source,
    details: detailsText(event.details),
  };
}
