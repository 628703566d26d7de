// What an audit entry says, and the canonical bytes of it that hashes and MACs cover (docs/formats.md, Audit).
import { createHash, createHmac, hash, type KeyObject } from 'node:crypto';
import { equalBytes } from '../crypto/bytes.ts';
import type { AuditOutcome } from '../store/states.ts';

/** Every kind of thing that is logged. Names are part of the interface: never renamed or reused. */
type AuditAction =
  | 'vault.create'
  | 'vault.check'
  | 'environment.create'
  | 'project.create'
  | 'secret.read'
  | 'secret.use'
  | 'secret.set'
  | 'secret.describe'
  | 'secret.delete'
  | 'secret.restore'
  | 'secret.list'
  | 'secret.history'
  | 'rotation.plan'
  | 'rotation.move'
  | 'key.list'
  | 'key.rotate_root'
  | 'key.rotate_data'
  | 'key.destroy'
  | 'key.rotate_intake'
  | 'backup.create'
  | 'backup.verify'
  | 'backup.restore'
  | 'validation.run'
  | 'monitoring.run'
  | 'audit.read'
  | 'audit.export'
  | 'audit.verify'
  | 'audit.anchor'
  | 'audit.forward'
  | 'server.start'
  | 'server.stop'
  | 'report.make'
  | 'environment.change'
  | 'auth.sign_in'
  | 'auth.sign_out'
  | 'auth.change'
  | 'auth.denied'
  | 'auth.limited'
  | 'token.create'
  | 'token.rotate'
  | 'token.revoke'
  | 'token.list'
  | 'token.exchange'
  | 'trust.create'
  | 'trust.delete'
  | 'trust.list'
  | 'person.list'
  | 'person.invite'
  | 'person.join'
  | 'person.remove'
  | 'person.recover'
  | 'grant.give'
  | 'grant.take'
  | 'role.put'
  | 'role.delete'
  | 'approval.list'
  | 'approval.request'
  | 'approval.decide'
  | 'approval.use'
  | 'vault.migrate'
  | 'secret.check'
  | 'secret.deliver'
  | 'schedule.run'
  | 'provider.issue'
  | 'provider.revoke'
  | 'destination.check'
  | 'destination.prune'
  | 'incident.open'
  | 'incident.note'
  | 'incident.close'
  | 'token.freeze'
  | 'token.thaw'
  | 'alert.open'
  | 'alert.resolve'
  | 'alert.handle'
  | 'alert.test'
  | 'leak.print'
  | 'leak.scan'
  | 'leak.index'
  | 'journey.run'
  | 'drill.run';

/** Names and small facts only: never a value. */
export type AuditDetails = Readonly<Record<string, string | number | boolean | null>>;

export interface AuditEvent {
  readonly action: AuditAction;
  /** 'ok' where not given. */
  readonly outcome?: AuditOutcome;
  readonly project?: string;
  readonly environment?: string;
  readonly secret?: string;
  readonly version?: number;
  readonly details?: AuditDetails;
}

/** Who did it, and by what program. */
export interface Actor {
  readonly principal: string;
  /** Command and process id, or the address that asked. */
  readonly source: string;
  /** Whether a person is there to answer for it, and not a program. */
  readonly person?: boolean;
}

export interface LoggedEvent {
  readonly event: AuditEvent;
  readonly actor: Actor;
}

/** An event as the log keeps it. */
export interface AuditEntry {
  readonly chain: string;
  /** Counts from 1 in its chain, without gaps. */
  readonly seq: number;
  /** Milliseconds since 1970, by this machine's clock. */
  readonly time: number;
  readonly principal: string;
  readonly action: string;
  readonly outcome: AuditOutcome;
  readonly project: string | null;
  readonly environment: string | null;
  readonly secret: string | null;
  readonly version: number | null;
  /** What program asked: command, process id. */
  readonly source: string;
  /** A JSON object with sorted keys, as text, or null. */
  readonly details: string | null;
}

export interface SealedEntry extends AuditEntry {
  /** SHA-256 over the hash of the entry before and this entry's canonical bytes. */
  readonly hash: Uint8Array;
  /** HMAC-SHA-256 over `hash`, under the vault's audit key. */
  readonly mac: Uint8Array;
}

/** Details as text: keys sorted, so that the same facts are the same bytes. */
export function detailsText(details: AuditDetails | undefined): string | null {
  if (!details) return null;
  const sorted = Object.keys(details)
    .sort()
    .map((key) => [key, details[key]]);
  return sorted.length === 0 ? null : JSON.stringify(Object.fromEntries(sorted));
}

/** The canonical text of an entry: a JSON array without white space, fields in this order, format number first. */
export function canonicalEntry(e: AuditEntry): string {
  return JSON.stringify([
    1,
    e.chain,
    e.seq,
    e.time,
    e.principal,
    e.action,
    e.outcome,
    e.project,
    e.environment,
    e.secret,
    e.version,
    e.source,
    e.details,
  ]);
}

/** What stands for "the entry before" of a chain's first entry: it binds the chain to its vault. */
export function genesisHash(vaultId: string, chain: string): Buffer {
  return createHash('sha256')
    .update(JSON.stringify(['keyturn/v1/audit', vaultId, chain]))
    .digest();
}

const HASH_BYTES = 32;
const scratch = Buffer.allocUnsafe(16 * 1024);

export function hashEntry(previousHash: Uint8Array, entry: AuditEntry): Buffer {
  const text = canonicalEntry(entry);
  // In one call, from bytes that lie ready: a Hash object costs as much as the hashing, and so does putting bytes together
  // anew. A UTF-16 unit is three bytes of UTF-8 at most.
  if (HASH_BYTES + text.length * 3 > scratch.length) {
    return hash('sha256', Buffer.concat([previousHash, Buffer.from(text, 'utf8')]), 'buffer');
  }
  scratch.set(previousHash, 0);
  const end = HASH_BYTES + scratch.write(text, HASH_BYTES, 'utf8');
  return hash('sha256', scratch.subarray(0, end), 'buffer');
}

export function macOf(key: KeyObject, entryHash: Uint8Array): Buffer {
  return createHmac('sha256', key).update(entryHash).digest();
}

export function macFits(key: KeyObject, entry: SealedEntry): boolean {
  return equalBytes(macOf(key, entry.hash), entry.mac);
}
