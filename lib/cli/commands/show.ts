// keyturn show: all that is known of one secret, except its value.
import type { Command } from 'commander';
import { all } from '../../store/operation.ts';
import { selectSecretRotations } from '../../store/rotations.ts';
import { dueAt } from '../../rotation/rotator.ts';
import { listSecrets } from '../../vault/list.ts';
import { nameKey } from '../../catalog/catalog.ts';
import { secretNotFound } from '../../vault/write.ts';
import { type CommonOptions, withPlace, withSession } from '../session.ts';
import { ago, moment, span } from '../words.ts';

export function register(program: Command): void {
  withPlace(
    program.command('show').description('show what is known of a secret; never its value').argument('<name>', 'name of the secret'),
  ).action((name: string, options: CommonOptions) =>
    withSession('show', options, ({ vault, at, out }) => {
      const { context } = vault;
      const found = vault.run(listSecrets(context, at)).find((one) => nameKey(one.name) === nameKey(name));
      if (!found) throw secretNotFound(context.environment(at), name);
      const rule = context.catalog.rule(found.name, found);
      const due = dueAt(found, rule.intervalDays);
      const rotations = vault.run(all(selectSecretRotations, { secretId: found.id, limit: 5 }));
      out.data({ ...found, risk: rule.risk, dueAt: due ?? null, provider: rule.known?.provider ?? null, rotations });
      const now = context.clock();
      const interval = rule.intervalDays === undefined ? 'none' : `${rule.intervalDays} days${found.intervalDays === null ? '' : ' (its own)'}`;
      const labels = Object.entries(found.labels).map(([key, value]) => `${key}=${value}`);
      const rows: [string, string][] = [
        ['name', out.style('bold', found.name)],
        ['environment', `${found.environment} (project ${found.project})`],
        ['type', `${found.type}, risk ${rule.risk}`],
        ['purpose', rule.known?.purpose ?? '–'],
        ['version', `${found.version}, ${found.size} bytes, set by ${found.setBy ?? '–'}`],
        ['in use since', `${moment(found.rotatedAt)} (${ago(found.rotatedAt, now)})`],
        ['interval', interval],
        ['turns', due === undefined ? '–' : due <= now ? out.style('red', 'overdue') : `${moment(due)} (in ${span(due - now)})`],
        ['owner', found.owner ?? '–'],
        ['labels', labels.join(', ') || '–'],
        ['reads', `${found.reads}, last ${ago(found.lastReadAt, now)}${found.lastReadBy ? ` by ${found.lastReadBy}` : ''}`],
        ['fingerprint', found.fingerprint],
        ['new ones from', rule.generate ? 'Keyturn' : (rule.known?.page ?? 'a person')],
      ];
      if (found.previousVersion !== null && (found.previousValidUntil ?? 0) > now) {
        rows.push(['still valid', `version ${found.previousVersion}, until ${moment(found.previousValidUntil ?? 0)}`]);
      }
      for (const one of rotations) {
        rows.push(['rotation', `${moment(one.started_at)}: ${one.state}${one.error ? ` (${one.error})` : ''}`]);
      }
      for (const [label, value] of rows) out.line(`${out.style('dim', label.padEnd(14))}${value}`);
    }),
  );
}
