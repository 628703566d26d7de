// The command line as a whole: every command registers itself. Commands load what they need when they run.
import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { register as alerts } from './commands/alerts.ts';
import { register as audit } from './commands/audit.ts';
import { register as backup } from './commands/backup.ts';
import { register as check } from './commands/check.ts';
import { register as completion } from './commands/completion.ts';
import { register as compromise } from './commands/compromise.ts';
import { register as demo } from './commands/demo.ts';
import { register as doctor } from './commands/doctor.ts';
import { register as drill } from './commands/drill.ts';
import { register as env } from './commands/env.ts';
import { register as exporting } from './commands/export.ts';
import { register as get } from './commands/get.ts';
import { register as history } from './commands/history.ts';
import { register as importing } from './commands/import.ts';
import { register as incidents } from './commands/incidents.ts';
import { register as init } from './commands/init.ts';
import { register as keys } from './commands/keys.ts';
import { register as list } from './commands/list.ts';
import { register as migrate } from './commands/migrate.ts';
import { register as monitor } from './commands/monitor.ts';
import { register as providers } from './commands/providers.ts';
import { register as recover } from './commands/recover.ts';
import { register as report } from './commands/report.ts';
import { register as restore } from './commands/restore.ts';
import { register as rm } from './commands/rm.ts';
import { register as rollback } from './commands/rollback.ts';
import { register as rotate } from './commands/rotate.ts';
import { register as run } from './commands/run.ts';
import { register as scan } from './commands/scan.ts';
import { register as schedule } from './commands/schedule.ts';
import { register as serve } from './commands/serve.ts';
import { register as set } from './commands/set.ts';
import { register as show } from './commands/show.ts';
import { register as start } from './commands/start.ts';
import { register as sync } from './commands/sync.ts';
import { register as synthetic } from './commands/synthetic.ts';
import { register as types } from './commands/types.ts';
import { register as validate } from './commands/validate.ts';
import { EXIT } from './exit-codes.ts';

const GROUPS = [
  ['Set up:', [init, start, serve, demo]],
  ['Secrets:', [set, get, list, show, rm, restore, history, importing, exporting, run, types]],
  ['Rotation:', [rotate, rollback, schedule, sync, providers]],
  ['Watching:', [validate, env, check, report, monitor, alerts, scan, synthetic]],
  ['Emergency:', [compromise, incidents]],
  ['The vault itself:', [keys, backup, drill, audit, doctor, migrate, recover, completion]],
] as const;

export function buildProgram(): Command {
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
  for (const [heading, commands] of GROUPS) {
    program.commandsGroup(heading);
    for (const register of commands) register(program);
  }
  return program;
}
