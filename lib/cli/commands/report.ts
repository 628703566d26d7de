// keyturn report: the detailed report, as JSON and Markdown.
import { join } from 'node:path';
import type { Command } from 'commander';
import { monitor } from '../../monitoring/monitor.ts';
import { buildReport, reportMarkdown } from '../../reporting/validation-report.ts';
import { validate } from '../../validation/validate.ts';
import { replaceFile } from '../../vault/files.ts';
import { type CommonOptions, chosenEnvironments, withPlace, withSession } from '../session.ts';
import { plural } from '../words.ts';

export function register(program: Command): void {
  withPlace(program.command('report').description('write the detailed report, as JSON and Markdown'))
    .option('-a, --all-envs', 'all environments of the project')
    .option('-o, --output <folder>', 'where to write it', 'reports')
    .action((options: CommonOptions & { allEnvs?: boolean; output: string }) =>
      withSession('report', options, (session) => {
        const { vault, out, home } = session;
        const environments = chosenEnvironments(session, options);
        const validation = vault.run(validate(vault.context, environments));
        const monitoring = vault.run(monitor(vault.context, environments, { strength: true }));
        const report = buildReport(vault.context.audit.vaultId, validation, monitoring);
        const base = join(home.root, options.output, `secrets-report-${report.createdAt.slice(0, 10)}`);
        replaceFile(`${base}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
        replaceFile(`${base}.md`, reportMarkdown(report));
        out.data(report);
        out.line(
          `${plural(report.findings.length, 'finding')} and ${plural(report.alerts.length, 'alert')} on ${plural(report.summary.secrets, 'secret')}.`,
        );
        out.line(`Written to ${base}.md and .json.`);
      }),
    );
}
