// What a destination is to the rest: a place outside of the vault that holds copies of secrets. One file a kind says how
// one is put there, when it is in use there, how what is there can be compared, and how it is taken away.
import type { ProbeConfig } from '../config/operations.ts';
import { OutsideError } from '../errors.ts';
import type { Http } from '../providers/http.ts';
import type { Place } from '../vault/places.ts';

/** What a destination calls a copy: kept with the delivery, and given back with the next call. Never a secret. */
export interface Remote {
  readonly id?: string | undefined;
  /** When it last changed there, as the destination says it: milliseconds since 1970 or its own text. */
  readonly updatedAt?: string | number | undefined;
  /** The deployment that brings it into use. */
  readonly deployment?: string | undefined;
  readonly version?: number | undefined;
}

export interface SyncCall {
  readonly http: Http;
  /** The credential's value; empty for a destination that needs none. */
  readonly credential: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Item {
  /** What it is called there. */
  readonly name: string;
  readonly value: string;
}

/** How far a copy is from being in use. */
export type Progress =
  | { readonly state: 'live' }
  | { readonly state: 'deploying'; readonly remote: Remote; readonly afterMs: number }
  | { readonly state: 'failed'; readonly why: string };

/** `unknown` where the destination lets nobody compare. */
export type Drift = 'same' | 'different' | 'missing' | 'unknown';

export interface Destination {
  readonly id: string;
  readonly kind: 'vercel' | 'github' | 'dotenv' | 'keyturn';
  /** In words, without a secret: `Vercel project cloudgreet (production)`. */
  readonly title: string;
  readonly from: Place;
  readonly probe: ProbeConfig | undefined;
  /** The name of the secret that opens the destination. */
  readonly credential: string | undefined;
  /** Whether a secret is sent there. */
  takes(name: string): boolean;
  /** What a secret is called there. */
  nameOf(name: string): string;
  /** Puts a value there, over what was. May be repeated. @throws SyncError */
  push(call: SyncCall, item: Item, before: Remote | undefined): Promise<Remote>;
  /** Looks (and works) towards its being in use; left out where being there is being in use. @throws SyncError */
  settle?(call: SyncCall, remote: Remote): Promise<Progress>;
  /** Compares what is there with what was put there. @throws SyncError */
  compare(
    call: SyncCall,
    items: readonly (Item & { readonly remote: Remote | undefined })[],
  ): Promise<Map<string, Drift>>;
  /** The names of all that is there. @throws SyncError */
  list(call: SyncCall): Promise<string[]>;
  /** Takes one away. One that is gone already is no error. @throws SyncError */
  remove(call: SyncCall, name: string): Promise<void>;
}

/** A destination did not do what it was asked. */
export class SyncError extends OutsideError {
  override readonly name = 'SyncError';
}
