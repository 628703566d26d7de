// keyturn report: the detailed report of the guide; and the daily, weekly, monthly and incident reports, signed, in every
// format, and checked anywhere.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { fingerprintOfKey } from '../../crypto/signing.ts';
import { FileError, isKeyturnError, UsageError } from '../../errors.ts';
import { monitor } from '../../monitoring/monitor.ts';
import { bringReport } from '../../reporting/deliver.ts';
import { FORMATS, isFormat, type ReportFormat, writeReport } from '../../reporting/formats.ts';
import type { SignedReport } from '../../reporting/model.ts';
import { type PeriodKind, parsePeriod } from '../../reporting/period.ts';
import { listReports, makeReport, type ReportInput, readReport } from '../../reporting/reports.ts';
import { verifyReport } from '../../reporting/sign.ts';
import { buildReport, reportMarkdown } from '../../reporting/validation-report.ts';
import type { Surroundings } from '../../reporting/vault-facts.ts';
import { validate } from '../../validation/validate.ts';
import { listBackups } from '../../vault/backup-files.ts';
import { replaceFile } from '../../vault/files.ts';
import { placeOfRootKey } from '../../vault/root-key-files.ts';
import { alertRunOf } from '../alerting.ts';
import { EXIT } from '../exit-codes.ts';
import { Output } from '../output.ts';
import {
  type CommonOptions,
  chosenEnvironments,
  openSession,
  openWorld,
  type Session,
  withJson,
  withPlace,
  withSession,
} from '../session.ts';
import { moment, plural } from '../words.ts';

interface WriteOptions extends CommonOptions {
  readonly output?: string;
  readonly format?: string;
  readonly deliver?: boolean;
}

export function register(program: Command): void {
  const report = withPlace(
    program.command('report').description('write the detailed report; or a signed one, see below'),
  )
    .option('-a, --all-envs', 'all environments of the project')
    .option('-o, --output <folder>', 'where to write it (reports)')
    .action((options: CommonOptions & { allEnvs?: boolean; output?: string }) =>
      withSession('report', options, (session) => detailed(session, options)),
    );
  const periods: readonly [PeriodKind, string][] = [
    ['daily', 'security: alerts, anomalies, access, findings of a day'],
    ['weekly', 'rotations of a week, and how old secrets are'],
    ['monthly', 'compliance: SOC 2 and PCI DSS, with evidence of this vault'],
  ];
  for (const [kind, description] of periods) {
    writing(
      report
        .command(kind)
        .description(description)
        .argument('[period]', 'a day of it, or 2026-W48, or 2026-11; the last one where not given')
        .option('--deliver', 'have the alert channels bring it'),
    ).action((period: string | undefined, _: unknown, command: Command) =>
      make(
        command,
        (): ReportInput => ({ kind, period: period === undefined ? undefined : parsePeriod(kind, period) }),
      ),
    );
  }
  writing(
    report
      .command('incident')
      .description('one incident, for those who have to know')
      .argument('<id>', 'the incident')
      .option('--deliver', 'have the alert channels bring it'),
  ).action((id: string, _: unknown, command: Command) => make(command, () => ({ kind: 'incident', incident: id })));
  withJson(report.command('list').description('the reports that were made')).action((_: unknown, command: Command) =>
    withSession('report list', command.optsWithGlobals(), list),
  );
  writing(
    report.command('show').description('write a report that was made once more').argument('<id>', 'the report'),
  ).action((id: string, _: unknown, command: Command) => {
    const options: WriteOptions = command.optsWithGlobals();
    return withSession('report show', options, (session) =>
      write(session, session.vault.run(readReport(session.vault.context, id)), options),
    );
  });
  withJson(
    report
      .command('verify')
      .description("check a report's signature, on any machine, with no vault")
      .argument('<file>', 'the JSON, HTML or Markdown file')
      .option('--key <fingerprint>', "the vault's signing key, as `keyturn keys list` says it"),
  ).action((file: string, _: unknown, command: Command) => verify(file, command.optsWithGlobals()));
}

function writing(command: Command): Command {
  return withJson(command)
    .option('-o, --output <folder>', 'where to write it (reports)')
    .option('-f, --format <formats>', `which of ${FORMATS.join(', ')}, with commas between`, 'html,json');
}

function detailed(session: Session, options: CommonOptions & { allEnvs?: boolean; output?: string }): void {
  const { vault, out, home } = session;
  const environments = chosenEnvironments(session, options);
  const validation = vault.run(validate(vault.context, environments));
  const monitoring = vault.run(monitor(vault.context, environments, { strength: true }));
  const report = buildReport(vault.context.audit.vaultId, validation, monitoring);
  const base = join(home.root, options.output ?? 'reports', `secrets-report-${report.createdAt.slice(0, 10)}`);
  replaceFile(`${base}.json`, `${JSON.stringify(report, undefined, 2)}\n`);
  replaceFile(`${base}.md`, reportMarkdown(report));
  out.data(report);
  out.line(
    `${plural(report.findings.length, 'finding')} and ${plural(report.alerts.length, 'alert')} on ${plural(report.summary.secrets, 'secret')}.`,
  );
  out.line(`Written to ${base}.md and .json.`);
}

function make(command: Command, input: () => ReportInput): Promise<void> {
  const options: WriteOptions = command.optsWithGlobals();
  // What was asked for wrongly is said before anything is opened.
  const wanted = input();
  formatsOf(options);
  return withSession(`report ${wanted.kind}`, options, async (session) => {
    const { vault } = session;
    const signed = vault.run(makeReport(vault.context, wanted, surroundingsOf(session)));
    write(session, signed, options);
    if (options.deliver) await deliver(session, signed);
  });
}

async function deliver(session: Session, signed: SignedReport): Promise<void> {
  const { vault, out, config } = session;
  const { world } = alertRunOf(session, await openWorld(session));
  const run = { config: config.operations.reports ?? {}, around: () => surroundingsOf(session), world };
  const channels = await vault.perform(bringReport(vault.context, run, signed));
  const names = channels.map((one) => one.title).join(', ');
  out.line(
    channels.length > 0
      ? `Brought by ${names}; \`keyturn alerts deliveries\` says how it went.`
      : 'No channel that takes reports is configured.',
  );
}

function surroundingsOf({ vault, home, config }: Session): Surroundings {
  const [newest] = listBackups(home);
  const alerts = config.operations.alerts ?? {};
  return {
    newestBackupAt: newest && Date.parse(newest.createdAt),
    rootKeyFrom: placeOfRootKey(vault.rootKeySource),
    channels: Object.keys(alerts.channels ?? {}),
    publicUrl: process.env.KEYTURN_PUBLIC_URL,
  };
}

function formatsOf(options: WriteOptions): ReportFormat[] {
  const names = (options.format ?? 'html,json').split(',').map((one) => one.trim().toLowerCase());
  return names.map((name) => {
    if (isFormat(name)) return name;
    throw new UsageError(`There is no format "${name}".`, `Formats are ${FORMATS.join(', ')}.`);
  });
}

function write({ out, home }: Session, signed: SignedReport, options: WriteOptions): void {
  const { report } = signed;
  const base = resolve(home.root, options.output ?? 'reports', `${report.kind}-${report.period}`);
  const paths = formatsOf(options).map((format) => {
    const path = `${base}.${format}`;
    replaceFile(path, writeReport(signed, format));
    return path;
  });
  out.data({ ...signed, files: paths });
  out.line(`${out.style('bold', report.title)}: ${report.headline}`);
  const unmet = report.controls.filter((one) => one.status === 'not met' || one.status === 'partly');
  out.table(
    ['control', 'status', 'what to do'],
    unmet.map((one) => [`${one.framework} ${one.id}`, one.status, one.next ?? '']),
  );
  out.line(`Written to ${paths.join(', ')}. Kept as ${report.id}.`);
}

function list({ vault, out }: Session): void {
  const reports = vault.run(listReports(vault.context));
  out.data(reports);
  if (reports.length === 0) out.line('No report yet: `keyturn report daily` makes one.');
  out.table(
    ['report', 'made', 'headline'],
    reports.map((one) => [one.id, moment(one.createdAt), one.headline]),
  );
}

function verify(file: string, options: CommonOptions & { key?: string }): void {
  const verdict = verifyReport(file, readText(file));
  const { report, fingerprint } = verdict;
  const known = options.key ?? vaultFingerprint(options);
  const plain = (text: string) => text.replaceAll(/[\s:]/g, '').toLowerCase();
  const ofKey = known === undefined ? undefined : plain(known) === plain(fingerprint);
  const good = verdict.authentic && ofKey !== false;
  const why = verdict.why ?? (ofKey === false ? 'It is signed with another key than the vault’s.' : undefined);
  const out = new Output(options);
  out.data({
    file,
    authentic: good,
    why: why ?? null,
    report: report.id,
    title: report.title,
    fingerprint,
    keyCompared: ofKey !== undefined,
  });
  if (good) {
    out.line(`${out.style('green', '✓')} ${file} is as it was signed: ${report.title}, made ${report.createdAt}.`);
    if (ofKey) out.line(`  Signed with the key ${fingerprint}, the vault's own.`);
    else
      out.line(
        `  Signed with the key ${fingerprint}. Compare it with what \`keyturn keys list\` says where the vault is, or give --key.`,
      );
    return;
  }
  out.line(`${out.style('red', '✗')} ${file} cannot be trusted. ${why ?? ''}`);
  process.exitCode = EXIT.findings;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown error'}).`,
      left: 'Nothing was checked.',
    });
  }
}

/** The fingerprint of the vault here, if there is one that opens: a report is checked without one, too. */
function vaultFingerprint(options: CommonOptions): string | undefined {
  try {
    const { vault } = openSession('report verify', options);
    const fingerprint = fingerprintOfKey(vault.context.keyring.signingKey().publicKey);
    vault.close();
    return fingerprint;
  } catch (error) {
    if (isKeyturnError(error)) return undefined;
    throw error;
  }
}
