// Signing reports, and checking them anywhere: the model is inside each JSON, HTML and Markdown file, and the rest of an HTML
// or Markdown file has to be what that model is written as.
import { fingerprintOfKey, type SigningKey, verifySignature } from '../crypto/signing.ts';
import { FileError } from '../errors.ts';
import { reportHtml } from './html.ts';
import { reportMarkdown } from './markdown.ts';
import type { Report, SignedReport } from './model.ts';

const LABEL = 'keyturn/v1/report\n';

function signedBytes(report: Report): Buffer {
  return Buffer.from(LABEL + JSON.stringify(report), 'utf8');
}

export function signReport(key: SigningKey, report: Report): SignedReport {
  const signature = key.sign(signedBytes(report)).toString('base64url');
  return { report, signature, publicKey: key.publicKey.toString('base64url') };
}

export interface ReportVerdict {
  /** True where the signature is the key's own over exactly this report, and the page says what the report does. */
  readonly authentic: boolean;
  readonly why: string | undefined;
  readonly report: Report;
  /** The signing key as people compare it: eight groups of four digits. */
  readonly fingerprint: string;
}

/**
 * Checks a report file, with no vault at hand.
 * @param text a JSON, HTML or Markdown file as it was written
 * @throws FileError KT_FILE_UNUSABLE where there is no signed report in it (CSV files have none)
 */
export function verifyReport(path: string, text: string): ReportVerdict {
  const signed = signedIn(text);
  if (!signed) {
    throw new FileError('KT_FILE_UNUSABLE', {
      what: `${path} holds no signed report.`,
      left: 'Nothing was checked.',
      next: 'Give the JSON, HTML or Markdown file that `keyturn report` wrote; CSV files are not signed.',
    });
  }
  const publicKey = Buffer.from(signed.publicKey, 'base64url');
  const fingerprint = fingerprintOfKey(publicKey);
  const verdict = { report: signed.report, fingerprint };
  const fits = verifySignature(publicKey, signedBytes(signed.report), Buffer.from(signed.signature, 'base64url'));
  if (!fits) return { ...verdict, authentic: false, why: 'The report was changed after it was signed.' };
  const written = filesOf(signed);
  // A line end that a mail program or an editor changed changes nothing.
  const plain = (one: string) => one.replaceAll('\r\n', '\n').trimEnd();
  if (written.some((one) => plain(one) === plain(text))) return { ...verdict, authentic: true, why: undefined };
  if (isOnlyJson(text)) return { ...verdict, authentic: true, why: undefined };
  return {
    ...verdict,
    authentic: false,
    why: 'What the page shows is not what was signed (or another version wrote it).',
  };
}

/** As this version writes it; nothing where the model is another than it knows. */
function filesOf(signed: SignedReport): string[] {
  try {
    return [jsonFile(signed), reportHtml(signed), reportMarkdown(signed)];
  } catch (error) {
    // Whoever signs with a key of their own can sign anything: it is not what this version writes.
    if (error instanceof TypeError) return [];
    throw error;
  }
}

export function jsonFile(signed: SignedReport): string {
  return `${JSON.stringify(signed, undefined, 2)}\n`;
}

/** JSON that was indented anew says the same. */
function isOnlyJson(text: string): boolean {
  return text.trimStart().startsWith('{');
}

function signedIn(text: string): SignedReport | undefined {
  const inHtml = /<script type="application\/json" id="keyturn-report">([^<]*)<\/script>/.exec(text)?.[1];
  const inMarkdown = /<!-- keyturn-report:([A-Za-z0-9_-]+) -->/.exec(text)?.[1];
  const json = inHtml ?? (inMarkdown && Buffer.from(inMarkdown, 'base64url').toString('utf8')) ?? text;
  try {
    const found = JSON.parse(json) as Partial<SignedReport> | null;
    const whole = found?.report?.keyturn === 'report' && found.report.format === 1;
    if (!whole || typeof found.signature !== 'string' || typeof found.publicKey !== 'string') return undefined;
    return found as SignedReport;
  } catch {
    // No JSON, no report: the caller says so.
    return undefined;
  }
}
