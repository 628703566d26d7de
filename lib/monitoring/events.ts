// What entries of the audit log say of how principals behave: readings, refusals, and who was given access. Pure.
import type { AuditEntryTable } from '../store/schema.ts';
import type { Event } from './baseline.ts';

export interface SeenEvent extends Event {
  readonly project: string;
  readonly environment: string;
}

export interface Introduction {
  readonly principal: string;
  readonly at: number;
}

/** A token that is exchanged anew for every job is one reader: its id is left out. */
function readerOf(principal: string): string {
  return principal.replace(/ \([0-9a-f]{8,}\)$/, '');
}

/** `http 203.0.113.4 curl/8` is an address and a client; a command on the machine itself has neither. */
export function cameFrom(source: string): { address?: string; client?: string } {
  const [, address, client] = /^http (\S+)(?: (\S+))?$/.exec(source) ?? [];
  return { ...(address !== undefined && { address }), ...(client !== undefined && { client }) };
}

function detailsOf(entry: AuditEntryTable): Record<string, unknown> {
  return JSON.parse(entry.details ?? '{}') as Record<string, unknown>;
}

/** The secrets that an entry tells of having been read, with how often; none where it is about something else. */
function readIn(entry: AuditEntryTable): [name: string, count: number][] {
  if (entry.action !== 'secret.read' && entry.action !== 'secret.use') return [];
  const details = detailsOf(entry);
  // What the vault itself does with a value is no reading by somebody.
  if (entry.action === 'secret.use' && details.purpose !== undefined) return [];
  if (entry.secret !== null) return [[entry.secret, 1]];
  const named = Object.entries(details).filter(([, value]) => typeof value === 'number');
  // A reading of a whole set names versions; counted repeats name versions behind an @, and count.
  return named.map(([key, value]) => [key.split('@')[0] ?? key, key.includes('@') ? Number(value) : 1]);
}

export function eventsOf(entry: AuditEntryTable): SeenEvent[] {
  const { chain, seq, time: at } = entry;
  const { address, client } = cameFrom(entry.source);
  const from = { ...(address !== undefined && { address }), ...(client !== undefined && { client }) };
  const where = { project: entry.project ?? '', environment: entry.environment ?? '' };
  const principal = readerOf(entry.principal);
  if (entry.outcome === 'denied') {
    // Whoever is not known is told apart by where it asks from.
    const who = principal === 'unknown' ? `somebody unknown at ${address ?? 'this machine'}` : principal;
    return [{ chain, seq, at, kind: 'denied', principal: who, count: 1, ...from, ...where }];
  }
  if (entry.outcome !== 'ok' || entry.project === null || entry.environment === null) return [];
  return readIn(entry).map(([name, count]) => {
    const secret = name.toUpperCase();
    return { chain, seq, at, kind: 'read', principal, secret, count, ...from, ...where };
  });
}

/** Who is given access by an entry: what it reads first is what it was given it for. */
export function introductionOf(entry: AuditEntryTable): Introduction | undefined {
  if (entry.outcome !== 'ok') return undefined;
  const { name, email, person } = detailsOf(entry);
  if (entry.action === 'token.create' || entry.action === 'token.exchange') {
    return { principal: `token:${String(name)}`, at: entry.time };
  }
  if (entry.action === 'person.join') return { principal: String(email), at: entry.time };
  if (entry.action === 'grant.give') return { principal: String(person), at: entry.time };
  return undefined;
}
