// keyturn drill: restores the newest backup into a scratch vault, opens everything there, compares, and keeps the evidence.
import { type Command, Option } from 'commander';
import { drill, listDrills } from '../../vault/drill.ts';
import { EXIT } from '../exit-codes.ts';
import { type CommonOptions, type Session, withJson, withSession } from '../session.ts';
import { moment, parseSpan, plural } from '../words.ts';

interface DrillOptions extends CommonOptions {
  readonly every?: string;
}

export function register(program: Command): void {
  const command = withJson(
    program
      .command('drill')
      .description('restore the newest backup into a scratch vault, open all of it, compare, and keep the evidence')
      .argument('[file]', 'another backup than the newest'),
  )
    .addOption(new Option('--every <span>', 'only if the last good one is older: 30d'))
    .action((file: string | undefined, options: DrillOptions) =>
      withSession('drill', options, (session) => run(session, file, options)),
    );
  withJson(command.command('list').description('the drills so far')).action((_: unknown, list: Command) =>
    withSession('drill list', list.optsWithGlobals(), show),
  );
}

function run({ vault, out, home }: Session, file: string | undefined, options: DrillOptions): void {
  const { context } = vault;
  const every = options.every === undefined ? undefined : parseSpan(options.every);
  if (every !== undefined) {
    const since = context.clock() - every;
    const good = vault.run(listDrills(context, since, 100)).find((one) => one.passed);
    if (good) {
      out.data({ skipped: true, last: good });
      out.line(`The last good drill was ${moment(good.startedAt)}: none is due.`);
      return;
    }
  }
  const result = vault.run(drill(context, { home, env: process.env, file }));
  out.data(result);
  const { times } = result;
  const mark = result.passed ? out.style('green', '✓') : out.style('red', '✗');
  out.line(
    `${mark} ${result.backup} of ${result.backupMadeAt}: ${plural(result.secrets, 'secret')} restored and opened.`,
  );
  out.line(
    `  ${result.same} are what this vault has; ${result.gone} it has no longer; ${result.wrong.length} are wrong.`,
  );
  out.line(
    `  read ${times.readMs} ms, restored ${times.restoreMs} ms, compared ${times.compareMs} ms; whole ${result.tookMs} ms.`,
  );
  for (const name of result.wrong) out.line(`  ${out.style('red', 'wrong')}  ${name}`);
  out.line(`Kept as ${result.id}.`);
  if (result.passed) return;
  out.line(
    '→ This backup cannot be relied on. Make another with `keyturn backup create`, drill that, and look at `keyturn doctor`.',
  );
  process.exitCode = EXIT.findings;
}

function show({ vault, out }: Session): void {
  const drills = vault.run(listDrills(vault.context, 0, 1000));
  out.data(drills);
  if (drills.length === 0) out.line('No drill yet: `keyturn drill` makes the first.');
  out.table(
    ['when', 'passed', 'secrets', 'took', 'backup'],
    drills.map((one) => [
      moment(one.startedAt),
      one.passed ? 'yes' : `no: ${one.wrong.length} wrong`,
      String(one.secrets),
      `${one.tookMs} ms`,
      one.backup,
    ]),
  );
}
