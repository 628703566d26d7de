// Validation of whole environments: what is missing, each value by its rules, and the same value in two places.

import type { AuditEvent } from '../audit/entry.ts';
import { nameKey } from '../catalog/catalog.ts';
import { logTransaction, type Operation } from '../store/operation.ts';
import type { VaultContext } from '../vault/context.ts';
import { allSummaries } from '../vault/list.ts';
import type { Environment } from '../vault/places.ts';
import { forEachNamed, forEachOpened, type OpenedSecret } from '../vault/read.ts';
import { bySeverity, type Finding } from './finding.ts';
import { judgeValue } from './rules.ts';

/** How one secret came out. */
interface ValidatedSecret {
  readonly name: string;
  readonly environment: string;
  readonly type: string;
  readonly version: number;
  /** 0 to 100; undefined where strength does not apply. */
  readonly strength: number | undefined;
  readonly findings: readonly Finding[];
}

export interface ValidationResult {
  readonly environments: readonly string[];
  readonly secrets: readonly ValidatedSecret[];
  /** Worst first. */
  readonly findings: readonly Finding[];
  readonly missing: readonly string[];
  /** Known secrets that are there, of those that are wanted. */
  readonly critical: { readonly present: number; readonly wanted: number };
}

export interface ValidateOptions {
  /** Only these names; the environments around are not compared with. */
  readonly only?: ReadonlySet<string>;
}

/** Where a value was met. */
interface Seen {
  /** False for the environments around those that are validated: they are compared with, and not judged. */
  readonly judged: boolean;
  readonly name: string;
  readonly environment: string;
}

/**
 * Validates environments. Values are opened in memory and let go at once; the log has one entry for the run, durable
 * before the first is opened.
 */
export function* validate(
  ctx: VaultContext,
  environments: readonly Environment[],
  options: ValidateOptions = {},
): Operation<ValidationResult> {
  const event: AuditEvent = {
    action: 'validation.run',
    details: { environments: environments.map((one) => one.name).join(',') },
  };
  for (const one of environments) {
    yield* ctx.authorize('validate', { ...event, project: one.project, environment: one.name });
  }
  yield* logTransaction(ctx.log([event]));
  const secrets: ValidatedSecret[] = [];
  // The quick form looks at its few names only.
  const places = options.only ? new Map<string, Seen[]>() : yield* surroundingPlaces(ctx, environments);
  for (const environment of environments) {
    const judge = (opened: OpenedSecret) => {
      if (ctx.mayReach('validate', environment, opened.name)) {
        const rule = ctx.catalog.rule(opened.name, opened);
        const { findings, strength } = judgeValue({
          name: opened.name,
          environment: environment.name,
          rule,
          value: opened.value,
        });
        const { name, type, version } = opened;
        secrets.push({ name, environment: environment.name, type, version, strength: strength?.score, findings });
        if (rule.strength) {
          remember(places, ctx.fingerprint(opened.value).toString('hex'), seenAt(name, environment, true));
        }
      }
      opened.value.fill(0);
    };
    if (options.only) yield* forEachNamed(ctx, environment, options.only, judge);
    else yield* forEachOpened(ctx, environment, judge);
  }
  const missing = environments.flatMap((environment) => missingIn(ctx, environment, secrets));
  const reused = [...places.values()].flatMap((seen) => reuse(ctx, seen));
  const findings = [...missing, ...secrets.flatMap((one) => one.findings), ...reused].sort(bySeverity);
  const critical = ctx.catalog.inGroup('critical').length * environments.length;
  return {
    environments: environments.map((one) => one.name),
    secrets,
    findings,
    missing: missing.map((one) => one.secret),
    critical: { present: critical - missing.filter((one) => one.severity === 'critical').length, wanted: critical },
  };
}

function seenAt(name: string, environment: Environment, judged: boolean): Seen {
  return { name, environment: environment.name, judged };
}

function remember(places: Map<string, Seen[]>, fingerprint: string, place: Seen): void {
  const seen = places.get(fingerprint) ?? [];
  seen.push(place);
  places.set(fingerprint, seen);
}

/** The values of the other environments of the same projects, by fingerprint: nothing of them is opened. */
function* surroundingPlaces(ctx: VaultContext, environments: readonly Environment[]): Operation<Map<string, Seen[]>> {
  const places = new Map<string, Seen[]>();
  const judged = new Set(environments.map((one) => one.id));
  const projects = new Set(environments.map((one) => one.project));
  for (const environment of ctx.environments.values()) {
    if (judged.has(environment.id) || !projects.has(environment.project)) continue;
    for (const one of yield* allSummaries(environment)) {
      if (!ctx.catalog.rule(one.name, one).strength) continue;
      remember(places, one.fingerprint, seenAt(one.name, environment, false));
    }
  }
  return places;
}

function missingIn(ctx: VaultContext, environment: Environment, secrets: readonly ValidatedSecret[]): Finding[] {
  const there = new Set(secrets.filter((one) => one.environment === environment.name).map((one) => nameKey(one.name)));
  return [...ctx.catalog.inGroup('critical'), ...ctx.catalog.inGroup('webhook')]
    .filter((known) => !there.has(nameKey(known.name)))
    .map((known) => ({
      rule: 'missing',
      severity: known.group === 'critical' ? 'critical' : 'medium',
      secret: known.name,
      environment: environment.name,
      what: `${known.name} is not in the vault.`,
      why: `It ${/s$/.test(known.purpose.split(' ')[0] ?? '') ? known.purpose : `is for ${known.purpose}`}.`,
      mend: known.page
        ? `Get it at ${known.page}, then run \`keyturn set ${known.name} --env ${environment.name}\`.`
        : `Run \`keyturn set ${known.name} --generate --env ${environment.name}\`.`,
    }));
}

/** The same value under two names, or in two environments: the guide wants a unique one for each. */
function reuse(ctx: VaultContext, seen: readonly Seen[]): Finding[] {
  const findings: Finding[] = [];
  for (const [index, one] of seen.entries()) {
    if (!one.judged) continue;
    for (const other of seen.slice(0, index)) {
      const sameName = nameKey(one.name) === nameKey(other.name);
      if (!sameName && mayEqual(ctx, one.name, other.name)) continue;
      findings.push(sameName ? shared(one, other) : reused(one, other));
      // One finding a secret says it; all pairs of many would bury the rest.
      break;
    }
  }
  return findings;
}

function mayEqual(ctx: VaultContext, a: string, b: string): boolean {
  const allows = (x: string, y: string) => nameKey(ctx.catalog.find(x)?.mayEqual ?? '') === nameKey(y);
  return allows(a, b) || allows(b, a);
}

function shared(one: Seen, other: Seen): Finding {
  return {
    rule: 'shared-environments',
    severity: one.environment === 'production' || other.environment === 'production' ? 'high' : 'medium',
    secret: one.name,
    environment: one.environment,
    what: `The value is the same as in ${other.environment}.`,
    why: 'Whoever can read the less protected environment has the key of the other.',
    mend: `Give ${one.environment} a value of its own: \`keyturn rotate ${one.name} --env ${one.environment}\`.`,
  };
}

function reused(one: Seen, other: Seen): Finding {
  return {
    rule: 'reused',
    severity: 'high',
    secret: one.name,
    environment: one.environment,
    what: `The value is the same as that of ${other.name}${one.environment === other.environment ? '' : ` in ${other.environment}`}.`,
    why: 'When one of them leaks, both have leaked, and neither can be rotated alone.',
    mend: `Give each a value of its own: \`keyturn rotate ${one.name} --env ${one.environment}\`.`,
  };
}
