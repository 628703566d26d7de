// keyturn start: the main job. Makes the vault where there is none, takes in what lies in `.env` and the environment,
// validates everything, and says what to do next.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { monitor } from '../../monitoring/monitor.ts';
import { rotatorOf } from '../../rotation/rotator.ts';
import { bySeverity } from '../../validation/finding.ts';
import { type ValidationResult, validate } from '../../validation/validate.ts';
import { ensureEnvironment } from '../../vault/create.ts';
import { countLive } from '../../vault/list.ts';
import { forbidCoreDumps } from '../core-dumps.ts';
import { showFindings } from '../findings.ts';
import { importEntries, importText } from '../importing.ts';
import { type CommonOptions, openWorld, type Session, surroundings, withPlace } from '../session.ts';
import { confirm } from '../value-input.ts';
import { plural } from '../words.ts';
import { makeVault } from './init.ts';
import { showMonitored } from './monitor.ts';
import { type ServeOptions, serve, withServe } from './serve.ts';

interface StartOptions extends CommonOptions, ServeOptions {
  readonly serve?: boolean;
  readonly yes?: boolean;
  readonly example?: string;
}

const FINDINGS_SHOWN = 5;

export function register(program: Command): void {
  withServe(withPlace(program.command('start').description('set everything up: vault, import, validation, status')))
    .option('--serve', 'run the server then')
    .option('--no-serve', 'do not run the server (as without --serve)')
    .option('-y, --yes', 'import without asking')
    .option('--example <path>', 'what to import where there is nothing else')
    .action(async (options: StartOptions) => {
      if (options.serve === true) forbidCoreDumps(process.env);
      const around = surroundings(options);
      const { vault, rootKeyFile, made } = makeVault(around, 'start');
      const session: Session = { ...around, vault };
      try {
        const { out, home, at } = session;
        vault.run(ensureEnvironment(vault.context, at));
        out.line(`${out.style('bold', 'Keyturn')}  vault ${home.folder}, environment ${at.environment}`);
        if (made && rootKeyFile)
          out.line(`Made the vault and its root key, ${rootKeyFile} (mode 0600). Keep a copy of that key elsewhere.`);
        out.line();
        await takeIn(session, options);
        await vault.perform(rotatorOf(vault, await openWorld(session)).settle());
        const environment = vault.context.environment(at);
        const validation = vault.run(validate(vault.context, [environment]));
        const monitoring = vault.run(monitor(vault.context, [environment], { strength: true }));
        out.data({ folder: home.folder, environment: at.environment, validation, monitoring });
        if (monitoring.secrets.length > 0) {
          showMonitored(out, monitoring.secrets, false, monitoring.at);
          out.line();
        }
        sayFindings(session, validation);
        sayNext(session, validation);
      } finally {
        vault.close();
      }
      if (options.serve !== true) return;
      session.out.line();
      await serve(around, options);
    });
}

/** Imports what is there: `.env`, known names in the environment; else, into an empty vault, the example. */
async function takeIn(session: Session, options: StartOptions): Promise<void> {
  const { home, vault, at, out } = session;
  const envFile = join(home.root, '.env');
  const known = vault.context.catalog.known.filter((one) => (process.env[one.name] ?? '') !== '');
  if (existsSync(envFile)) await offer(session, options, envFile, `Import ${envFile} into ${at.environment}?`);
  if (known.length > 0) {
    const names = known.map((one) => one.name);
    const question = `Import ${plural(names.length, 'known secret')} from the environment (${names.join(', ')})?`;
    if (await agreed(session, options, question)) {
      const entries = names.map((name) => ({ name, value: Buffer.from(process.env[name] ?? '', 'utf8'), line: 0 }));
      const lines = importEntries(session, entries, false);
      const changed = lines.filter((one) => one.outcome !== 'unchanged').length;
      out.line(`Environment: ${changed} of ${plural(lines.length, 'secret')} new or changed.`);
      out.line();
    }
  }
  if (existsSync(envFile) || known.length > 0 || options.example === undefined) return;
  if (vault.run(countLive(vault.context.environment(at))) > 0) return;
  out.line('There is no .env here and no known secret in the environment: made-up example values show how it looks.');
  await offer(session, { ...options, yes: true }, options.example, '');
}

async function agreed(session: Session, options: StartOptions, question: string): Promise<boolean> {
  if (options.yes || (await confirm(question))) return true;
  session.out.line(`Not imported: ${question.replace(/\?$/, '')}. Answer yes, or run it with --yes.`);
  session.out.line();
  return false;
}

async function offer(session: Session, options: StartOptions, file: string, question: string): Promise<void> {
  if (!(await agreed(session, options, question))) return;
  const { out } = session;
  const text = readFileSync(file, 'utf8');
  const { lines, notes } = await importText(session, { file, text, format: 'dotenv', dryRun: false });
  const count = (outcome: string) => lines.filter((one) => one.outcome === outcome).length;
  out.line(
    `${file}: ${count('added')} added, ${count('updated')} updated, ${count('unchanged')} unchanged, ${count('left out: empty')} empty.`,
  );
  for (const note of notes) out.note(`${file}, line ${note.line}: ${note.what}.`);
  out.line();
}

function sayFindings(session: Session, validation: ValidationResult): void {
  const { out } = session;
  const worst = [...validation.findings].sort(bySeverity);
  showFindings(out, worst.slice(0, FINDINGS_SHOWN));
  if (worst.length > FINDINGS_SHOWN)
    out.line(`… and ${plural(worst.length - FINDINGS_SHOWN, 'more finding')}: \`keyturn validate\`.`);
  if (worst.length > 0) out.line();
}

function sayNext(session: Session, validation: ValidationResult): void {
  const { out, at } = session;
  const { present, wanted } = validation.critical;
  out.line(
    `${plural(validation.secrets.length, 'secret')} in ${at.environment}; ${present} of ${wanted} critical ones present; ${plural(validation.findings.length, 'finding')}.`,
  );
  out.line();
  out.line(out.style('bold', 'Next'));
  const steps: [string, string][] = [
    ['npx keyturn validate', 'every finding, and how to mend it'],
    ['npx keyturn set NAME', 'add or change a secret (asked for, never shown)'],
    ['npx keyturn rotate JWT_SECRET', 'turn one; the value before stays valid for a day'],
    ['npx keyturn run -- npm run dev', 'start your application with its secrets'],
    ['npx keyturn --help', 'everything else'],
  ];
  for (const [command, what] of steps) out.line(`  ${out.style('cyan', command.padEnd(32))} ${what}`);
}
