// What a provider is to the rest: the kinds of keys that it gives, how each is asked whether it works, and, where the
// provider has an API for it, how a new one is made and an old one ended. One file a provider says all of that as data
// and small functions; nothing here keeps state, and the network is handed in.
import type { FormatRule } from '../catalog/known-secrets.ts';
import type { RandomSource } from '../crypto/random.ts';
import { OutsideError } from '../errors.ts';
import type { CheckStatus } from '../store/states.ts';
import type { Http } from './http.ts';
import type { SignatureScheme } from './signatures.ts';

/** What a live check has found. `detail` is for people, and never holds a value. */
export interface CheckResult {
  readonly status: CheckStatus;
  readonly detail: string;
  /** Whether it is a key of the provider's test or live system, where that shows. */
  readonly mode?: 'test' | 'live' | undefined;
  /** When the provider will end it by itself, milliseconds since 1970. */
  readonly expiresAt?: number | undefined;
  /** Milliseconds after which to ask again, for `throttled`. */
  readonly retryAfterMs?: number | undefined;
}

/** What a project says of a provider, in its configuration: addresses, ids, and the name of the admin secret. */
export type ProviderSettings = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>;

/** What every call is handed. */
export interface Call {
  readonly http: Http;
  /** Without a slash at its end. */
  readonly baseUrl: string;
  readonly settings: ProviderSettings;
  /** Values of other secrets and settings of the environment that the key kind asked for, by name. */
  readonly beside: Readonly<Record<string, string>>;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly random: RandomSource;
}

/** A key that a provider has made. */
interface Issued {
  /** The caller zeroes it. */
  readonly value: Buffer;
  /** What the provider calls it: what is revoked by. Never a secret. */
  readonly externalId: string;
}

/** What is to be ended: by what the provider calls it where that is known, else by its value. */
export interface Old {
  readonly externalId: string | undefined;
  readonly value: string;
}

/** Makes and ends keys by the provider's API. */
export interface Issuer {
  readonly how: 'issued';
  /**
   * Makes a key under a name. Not repeated by itself: a call whose answer was lost is cleaned up after by `forget`.
   * @param before the key in use, whose rights the new one takes over where the provider can tell them
   * @throws ProviderError
   */
  issue(call: Call, admin: string, marker: string, before: Old): Promise<Issued>;
  /** Ends every key that was made under a name. @returns how many there were */
  forget(call: Call, admin: string, marker: string): Promise<number>;
  /** Ends a key. One that is gone already is no error. @throws ProviderError */
  revoke(call: Call, admin: string, old: Old): Promise<void>;
  /** For a key that was made elsewhere: what the provider calls it, where it can be told from its value. */
  find?(call: Call, admin: string, value: string): Promise<string | undefined>;
  /** Whether the provider still has it: for kinds whose value alone cannot be asked about. */
  stillThere?(call: Call, admin: string, externalId: string): Promise<boolean>;
}

/** For what is made here and then put into force at the provider: each of the calls may be repeated. */
export interface Installer {
  readonly how: 'installed';
  /** Makes the new value from the one in use. The caller zeroes it. */
  make(call: Call, before: string): Buffer;
  /** Puts it into force beside the one in use. @throws ProviderError */
  install(call: Call, admin: string, value: string): Promise<void>;
  revoke(call: Call, admin: string, old: Old): Promise<void>;
}

/** One kind of key that a provider gives. */
export interface KeyKind {
  readonly title: string;
  readonly formats: readonly FormatRule[];
  /** Names of other secrets or settings that its check needs. */
  readonly beside?: readonly string[];
  /** Asks the provider, changing nothing there; undefined where nobody can be asked. */
  readonly check?: (call: Call, value: string) => Promise<CheckResult>;
  /** How its webhooks are signed. */
  readonly signature?: SignatureScheme;
  readonly renewal?: Issuer | Installer;
  /** What the admin credential has to be, in words; set where there is a renewal. */
  readonly adminWords?: string;
  /** Where and how a person makes a new one and ends the old one. */
  readonly byHand: { readonly page: string; readonly words: string };
}

export interface Provider {
  /** In lower case, as configurations name it. */
  readonly id: string;
  readonly title: string;
  /** Its own pages about keys. */
  readonly docs: string;
  readonly baseUrl: string;
  /** At most so many checks of it at a time. */
  readonly atATime: number;
  /** By the type of the secret: `api_key`, `webhook_secret`, … */
  readonly kinds: Readonly<Record<string, KeyKind>>;
  /** What of this could not be confirmed in the provider's documents or SDK. */
  readonly unconfirmed: readonly string[];
}

/** A provider did not do what it was asked. */
export class ProviderError extends OutsideError {
  override readonly name: string = 'ProviderError';
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: { passing: boolean; retryAfterMs?: number | undefined }) {
    super(message, options.passing);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The provider does not offer it to this account: a person makes the key instead. */
export class NotOfferedError extends ProviderError {
  override readonly name = 'NotOfferedError';

  constructor(message: string) {
    super(message, { passing: false });
  }
}
