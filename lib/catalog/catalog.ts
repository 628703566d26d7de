// The catalogue that the rest asks: the built-in types and known secrets, with a project's own laid over them.
import { UsageError } from '../errors.ts';
import { type FormatRule, KNOWN_SECRETS, type KnownSecret, type SecretGroup } from './known-secrets.ts';
import { BUILT_IN_TYPES, type GenerateRule, type Risk, type TypeRule } from './types.ts';

const HOUR_MS = 60 * 60 * 1000;

/** Everything the catalogue has to say about one secret. */
export interface SecretRule {
  readonly type: TypeRule;
  readonly known: KnownSecret | undefined;
  readonly risk: Risk;
  /** Days; undefined for what does not age. */
  readonly intervalDays: number | undefined;
  readonly minLength: number | undefined;
  readonly strength: boolean;
  readonly url: boolean;
  readonly formats: readonly FormatRule[];
  readonly formatsConfirmed: boolean;
  readonly generate: GenerateRule | undefined;
  readonly graceMs: number;
}

/** What a project adds: its own types, and rules for its own or known secrets. */
export interface CatalogAdditions {
  readonly types?: readonly TypeRule[];
  readonly secrets?: readonly KnownSecret[];
}

/** Folds a name as the vault compares names: without case. */
export function nameKey(name: string): string {
  return name.toUpperCase();
}

export class Catalog {
  readonly #types = new Map<string, TypeRule>(Object.entries(BUILT_IN_TYPES));
  readonly #additions: CatalogAdditions;
  #knownByKey: Map<string, KnownSecret> | undefined;

  constructor(additions: CatalogAdditions = {}) {
    this.#additions = additions;
    for (const type of additions.types ?? []) this.#types.set(type.name, type);
  }

  /** Made when first asked: reading secrets does not need it. */
  get #known(): Map<string, KnownSecret> {
    if (this.#knownByKey) return this.#knownByKey;
    const known = new Map(KNOWN_SECRETS.map((secret) => [nameKey(secret.name), secret]));
    for (const secret of this.#additions.secrets ?? []) {
      const key = nameKey(secret.name);
      known.set(key, { ...known.get(key), ...secret });
    }
    this.#knownByKey = known;
    return known;
  }

  /** The project's own rules as text: the same for the same rules. */
  get rulesText(): string {
    return JSON.stringify(this.#additions);
  }

  get typeNames(): string[] {
    return [...this.#types.keys()];
  }

  get known(): KnownSecret[] {
    return [...this.#known.values()];
  }

  find(name: string): KnownSecret | undefined {
    return this.#known.get(nameKey(name));
  }

  inGroup(group: SecretGroup): KnownSecret[] {
    return this.known.filter((secret) => secret.group === group);
  }

  /** @throws UsageError for a type that is neither built in nor the project's own. */
  type(name: string): TypeRule {
    const type = this.#types.get(name);
    if (type) return type;
    throw new UsageError(
      `There is no secret type "${name}".`,
      `Types are ${this.typeNames.join(', ')}; a project adds its own in keyturn.config.ts.`,
    );
  }

  /** The type that a new secret of this name has when nobody says: the catalogue's, else by its name's ending. */
  typeFor(name: string): string {
    const known = this.find(name);
    if (known) return known.type;
    const key = nameKey(name);
    if (/WEBHOOK.*(SECRET|KEY)$/.test(key)) return 'webhook_secret';
    if (/(^|_)JWT_(SECRET|KEY)$/.test(key)) return 'jwt_secret';
    if (/(_URL|_URI|_ENDPOINT)$/.test(key) && !/DATABASE|POSTGRES|REDIS|MONGO/.test(key)) return 'url';
    if (/(DATABASE_URL|POSTGRES.*URL|DB_(KEY|URL))$/.test(key)) return 'database_key';
    if (/(API_?KEY|_TOKEN|ACCESS_KEY|SECRET_KEY|CLIENT_SECRET)$/.test(key)) return 'api_key';
    if (/(PASSWORD|PASSWD|_PASS)$/.test(key)) return 'password';
    if (/PUBLIC_KEY$/.test(key)) return 'public_key';
    return 'generic';
  }

  /** True where the value is no secret at all: a setting that lives beside the secrets. */
  isSetting(name: string): boolean {
    return this.find(name)?.secret === false;
  }

  /**
   * The rules for a secret.
   * @param own what the secret itself says: its type, and its own interval in days where it has one.
   */
  rule(name: string, own: { type: string; intervalDays?: number | null }): SecretRule {
    const known = this.find(name);
    // A secret may have a type that the project's configuration no longer declares: the plainest one serves then.
    const type = this.#types.get(own.type) ?? BUILT_IN_TYPES.generic;
    const secret = known?.secret !== false;
    const pattern: FormatRule[] = type.pattern ? [{ ...type.pattern }] : [];
    return {
      type,
      known,
      risk: known?.risk ?? type.risk,
      intervalDays: own.intervalDays ?? (secret ? (known?.intervalDays ?? type.intervalDays) : undefined),
      minLength: secret ? type.minLength : undefined,
      strength: secret && type.strength,
      url: type.url === true,
      formats: known?.formats ?? pattern,
      formatsConfirmed: known?.formats ? known.formatsConfirmed === true : true,
      // What a provider gives cannot be made up here, whatever its type.
      generate: known?.provider || !secret ? undefined : type.generate,
      graceMs: (known?.graceHours ?? type.graceHours) * HOUR_MS,
    };
  }
}
