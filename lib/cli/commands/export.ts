// keyturn export: writes an environment's values as dotenv, json, yaml or shell.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { formatDotenv } from '../../formats/dotenv.ts';
import { FORMAT_NAMES, type FormatName, type NamedValue } from '../../formats/entries.ts';
import { formatShell } from '../../formats/shell.ts';
import { replaceFile } from '../../vault/files.ts';
import { readAll } from '../../vault/read.ts';
import { type CommonOptions, withPlace, withSession } from '../session.ts';
import { plural } from '../words.ts';

interface ExportOptions extends CommonOptions {
  readonly format: string;
  readonly output?: string;
}

async function write(format: FormatName, values: readonly NamedValue[]): Promise<{ text: string; left: string[] }> {
  if (format === 'dotenv') return formatDotenv(values);
  if (format === 'shell') return formatShell(values);
  const { formatJson, formatYaml } = await import('../../formats/structured.ts');
  return { text: format === 'json' ? formatJson(values) : formatYaml(values), left: [] };
}

export function register(program: Command): void {
  withPlace(program.command('export').description('write the values of an environment: dotenv, json, yaml or shell'))
    .option('-f, --format <format>', 'dotenv, json, yaml or shell', 'dotenv')
    .option('-o, --output <path>', 'write to a file (mode 0600) instead of standard output')
    .action((options: ExportOptions) =>
      withSession('export', options, async ({ vault, at, out }) => {
        const format = FORMAT_NAMES.find((one) => one === (options.json ? 'json' : options.format));
        if (!format)
          throw new UsageError(`There is no format "${options.format}".`, `Formats are ${FORMAT_NAMES.join(', ')}.`);
        const opened = vault.run(readAll(vault.context, at, { purpose: 'export' }));
        const { text, left } = await write(format, opened);
        for (const one of opened) one.value.fill(0);
        for (const name of left) out.note(`${name} is left out: ${format} cannot hold it. json and yaml can.`);
        if (options.output === undefined) {
          process.stdout.write(text);
          return;
        }
        replaceFile(options.output, text);
        out.note(
          `${plural(opened.length - left.length, 'secret')} of ${at.environment} written to ${options.output} (mode 0600).`,
        );
      }),
    );
}
