// keyturn compromise: a value is in wrong hands. Turns it now, without grace, and keeps the timeline; for a place, turns
// everything that it ever held, in order, with a person's help where that is needed.
import type { Command } from 'commander';
import { NeedsPersonError, UsageError } from '../../errors.ts';
import type { FreezeScope } from '../../identity/tokens.ts';
import type { IncidentItem } from '../../incidents/incidents.ts';
import { updateAlerts } from '../../monitoring/alert-run.ts';
import {
  beginDestinationCompromise,
  type CompromiseResult,
  compromise,
  planCompromise,
  planDestinationCompromise,
  reviewIncident,
  skipItem,
  turnItem,
} from '../../rotation/compromise.ts';
import { type Rotator, rotatorOf } from '../../rotation/rotator.ts';
import type { World } from '../../rotation/world.ts';
import { alertRunOf } from '../alerting.ts';
import { EXIT } from '../exit-codes.ts';
import { type CommonOptions, openWorld, type Session, withPlace, withSession } from '../session.ts';
import { readValue } from '../value-input.ts';
import { moment, plural } from '../words.ts';

interface CompromiseOptions extends CommonOptions {
  readonly destination?: string;
  readonly since?: string;
  readonly freeze: string;
  readonly dryRun?: boolean;
  readonly fromFile?: string;
  readonly stdin?: boolean;
  readonly skip?: string[];
  readonly why?: string;
}

export function register(program: Command): void {
  withPlace(
    program
      .command('compromise')
      .description('a value is in wrong hands: turn it now, end the old one, see who read it')
      .argument('[name]', 'name of the secret'),
  )
    .option('--destination <id>', 'everything that a destination ever held, in order; run it again to go on')
    .option('--since <time>', 'since when it may be known: 2026-11-24, or 2026-11-24T10:00Z')
    .option(
      '--freeze <which>',
      'which tokens that may read it to freeze: named (their scope names it), all, none',
      'named',
    )
    .option('--why <text>', 'what happened, for the timeline')
    .option('--skip <name...>', 'with --destination: leave these as they are')
    .option('--dry-run', 'say what would be done, and do nothing')
    .option('--from-file <path>', 'take the new value from a file')
    .option('--stdin', 'take the new value from standard input')
    .action((name: string | undefined, options: CompromiseOptions) =>
      withSession('compromise', options, async (session) => {
        if ((name === undefined) === (options.destination === undefined)) {
          throw new UsageError(
            'Give the name of a secret, or --destination.',
            '`keyturn compromise STRIPE_SECRET_KEY`',
          );
        }
        const world = await openWorld(session);
        const rotator = rotatorOf(session.vault, world);
        if (options.destination !== undefined)
          await ofDestination(session, world, rotator, options.destination, options);
        else await ofSecret(session, world, rotator, name ?? '', options);
      }),
    );
}

function sinceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw new UsageError(`"${text}" is no time.`, 'Write 2026-11-24 or 2026-11-24T10:00Z.');
  return at;
}

function freezeOf(text: string): FreezeScope {
  if (text === 'named' || text === 'all' || text === 'none') return text;
  throw new UsageError(`"${text}" is no choice of tokens.`, 'Use named, all or none.');
}

async function ofSecret(
  session: Session,
  world: World,
  rotator: Rotator,
  name: string,
  options: CompromiseOptions,
): Promise<void> {
  const { vault, at, out } = session;
  const { context } = vault;
  const input = { at, name, since: sinceOf(options.since), freeze: freezeOf(options.freeze), why: options.why };
  const plan = await vault.perform(planCompromise(context, rotator, world, input));
  if (options.dryRun) {
    out.data({ dryRun: true, ...plan });
    const how = plan.byItself ? 'by itself' : 'with the value that a person gives';
    out.line(`Would turn ${plan.name} (${plan.environment}) from version ${plan.version} now, without grace, ${how}.`);
    if (plan.destinations.length > 0) out.line(`It would be brought to ${plan.destinations.join('; ')}.`);
    if (plan.services.length > 0) out.line(`In use by: ${plan.services.join(', ')}.`);
    showReaders(session, plan.readers);
    return;
  }
  const value =
    plan.byItself && !options.stdin && options.fromFile === undefined
      ? undefined
      : await pastedValue(plan.name, options);
  let result: CompromiseResult;
  try {
    result = await vault.perform(compromise(context, rotator, { ...input, ...(value && { value }) }));
  } finally {
    value?.fill(0);
  }
  // A version that was in its grace ends at its provider now, too, and not with the next command.
  await vault.perform(rotator.settle());
  // Whoever has to know is told now, and not at the next tick of a server.
  await vault.perform(updateAlerts(context, alertRunOf(session, world)));
  out.data(result);
  sayResult(session, result);
  if (result.needsPerson !== null) process.exitCode = EXIT.person;
  else if (result.rotation?.state !== 'revoked') process.exitCode = EXIT.findings;
}

/** Nobody there to ask: the incident is opened all the same, and waits. */
async function pastedValue(name: string, options: CompromiseOptions): Promise<Buffer | undefined> {
  try {
    return await readValue(name, options);
  } catch (error) {
    if (error instanceof NeedsPersonError && !options.stdin) return undefined;
    throw error;
  }
}

const DEATHS: Readonly<Record<string, string>> = {
  dead: 'It was asked about live, and is refused: really dead.',
  alive: 'Its provider still accepts it: it is asked about again until it is refused.',
  unknown: 'Whether its provider still accepts it could not be seen yet.',
  local: 'Nobody but your own services accepts it, and they have the new one.',
};

function sayResult(session: Session, result: CompromiseResult): void {
  const { out } = session;
  const { rotation } = result;
  if (rotation?.state === 'revoked') {
    out.line(
      `${out.style('green', '✓')} ${result.name} (${result.environment}): version ${rotation.version} is in use, version ${rotation.fromVersion} is revoked.`,
    );
    out.line(`  ${DEATHS[rotation.death ?? ''] ?? ''}`);
  } else if (rotation) {
    out.line(
      `${out.style('yellow', '…')} ${result.name} is in the state ${rotation.state}: ${rotation.trouble ?? 'it goes on by itself.'}`,
    );
  } else if (result.needsPerson !== null) {
    out.line(`${out.style('yellow', '…')} ${result.name} needs a person. ${result.needsPerson}`);
  } else {
    out.line(`${out.style('red', '✗')} ${result.name} could not be turned; the timeline says why.`);
  }
  if (result.frozen.length > 0) out.line(`Tokens frozen: ${result.frozen.map((one) => one.name).join(', ')}.`);
  if (result.left.length > 0) {
    out.line(
      `Tokens that may read it and were left: ${result.left.map((one) => one.name).join(', ')}. Freeze them with --freeze all.`,
    );
  }
  showReaders(session, result.readers);
  out.line(`Incident ${result.incident}: \`keyturn incidents show ${result.incident}\` has the timeline.`);
}

function showReaders({ out }: Session, readers: CompromiseResult['readers']): void {
  if (readers.length === 0) {
    out.line('By the audit log, nobody has read it since.');
    return;
  }
  out.line('Read since, by the audit log:');
  out.table(
    ['who', 'from', 'reads', 'last'],
    readers.map((one) => [one.principal, one.source, String(one.reads), moment(one.lastAt)]),
  );
}

async function ofDestination(
  session: Session,
  world: World,
  rotator: Rotator,
  id: string,
  options: CompromiseOptions,
): Promise<void> {
  const { vault, out } = session;
  const { context } = vault;
  if (options.dryRun) {
    const plan = await vault.perform(planDestinationCompromise(context, rotator, world, id));
    out.data({ dryRun: true, destination: id, secrets: plan });
    out.table(
      ['name', 'env', 'why now', 'how'],
      plan.map((one) => [
        one.name,
        one.environment,
        one.why,
        one.byItself ? 'by itself' : 'a person gives the new value',
      ]),
    );
    out.aside(`${plural(plan.length, 'secret')} were at ${id}.`);
    return;
  }
  const begun = await vault.perform(beginDestinationCompromise(context, world, id));
  await vault.perform(updateAlerts(context, alertRunOf(session, world)));
  const { incident } = begun;
  // What an earlier run has begun may be done by now.
  await vault.perform(rotator.settle());
  const { items } = await vault.perform(reviewIncident(context, incident));
  const progress = out.progress('Turning');
  const skipped = new Set((options.skip ?? []).map((one) => one.toUpperCase()));
  for (const [index, item] of items.entries()) {
    progress.at(index, items.length);
    if (item.state === 'done' || item.state === 'skipped') continue;
    if (skipped.has(item.name.toUpperCase()))
      await vault.perform(skipItem(context, incident, item, options.why ?? 'left by hand'));
    else await turnOne(session, rotator, incident, item);
  }
  progress.done();
  await vault.perform(rotator.settle());
  const after = await vault.perform(reviewIncident(context, incident));
  const left = after.items.filter((one) => one.state !== 'done' && one.state !== 'skipped');
  out.data({ incident, closed: after.closed, items: after.items });
  out.line();
  out.line(`${plural(after.items.length - left.length, 'secret')} of ${after.items.length} dealt with.`);
  if (left.length === 0) {
    out.line(`Incident ${incident} is closed. \`keyturn incidents show ${incident}\` has the timeline.`);
    return;
  }
  out.line(`Left: ${left.map((one) => `${one.name} (${one.environment}, ${one.state})`).join(', ')}.`);
  out.line(`Go on at any time with \`keyturn compromise --destination ${id}\`.`);
  process.exitCode = EXIT.person;
}

async function turnOne(session: Session, rotator: Rotator, incident: string, item: IncidentItem): Promise<void> {
  const { vault, out } = session;
  const { context } = vault;
  let turned = await vault.perform(turnItem(context, rotator, incident, item));
  if (turned.state === 'needs-person' && process.stdin.isTTY) {
    out.line(`${out.style('yellow', '…')} ${item.name} (${item.environment}): ${turned.detail}`);
    const value = await pastedValue(item.name, { freeze: 'named' });
    if (value) {
      turned = await vault.perform(turnItem(context, rotator, incident, item, value));
      value.fill(0);
    }
  }
  const mark = turned.state === 'done' ? out.style('green', '✓') : out.style('yellow', '…');
  out.line(`${mark} ${item.name} (${item.environment}): ${turned.detail}`);
}
