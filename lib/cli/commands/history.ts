// keyturn history: every version of a secret, without values.
import type { Command } from 'commander';
import { secretHistory, type VersionSummary } from '../../vault/list.ts';
import { type CommonOptions, withPlace, withSession } from '../session.ts';
import { moment } from '../words.ts';

const SHOWN_FINGERPRINT = 12;

function stateOf(version: VersionSummary): string {
  return version.validUntil === undefined ? version.state : `valid until ${moment(version.validUntil)}`;
}

export function register(program: Command): void {
  withPlace(
    program.command('history').description('show every version of a secret').argument('<name>', 'name of the secret'),
  ).action((name: string, options: CommonOptions) =>
    withSession('history', options, ({ vault, at, out }) => {
      const history = vault.run(secretHistory(vault.context, at, name));
      out.data(history);
      out.table(
        ['version', 'state', 'made', 'by', 'origin', 'bytes', 'fingerprint', ''],
        history.versions.map((one) => [
          String(one.number),
          one.state === 'current' ? out.style('green', 'in use') : stateOf(one),
          moment(one.createdAt),
          one.createdBy,
          one.origin,
          String(one.size),
          one.fingerprint.slice(0, SHOWN_FINGERPRINT),
          one.sameAsBefore ? 'same as before' : '',
        ]),
      );
      if (history.deletedAt !== null) out.line(`Deleted ${moment(history.deletedAt)}.`);
    }),
  );
}
