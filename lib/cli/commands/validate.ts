// keyturn validate: every secret against its rules.
import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { validate } from '../../validation/validate.ts';
import { EXIT } from '../exit-codes.ts';
import { atLeast, isSeverity, showFindings } from '../findings.ts';
import { type CommonOptions, chosenEnvironments, withPlace, withSession } from '../session.ts';
import { plural } from '../words.ts';

interface ValidateOptions extends CommonOptions {
  readonly allEnvs?: boolean;
  readonly failOn: string;
}

export function register(program: Command): void {
  withPlace(program.command('validate').description('check every secret: presence, format, strength, reuse'))
    .option('-a, --all-envs', 'all environments of the project')
    .option('--fail-on <severity>', 'exit 1 from this severity on: critical, high, medium, low', 'medium')
    .action((options: ValidateOptions) =>
      withSession('validate', options, (session) => {
        const { vault, out } = session;
        const limit = options.failOn;
        if (!isSeverity(limit))
          throw new UsageError(`"${limit}" is no severity.`, 'Use critical, high, medium or low.');
        const environments = chosenEnvironments(session, options);
        const result = vault.run(validate(vault.context, environments));
        out.data(result);
        showFindings(out, result.findings);
        const bad = result.findings.filter((one) => atLeast(one.severity, limit)).length;
        if (result.findings.length > 0) out.line();
        out.line(
          `${plural(result.secrets.length, 'secret')} checked in ${result.environments.join(', ')}; ` +
            `${result.critical.present} of ${result.critical.wanted} critical ones present; ` +
            `${result.findings.length === 0 ? out.style('green', 'no findings') : plural(result.findings.length, 'finding')}.`,
        );
        if (bad > 0) process.exitCode = EXIT.findings;
      }),
    );
}
