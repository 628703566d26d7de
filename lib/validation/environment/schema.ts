// What a project's environment has to hold: its own schema (keyturn.env.yaml), or, where it has none, what the catalogue and
// the guide ask for.
import { stringify } from 'yaml';
import { z } from 'zod';
import { type Catalog, nameKey } from '../../catalog/catalog.ts';
import { readYaml } from '../../config/yaml-text.ts';
import { UsageError } from '../../errors.ts';

export const SCHEMA_FILE = 'keyturn.env.yaml';

/** Needed in production by the guide, though no critical secrets. */
const GUIDE_NAMES = [
  'STRIPE_WEBHOOK_SECRET',
  'TELNYX_MESSAGING_PROFILE_ID',
  'TELNYX_CONNECTION_ID',
  'RETELL_WEBHOOK_SECRET',
  'NEXT_PUBLIC_SUPABASE_URL',
];

const variableSchema = z.strictObject({
  /** In which environments it has to be there: true for all. */
  required: z.union([z.boolean(), z.array(z.string().min(1)).min(1)]).default(true),
  /** A secret type; by its name where not given. */
  type: z.string().min(1).optional(),
  /** False for a setting that everybody may see. */
  secret: z.boolean().optional(),
  /** A regular expression over the whole value. */
  format: z.string().refine(isExpression, 'it is no regular expression').optional(),
  description: z.string().optional(),
});

const fileSchema = z.strictObject({
  variables: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), variableSchema),
});

export interface Variable extends z.infer<typeof variableSchema> {
  readonly name: string;
}

export interface EnvironmentSchema {
  /** The file it is from; undefined for the catalogue's own. */
  readonly file: string | undefined;
  readonly variables: readonly Variable[];
}

function isExpression(text: string): boolean {
  try {
    new RegExp(text, 'su');
    return true;
  } catch {
    // That is the question.
    return false;
  }
}

/** @throws UsageError KT_CONFIG_INVALID with the line */
export function parseSchema(text: string, catalog: Catalog, file = SCHEMA_FILE): EnvironmentSchema {
  const read = readYaml(text);
  if ('brokenAt' in read) throw invalid(file, read.brokenAt, 'it is not YAML');
  const { lineOf } = read;
  const parsed = fileSchema.safeParse(read.value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = issue?.path ?? [];
    throw invalid(file, lineOf(path), `${path.map(String).join('.') || 'the file'}: ${issue?.message}`);
  }
  const variables = Object.entries(parsed.data.variables).map(([name, one]) => ({ name, ...one }));
  const unknown = variables.find((one) => one.type !== undefined && !catalog.typeNames.includes(one.type));
  if (unknown) {
    throw invalid(
      file,
      lineOf(['variables', unknown.name, 'type']),
      `variables.${unknown.name}.type: there is no type "${unknown.type}"`,
    );
  }
  return { file, variables };
}

function invalid(file: string, line: number, what: string): UsageError {
  return new UsageError(`${file}, line ${line}: ${what}.`, 'docs/environment.md has every key.', 'KT_CONFIG_INVALID');
}

/** What is asked for where a project says nothing. */
export function catalogueSchema(catalog: Catalog): EnvironmentSchema {
  const names = [...catalog.inGroup('critical').map((one) => one.name), ...GUIDE_NAMES];
  return { file: undefined, variables: [...new Set(names)].map((name) => ({ name, required: true })) };
}

/**
 * A schema for the names of an existing file, as YAML. Names only: no value of theirs goes into it.
 * @param names in the order of the file
 */
export function writeSchema(names: readonly string[], catalog: Catalog): string {
  const variables = names.map((name) => {
    const known = catalog.find(name);
    const required = known?.group === 'optional' || known?.group === 'monitoring' ? false : ['production'];
    const setting = catalog.isSetting(name);
    return [
      name,
      {
        required,
        type: catalog.typeFor(name),
        ...(setting && { secret: false }),
        ...(known && { description: known.purpose }),
      },
    ] as const;
  });
  const head =
    '# What the environment has to hold; `keyturn env validate` checks it. Names and rules only: no value belongs here.\n';
  return head + stringify({ variables: Object.fromEntries(variables) }, { lineWidth: 0 });
}

/** Whether a variable has to be there in an environment. */
export function isRequired(variable: Variable, environment: string): boolean {
  if (typeof variable.required === 'boolean') return variable.required;
  return variable.required.some((one) => nameKey(one) === nameKey(environment));
}
