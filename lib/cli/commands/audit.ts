// keyturn audit: list, verify, export and anchor the audit log.
import { closeSync, createReadStream, fsyncSync, openSync, writeSync } from 'node:fs';
import type { Command } from 'commander';
import { anchorOf, parseAnchor } from '../../audit/checkpoint.ts';
import {
  CSV_HEADER,
  csvEntry,
  ExportVerifier,
  exportCheckpoint,
  exportEntry,
  exportHeader,
} from '../../audit/export.ts';
import { forEachEntry, newestEntries, verifyStore } from '../../audit/read.ts';
import type { Verdict } from '../../audit/verify.ts';
import { FileError, UsageError } from '../../errors.ts';
import { all, transaction } from '../../store/operation.ts';
import type { AuditEntryTable } from '../../store/schema.ts';
import { selectCheckpoints } from '../../store/statements/audit.ts';
import { EXIT } from '../exit-codes.ts';
import { Output } from '../output.ts';
import { type CommonOptions, type Session, withJson, withSession } from '../session.ts';
import { plural } from '../words.ts';
import { wholeNumber } from './set.ts';

/** Entries between two words to the progress bar. */
const PROGRESS_EVERY = 1_000;

interface ListOptions extends CommonOptions {
  readonly secret?: string;
  readonly principal?: string;
  readonly action?: string;
  readonly outcome?: string;
  readonly since?: string;
  readonly limit: string;
}

export function register(program: Command): void {
  const audit = program.command('audit').description('the audit log: list, verify, export, anchor');
  withJson(audit.command('list').description('show the newest entries'))
    .option('--secret <name>', 'of this secret only')
    .option('-e, --env <name>', 'of this environment only')
    .option('--principal <who>', 'by this principal only')
    .option('--action <action>', 'this action only: secret.read, or secret for all that begin so')
    .option('--outcome <outcome>', 'ok, denied or failed')
    .option('--since <date>', 'since a day or moment, ISO 8601')
    .option('--limit <n>', 'at most so many', '50')
    .action((options: ListOptions) => withSession('audit list', options, (session) => list(session, options)));
  withJson(
    audit
      .command('verify')
      .description('check that no entry was changed, removed, reordered or inserted')
      .argument('[file]', 'an exported log (needs no vault); the vault itself where not given'),
  )
    .option('--anchor <anchor...>', 'anchors kept elsewhere: each must still fit')
    .option('--public-key <key>', "for a file: the vault's public key, base64url")
    .action((file: string | undefined, options: CommonOptions & { anchor?: string[]; publicKey?: string }) =>
      file === undefined
        ? withSession('audit verify', options, (session) => verifyVault(session, options.anchor ?? []))
        : verifyFile(file, options),
    );
  audit
    .command('export')
    .description('write the whole log: JSON lines (can be verified anywhere) or CSV')
    .option('-f, --format <format>', 'jsonl or csv', 'jsonl')
    .option('-o, --output <path>', 'write to a file (mode 0600) instead of standard output')
    .action((options: { format: string; output?: string }) =>
      withSession('audit export', {}, (session) => exportLog(session, options)),
    );
  withJson(
    audit.command('anchor').description('sign how far the log has come; keep the line where nobody here can change it'),
  ).action((options: CommonOptions) =>
    withSession('audit anchor', options, ({ vault, out }) => {
      const checkpoint = vault.run(
        transaction(
          (function* () {
            yield* vault.context.log([{ action: 'audit.anchor' }]);
            return yield* vault.context.audit.checkpoint();
          })(),
        ),
      );
      const anchor = anchorOf(checkpoint);
      out.data({
        anchor,
        checkpoint: checkpoint.body,
        signature: Buffer.from(checkpoint.signature).toString('base64url'),
        publicKey: vault.context.audit.publicKey.toString('base64url'),
      });
      out.line(anchor);
    }),
  );
}

function outcomeOf(text: string | undefined): AuditEntryTable['outcome'] | undefined {
  if (text === undefined || text === 'ok' || text === 'denied' || text === 'failed') return text;
  throw new UsageError(`"${text}" is no outcome.`, 'Outcomes are ok, denied and failed.');
}

function list({ vault, out }: Session, options: ListOptions): void {
  const since = options.since === undefined ? undefined : Date.parse(options.since);
  if (Number.isNaN(since))
    throw new UsageError(`"${options.since}" is no date.`, 'Give a day or moment: 2026-11-24, or 2026-11-24T08:00Z.');
  const outcome = outcomeOf(options.outcome);
  const limit = wholeNumber(options.limit, 'a number of entries');
  const { context } = vault;
  vault.run(context.authorize('audit', { action: 'audit.read' }));
  // Reading the log is itself logged, before anything of it is shown.
  vault.run(transaction(context.log([{ action: 'audit.read', details: { limit } }])));
  const entries = vault.run(
    newestEntries(
      {
        ...(options.secret !== undefined && { secret: options.secret }),
        ...(options.env !== undefined && { environment: options.env }),
        ...(options.principal !== undefined && { principal: options.principal }),
        ...(options.action !== undefined && { action: options.action }),
        ...(outcome !== undefined && { outcome }),
        ...(since !== undefined && { since }),
      },
      limit,
    ),
  );
  out.data(
    entries.map(({ hash, mac, details, ...rest }) => ({
      ...rest,
      details: details === null ? null : JSON.parse(details),
    })),
  );
  if (entries.length === 0) {
    out.line('No entries match.');
    return;
  }
  const outcomes = { ok: 'ok', denied: out.style('red', 'denied'), failed: out.style('yellow', 'failed') };
  out.table(
    ['#', 'time (UTC)', 'who', 'action', 'outcome', 'what', 'details', 'by'],
    entries.map((one) => [
      String(one.seq),
      new Date(one.time).toISOString().slice(0, 19).replace('T', ' '),
      one.principal,
      one.action,
      outcomes[one.outcome],
      subject(one),
      facts(one),
      one.source,
    ]),
  );
}

function subject(one: AuditEntryTable): string {
  const version = one.version === null ? '' : `@${one.version}`;
  const place = one.environment === null ? '' : ` (${one.environment})`;
  return one.secret === null ? (one.environment ?? '–') : `${one.secret}${version}${place}`;
}

/** The details that say something to a person: ids and fingerprints do not. */
function facts(one: AuditEntryTable): string {
  if (one.details === null) return '';
  const details = JSON.parse(one.details) as Record<string, unknown>;
  if (one.action === 'rotation.move')
    return `${details.from} → ${details.to}${details.error ? `: ${details.error}` : ''}`;
  return Object.entries(details)
    .filter(([key]) => key !== 'fingerprint' && key !== 'rotation')
    .map(([key, value]) => `${key} ${value}`)
    .join(', ');
}

function showVerdict(out: Output, verdict: Verdict): void {
  const { entries, checkpoints } = verdict;
  out.data(verdict);
  const mark = (fine: boolean) => (fine ? out.style('green', '✓') : out.style('red', '✗'));
  out.line(
    `${mark(verdict.intact)} ${verdict.intact ? `Intact: ${plural(entries, 'entry', 'entries')} and ${plural(checkpoints, 'checkpoint')} are as they were written.` : `Not intact: ${verdict.fault?.what ?? ''}`}`,
  );
  const uncovered =
    verdict.uncovered === 0
      ? 'every entry is covered by one'
      : `the last ${plural(verdict.uncovered, 'entry is', 'entries are')} not covered by one yet`;
  out.line(
    `${mark(verdict.complete)} ${verdict.complete ? `Complete: every checkpoint and anchor known is covered; ${uncovered}.` : `Not complete: ${verdict.missing ?? ''}`}`,
  );
  if (!verdict.macsChecked) out.line('  Hashes and signatures were checked; the MACs need the vault.');
  if (!verdict.intact || !verdict.complete) process.exitCode = EXIT.findings;
}

function verifyVault({ vault, out }: Session, texts: readonly string[]): void {
  const anchors = texts.map((text) => {
    const anchor = parseAnchor(text);
    if (anchor) return anchor;
    throw new UsageError(`"${text}" is not an anchor.`, 'An anchor is the line that `keyturn audit anchor` prints.');
  });
  const { context } = vault;
  vault.run(context.authorize('audit', { action: 'audit.verify' }));
  const verdict = vault.run(verifyStore(context.audit, anchors, context.onProgress));
  const details = { entries: verdict.entries, intact: verdict.intact, complete: verdict.complete };
  // After the walk: a log that was tampered with must not be added to before somebody has been told.
  if (verdict.intact) vault.run(transaction(context.log([{ action: 'audit.verify', details }])));
  showVerdict(out, verdict);
}

async function verifyFile(path: string, options: CommonOptions & { publicKey?: string }): Promise<void> {
  const out = new Output(options);
  const key = options.publicKey === undefined ? undefined : Buffer.from(options.publicKey, 'base64url');
  const verifier = new ExportVerifier(key);
  try {
    const progress = out.progress('audit verify');
    let rest = '';
    let lines = 0;
    // Split here: node:readline takes longer for a line than checking it does.
    for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 20 })) {
      const parts = (rest + chunk).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) verifier.push(line.endsWith('\r') ? line.slice(0, -1) : line);
      lines += parts.length;
      progress.at(lines);
    }
    verifier.push(rest);
    progress.done();
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).syscall) throw error;
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`,
    });
  }
  showVerdict(out, verifier.end());
  if (!key)
    out.note(
      `Checked against the file's own public key ${verifier.publicKey}. Compare it with the vault's (\`keyturn audit anchor --json\`).`,
    );
}

function exportLog({ vault, out }: Session, options: { format: string; output?: string }): void {
  if (options.format !== 'jsonl' && options.format !== 'csv') {
    throw new UsageError(`There is no format "${options.format}".`, 'Formats are jsonl and csv.');
  }
  const { context } = vault;
  vault.run(context.authorize('audit', { action: 'audit.export' }));
  const { audit } = context;
  const csv = options.format === 'csv';
  vault.run(
    transaction(
      (function* () {
        yield* context.log([{ action: 'audit.export', details: { format: options.format } }]);
        yield* audit.checkpoint();
      })(),
    ),
  );
  const file = options.output === undefined ? process.stdout.fd : openSync(options.output, 'w', 0o600);
  let entries = 0;
  let pending = `${csv ? CSV_HEADER : exportHeader(audit.vaultId, audit.publicKey)}\n`;
  const flush = () => {
    const bytes = Buffer.from(pending, 'utf8');
    let written = 0;
    while (written < bytes.length) written += writeAvailable(file, bytes, written);
    pending = '';
  };
  vault.run(
    forEachEntry((entry) => {
      entries += 1;
      if (entries % PROGRESS_EVERY === 0) context.onProgress(entries);
      pending += `${csv ? csvEntry(entry) : exportEntry(entry)}\n`;
      if (pending.length > 1 << 16) flush();
    }),
  );
  if (!csv) for (const one of vault.run(all(selectCheckpoints, {}))) pending += `${exportCheckpoint(one)}\n`;
  flush();
  if (options.output === undefined) return;
  fsyncSync(file);
  closeSync(file);
  out.note(`${plural(entries, 'entry', 'entries')} written to ${options.output}.`);
}

/** A pipe whose reader is slow says EAGAIN: wait for it instead of losing lines. */
function writeAvailable(file: number, bytes: Buffer, from: number): number {
  try {
    return writeSync(file, bytes, from);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    return 0;
  }
}
