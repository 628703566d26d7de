// The providers that there are: the built-in ones, and those that the project declares. Finds the one that a secret is of,
// and hands each call what it needs.
import { nameKey, type SecretRule } from '../catalog/catalog.ts';
import type { RandomSource } from '../crypto/random.ts';
import { type GenericProvider, genericProvider } from './generic.ts';
import { github } from './github.ts';
import { google } from './google.ts';
import { Http, type HttpOptions } from './http.ts';
import { openai } from './openai.ts';
import { postgres } from './postgres.ts';
import type { Call, KeyKind, Provider, ProviderSettings } from './provider.ts';
import { resend } from './resend.ts';
import { retell } from './retell.ts';
import { slack } from './slack.ts';
import { stripe } from './stripe.ts';
import { supabase } from './supabase.ts';
import { telnyx } from './telnyx.ts';
import { vercel } from './vercel.ts';

const BUILT_IN: readonly Provider[] = [
  stripe,
  telnyx,
  retell,
  openai,
  resend,
  supabase,
  slack,
  google,
  postgres,
  github,
  vercel,
];

/** What the configuration says of one provider. */
export interface ProviderConfig extends ProviderSettings {
  /** Another address of a built-in provider: a gateway of one's own, or a test's server. */
  readonly baseUrl?: string | undefined;
  /** The name of the secret that may make and end keys, in the same environment. */
  readonly admin?: string | undefined;
}

export interface ProvidersOptions extends HttpOptions {
  readonly settings?: Readonly<Record<string, ProviderConfig>>;
  /** What is different in some environments: by provider, by environment. */
  readonly places?: Readonly<Record<string, Readonly<Record<string, ProviderConfig>>>>;
  readonly generic?: Readonly<Record<string, GenericProvider>>;
  readonly random: RandomSource;
  readonly clock: () => number;
}

/** A kind of key with the provider that it is of, and what the project says of that. */
export interface Held {
  readonly provider: Provider;
  readonly kind: KeyKind;
  readonly config: ProviderConfig;
}

export class Providers {
  readonly #options: ProvidersOptions;
  readonly #byId: ReadonlyMap<string, Provider>;
  readonly #http: Http;

  constructor(options: ProvidersOptions) {
    this.#options = options;
    this.#http = new Http(options);
    const declared = Object.entries(options.generic ?? {}).map(([id, one]) => genericProvider(id, one));
    this.#byId = new Map([...BUILT_IN, ...declared].map((one) => [one.id.toLowerCase(), one]));
  }

  get all(): Provider[] {
    return [...this.#byId.values()];
  }

  /** What issues a secret; undefined for what is made here, and for providers that nobody has declared. */
  of(rule: SecretRule): Held | undefined {
    const name = rule.known?.provider?.toLowerCase();
    const provider = name === undefined ? undefined : this.#byId.get(name);
    const kind = provider?.kinds[rule.type.name] ?? provider?.kinds['*'];
    if (!provider || !kind) return undefined;
    return { provider, kind, config: this.config(provider) };
  }

  config(provider: Provider): ProviderConfig {
    return this.#options.settings?.[provider.id] ?? {};
  }

  /** The same, with what the project says of one environment over what it says of all. */
  here(held: Held, environment: string): Held {
    const places = Object.entries(this.#options.places?.[held.provider.id] ?? {});
    const found = places.find(([name]) => nameKey(name) === nameKey(environment));
    return found ? { ...held, config: { ...held.config, ...found[1] } } : held;
  }

  /** @param beside values of the names that the kind asked for */
  call({ provider, config }: Held, beside: Readonly<Record<string, string>>): Call {
    return {
      http: this.#http,
      baseUrl: (config.baseUrl ?? provider.baseUrl).replace(/\/$/, ''),
      settings: config,
      beside,
      now: this.#options.clock(),
      random: this.#options.random,
    };
  }

  /** True where a new key can be made without a person: there is an API, and an admin credential is configured. */
  canRenew(held: Held | undefined): boolean {
    if (!held?.kind.renewal) return false;
    const places = Object.values(this.#options.places?.[held.provider.id] ?? {});
    return held.config.admin !== undefined || places.some((one) => one.admin !== undefined);
  }

  /** True for a secret that is another provider's admin credential: it has to turn before what it makes. */
  isAdmin(name: string): boolean {
    const key = nameKey(name);
    const places = Object.values(this.#options.places ?? {}).flatMap((one) => Object.values(one));
    const declared = [...Object.values(this.#options.settings ?? {}), ...places];
    return declared.some((one) => nameKey(one.admin ?? '') === key);
  }
}
