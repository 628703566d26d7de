// keyturn env: checks the environment (dotenv files, the process, Vercel) against a schema, and writes such a schema.
import { appendFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { FileError, UsageError } from '../../errors.ts';
import { parseDotenv } from '../../formats/dotenv.ts';
import { Http } from '../../providers/http.ts';
import {
  checkEnvironments,
  type EnvironmentFinding,
  type EnvironmentResult,
} from '../../validation/environment/check.ts';
import {
  catalogueSchema,
  type EnvironmentSchema,
  parseSchema,
  SCHEMA_FILE,
  writeSchema,
} from '../../validation/environment/schema.ts';
import {
  environmentsOf,
  fromFiles,
  fromProcess,
  isDotenvFile,
  type Looked,
  type SourceFile,
} from '../../validation/environment/sources.ts';
import { fromVercel, VercelLookError } from '../../validation/environment/vercel.ts';
import { readTextIfThere, replaceFile } from '../../vault/files.ts';
import { EXIT } from '../exit-codes.ts';
import { severityWord } from '../findings.ts';
import { type Surroundings, surroundings, withJson } from '../session.ts';
import { plural } from '../words.ts';

interface ValidateOptions {
  readonly env?: string;
  readonly schema?: string;
  readonly process?: boolean;
  readonly files?: boolean;
  readonly vercel?: string | boolean;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const env = program
    .command('env')
    .description('the environment of an application: check it, and say what it has to hold');
  withJson(
    env
      .command('validate')
      .description('check .env files, the process, and what Vercel has; ends with 1 on a critical finding')
      .option('-e, --env <name>', 'this environment only')
      .option('--schema <file>', `what to check against (${SCHEMA_FILE}, else the catalogue)`)
      .option('--process', 'check the variables of this process (by itself in CI, and where there is no file)')
      .option('--no-files', 'leave dotenv files out')
      .option('--vercel [project]', 'what Vercel has (VERCEL_TOKEN; VERCEL_PROJECT_ID, VERCEL_ORG_ID)'),
  ).action((options: ValidateOptions) => validate(options));
  withJson(
    env
      .command('init')
      .description(`write ${SCHEMA_FILE} from the names of an existing .env; no value goes into it`)
      .argument('[file]', 'the file', '.env')
      .option('-o, --output <file>', 'where to', SCHEMA_FILE)
      .option('--force', 'write over one that is there'),
  ).action((file: string, options: { output: string; force?: boolean; json?: boolean }) => init(file, options));
}

async function validate(options: ValidateOptions): Promise<void> {
  const around = surroundings({ json: options.json === true });
  const { out, config } = around;
  const schema = schemaOf(around, options);
  const looked = await lookAround(around, options);
  try {
    const result = checkEnvironments(looked, schema, config.catalog);
    out.data({
      schema: schema.file ?? 'catalogue',
      environments: looked.map(({ environment, from }) => ({ environment, from })),
      ...result,
    });
    show(around, looked, schema, result);
    if (process.env.GITHUB_ACTIONS === 'true') annotate(result.findings);
    if (result.findings.some((one) => one.severity === 'critical')) process.exitCode = EXIT.findings;
  } finally {
    for (const one of looked) for (const { value } of one.present) value?.fill(0);
  }
}

function schemaOf({ home, config }: Surroundings, options: ValidateOptions): EnvironmentSchema {
  const path = options.schema === undefined ? join(home.root, SCHEMA_FILE) : resolve(options.schema);
  const text = readTextIfThere(path);
  if (text !== undefined) return parseSchema(text, config.catalog, options.schema ?? SCHEMA_FILE);
  if (options.schema !== undefined)
    throw new UsageError(`There is no file ${options.schema}.`, 'Make one with `keyturn env init`.');
  return catalogueSchema(config.catalog);
}

async function lookAround(around: Surroundings, options: ValidateOptions): Promise<Looked[]> {
  const { env } = process;
  const files = options.files === false ? [] : dotenvFiles(around.home.root);
  const names = environmentsOf(files.map((one) => one.name));
  const looked = names.map((name) => fromFiles(name, files));
  const inCi = env.CI === 'true' || env.GITHUB_ACTIONS === 'true';
  const here = options.env ?? env.VERCEL_ENV ?? env.KEYTURN_ENV ?? (inCi ? 'production' : 'development');
  // A file says what an environment is to be; without one for it, CI's own variables are what will be.
  const untold = !looked.some((one) => one.environment === here);
  if (options.process || (inCi && untold) || (looked.length === 0 && !options.vercel))
    looked.push(fromProcess(here, env));
  if (options.vercel || (options.vercel === undefined && env.VERCEL_TOKEN && env.VERCEL_PROJECT_ID)) {
    looked.push(...(await vercelOf(options)));
  }
  const wanted = looked.filter((one) => options.env === undefined || one.environment === options.env);
  if (wanted.length > 0) return wanted;
  throw new UsageError(
    options.env === undefined
      ? 'There is nothing to check here.'
      : `There is nothing of the environment "${options.env}" here.`,
    'Run it where the .env files are, or with --process or --vercel.',
  );
}

function dotenvFiles(root: string): SourceFile[] {
  return readdirSync(root)
    .filter(isDotenvFile)
    .sort()
    .map((name) => {
      const { entries, problems } = parseDotenv(readTextIfThere(join(root, name)) ?? '');
      const [problem] = problems;
      if (problem) {
        throw new FileError('KT_FILE_UNUSABLE', {
          what: `${name}, line ${problem.line}: ${problem.what}.`,
          left: 'Nothing was checked.',
          next: 'Correct the line: programs would read something else than is meant.',
        });
      }
      return { name, entries };
    });
}

async function vercelOf(options: ValidateOptions): Promise<Looked[]> {
  const {
    VERCEL_TOKEN: token,
    VERCEL_PROJECT_ID: fromEnv,
    VERCEL_ORG_ID: team,
    KEYTURN_VERCEL_URL: baseUrl,
  } = process.env;
  const project = typeof options.vercel === 'string' ? options.vercel : fromEnv;
  if (!token || !project) {
    throw new UsageError(
      'Vercel is to be asked, and VERCEL_TOKEN or the project is not given.',
      'Set VERCEL_TOKEN, and VERCEL_PROJECT_ID or --vercel PROJECT.',
    );
  }
  try {
    return await fromVercel({
      http: new Http(),
      token,
      project,
      team: team || undefined,
      baseUrl: baseUrl || undefined,
    });
  } catch (error) {
    if (!(error instanceof VercelLookError)) throw error;
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${error.message}.`,
      left: 'Nothing was checked.',
      next: error.passing ? 'Try again in a moment.' : 'Check VERCEL_TOKEN, the project and VERCEL_ORG_ID.',
    });
  }
}

const STATES = {
  fine: ['green', '✓'],
  there: ['green', '✓ (value not shown)'],
  finding: ['yellow', '!'],
  missing: ['red', '✗ missing'],
  'not needed': ['dim', '–'],
} as const;

function show(
  { out }: Surroundings,
  looked: readonly Looked[],
  schema: EnvironmentSchema,
  result: EnvironmentResult,
): void {
  const columns = looked.map((one) => `${one.environment} (${one.from})`);
  const rows = schema.variables.map((variable) => [
    variable.name,
    ...looked.map((one) => {
      const { state = 'not needed' } =
        result.variables.find(
          (each) => each.name === variable.name && each.environment === one.environment && each.from === one.from,
        ) ?? {};
      const [colour, mark] = STATES[state];
      return out.style(colour, mark);
    }),
  ]);
  out.table(['variable', ...columns], rows);
  out.line();
  for (const one of result.findings) {
    const at = one.file === undefined ? one.from : `${one.file}:${one.line}`;
    out.line(
      `${severityWord(out, one.severity)}  ${out.style('bold', one.secret)} (${one.environment}, ${at})  ${one.what}`,
    );
    out.line(`          ${out.style('dim', '→')} ${one.mend}`);
  }
  if (result.findings.length > 0) out.line();
  const critical = result.findings.filter((one) => one.severity === 'critical').length;
  const mark = critical > 0 ? out.style('red', '✗') : out.style('green', '✓');
  out.line(
    `${mark} ${plural(schema.variables.length, 'variable')} of ${schema.file ?? 'the catalogue'} in ${plural(looked.length, 'environment')}: ${plural(result.findings.length, 'finding')}, ${critical} critical.`,
  );
  if (schema.file === undefined)
    out.aside(`What your application needs goes into ${SCHEMA_FILE}: \`keyturn env init\` writes it from .env.`);
}

/** GitHub's workflow commands (docs.github.com, "Workflow commands"), to standard error: standard output may be JSON. */
function annotate(findings: readonly EnvironmentFinding[]): void {
  const data = (text: string) => text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
  const property = (text: string) => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
  for (const one of findings) {
    const level =
      one.severity === 'critical' || one.severity === 'high'
        ? 'error'
        : one.severity === 'medium'
          ? 'warning'
          : 'notice';
    const place = one.file === undefined ? '' : `file=${property(one.file)},line=${one.line},`;
    process.stderr.write(
      `::${level} ${place}title=${property(`${one.secret} (${one.environment})`)}::${data(`${one.what} ${one.mend}`)}\n`,
    );
  }
  const summary = process.env.GITHUB_STEP_SUMMARY;
  if (!summary) return;
  const rows = findings.map(
    (one) => `| ${one.severity} | ${one.secret} | ${one.environment} | ${one.what.replaceAll('|', '\\|')} |`,
  );
  const table =
    findings.length === 0
      ? 'No findings.'
      : `| severity | variable | environment | what |\n| --- | --- | --- | --- |\n${rows.join('\n')}`;
  appendFileSync(summary, `### Environment\n\n${table}\n`);
}

function init(file: string, options: { output: string; force?: boolean; json?: boolean }): void {
  const { out, config } = surroundings({ json: options.json === true });
  const text = readTextIfThere(resolve(file));
  if (text === undefined)
    throw new UsageError(`There is no file ${file}.`, 'Name the .env that your application reads.');
  const target = resolve(options.output);
  if (!options.force && readTextIfThere(target) !== undefined) {
    throw new UsageError(`${options.output} is there already.`, 'Give --force to write over it.');
  }
  const { entries } = parseDotenv(text);
  for (const { value } of entries) value.fill(0);
  const names = [...new Set(entries.map((one) => one.name))];
  replaceFile(target, writeSchema(names, config.catalog), 0o644);
  out.data({ file: options.output, names });
  out.line(
    `${plural(names.length, 'variable')} of ${basename(file)} declared in ${options.output}. No value is in it: commit it.`,
  );
  out.line('Say for each in which environments it is required, then run `keyturn env validate`.');
}
