// keyturn import: takes secrets from a dotenv, JSON or YAML file, and says for each name what it did.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { FORMAT_NAMES } from '../../formats/entries.ts';
import { EXIT } from '../exit-codes.ts';
import { importText, readImportFile } from '../importing.ts';
import { type CommonOptions, withPlace, withSession } from '../session.ts';
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
        const { out, at } = session;
        if (options.format && !FORMAT_NAMES.includes(options.format as never)) {
          throw new UsageError(`There is no format "${options.format}".`, 'Formats are dotenv, json and yaml.');
        }
        const text = await readImportFile(file);
        const result = await importText(session, { file, text, format: options.format, dryRun: options.dryRun === true });
        out.data({ environment: at.environment, dryRun: options.dryRun === true, ...result });
        for (const note of result.notes) out.note(`${file}, line ${note.line}: ${note.what}.`);
        out.table(
          ['name', options.dryRun ? 'would be' : 'is', 'type', 'version'],
          result.lines.map((one) => [one.name, one.outcome, one.type, one.version === 0 ? '' : String(one.version)]),
        );
        out.line();
        const changed = result.lines.filter((one) => one.outcome === 'added' || one.outcome === 'updated').length;
        out.line(`${plural(changed, 'secret')} of ${result.lines.length} ${options.dryRun ? 'would change' : 'changed'} in ${at.environment}.`);
        const empty = result.lines.filter((one) => one.outcome === 'left out: empty');
        if (!options.dryRun && changed > 0 && file !== '-') {
          out.line(`Next: \`keyturn validate\`, then take ${file} away: its values are in plain text there.`);
        }
        if (empty.length === result.lines.length && result.lines.length > 0) process.exitCode = EXIT.findings;
      }),
    );
}
