// keyturn show: all that is known of one secret, except its value.
import type { Command } from 'commander';
import { nameKey, type SecretRule } from '../../catalog/catalog.ts';
import { dueAt, rotatorOf } from '../../rotation/rotator.ts';
import { type RotationPlan, rotationPlan, type Uses, usesOf } from '../../rotation/uses.ts';
import { all } from '../../store/operation.ts';
import { selectSecretRotations } from '../../store/statements/rotations.ts';
import { listSecrets } from '../../vault/list.ts';
import type { SecretSummary } from '../../vault/results.ts';
import { secretNotFound } from '../../vault/write.ts';
import type { Output } from '../output.ts';
import { type CommonOptions, openWorld, type Session, withPlace, withSession } from '../session.ts';
import { ago, moment, remaining } from '../words.ts';

const LABEL_WIDTH = 14;
const ROTATIONS_SHOWN = 5;

export function register(program: Command): void {
  withPlace(
    program
      .command('show')
      .description('show what is known of a secret; never its value')
      .argument('<name>', 'name of the secret'),
  ).action((name: string, options: CommonOptions) => withSession('show', options, (session) => show(session, name)));
}

async function show(session: Session, name: string): Promise<void> {
  const { vault, at, out } = session;
  const { context } = vault;
  const found = vault.run(listSecrets(context, at)).find((one) => nameKey(one.name) === nameKey(name));
  if (!found) throw secretNotFound(context.environment(at), name);
  const rule = context.catalog.rule(found.name, found);
  const world = await openWorld(session);
  const uses = vault.run(usesOf(context, world, at, found.name));
  const plan = vault.run(rotationPlan(context, rotatorOf(vault, world), world, { ...at, name: found.name }));
  const rotations = vault.run(all(selectSecretRotations, { secretId: found.id, limit: ROTATIONS_SHOWN }));
  out.data({
    ...found,
    risk: rule.risk,
    dueAt: dueAt(found, rule.intervalDays) ?? null,
    provider: rule.known?.provider ?? null,
    rotations,
    destinations: uses.destinations,
    services: uses.services,
    lastCheck: uses.lastCheck,
  });
  const now = context.clock();
  const rows = [
    ...facts(out, found, rule, now),
    ['new ones from', maker(plan, rule)] as Row,
    ...validity(found, now),
    ...usedBy(uses, now),
  ];
  for (const one of rotations) {
    rows.push(['rotation', `${moment(one.started_at)}: ${one.state}${one.error ? ` (${one.error})` : ''}`]);
  }
  for (const [label, value] of rows) out.line(`${out.style('dim', label.padEnd(LABEL_WIDTH))}${value}`);
}

type Row = [label: string, value: string];

function facts(out: Output, found: SecretSummary, rule: SecretRule, now: number): Row[] {
  const labels = Object.entries(found.labels).map(([key, value]) => `${key}=${value}`);
  return [
    ['name', out.style('bold', found.name)],
    ['environment', `${found.environment} (project ${found.project})`],
    ['type', `${found.type}, risk ${rule.risk}`],
    ['purpose', rule.known?.purpose ?? '–'],
    ['version', `${found.version}, ${found.size} bytes, set by ${found.setBy ?? '–'}`],
    ['in use since', `${moment(found.rotatedAt)} (${ago(found.rotatedAt, now)})`],
    ['interval', interval(found, rule)],
    ['turns', turns(out, dueAt(found, rule.intervalDays), now)],
    ['owner', found.owner ?? '–'],
    ['labels', labels.join(', ') || '–'],
    ['reads', reads(found, now)],
    ['fingerprint', found.fingerprint],
  ];
}

function maker(plan: RotationPlan, rule: SecretRule): string {
  if (!plan.byItself) return rule.known?.page ?? 'a person';
  return plan.maker === 'Keyturn' ? plan.maker : `${plan.maker}, by its API`;
}

function interval(found: SecretSummary, rule: SecretRule): string {
  if (rule.intervalDays === undefined) return 'none';
  return `${rule.intervalDays} days${found.intervalDays === null ? '' : ' (its own)'}`;
}

function turns(out: Output, due: number | undefined, now: number): string {
  if (due === undefined) return '–';
  return due <= now ? out.style('red', 'overdue') : `${moment(due)} (in ${remaining(due - now)})`;
}

function reads(found: SecretSummary, now: number): string {
  return `${found.reads}, last ${ago(found.lastReadAt, now)}${found.lastReadBy ? ` by ${found.lastReadBy}` : ''}`;
}

function usedBy({ destinations, services, lastCheck }: Uses, now: number): Row[] {
  const rows: Row[] = destinations.map((one) => {
    const there = one.version === null ? 'not sent yet' : `version ${one.version}, ${one.state}`;
    return ['sent to', `${one.id} (${one.title})${one.as === '' ? '' : ` as ${one.as}`}: ${there}`];
  });
  for (const service of services) rows.push(['used by', service]);
  if (lastCheck) {
    rows.push([
      'live check',
      `${lastCheck.status}, version ${lastCheck.version}, ${ago(lastCheck.checkedAt, now)}: ${lastCheck.detail}`,
    ]);
  }
  return rows;
}

function validity(found: SecretSummary, now: number): Row[] {
  const until = found.previousValidUntil ?? 0;
  if (found.previousVersion === null || until <= now) return [];
  return [['still valid', `version ${found.previousVersion}, until ${moment(until)}`]];
}
