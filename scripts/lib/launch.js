// Runs the `keyturn` command from a checkout, as the guide's launchers do: sets up what is missing, then passes on
// arguments, standard streams, signals and the exit code.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { node, ROOT, setUp } from './set-up.js';

const MAIN = join(ROOT, 'bin', 'keyturn.cjs');
const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** @param {readonly string[]} args what `keyturn` is given */
export function launch(args) {
  setUp();
  const child = spawn(node(), [MAIN, ...args], { stdio: 'inherit' });
  for (const signal of PASSED_ON) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => {
    process.exitCode = signal ? 128 + constants.signals[signal] : (code ?? 1);
    process.exit();
  });
}

/**
 * Runs one of the guide's scripts: its first argument is one of `actions`; anything else prints the usage and exits 2.
 * @param {string} usage
 * @param {Readonly<Record<string, (rest: string[]) => string[] | undefined>>} actions what each becomes for `keyturn`;
 *   undefined for arguments that do not fit
 */
export function launchGuideScript(usage, actions) {
  const [action = '', ...rest] = process.argv.slice(2);
  const args = Object.hasOwn(actions, action) ? actions[action](rest) : undefined;
  if (args) {
    launch(args);
    return;
  }
  const asked = ['help', '--help', '-h'].includes(action);
  (asked ? process.stdout : process.stderr).write(usage);
  process.exitCode = asked ? 0 : 2;
}
