// keyturn import: takes secrets from a dotenv, JSON or YAML file, and says for each name what it did.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { FORMAT_NAMES } from '../../formats/entries.ts';
import { EXIT } from '../exit-codes.ts';
import { type ImportResult, importText, readImportFile } from '../importing.ts';
import { type CommonOptions, type Session, withPlace, withSession } from '../session.ts';
import { plural } from '../words.ts';

interface ImportOptions extends CommonOptions {
  readonly format?: string;
  readonly dryRun?: boolean;
}

export function register(program: Command): void {
  withPlace(
    program
      .command('import')
      .description('take secrets from a file: dotenv, json or yaml')
      .argument('[file]', 'the file; - for standard input', '.env'),
  )
    .option('-f, --format <format>', 'dotenv, json or yaml (by the name of the file where not given)')
    .option('--dry-run', 'say what would happen, and change nothing')
    .action((file: string, options: ImportOptions) =>
      withSession('import', options, async (session) => {
        if (options.format && !FORMAT_NAMES.includes(options.format as never)) {
          throw new UsageError(`There is no format "${options.format}".`, 'Formats are dotenv, json and yaml.');
        }
        const text = await readImportFile(file);
        const dryRun = options.dryRun === true;
        show(session, file, dryRun, await importText(session, { file, text, format: options.format, dryRun }));
      }),
    );
}

function show({ out, at }: Session, file: string, dryRun: boolean, result: ImportResult): void {
  out.data({ environment: at.environment, dryRun, ...result });
  for (const note of result.notes) out.note(`${file}, line ${note.line}: ${note.what}.`);
  if (result.lines.length === 0) {
    out.line(`${file} holds no secrets: nothing was imported.`);
    process.exitCode = EXIT.findings;
    return;
  }
  out.table(
    ['name', dryRun ? 'would be' : 'is', 'type', 'version'],
    result.lines.map((one) => [one.name, one.outcome, one.type, one.version === 0 ? '' : String(one.version)]),
  );
  out.line();
  const changed = result.lines.filter((one) => one.outcome === 'added' || one.outcome === 'updated').length;
  const verb = dryRun ? 'would change' : 'changed';
  out.line(`${plural(changed, 'secret')} of ${result.lines.length} ${verb} in ${at.environment}.`);
  if (dryRun || changed === 0 || file === '-') return;
  out.line(`Next: \`keyturn validate\`, then take ${file} away: its values are in plain text there.`);
}
