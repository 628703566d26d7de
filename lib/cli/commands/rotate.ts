// keyturn rotate: turns one secret, all that are due, or all.
import type { Command } from 'commander';
import { KeyturnError, NeedsPersonError, UsageError } from '../../errors.ts';
import type { RotationResult } from '../../rotation/results.ts';
import { dueAt, rotatorOf } from '../../rotation/rotator.ts';
import { type RotationPlan, rotationPlan } from '../../rotation/uses.ts';
import { allSummaries } from '../../vault/list.ts';
import type { SecretSummary } from '../../vault/results.ts';
import { describeSecret, liveSecret } from '../../vault/write.ts';
import { EXIT } from '../exit-codes.ts';
import { type CommonOptions, openWorld, type Session, withPlace, withSession } from '../session.ts';
import { readValue } from '../value-input.ts';
import { moment, parseSpan, plural, span } from '../words.ts';

interface RotateOptions extends CommonOptions {
  readonly all?: boolean;
  readonly grace?: string;
  readonly dryRun?: boolean;
  readonly wait?: boolean;
  readonly fromFile?: string;
  readonly stdin?: boolean;
}

function graceOf(options: RotateOptions): { graceMs?: number } {
  if (options.grace === undefined) return {};
  const graceMs = parseSpan(options.grace);
  if (graceMs !== undefined) return { graceMs };
  throw new UsageError(
    `"${options.grace}" is not a length of time.`,
    'Give minutes, hours or days: 90m, 24h, 7d, or 0.',
  );
}

export function register(program: Command): void {
  withPlace(
    program
      .command('rotate')
      .description('turn a secret: with no name all that are due, with --all every one')
      .argument('[name]', 'name of the secret')
      .argument('[type]', 'its type from now on'),
  )
    .option('--all', 'every secret of the environment, due or not')
    .option('--grace <time>', 'how long the version before stays valid: 90m, 24h, 7d, 0')
    .option('--dry-run', 'say what would turn, and change nothing')
    .option('--no-wait', 'leave deployments that are on their way to a later run')
    .option('--from-file <path>', 'take the new value from a file')
    .option('--stdin', 'take the new value from standard input, also for what Keyturn could make')
    .action((name: string | undefined, type: string | undefined, options: RotateOptions) =>
      withSession('rotate', options, (session) => {
        if (name === undefined) return rotateMany(session, options);
        if (options.all) throw new UsageError('Give a name or --all, not both.');
        return rotateOne(session, name, type, options);
      }),
    );
}

async function rotateOne(
  session: Session,
  name: string,
  type: string | undefined,
  options: RotateOptions,
): Promise<void> {
  const { vault, at, out } = session;
  const { context } = vault;
  const grace = graceOf(options);
  if (type !== undefined) context.catalog.type(type);
  const world = await openWorld(session, options.wait !== false);
  const rotator = rotatorOf(vault, world);
  const secret = vault.run(liveSecret(context.environment(at), name));
  const byHand = rotator.needsPerson({ ...secret, type: type ?? secret.type });
  if (options.dryRun) {
    sayPlan(session, vault.run(rotationPlan(context, rotator, world, { ...at, name, type, ...grace })));
    return;
  }
  if (type !== undefined && type !== secret.type) vault.run(describeSecret(context, at, name, { type }));
  await vault.perform(rotator.settle());
  const fromOutside = options.fromFile !== undefined || options.stdin === true || byHand;
  if (secret.previous_version !== null && (secret.previous_valid_until ?? 0) > context.clock()) {
    out.note(
      `Note: version ${secret.previous_version} would have stayed valid until ${moment(secret.previous_valid_until ?? 0)}; once version ${secret.current_version} is the one before, it is not.`,
    );
  }
  // Asked for before anything is written: an answer that never comes leaves nothing begun.
  const value = fromOutside ? await valueOrNothing(secret.name, options) : undefined;
  try {
    const result = await vault.perform(rotator.rotate({ at, name, ...grace, ...(value && { value }) }));
    out.data(result);
    report(session, result);
    if (hasTurned(result)) sayUsers(session, vault.run(rotationPlan(context, rotator, world, { ...at, name })));
    else process.exitCode = EXIT.findings;
    for (const warning of result.warnings) out.note(`Warning about the new value: ${warning}`);
  } finally {
    value?.fill(0);
  }
}

/** Who has the new version, and said so. */
function sayUsers({ out }: Session, { destinations, services }: RotationPlan): void {
  if (destinations.length > 0) out.line(`  In use at ${destinations.join('; ')}.`);
  if (services.length > 0) out.line(`  Well with it: ${services.join(', ')}.`);
}

function sayPlan({ out }: Session, plan: RotationPlan): void {
  const { name, environment, fromVersion, maker, destinations, services } = plan;
  const needsPerson = plan.byItself ? [] : [name];
  out.data({ dryRun: true, rotate: [name], needsPerson, destinations, services });
  const how = plan.byItself ? `${maker} makes the new value` : 'a person gives the new value';
  const from = `Would rotate ${name} (${environment}) from version ${fromVersion}`;
  out.line(`${from}: ${how}; version ${fromVersion} stays valid for ${span(plan.graceMs)}.`);
  if (destinations.length > 0) out.line(`It would be brought to ${destinations.join('; ')}.`);
  if (services.length > 0)
    out.line(`Asked, before the old one ends, whether they do well with it: ${services.join(', ')}.`);
}

/** Nothing at hand starts the rotation all the same: it waits, and shows up in what needs a person. */
async function valueOrNothing(name: string, options: RotateOptions): Promise<Buffer | undefined> {
  try {
    return await readValue(name, options);
  } catch (error) {
    if (error instanceof NeedsPersonError && !options.stdin) return undefined;
    throw error;
  }
}

function hasTurned(result: RotationResult): boolean {
  return result.state === 'grace' || result.state === 'revoked';
}

const DEATHS: Readonly<Record<string, string>> = {
  dead: ' and was seen to be refused',
  alive: ', but its provider still accepts it (it is asked again until it does not)',
};

function report(session: Session, result: RotationResult): void {
  const { out } = session;
  if (!hasTurned(result)) {
    const again =
      result.nextAt === null
        ? ''
        : ` It is tried again from ${moment(result.nextAt)} on, or by \`keyturn rotate ${result.name}\`.`;
    if (result.state === 'issued')
      out.note('To do without the live check: KEYTURN_LIVE=off, or `live: false` in keyturn.config.ts.');
    out.line(
      `${out.style('yellow', '…')} ${result.name} (${result.environment}) waits in the state ${result.state}: ${result.trouble ?? 'another process is at work on it.'}${again}`,
    );
    return;
  }
  const until = result.previousValidUntil;
  const before =
    until !== null && result.state === 'grace'
      ? `version ${result.fromVersion} stays valid until ${moment(until)}`
      : `version ${result.fromVersion} is not valid any longer${DEATHS[result.death ?? ''] ?? ''}`;
  out.line(
    `${out.style('green', '✓')} ${result.name} (${result.environment}): version ${result.version} is in use; ${before}.`,
  );
}

async function rotateMany(session: Session, options: RotateOptions): Promise<void> {
  const { vault, at, out } = session;
  const { context } = vault;
  const grace = graceOf(options);
  const now = context.clock();
  const secrets = vault.run(allSummaries(context.environment(at)));
  const chosen = secrets.filter((one) => {
    const { intervalDays } = context.catalog.rule(one.name, one);
    const due = dueAt(one, intervalDays);
    return options.all ? intervalDays !== undefined : due !== undefined && due <= now;
  });
  const world = await openWorld(session, options.wait !== false);
  const rotator = rotatorOf(vault, world);
  const byHand = chosen.filter((one) => rotator.needsPerson(one));
  if (options.dryRun) {
    const plans = chosen.map(({ name }) => vault.run(rotationPlan(context, rotator, world, { ...at, name, ...grace })));
    showPlan(session, plans);
    return;
  }
  const settled = await vault.perform(rotator.settle());
  const done: RotationResult[] = [];
  const failed: { name: string; error: string }[] = [];
  const progress = out.progress('Rotating');
  for (const [index, one] of chosen.entries()) {
    progress.at(index, chosen.length);
    try {
      const result = await vault.perform(rotator.rotate({ at, name: one.name, ...grace }));
      done.push(result);
      report(session, result);
    } catch (error) {
      if (error instanceof NeedsPersonError) continue;
      if (!(error instanceof KeyturnError)) throw error;
      failed.push({ name: one.name, error: error.message });
      out.line(`${out.style('red', '✗')} ${one.name}: ${error.message}`);
    }
  }
  progress.done();
  out.data({ settled, rotated: done, failed, needsPerson: byHand.map((one) => one.name) });
  summarise(session, options, { done, failed: failed.length, byHand, backup: done[0]?.backupFile ?? null });
  if (failed.length > 0) process.exitCode = EXIT.findings;
  else if (byHand.length > 0) process.exitCode = EXIT.person;
}

function showPlan({ out, at }: Session, plans: readonly RotationPlan[]): void {
  const names = (list: readonly RotationPlan[]) => list.map((one) => one.name);
  out.data({ dryRun: true, rotate: names(plans), needsPerson: names(plans.filter((one) => !one.byItself)) });
  if (plans.length === 0) out.line(`Nothing in ${at.environment} is due.`);
  for (const one of plans) {
    const how = one.byItself ? `${one.maker} makes the new value` : 'a person gives the new value';
    const places = one.destinations.length === 0 ? '' : `; to ${one.destinations.join(', ')}`;
    out.line(`Would rotate ${one.name} (${at.environment}): ${how}${places}.`);
  }
}

function summarise(
  session: Session,
  options: RotateOptions,
  ended: { done: readonly RotationResult[]; failed: number; byHand: readonly SecretSummary[]; backup: string | null },
): void {
  const { out, at, vault } = session;
  if (ended.done.length + ended.failed + ended.byHand.length === 0) {
    out.line(
      `Nothing in ${at.environment} is due.${options.all ? '' : ' `keyturn rotate --all` turns everything all the same.'}`,
    );
    return;
  }
  out.line();
  out.line(
    `${plural(ended.done.length, 'secret')} rotated${ended.failed > 0 ? `, ${ended.failed} failed and rolled back` : ''}.`,
  );
  if (ended.backup) out.line(`A backup of before is at ${ended.backup}.`);
  if (ended.byHand.length === 0) return;
  out.line();
  out.line(out.style('yellow', `${plural(ended.byHand.length, 'needs', 'need')} a person:`));
  out.table(
    ['name', 'new one from', 'then'],
    ended.byHand.map((one) => [
      one.name,
      vault.context.catalog.find(one.name)?.page ?? 'whoever issues it',
      `keyturn rotate ${one.name} --env ${at.environment}`,
    ]),
  );
}
