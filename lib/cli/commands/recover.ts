// keyturn recover: for somebody who cannot sign in any more. Whoever can run it on the host has the vault's key anyway.
import type { Command } from 'commander';
import { NotFoundError } from '../../errors.ts';
import { forgetFailures } from '../../identity/attempts.ts';
import { recoveryLink } from '../../identity/people.ts';
import { first } from '../../store/operation.ts';
import { findPersonByEmail } from '../../store/statements/service.ts';
import { type CommonOptions, withJson, withSession } from '../session.ts';

export function register(program: Command): void {
  withJson(
    program
      .command('recover')
      .description('end the locks of somebody who cannot sign in, and print a one-time link for a new password')
      .argument('<email>', 'who it is')
      .option('--public-url <url>', 'where the server is (KEYTURN_PUBLIC_URL, else http://127.0.0.1:4780)'),
  ).action((email: string, options: CommonOptions & { publicUrl?: string }) =>
    withSession('recover', options, ({ vault, out }) => {
      const { context } = vault;
      const address = email.toLowerCase();
      if (!vault.run(first(findPersonByEmail, { email: address }))) {
        throw new NotFoundError(
          'KT_NOT_FOUND',
          `Nobody here has the address ${address}.`,
          'Somebody who owns the vault can invite them.',
        );
      }
      vault.run(forgetFailures(`person:${address}`));
      const secret = vault.run(recoveryLink(context, address));
      const base = options.publicUrl ?? process.env.KEYTURN_PUBLIC_URL ?? 'http://127.0.0.1:4780';
      const link = `${base.replace(/\/$/, '')}/join#${secret}`;
      out.data({ email: address, link });
      out.line(
        `${address} can try again. This link sets a new password, once, within a day; second factors and sessions go:`,
      );
      out.line(link);
    }),
  );
}
