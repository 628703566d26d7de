// What commands hand to a run of the alerts: the project's rules and channels, and where its backups are.
import { type AlertRun, alertRun } from '../monitoring/alert-run.ts';
import type { World } from '../rotation/world.ts';
import type { Session } from './session.ts';

export function alertRunOf(session: Session, world: World): AlertRun {
  const { config, at, vault, out } = session;
  return alertRun({
    config: config.operations.alerts ?? {},
    http: world.http,
    at,
    home: vault.home,
    destinations: world.destinations.map((one) => one.id),
    print: (line) => out.note(line),
  });
}
