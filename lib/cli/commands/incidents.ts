// keyturn incidents: what went wrong, and how it was dealt with.
import type { Command } from 'commander';
import { closeIncident, listIncidents, noteIncident, showIncident } from '../../incidents/incidents.ts';
import { type CommonOptions, withJson, withSession } from '../session.ts';
import { moment } from '../words.ts';

const LISTED = 100;

export function register(program: Command): void {
  const incidents = program.command('incidents').description('what went wrong, line by line as it was dealt with');
  withJson(incidents.command('list', { isDefault: true }).description('the newest first')).action(
    (options: CommonOptions) =>
      withSession('incidents', options, ({ vault, out }) => {
        const found = vault.run(listIncidents(vault.context, LISTED));
        out.data({ incidents: found });
        if (found.length === 0) {
          out.line('There has been no incident.');
          return;
        }
        out.table(
          ['id', 'what', 'opened', 'closed'],
          found.map((one) => [
            one.id,
            one.title,
            moment(one.openedAt),
            one.closedAt === null ? out.style('red', 'open') : moment(one.closedAt),
          ]),
        );
      }),
  );
  withJson(incidents.command('show').description('one, with its timeline').argument('<id>')).action(
    (id: string, options: CommonOptions) =>
      withSession('incidents', options, ({ vault, out }) => {
        const incident = vault.run(showIncident(vault.context, id));
        out.data(incident);
        out.line(out.style('bold', incident.title));
        const end = incident.closedAt === null ? 'open' : `closed ${moment(incident.closedAt)} by ${incident.closedBy}`;
        out.line(`${incident.id}, opened ${moment(incident.openedAt)} by ${incident.openedBy}, ${end}`);
        out.line();
        for (const one of incident.timeline) {
          out.line(
            `${out.style('dim', `${new Date(one.at).toISOString().slice(0, 19)}Z`)}  ${one.what}  ${out.style('dim', `(${one.by})`)}`,
          );
        }
        if (incident.items.length === 0) return;
        out.line();
        out.table(
          ['name', 'env', 'state', 'why when'],
          incident.items.map((one) => [one.name, one.environment, one.state, one.why]),
        );
      }),
  );
  withJson(
    incidents.command('note').description('add a line to the timeline').argument('<id>').argument('<text>'),
  ).action((id: string, text: string, options: CommonOptions) =>
    withSession('incidents', options, ({ vault, out }) => {
      vault.run(noteIncident(vault.context, id, text));
      out.data({ incident: id });
      out.line(`Noted in ${id}.`);
    }),
  );
  withJson(incidents.command('close').description('end it, with a word why').argument('<id>').argument('<why>')).action(
    (id: string, why: string, options: CommonOptions) =>
      withSession('incidents', options, ({ vault, out }) => {
        vault.run(closeIncident(vault.context, id, why));
        out.data({ incident: id, closed: true });
        out.line(`Incident ${id} is closed.`);
      }),
  );
}
