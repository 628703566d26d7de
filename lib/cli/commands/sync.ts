// keyturn sync: what is at which destination, sending it there, comparing, and taking away what nobody wants there.
import type { Command } from 'commander';
import { rotatorOf } from '../../rotation/rotator.ts';
import type { World } from '../../rotation/world.ts';
import type { Destination } from '../../sync/destination.ts';
import {
  asOurs,
  checkDrift,
  type DestinationStatus,
  destinationOf,
  destinationStatus,
  type PlacedSecret,
  prune,
  pushTo,
} from '../../sync/overview.ts';
import { EXIT } from '../exit-codes.ts';
import type { Output } from '../output.ts';
import { type CommonOptions, openWorld, type Session, withPlace, withSession } from '../session.ts';
import { ago, plural } from '../words.ts';

interface SyncOptions extends CommonOptions {
  readonly to?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
}

export function register(program: Command): void {
  const sync = program.command('sync').description('destinations: what is where, send it there, compare, take away');
  withPlace(sync.command('status', { isDefault: true }).description('what is at every destination, as far as is known'))
    .option('--to <id>', 'only this destination')
    .action((options: SyncOptions) =>
      withSession('sync', options, async (session) => {
        const world = await openWorld(session);
        await session.vault.perform(rotatorOf(session.vault, world).settle());
        showAll(session, chosen(session, world, options));
      }),
    );
  withPlace(
    sync.command('push').description('send the versions in use; named ones again in any case').argument('[name...]'),
  )
    .option('--to <id>', 'only to this destination')
    .option('--dry-run', 'say what would be sent, and send nothing')
    .option('--no-wait', 'leave deployments that are on their way to a later run')
    .action((names: string[], options: SyncOptions) =>
      withSession('sync', options, async (session) => {
        const world = await openWorld(session, true);
        const destinations = chosen(session, world, options);
        if (options.dryRun) {
          for (const destination of destinations) showOne(session, destination, names);
          return;
        }
        for (const destination of destinations) await push(session, world, destination, names, options.wait !== false);
        showAll(session, destinations);
      }),
    );
  withPlace(sync.command('check').description('compare what is there with what was sent: has somebody changed it?'))
    .option('--to <id>', 'only this destination')
    .action((options: SyncOptions) =>
      withSession('sync', options, async (session) => {
        const world = await openWorld(session);
        await check(session, world, chosen(session, world, options));
      }),
    );
  withPlace(sync.command('prune').description('take away what Keyturn put there and does not send there any more'))
    .requiredOption('--to <id>', 'at this destination')
    .option('--dry-run', 'say what would go, and take nothing away')
    .action((options: SyncOptions & { to: string }) =>
      withSession('sync', options, async (session) => {
        const world = await openWorld(session);
        const { vault, out } = session;
        const destination = destinationOf(world, options.to);
        const dryRun = options.dryRun === true;
        const names = await told(vault.perform(prune(vault.context, world, destination, dryRun)));
        out.data({ destination: options.to, dryRun, removed: names });
        const verb = dryRun ? 'Would take away' : 'Took away';
        out.line(
          names.length === 0
            ? `Nothing at ${options.to} is too much.`
            : `${verb} at ${options.to}: ${names.join(', ')}.`,
        );
      }),
    );
}

function chosen(session: Session, world: World, options: SyncOptions): Destination[] {
  if (options.to !== undefined) return [destinationOf(world, options.to)];
  if (world.destinations.length > 0) return [...world.destinations];
  session.out.line('No destination is declared: docs/destinations.md shows how, kind by kind.');
  return [];
}

/** A destination's own words, as an error of ours. */
function told<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw asOurs(error);
  });
}

async function push(
  { vault, out }: Session,
  world: World,
  destination: Destination,
  names: readonly string[],
  patient: boolean,
): Promise<void> {
  const progress = out.progress(`Sending to ${destination.id}`);
  vault.context.onProgress = progress.at;
  const until = performance.now() + (patient ? world.patienceMs : 0);
  // Asked for by name, it is sent again whatever is believed to be there.
  let sent = await vault.perform(pushTo(vault.context, world, destination, names, names.length > 0));
  // What is being deployed is looked at until it is in use.
  while (performance.now() < until && sent.some((one) => one.state === 'pushed' || one.state === 'deploying')) {
    await world.wait(
      Math.max(
        250,
        Math.min(...sent.map((one) => (one.next_at ?? 0) - vault.context.clock()).filter((ms) => ms > 0), 5_000),
      ),
    );
    sent = await vault.perform(pushTo(vault.context, world, destination, names));
  }
  progress.done();
  if (sent.some((one) => one.state === 'failed')) process.exitCode = EXIT.findings;
}

function showOne({ vault, out }: Session, destination: Destination, names: readonly string[]): void {
  const status = vault.run(destinationStatus(vault.context, destination));
  const wanted = new Set(names.map((one) => one.toUpperCase()));
  const would = status.secrets.filter((one) =>
    wanted.size > 0 ? wanted.has(one.name.toUpperCase()) : one.sent !== one.version || one.state === 'failed',
  );
  out.data({ dryRun: true, destination: destination.id, send: would.map((one) => one.name) });
  out.line(
    `Would send to ${destination.id}: ${would.length === 0 ? 'nothing' : would.map((one) => `${one.name} (version ${one.version})`).join(', ')}.`,
  );
}

async function check({ vault, out }: Session, world: World, destinations: readonly Destination[]): Promise<void> {
  const found: object[] = [];
  for (const destination of destinations) {
    const lines = await told(vault.perform(checkDrift(vault.context, world, destination)));
    found.push({ destination: destination.id, secrets: lines });
    const bad = lines.filter((one) => one.drift === 'different' || one.drift === 'missing');
    if (bad.length > 0) process.exitCode = EXIT.findings;
    const unknown = lines.filter((one) => one.drift === 'unknown').length;
    const rest = unknown === 0 ? '' : `; ${unknown} cannot be compared`;
    out.line(
      `${destination.id}: ${plural(lines.length, 'secret')} compared, ${bad.length === 0 ? out.style('green', 'all as sent') : `${bad.length} not as sent`}${rest}.`,
    );
    for (const one of bad) out.line(`  ${out.style('red', one.drift)} ${one.as}`);
  }
  out.data({ destinations: found });
}

const STYLES: Readonly<Partial<Record<PlacedSecret['state'], 'green' | 'red' | 'yellow'>>> = {
  live: 'green',
  failed: 'red',
  drifted: 'red',
  'not sent': 'yellow',
};

function showAll({ vault, out }: Session, destinations: readonly Destination[]): void {
  const all: DestinationStatus[] = destinations.map((one) => vault.run(destinationStatus(vault.context, one)));
  out.data({ destinations: all });
  for (const status of all) {
    out.line(
      `${out.style('bold', status.id)}  ${status.title}, from ${status.project}/${status.environment}${status.observed ? ', observed' : ''}`,
    );
    if (status.secrets.length === 0) out.line('  It takes nothing that there is.');
    showSecrets(out, status, vault.context.clock());
  }
}

function showSecrets(out: Output, status: DestinationStatus, now: number): void {
  out.table(
    ['name', 'there as', 'version', 'state', 'since', 'in the way'],
    status.secrets.map((one) => [
      one.name,
      one.as,
      one.sent === null || one.sent === one.version ? String(one.version) : `${one.sent} (in use: ${one.version})`,
      STYLES[one.state] ? out.style(STYLES[one.state] ?? 'green', one.state) : one.state,
      ago(one.liveAt ?? one.pushedAt, now),
      one.error ?? '',
    ]),
  );
}
