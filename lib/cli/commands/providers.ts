// keyturn providers: which there are, what each can do by itself, and what a person has to.
import type { Command } from 'commander';
import { type CommonOptions, openWorld, withJson, withSession } from '../session.ts';

export function register(program: Command): void {
  withJson(
    program.command('providers').description('what can be checked live and renewed by itself, provider by provider'),
  ).action((options: CommonOptions) =>
    withSession('providers', options, async (session) => {
      const { out } = session;
      const { providers } = await openWorld(session);
      const rows = providers.all.flatMap((provider) =>
        Object.entries(provider.kinds).map(([type, kind]) => ({
          provider: provider.id,
          title: provider.title,
          type,
          kind: kind.title,
          formats: kind.formats.map((one) => one.words),
          check: kind.check !== undefined,
          renews: kind.renewal !== undefined,
          renewsNow: kind.renewal !== undefined && providers.config(provider).admin !== undefined,
          admin: kind.adminWords ?? null,
          signature: kind.signature?.words ?? null,
          signs: kind.signature?.sign !== undefined,
          byHand: kind.byHand,
          docs: provider.docs,
          unconfirmed: provider.unconfirmed,
        })),
      );
      out.data({ providers: rows });
      out.table(
        ['provider', 'key', 'live check', 'new ones', 'by hand at'],
        rows.map((one) => [
          one.provider,
          one.kind,
          one.check ? 'yes' : one.signs ? 'signs and verifies' : 'its form only',
          one.renewsNow
            ? out.style('green', 'by itself')
            : one.renews
              ? 'by itself, given an admin key'
              : 'by a person',
          one.byHand.page,
        ]),
      );
      out.aside();
      out.aside('An admin key is named in keyturn.config.ts: docs/providers.md says which each provider wants.');
    }),
  );
}
