// Checks environments against a schema, each by itself and against one another. Pure: what was found in, findings out. Never
// a value.
import { timingSafeEqual } from 'node:crypto';
import { type Catalog, nameKey, type SecretRule } from '../../catalog/catalog.ts';
import { LEAK_RULES } from '../../catalog/leak-rules.ts';
import { asUtf8 } from '../../crypto/bytes.ts';
import type { Finding } from '../finding.ts';
import { judgeValue } from '../rules.ts';
import { type EnvironmentSchema, isRequired, type Variable } from './schema.ts';
import type { Looked, Present } from './sources.ts';

export interface EnvironmentFinding extends Omit<Finding, 'rule'> {
  readonly rule: Finding['rule'] | 'empty' | 'differs';
  readonly from: string;
  readonly file: string | undefined;
  readonly line: number | undefined;
}

interface CheckedVariable {
  readonly name: string;
  readonly environment: string;
  readonly from: string;
  readonly state: 'fine' | 'there' | 'finding' | 'missing' | 'not needed';
}

export interface EnvironmentResult {
  /** Worst first. */
  readonly findings: readonly EnvironmentFinding[];
  readonly variables: readonly CheckedVariable[];
}

const ORDER = ['critical', 'high', 'medium', 'low', 'info'];
const PUBLIC_PREFIX = /^(?:NEXT_PUBLIC|VITE|PUBLIC|REACT_APP|EXPO_PUBLIC)_/i;
const SECRET_WORD = /SECRET|PRIVATE|PASSWORD|TOKEN|SERVICE_ROLE/i;
/** Keys that providers make for browsers. */
const PUBLISHABLE = /ANON|PUBLISHABLE|PUBLIC_KEY|SITE_KEY|MEASUREMENT/i;
const SHARED_BYTES = 8;
const STRONG_RULES = LEAK_RULES.map((one) => ({ words: one.words, pattern: new RegExp(`^(?:${one.expression})$`) }));

/**
 * @param looked one for each environment; those that come from the same kind of place are compared with one another
 */
export function checkEnvironments(
  looked: readonly Looked[],
  schema: EnvironmentSchema,
  catalog: Catalog,
): EnvironmentResult {
  const findings: EnvironmentFinding[] = [];
  const variables: CheckedVariable[] = [];
  for (const one of looked) {
    const checked = checkOne(one, schema, catalog);
    findings.push(...checked.findings);
    variables.push(...checked.variables);
  }
  findings.push(...differences(looked, schema, catalog));
  findings.sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  return { findings, variables };
}

function checkOne(looked: Looked, schema: EnvironmentSchema, catalog: Catalog): EnvironmentResult {
  const present = new Map(looked.present.map((one) => [nameKey(one.name), one]));
  const findings: EnvironmentFinding[] = [];
  const variables: CheckedVariable[] = [];
  for (const variable of schema.variables) {
    const found = present.get(nameKey(variable.name));
    present.delete(nameKey(variable.name));
    const own = found
      ? valueFindings(looked, found, variable, catalog)
      : isRequired(variable, looked.environment)
        ? [missing(looked, variable, catalog)]
        : [];
    findings.push(...own);
    variables.push({
      name: variable.name,
      environment: looked.environment,
      from: looked.from,
      state: stateOf(found, own),
    });
  }
  // What the schema does not name can still be wrong: a secret that goes into every browser.
  for (const rest of present.values()) findings.push(...undeclaredFindings(looked, rest, catalog));
  return { findings, variables };
}

function stateOf(found: Present | undefined, findings: readonly EnvironmentFinding[]): CheckedVariable['state'] {
  if (!found) return findings.length > 0 ? 'missing' : 'not needed';
  if (findings.length > 0) return 'finding';
  return found.value ? 'fine' : 'there';
}

function finding(
  looked: Looked,
  found: Present | undefined,
  name: string,
  rest: Pick<EnvironmentFinding, 'rule' | 'severity' | 'what' | 'why' | 'mend'>,
): EnvironmentFinding {
  const { environment, from } = looked;
  return { secret: name, environment, from, file: found?.file, line: found?.line, ...rest };
}

function missing(looked: Looked, variable: Variable, catalog: Catalog): EnvironmentFinding {
  const known = catalog.find(variable.name);
  const where = known?.page ? ` Its provider makes one at ${known.page}.` : '';
  const place = looked.from === 'Vercel' ? `in Vercel, target ${looked.environment}` : `in ${looked.from || 'a file'}`;
  return finding(looked, undefined, variable.name, {
    rule: 'missing',
    severity: looked.environment === 'production' ? 'critical' : 'high',
    what: `${variable.name} is not there.`,
    why: `It is needed: ${variable.description ?? known?.purpose ?? 'the schema says so'}.`,
    mend: `Set it ${place}.${where}`,
  });
}

/** The catalogue's rule, with what the schema says over it. */
function ruleFor(variable: Variable, catalog: Catalog): SecretRule {
  const type = variable.type ?? catalog.typeFor(variable.name);
  const rule = catalog.rule(variable.name, { type });
  const own = variable.format
    ? {
        formats: [{ expression: variable.format, words: `what the schema asks for (${variable.format})` }],
        formatsConfirmed: true,
      }
    : {};
  const open = variable.secret === false ? { strength: false, minLength: undefined } : {};
  return { ...rule, ...open, ...own };
}

function valueFindings(looked: Looked, found: Present, variable: Variable, catalog: Catalog): EnvironmentFinding[] {
  const { name } = variable;
  if (!found.value) return publicName(looked, found);
  if (found.value.length === 0) {
    const severity = isRequired(variable, looked.environment) ? 'critical' : 'low';
    const why = 'Programs take it for a value, and fail later.';
    const mend = 'Give it a value, or take the line out.';
    return [finding(looked, found, name, { rule: 'empty', severity, what: `${name} is empty.`, why, mend })];
  }
  const rule = ruleFor(variable, catalog);
  const judged = judgeValue({ name, environment: looked.environment, rule, value: found.value }).findings;
  const own = judged.map((one) => ({ ...one, from: looked.from, file: found.file, line: found.line }));
  const named = own.some((one) => one.rule === 'public-name');
  return named ? own : [...own, ...publicName(looked, found)];
}

function undeclaredFindings(looked: Looked, found: Present, catalog: Catalog): EnvironmentFinding[] {
  const own = publicName(looked, found);
  if (own.length > 0 || !found.value || !catalog.find(found.name)) return own;
  // A known secret that nobody declared is judged as if somebody had.
  return valueFindings(looked, found, { name: found.name, required: false }, catalog);
}

/** A name that puts the value into every browser, on what is a secret by its name or by its form. */
function publicName(looked: Looked, found: Present): EnvironmentFinding[] {
  if (!PUBLIC_PREFIX.test(found.name) || PUBLISHABLE.test(found.name)) return [];
  const text = found.value && asUtf8(found.value);
  const form = text === undefined ? undefined : STRONG_RULES.find((one) => one.pattern.test(text));
  if (!form && !SECRET_WORD.test(found.name)) return [];
  return [
    finding(looked, found, found.name, {
      rule: 'public-name',
      severity: 'critical',
      what: form
        ? `The value is ${form.words}, and its name makes the build put it into the browser.`
        : `${found.name} names a secret, and makes the build put it into the browser.`,
      why: 'Frameworks inline variables with this prefix into the pages: everyone who visits can read it.',
      mend: 'Keep it under a name without the prefix, and rotate it if it was ever deployed.',
    }),
  ];
}

/** What one environment has and another lacks, and secrets that two of them share. */
function differences(looked: readonly Looked[], schema: EnvironmentSchema, catalog: Catalog): EnvironmentFinding[] {
  const found: EnvironmentFinding[] = [];
  for (const [index, one] of looked.entries()) {
    for (const other of looked.slice(index + 1)) {
      if (one.environment === other.environment || kindOf(one) !== kindOf(other)) continue;
      found.push(...lacking(one, other, schema), ...lacking(other, one, schema), ...shared(one, other, catalog));
    }
  }
  return found;
}

function kindOf(looked: Looked): string {
  return looked.from === 'Vercel' || looked.from === 'the process' ? looked.from : 'files';
}

function lacking(has: Looked, lacks: Looked, schema: EnvironmentSchema): EnvironmentFinding[] {
  // What the process has besides is the system's own.
  if (kindOf(has) === 'the process') return [];
  const there = new Set(lacks.present.map((one) => nameKey(one.name)));
  const declared = new Set(schema.variables.map((one) => nameKey(one.name)));
  return has.present
    .filter((one) => !there.has(nameKey(one.name)) && !declared.has(nameKey(one.name)))
    .map((one) =>
      finding(lacks, undefined, one.name, {
        rule: 'differs',
        severity: 'low',
        what: `${one.name} is in ${has.environment}, and not in ${lacks.environment}.`,
        why: 'What works in one environment fails in the other.',
        mend: `Set it there too, or declare it in the schema as required in [${has.environment}].`,
      }),
    );
}

function shared(one: Looked, other: Looked, catalog: Catalog): EnvironmentFinding[] {
  if (one.environment !== 'production' && other.environment !== 'production') return [];
  const [production, beside] = one.environment === 'production' ? [one, other] : [other, one];
  return beside.present.flatMap((variable) => {
    const live = production.present.find((each) => nameKey(each.name) === nameKey(variable.name));
    const rule = catalog.rule(variable.name, { type: catalog.typeFor(variable.name) });
    if (!live?.value || !variable.value || !rule.strength || !same(live.value, variable.value)) return [];
    // One line of a file that both environments read is one value, and said once.
    return [
      finding(beside, variable, variable.name, {
        rule: 'shared-environments',
        severity: 'high',
        what: `${variable.name} has the same value in ${beside.environment} as in production.`,
        why: 'Whoever can read the one has the other.',
        mend: `Use another value in ${beside.environment}.`,
      }),
    ];
  });
}

function same(a: Buffer, b: Buffer): boolean {
  // "1" and "true" are the same everywhere by right.
  return a.length === b.length && a.length >= SHARED_BYTES && timingSafeEqual(a, b);
}
