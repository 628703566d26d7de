// Verifying: walks chains from their first entry, names the first one that was changed, removed, reordered or inserted,
// and compares the chains with signed checkpoints. "Intact" (what is there is as it was written) and "complete"
// (nothing is missing at the end) are two verdicts: a walk along a chain cannot see that its tail was cut off.
import type { KeyObject } from 'node:crypto';
import { asBuffer, equalBytes } from '../crypto/bytes.ts';
import {
  type Checkpoint,
  type CheckpointBody,
  checkpointHash,
  checkpointSigned,
  parseCheckpoint,
} from './checkpoint.ts';
import { genesisHash, hashEntry, macFits, type SealedEntry } from './entry.ts';

export type FaultKind = 'changed' | 'removed' | 'reordered' | 'inserted' | 'checkpoint';

/** The first thing found wrong. */
export interface Fault {
  readonly kind: FaultKind;
  readonly chain: string;
  /** The entry's number, or the checkpoint's for the kind 'checkpoint'. */
  readonly seq: number;
  readonly what: string;
}

export interface Verdict {
  /** True when every entry there is as it was written. */
  readonly intact: boolean;
  /** True when every checkpoint and anchor given is covered by entries: no tail is missing that they knew of. */
  readonly complete: boolean;
  readonly entries: number;
  readonly checkpoints: number;
  /** True when MACs were checked too; false where only hashes and signatures could be (no audit key at hand). */
  readonly macsChecked: boolean;
  readonly fault?: Fault;
  /** Why it is not complete. */
  readonly missing?: string;
  /** Entries after the last checkpoint: nothing outside this log vouches for them yet. */
  readonly uncovered: number;
}

/** How many entries after a bad one are looked at, to tell what was done to the chain. */
const LOOK_AHEAD = 16;

const HASH_BYTES = 32;
/** How many hashes one block of memory holds: 2 MiB. */
const BLOCK = 65_536;

/** Hashes by entry number, in blocks: a million of them are 32 MB, and nothing for the garbage collector to walk. */
class HashColumn {
  readonly #blocks = new Map<number, { bytes: Buffer; present: Uint8Array }>();

  set(seq: number, hash: Uint8Array): void {
    const number = Math.floor(seq / BLOCK);
    let block = this.#blocks.get(number);
    if (!block) {
      block = { bytes: Buffer.allocUnsafe(BLOCK * HASH_BYTES), present: new Uint8Array(BLOCK) };
      this.#blocks.set(number, block);
    }
    const at = seq % BLOCK;
    block.bytes.set(hash, at * HASH_BYTES);
    block.present[at] = 1;
  }

  get(seq: number): Buffer | undefined {
    const block = this.#blocks.get(Math.floor(seq / BLOCK));
    const at = seq % BLOCK;
    if (block?.present[at] !== 1) return undefined;
    return block.bytes.subarray(at * HASH_BYTES, (at + 1) * HASH_BYTES);
  }
}

/**
 * Verifies one chain, entry by entry, in the order in which they are pushed.
 * Keeps the hashes that checkpoints name, so that those can be compared afterwards.
 */
export class ChainVerifier {
  readonly chain: string;
  readonly #macKey: KeyObject | undefined;
  readonly #wanted: ReadonlySet<number> | 'all';
  readonly #buffer: SealedEntry[] = [];
  #hash: Buffer;
  #seq = 0;
  fault: Fault | undefined;
  /** Hashes at the numbers asked for. */
  readonly hashes = new HashColumn();

  /** @param wanted the entry numbers whose hashes are to be kept, for checkpoints to be compared with. */
  constructor(vaultId: string, chain: string, macKey: KeyObject | undefined, wanted: ReadonlySet<number> | 'all') {
    this.chain = chain;
    this.#macKey = macKey;
    this.#wanted = wanted;
    this.#hash = genesisHash(vaultId, chain);
  }

  /** The number of the last entry found right. */
  get seq(): number {
    return this.#seq;
  }

  push(entry: SealedEntry): void {
    if (this.fault) return;
    this.#buffer.push(entry);
    if (this.#buffer.length > LOOK_AHEAD) this.#take();
  }

  end(): void {
    while (!this.fault && this.#buffer.length > 0) this.#take();
  }

  #take(): void {
    const entry = this.#buffer.shift();
    if (!entry) return;
    if (entry.seq !== this.#seq + 1) {
      this.fault = this.#outOfPlace(entry);
      return;
    }
    const hash = hashEntry(this.#hash, entry);
    if (!hash.equals(entry.hash) || (this.#macKey && !macFits(this.#macKey, entry))) {
      this.fault = this.#describe(entry);
      return;
    }
    this.#hash = hash;
    this.#seq = entry.seq;
    if (this.#wanted === 'all' || this.#wanted.has(entry.seq)) this.hashes.set(entry.seq, hash);
  }

  #outOfPlace(entry: SealedEntry): Fault {
    const expected = this.#seq + 1;
    if (entry.seq < expected) return this.#fault('inserted', entry.seq, 'is there a second time');
    const later = this.#buffer.some((other) => other.seq === expected);
    if (later) return this.#fault('reordered', expected, `comes after entry ${entry.seq}`);
    const missing = entry.seq - expected;
    return this.#fault(
      'removed',
      expected,
      missing === 1 ? 'is missing' : `and the ${missing - 1} after it are missing`,
    );
  }

  /** Tells what was done, where whoever did it also renumbered what follows. */
  #describe(entry: SealedEntry): Fault {
    const seq = entry.seq;
    const authentic = this.#macKey ? macFits(this.#macKey, entry) : false;
    const belongsHere = this.#buffer.some((other) => this.#fitsAfterLast({ ...other, seq }));
    if (belongsHere && authentic) return this.#fault('reordered', seq, 'is not the one that was written there');
    if (belongsHere) return this.#fault('inserted', seq, 'was not written by this vault');
    const next = this.#buffer[0];
    if (authentic && next && hashEntry(entry.hash, { ...next, seq: next.seq + 1 }).equals(next.hash)) {
      return this.#fault('removed', seq, 'was removed, and those after it renumbered');
    }
    return this.#fault('changed', seq, 'is not as it was written');
  }

  #fitsAfterLast(entry: SealedEntry): boolean {
    return hashEntry(this.#hash, entry).equals(entry.hash) && (!this.#macKey || macFits(this.#macKey, entry));
  }

  #fault(kind: FaultKind, seq: number, what: string): Fault {
    return { kind, chain: this.chain, seq, what: `Entry ${seq} of chain ${this.chain} ${what}.` };
  }
}

export interface CheckedCheckpoints {
  readonly bodies: readonly CheckpointBody[];
  readonly fault: Fault | undefined;
}

/** Checks the checkpoints among themselves: signatures, numbers, and each naming the one before. */
export function checkCheckpoints(publicKey: Uint8Array, checkpoints: readonly Checkpoint[]): CheckedCheckpoints {
  const bodies: CheckpointBody[] = [];
  let previous: string | null = null;
  for (const [index, checkpoint] of checkpoints.entries()) {
    const number = index + 1;
    const bad = (what: string): CheckedCheckpoints => ({
      bodies,
      fault: { kind: 'checkpoint', chain: '', seq: number, what: `Checkpoint ${number} ${what}.` },
    });
    if (!checkpointSigned(publicKey, checkpoint)) return bad("does not carry this vault's signature");
    const body = parseCheckpoint(checkpoint);
    if (body.number !== number) return bad('is missing');
    if (body.previous !== previous) return bad('does not follow the one before it');
    previous = checkpointHash(checkpoint.body).toString('base64url');
    bodies.push(body);
  }
  return { bodies, fault: undefined };
}

/** The entry numbers that checkpoints name, by chain. */
function checkpointedSeqs(bodies: readonly CheckpointBody[]): Map<string, Set<number>> {
  const seqs = new Map<string, Set<number>>();
  for (const head of bodies.flatMap((body) => body.heads)) {
    const known = seqs.get(head.chain) ?? new Set();
    known.add(head.seq);
    seqs.set(head.chain, known);
  }
  return seqs;
}

/** Compares what checkpoints say with the chains as they were walked. */
function compareHeads(
  bodies: readonly CheckpointBody[],
  chains: ReadonlyMap<string, ChainVerifier>,
): { fault?: Fault; missing?: string } {
  for (const body of bodies) {
    for (const head of body.heads) {
      const chain = chains.get(head.chain);
      if (!chain || (chain.seq < head.seq && !chain.fault)) {
        return {
          missing: `Checkpoint ${body.number} knows chain ${head.chain} up to entry ${head.seq}; the log ends at ${chain?.seq ?? 0}.`,
        };
      }
      const hash = chain.hashes.get(head.seq);
      if (hash && !equalBytes(hash, asBuffer(Buffer.from(head.hash, 'base64url')))) {
        const what = `Entry ${head.seq} of chain ${head.chain} is not the one that checkpoint ${body.number} signed.`;
        return { fault: { kind: 'changed', chain: head.chain, seq: head.seq, what } };
      }
    }
  }
  return {};
}

/** Draws the verdict once every entry was pushed. */
export function conclude(at: {
  readonly checked: CheckedCheckpoints;
  readonly chains: ReadonlyMap<string, ChainVerifier>;
  readonly entries: number;
  readonly checkpoints: number;
  readonly macsChecked: boolean;
  /** The number of an anchored checkpoint that is not here. */
  readonly lostAnchor?: number;
}): Verdict {
  for (const chain of at.chains.values()) chain.end();
  const compared = compareHeads(at.checked.bodies, at.chains);
  const broken = [...at.chains.values()].find((chain) => chain.fault);
  const fault = broken?.fault ?? at.checked.fault ?? compared.fault;
  const missing =
    at.lostAnchor === undefined
      ? compared.missing
      : `The anchor of checkpoint ${at.lostAnchor} does not fit: the log was cut off or replaced after it was taken.`;
  const covered = new Map(at.checked.bodies.at(-1)?.heads.map((head) => [head.chain, head.seq]));
  let uncovered = 0;
  for (const chain of at.chains.values()) uncovered += Math.max(0, chain.seq - (covered.get(chain.chain) ?? 0));
  return {
    intact: !fault,
    complete: !missing,
    entries: at.entries,
    checkpoints: at.checkpoints,
    macsChecked: at.macsChecked,
    uncovered,
    ...(fault && { fault }),
    ...(missing && { missing }),
  };
}

/** Sorts entries to their chains as they come. */
export class LogVerifier {
  readonly chains = new Map<string, ChainVerifier>();
  entries = 0;
  readonly #vaultId: string;
  readonly #macKey: KeyObject | undefined;
  readonly #wanted: ReadonlyMap<string, ReadonlySet<number>> | 'all';

  /** @param bodies the checkpoints that are to be compared; 'all' where they come after the entries. */
  constructor(vaultId: string, macKey: KeyObject | undefined, bodies: readonly CheckpointBody[] | 'all') {
    this.#vaultId = vaultId;
    this.#macKey = macKey;
    this.#wanted = bodies === 'all' ? 'all' : checkpointedSeqs(bodies);
  }

  push(entry: SealedEntry): void {
    this.entries += 1;
    let chain = this.chains.get(entry.chain);
    if (!chain) {
      const wanted = this.#wanted === 'all' ? 'all' : (this.#wanted.get(entry.chain) ?? new Set<number>());
      chain = new ChainVerifier(this.#vaultId, entry.chain, this.#macKey, wanted);
      this.chains.set(entry.chain, chain);
    }
    chain.push(entry);
  }
}
