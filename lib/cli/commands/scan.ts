// keyturn scan: looks for secrets where they should not be: this vault's own values, and what looks like one.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import packageJson from '../../../package.json' with { type: 'json' };
import { FileError, isKeyturnError, UsageError } from '../../errors.ts';
import { ALLOW_FILE, type AllowEntry, parseAllowFile, type Sorted, sortOut } from '../../leaks/allow.ts';
import { examineInput } from '../../leaks/files.ts';
import { type LeakFinding, placeOf } from '../../leaks/finding.ts';
import { examineGit } from '../../leaks/git.ts';
import { hookPath, installHook, uninstallHook } from '../../leaks/hook.ts';
import { type LeakIncident, recordLeaks } from '../../leaks/incident.ts';
import { buildIndex, parseIndex, planOfIndex, planOfVault } from '../../leaks/index-file.ts';
import { type ScanPlan, scannersOf } from '../../leaks/plan.ts';
import { toSarif } from '../../leaks/sarif.ts';
import { scanTree } from '../../leaks/scan-tree.ts';
import { logTransaction } from '../../store/operation.ts';
import type { EmbeddedVault } from '../../vault/embedded-vault.ts';
import { readTextIfThere, replaceFile } from '../../vault/files.ts';
import { type LoadedPrints, loadPrints } from '../../vault/leak-prints.ts';
import { EXIT } from '../exit-codes.ts';
import { severityWord } from '../findings.ts';
import { openSession, type Surroundings, surroundings, withJson, withSession } from '../session.ts';
import { pressedKey } from '../value-input.ts';
import { plural } from '../words.ts';

const INDEX_FILE = 'keyturn-leaks.json';

interface ScanOptions {
  readonly staged?: boolean;
  readonly history?: boolean;
  readonly index?: string;
  readonly known?: boolean;
  readonly likely?: boolean;
  readonly format?: string;
  readonly output?: string;
  readonly threads?: string;
  readonly json?: boolean;
}

export function register(program: Command): void {
  const scan = program
    .command('scan')
    .description('look for secrets in files, in what is staged, in all of the history, or in a stream')
    .argument('[path]', 'a file or folder; - for standard input', '.')
    .option('--staged', 'what is staged for the next commit')
    .option('--history', 'every line that any commit ever brought')
    .option('--index <file>', 'find known values by an index (`keyturn scan index`) instead of the vault')
    .option('--known', "this vault's own values only")
    .option('--likely', 'what looks like a secret only')
    .option('-f, --format <format>', 'text, json or sarif', 'text')
    .option('-o, --output <file>', 'write json or sarif there')
    .option('--threads <count>', 'how many threads at most (as many as there are processors)')
    .option('--json', 'the same as --format json')
    .addHelpText(
      'after',
      `\nKnown values are found in plain, base64, hexadecimal and URL-encoded form, and split over lines.\nWhat is no leak goes into ${ALLOW_FILE}, each with a reason.`,
    )
    .action((path: string, options: ScanOptions) => runScan(path, options));
  withJson(
    scan
      .command('index')
      .description('write what it takes to find known values where there is no vault; it reveals none')
      .option('-o, --output <file>', 'where to', INDEX_FILE),
  ).action((options: { output: string; json?: boolean }, command: Command) => writeIndex(allOptions(options, command)));
  scan
    .command('install')
    .description('scan what is staged before each commit (git hook)')
    .action(() => install());
  scan
    .command('uninstall')
    .description('take the git hook out again')
    .action(() => uninstall());
}

/** Options that stand before the subcommand are its parent's. */
function allOptions<T extends object>(options: T, command: Command): T {
  const above = command.parent?.opts<{ output?: string; json?: boolean }>() ?? {};
  const given = Object.fromEntries(Object.entries(above).filter(([, value]) => value !== undefined));
  return { ...options, ...given };
}

const FORMATS = ['text', 'json', 'sarif'];

async function runScan(path: string, options: ScanOptions): Promise<void> {
  const format = options.json ? 'json' : (options.format ?? 'text');
  if (!FORMATS.includes(format))
    throw new UsageError(`There is no format "${format}".`, 'Formats are text, json and sarif.');
  if (options.staged && options.history)
    throw new UsageError('--staged and --history are two scans.', 'Run one, then the other.');
  if (options.known && options.likely)
    throw new UsageError('--known and --likely together leave nothing out.', 'Give neither.');
  const around = surroundings({ json: format !== 'text' });
  const allow = allowEntries(around);
  const vault = options.likely || options.index !== undefined ? undefined : openVault(around);
  const progress = around.out.progress('scan');
  try {
    const plan = planOf(around, vault, options);
    const scanned = await scanWhat(path, plan, options, progress.at);
    const today = new Date().toISOString().slice(0, 10);
    const sorted = sortOut(scanned.findings, allow, today);
    const incidents = vault ? vault.run(recordLeaks(vault.context, sorted.findings, scanned.words)) : [];
    progress.done();
    tell(around, { format, options, plan, scanned, sorted, incidents });
    if (sorted.findings.length > 0) process.exitCode = EXIT.findings;
    if (format === 'text') await offerCompromise(around, incidents);
  } finally {
    progress.done();
    vault?.close();
  }
}

/** Where there is no vault, what looks like a secret is found all the same. */
function openVault(around: Surroundings): EmbeddedVault | undefined {
  try {
    return openSession('scan', { json: around.out.json }).vault;
  } catch (error) {
    if (!isKeyturnError(error) || error.code !== 'KT_VAULT_NOT_FOUND') throw error;
    around.out.note('There is no vault here: only what looks like a secret is looked for.');
    return undefined;
  }
}

function planOf({ out }: Surroundings, vault: EmbeddedVault | undefined, options: ScanOptions): ScanPlan {
  const likely = !options.known;
  if (options.index !== undefined) {
    const text = readTextIfThere(resolve(options.index));
    if (text === undefined) {
      throw new FileError('KT_FILE_UNUSABLE', {
        what: `There is no file ${options.index}.`,
        left: 'Nothing was scanned.',
        next: 'Make it with `keyturn scan index`.',
      });
    }
    const index = parseIndex(options.index, text);
    if (index.left > 0)
      out.note(
        `${plural(index.left, 'version')} of the vault are not in the index: they could be guessed by who has it.`,
      );
    return planOfIndex(index, likely);
  }
  if (!vault) {
    if (options.known) throw new UsageError('--known needs a vault or an --index.', 'Run it where the vault is.');
    return { key: Buffer.alloc(32), hashBits: 32, secrets: [], likely };
  }
  const loaded: LoadedPrints = vault.run(loadPrints(vault.context));
  const key = vault.context.keyring.leakKey.export();
  return planOfVault(key, loaded.versions, likely);
}

interface Scanned {
  readonly findings: readonly LeakFinding[];
  readonly bytes: number;
  readonly unread: readonly string[];
  /** What was scanned, in words: "12 files", "the history (41 commits)". */
  readonly words: string;
}

async function scanWhat(
  path: string,
  plan: ScanPlan,
  options: ScanOptions,
  onProgress: (done: number, total?: number) => void,
): Promise<Scanned> {
  if (options.staged || options.history) {
    const what = options.staged ? 'staged' : 'history';
    const result = await examineGit(resolve(path), what, scannersOf(plan), onProgress);
    const words = options.staged ? 'what is staged' : `the history (${plural(result.commits, 'commit')})`;
    return { ...result, unread: [], words };
  }
  if (path === '-') {
    const result = await examineInput(process.stdin, '-', scannersOf(plan));
    return { ...result, unread: [], words: 'standard input' };
  }
  const root = resolve(path);
  const result = await scanTree(root, plan, { threads: threadsOf(options.threads), onProgress });
  const findings = result.findings.map((one) => ({ ...one, path: shownPath(root, one.path) }));
  return { ...result, findings, words: plural(result.files, 'file') };
}

function threadsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1) return count;
  throw new UsageError(`"${text}" is no number of threads.`, 'Give 1 or more.');
}

/** From where the command runs, as a person would write it; absolute where it is elsewhere. */
function shownPath(root: string, path: string): string {
  const whole = isAbsolute(path) ? path : join(root, path);
  const shown = relative(process.cwd(), whole);
  return shown.startsWith('..') ? whole : shown;
}

function allowEntries({ home }: Surroundings): AllowEntry[] {
  const text = readTextIfThere(join(home.root, ALLOW_FILE));
  return text === undefined ? [] : parseAllowFile(text);
}

interface Told {
  readonly format: string;
  readonly options: ScanOptions;
  readonly plan: ScanPlan;
  readonly scanned: Scanned;
  readonly sorted: Sorted;
  readonly incidents: readonly LeakIncident[];
}

function tell(around: Surroundings, told: Told): void {
  const { format, options, scanned, sorted, incidents } = told;
  for (const one of scanned.unread) around.out.note(`Not scanned: ${one}`);
  for (const entry of sorted.stale) around.out.note(`${ALLOW_FILE}, line ${entry.line}: it allows nothing any more.`);
  if (format === 'text') {
    tellPeople(around, told);
    return;
  }
  const { findings, allowed } = sorted;
  const answer =
    format === 'sarif'
      ? toSarif(sorted, packageJson.version)
      : { scanned: scanned.words, bytes: scanned.bytes, findings, allowed, incidents: incidents.map((one) => one.id) };
  if (options.output === undefined) {
    around.out.data(answer);
    return;
  }
  replaceFile(resolve(options.output), `${JSON.stringify(answer, undefined, 2)}\n`, 0o644);
  around.out.note(`${plural(findings.length, 'finding')}; written to ${options.output}.`);
}

function tellPeople({ out }: Surroundings, { scanned, sorted, plan, incidents }: Told): void {
  for (const finding of sorted.findings) {
    out.line(`${severityWord(out, finding.severity)}  ${out.style('bold', placeOf(finding))}  ${finding.what}`);
    const end = finding.secret ? '' : finding.page ? `End it at ${finding.page}. ` : '';
    const mend = finding.secret
      ? `Take it out of there. It is known to whoever has seen it: \`keyturn compromise ${finding.secret.name} --env ${finding.secret.environment}\`.`
      : `${end}If it is none, allow its print ${finding.print} in ${ALLOW_FILE}, with a reason.`;
    out.line(`          ${out.style('dim', '→')} ${mend}`);
  }
  if (sorted.findings.length > 0) out.line();
  const known =
    plan.secrets.length > 0
      ? `${plural(plan.secrets.length, 'version')} of the vault's secrets looked for`
      : 'no known values looked for';
  const allowed = sorted.allowed.length > 0 ? `, ${sorted.allowed.length} allowed` : '';
  const mark = sorted.findings.length === 0 ? out.style('green', '✓') : out.style('red', '✗');
  out.line(`${mark} ${plural(sorted.findings.length, 'finding')} in ${scanned.words}${allowed}; ${known}.`);
  for (const { id, opened, secret } of incidents) {
    const word = opened ? 'Incident opened' : 'Incident';
    out.line(
      `${word}: ${id}, ${secret.name} (${secret.environment}). \`keyturn incidents show ${id}\` has its timeline.`,
    );
  }
}

/** One key turns what has leaked. Off a terminal the findings say the command. */
async function offerCompromise({ out }: Surroundings, incidents: readonly LeakIncident[]): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return;
  for (const { secret, id } of incidents) {
    if (!secret.valid) continue;
    out.line();
    const key = await pressedKey(
      `${secret.name} (${secret.environment}) is in use. Press c to turn it and end the old value now, any other key to leave it: `,
    );
    if (key !== 'c') continue;
    const main = process.argv[1] ?? '';
    const args = [
      'compromise',
      secret.name,
      '--env',
      secret.environment,
      '--project',
      secret.project,
      '--why',
      `found by a scan (${id})`,
    ];
    const { status } = spawnSync(process.execPath, [main, ...args], { stdio: 'inherit' });
    if (status !== EXIT.ok) process.exitCode = status ?? EXIT.findings;
  }
}

function writeIndex(options: { output: string; json?: boolean }): Promise<void> {
  return withSession('scan index', options, ({ vault, out }) => {
    const { context } = vault;
    // Whoever has it can test guesses: as much as a backup may be asked for by.
    vault.run(context.authorize('backup', { action: 'leak.index' }));
    const { versions, left } = vault.run(loadPrints(context));
    const key = context.keyring.leakKey.export();
    const index = buildIndex({ vault: context.audit.vaultId, key, versions, now: context.clock() });
    key.fill(0);
    const details = { secrets: index.secrets.length, left: index.left + left };
    vault.run(logTransaction(context.log([{ action: 'leak.index', details }])));
    replaceFile(resolve(options.output), `${JSON.stringify(index, undefined, 1)}\n`, 0o644);
    out.data({ file: options.output, secrets: index.secrets.length, left: index.left });
    out.line(`${plural(index.secrets.length, 'version')} can be found by ${options.output}; it reveals no value.`);
    if (index.left > 0) {
      out.line(
        `${plural(index.left, 'version')} left out: short or guessable, so that the index would help to guess them.`,
      );
    }
    out.line(`Use it anywhere: \`keyturn scan --index ${options.output}\`. Make it anew after rotations.`);
  });
}

function hookCommand(root: string): string {
  if (existsSync(join(root, 'node_modules', '.bin', 'keyturn'))) return 'npx --no-install keyturn';
  return `"${process.execPath}" "${resolve(process.argv[1] ?? 'keyturn')}"`;
}

function install(): void {
  const { out } = surroundings({});
  const path = hookPath(process.cwd());
  const before = installHook(path, hookCommand(process.cwd()));
  out.line(
    `${out.style('green', '✓')} Each commit is scanned first (${path}${before === 'added' ? ', before what is there' : ''}).`,
  );
  out.line('Try it: `keyturn scan --staged`. A commit can skip it with --no-verify; CI should scan as well.');
}

function uninstall(): void {
  const { out } = surroundings({});
  const path = hookPath(process.cwd());
  out.line(uninstallHook(path) ? `${path} scans no longer.` : `${path} has no scan of Keyturn.`);
}
