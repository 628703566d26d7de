// Importing, as `import` and `start` do it: read the text, refuse it whole where a line is wrong, set all in one
// transaction.
import { readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { nameKey } from '../catalog/catalog.ts';
import { FileError, UsageError } from '../errors.ts';
import { parseDotenv } from '../formats/dotenv.ts';
import type { ParsedText, TextEntry } from '../formats/entries.ts';
import type { Problem } from '../formats/problem.ts';
import { allSummaries } from '../vault/list.ts';
import type { SecretSummary } from '../vault/results.ts';
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
  const filled = entries.filter((one) => one.value.length > 0);
  const lines = dryRun ? planned(session, filled) : imported(session, filled);
  for (const entry of entries) entry.value.fill(0);
  const { catalog } = session.vault.context;
  return entries.map(
    ({ name }) => lines.get(name) ?? { name, outcome: 'left out: empty', type: catalog.typeFor(name), version: 0 },
  );
}

function known(session: Session): Map<string, SecretSummary> {
  const { vault, at } = session;
  const secrets = vault.run(allSummaries(vault.context.environment(at)));
  return new Map(secrets.map((one) => [nameKey(one.name), one]));
}

/** What importing would do; writes nothing. */
function planned(session: Session, entries: readonly TextEntry[]): Map<string, ImportLine> {
  const { context } = session.vault;
  const before = known(session);
  const lines = new Map<string, ImportLine>();
  for (const { name, value } of entries) {
    const old = before.get(nameKey(name));
    const same = old?.fingerprint === context.fingerprint(value).toString('hex');
    const type = old?.type ?? context.catalog.typeFor(name);
    const version = (old?.version ?? 0) + (same ? 0 : 1);
    lines.set(name, { name, outcome: !old ? 'added' : same ? 'unchanged' : 'updated', type, version });
  }
  return lines;
}

function imported(session: Session, entries: readonly TextEntry[]): Map<string, ImportLine> {
  const { vault, at } = session;
  const inputs = entries.map(({ name, value }) => ({ at, name, value, origin: 'import' as const }));
  const results = vault.run(setSecrets(vault.context, inputs));
  const now = known(session);
  const lines = new Map<string, ImportLine>();
  for (const [index, { outcome, version }] of results.entries()) {
    const name = entries[index]?.name ?? '';
    const type = now.get(nameKey(name))?.type ?? 'generic';
    lines.set(name, { name, outcome: outcome === 'described' ? 'unchanged' : outcome, type, version });
  }
  return lines;
}
