// Importing, as `import` and `start` do it: read the text, refuse it whole where a line is wrong, set all in one
// transaction.
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { nameKey } from '../catalog/catalog.ts';
import { FileError, UsageError } from '../errors.ts';
import { parseDotenv } from '../formats/dotenv.ts';
import type { ParsedText, Problem, TextEntry } from '../formats/entries.ts';
import { allSummaries } from '../vault/list.ts';
import { setSecrets } from '../vault/write.ts';
import type { Session } from './session.ts';

export interface ImportLine {
  readonly name: string;
  readonly outcome: 'added' | 'updated' | 'unchanged' | 'left out: empty';
  readonly type: string;
  /** 0 where nothing was, or would be, written. */
  readonly version: number;
}

export interface ImportResult {
  readonly lines: readonly ImportLine[];
  readonly notes: readonly Problem[];
}

export async function readImportFile(path: string): Promise<string> {
  try {
    if (path !== '-') return readFileSync(path, 'utf8');
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${path} cannot be read (${code}).`,
      left: 'Nothing was imported.',
      next: 'Name the file: `keyturn import FILE`.',
    });
  }
}

/** Reads a text in one of the formats. YAML's parser is loaded for JSON and YAML only. */
async function parse(text: string, format: string): Promise<ParsedText> {
  if (format === 'dotenv') return parseDotenv(text);
  const { parseStructured } = await import('../formats/structured.ts');
  return parseStructured(text, format === 'json' ? 'json' : 'yaml');
}

function formatOf(path: string): 'dotenv' | 'json' | 'yaml' {
  const ending = extname(path).toLowerCase();
  if (ending === '.json') return 'json';
  return ending === '.yaml' || ending === '.yml' ? 'yaml' : 'dotenv';
}

export interface ImportInput {
  /** For messages and the format. */
  readonly file: string;
  readonly text: string;
  readonly format: string | undefined;
  readonly dryRun: boolean;
}

/** @throws UsageError KT_INPUT_INVALID naming every line that cannot be read; then nothing is imported */
export async function importText(session: Session, input: ImportInput): Promise<ImportResult> {
  const format = input.format ?? formatOf(input.file);
  if (format === 'shell') throw new UsageError('Shell text cannot be imported.', 'Import dotenv, json or yaml.');
  const parsed = await parse(input.text, format);
  if (parsed.problems.length > 0) throw unreadable(input.file, parsed.problems);
  return { lines: importEntries(session, parsed.entries, input.dryRun), notes: parsed.notes };
}

function unreadable(file: string, problems: readonly Problem[]): UsageError {
  const lines = problems.map((one) => `  line ${one.line} ${one.what}`).join('\n');
  return new UsageError(`${file} cannot be read:\n${lines}\n`, 'Mend it and import again.', 'KT_INPUT_INVALID');
}

/** Sets all entries, or none. Empty ones are left out: an empty value says that there is no secret. */
export function importEntries(session: Session, entries: readonly TextEntry[], dryRun: boolean): ImportLine[] {
  const { vault, at } = session;
  const { context } = vault;
  const filled = entries.filter((one) => one.value.length > 0);
  const before = new Map(vault.run(allSummaries(context.environment(at))).map((one) => [nameKey(one.name), one]));
  const type = (name: string) => before.get(nameKey(name))?.type ?? context.catalog.typeFor(name);
  const results = new Map<string, ImportLine>();
  if (dryRun) {
    for (const { name, value } of filled) {
      const known = before.get(nameKey(name));
      const same = known?.fingerprint === context.fingerprint(value).toString('hex');
      const outcome = !known ? 'added' : same ? 'unchanged' : 'updated';
      results.set(name, { name, outcome, type: type(name), version: (known?.version ?? 0) + (same ? 0 : 1) });
    }
  } else {
    const set = vault.run(setSecrets(context, filled.map(({ name, value }) => ({ at, name, value, origin: 'import' as const }))));
    for (const [index, one] of set.entries()) {
      const name = filled[index]?.name ?? one.name;
      const outcome = one.outcome === 'described' ? 'unchanged' : one.outcome;
      results.set(name, { name, outcome, type: type(name), version: one.version });
    }
  }
  for (const entry of entries) entry.value.fill(0);
  return entries.map(
    ({ name }) => results.get(name) ?? { name, outcome: 'left out: empty', type: type(name), version: 0 },
  );
}
