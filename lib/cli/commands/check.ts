// keyturn check: the quick form of validate, for the critical secrets only.
import type { Command } from 'commander';
import { nameKey } from '../../catalog/catalog.ts';
import { validate } from '../../validation/validate.ts';
import { EXIT } from '../exit-codes.ts';
import { showFindings } from '../findings.ts';
import { type CommonOptions, withPlace, withSession } from '../session.ts';

export function register(program: Command): void {
  withPlace(program.command('check').description('quick check: are the critical secrets there and well-formed')).action(
    (options: CommonOptions) =>
      withSession('check', options, (session) => {
        const { vault, at, out } = session;
        const { context } = vault;
        const only = new Set(context.catalog.inGroup('critical').map((known) => nameKey(known.name)));
        const result = vault.run(validate(context, [context.environment(at)], { only }));
        const findings = result.findings.filter((one) => only.has(nameKey(one.secret)) && one.severity !== 'info');
        out.data({ environment: at.environment, critical: result.critical, findings });
        const bad = new Set(findings.map((one) => nameKey(one.secret)));
        for (const known of context.catalog.inGroup('critical')) {
          const fine = !bad.has(nameKey(known.name));
          out.line(`${fine ? out.style('green', '✓') : out.style('red', '✗')} ${known.name}`);
        }
        out.line();
        showFindings(out, findings);
        const { present, wanted } = result.critical;
        out.line(`${present} of ${wanted} critical secrets present in ${at.environment}.`);
        if (findings.some((one) => one.severity === 'critical' || one.severity === 'high'))
          process.exitCode = EXIT.findings;
      }),
  );
}
