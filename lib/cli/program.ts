// The command line: every command registers itself. Commands load what they need when they run.
import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { EXIT } from './exit-codes.ts';

type Load = () => Promise<{ readonly register: (program: Command) => void }>;

/** Each command's file is loaded when it is asked for: all of them together are ten times what one needs. */
const GROUPS: readonly (readonly [heading: string, commands: Readonly<Record<string, Load>>])[] = [
  [
    'Set up:',
    {
      init: () => import('./commands/init.ts'),
      start: () => import('./commands/start.ts'),
      serve: () => import('./commands/serve.ts'),
      demo: () => import('./commands/demo.ts'),
    },
  ],
  [
    'Secrets:',
    {
      set: () => import('./commands/set.ts'),
      get: () => import('./commands/get.ts'),
      list: () => import('./commands/list.ts'),
      show: () => import('./commands/show.ts'),
      rm: () => import('./commands/rm.ts'),
      restore: () => import('./commands/restore.ts'),
      history: () => import('./commands/history.ts'),
      import: () => import('./commands/import.ts'),
      export: () => import('./commands/export.ts'),
      run: () => import('./commands/run.ts'),
      types: () => import('./commands/types.ts'),
    },
  ],
  [
    'Rotation:',
    {
      rotate: () => import('./commands/rotate.ts'),
      rollback: () => import('./commands/rollback.ts'),
      schedule: () => import('./commands/schedule.ts'),
      sync: () => import('./commands/sync.ts'),
      providers: () => import('./commands/providers.ts'),
    },
  ],
  [
    'Watching:',
    {
      validate: () => import('./commands/validate.ts'),
      env: () => import('./commands/env.ts'),
      check: () => import('./commands/check.ts'),
      report: () => import('./commands/report.ts'),
      monitor: () => import('./commands/monitor.ts'),
      alerts: () => import('./commands/alerts.ts'),
      scan: () => import('./commands/scan.ts'),
      synthetic: () => import('./commands/synthetic.ts'),
    },
  ],
  [
    'Emergency:',
    {
      compromise: () => import('./commands/compromise.ts'),
      incidents: () => import('./commands/incidents.ts'),
    },
  ],
  [
    'The vault itself:',
    {
      keys: () => import('./commands/keys.ts'),
      backup: () => import('./commands/backup.ts'),
      drill: () => import('./commands/drill.ts'),
      audit: () => import('./commands/audit.ts'),
      doctor: () => import('./commands/doctor.ts'),
      migrate: () => import('./commands/migrate.ts'),
      recover: () => import('./commands/recover.ts'),
      completion: () => import('./commands/completion.ts'),
    },
  ],
];

/**
 * The command line.
 * @param wanted the command that is about to be run, where it is known: the others are left out then. All where not given, or none of
 *   that name is there (help, a wrong word, and what has to know every command).
 */
export async function buildProgram(wanted?: string): Promise<Command> {
  const program = new Command('keyturn')
    .description('Keeps secrets encrypted, turns them with proof and rollback, checks and watches them.')
    .version(packageJson.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .showHelpAfterError('  → `keyturn --help` shows what there is; `keyturn COMMAND --help` says more of one.')
    .exitOverride((error) => {
      // Help and version are answers; everything else that commander ends with is a wrong call.
      throw new CommanderError(error.exitCode === 0 ? EXIT.ok : EXIT.usage, error.code, error.message);
    })
    .addHelpText(
      'after',
      "\nExit codes: 0 fine, 1 findings or failed, 2 wrong usage, 3 cannot open the vault, 4 needs a person.\nThe vault is in .keyturn/ at the project's root, or in KEYTURN_HOME.",
    );
  const alone = GROUPS.some(([, commands]) => wanted !== undefined && wanted !== 'completion' && wanted in commands);
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading);
    for (const [name, load] of Object.entries(commands)) {
      if (!alone || name === wanted) (await load()).register(program);
    }
  }
  return program;
}
