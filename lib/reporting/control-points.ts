// What controls rest on, point by point: each is measured in this vault, and said in a sentence with its numbers.
import type { LogFacts } from './log-facts.ts';
import type { AuditRange } from './model.ts';
import type { Period } from './period.ts';
import type { VaultFacts } from './vault-facts.ts';
import { count, days, span } from './words.ts';

const DAY_MS = 24 * 60 * 60_000;
const ROOT_KEY_DAYS = 365;
const BACKUP_DAYS = 7;
const DRILL_DAYS = 31;
/** PCI DSS 4.0.1, 8.2.6: accounts unused for 90 days are taken away. */
const UNUSED_DAYS = 90;
/** An alert that nobody has taken up for so long says something about who watches. */
const ALERT_DAYS = 7;
/** The rules look through the log every minute; so many entries behind, nobody has for long. */
const UNWATCHED = 5_000;

export interface Evidence {
  readonly period: Period;
  readonly vault: VaultFacts;
  readonly log: LogFacts;
  readonly audit: AuditRange;
}

/** One thing that was looked at: whether it holds, and in what words. Without `holds` it is only said. */
export interface Point {
  readonly holds?: boolean;
  readonly said: string;
  /** What to do where it does not hold. */
  readonly mend?: string;
}

export function sealing({ vault }: Evidence): Point {
  const { versions, lost } = vault.sealed;
  return {
    holds: lost === 0,
    said: `${count(versions, 'version')} of ${count(vault.monitoring.secrets.length, 'secret')}, each sealed with AES-256 and authenticated, under ${count(vault.dataKeys.all, 'data key')} in use; ${lost} whose key is gone.`,
    mend: 'Look with `keyturn doctor`, and restore what does not open.',
  };
}

export function rootKey({ vault }: Evidence): Point {
  const age = vault.now - vault.rootKeyAt;
  return {
    holds: age < ROOT_KEY_DAYS * DAY_MS,
    said: `The root key is ${days(age)} old${vault.rootKeyFrom ? `, and comes from ${vault.rootKeyFrom}` : ''}.`,
    mend: 'Turn the root key: `keyturn keys rotate-root`.',
  };
}

export function dataKeys({ vault }: Evidence): Point {
  const { all, oldestAt } = vault.dataKeys;
  const age = oldestAt === undefined ? 0 : vault.now - oldestAt;
  return {
    holds: age < ROOT_KEY_DAYS * DAY_MS,
    said: `${count(all, 'data key')} in use, the oldest ${days(age)} old, each wrapped by the root key.`,
    mend: 'Turn data keys: `keyturn keys rotate-data`.',
  };
}

export function rootKeyApart({ vault }: Evidence): Point {
  const from = vault.rootKeyFrom ?? '';
  const beside = from.includes('.keyturn') && !from.includes('wrapped by');
  return {
    holds: vault.rootKeyFrom !== undefined && !beside,
    said: beside
      ? 'The root key lies in a file beside the database.'
      : `The root key is kept apart from the database${vault.rootKeyFrom ? ` (${vault.rootKeyFrom})` : ''}.`,
    mend: 'Keep the root key apart: a KMS, Vault Transit, or SECRETS_ENCRYPTION_KEY from the platform.',
  };
}

const NO_TOKENS: Point = { said: 'There are no machine tokens.' };

export function strongSignIn({ vault }: Evidence): Point {
  const { all, strong } = vault.people;
  if (all === 0) return { said: 'Nobody signs in here: only accounts of this machine reach the vault.' };
  return {
    holds: all === strong,
    said: `${strong} of ${count(all, 'person', 'people')} have a second factor or a passkey.`,
    mend: 'Have everybody add a passkey or TOTP (Access → Security).',
  };
}

export function scopedTokens({ vault }: Evidence): Point {
  if (vault.tokens.length === 0) return NO_TOKENS;
  const open = vault.tokens.filter((one) => one.names === null && one.environment_id === null);
  return {
    holds: open.length === 0,
    said: `${count(vault.tokens.length, 'machine token')}, ${open.length} of which may reach every secret of a project.`,
    mend: 'Give tokens an environment and names.',
  };
}

export function endingTokens({ vault }: Evidence): Point {
  if (vault.tokens.length === 0) return NO_TOKENS;
  const endless = vault.tokens.filter((one) => one.expires_at === null);
  return {
    holds: endless.length === 0,
    said: `${endless.length} of ${count(vault.tokens.length, 'token')} never expire.`,
    mend: 'Give tokens an end, or have CI exchange its own identity (trusts).',
  };
}

export function unusedTokens({ vault }: Evidence): Point {
  if (vault.tokens.length === 0) return NO_TOKENS;
  const unused = vault.tokens.filter((one) => vault.now - (one.last_used_at ?? one.created_at) > UNUSED_DAYS * DAY_MS);
  return {
    holds: unused.length === 0,
    said: `${count(unused.length, 'token')} not used for ${UNUSED_DAYS} days.`,
    mend: 'Revoke tokens that nobody uses.',
  };
}

export function twoPeople({ vault }: Evidence): Point {
  const production = vault.environments.filter((one) => one.name === 'production');
  const covered = production.filter((one) => one.twoPeople).length;
  return {
    holds: production.length > 0 && covered === production.length,
    said: `${covered} of ${count(production.length, 'production environment')} want a second person for rotating, revealing and deleting.`,
    mend: 'Require approvals for production (Access → Approvals).',
  };
}

export function refusals({ log }: Evidence): Point {
  const delayed = log.actions.get('auth.limited denied') ?? log.actions.get('auth.limited') ?? 0;
  return {
    said: `${count(log.denied, 'attempt')} refused in the period, each in the audit log before its answer; ${delayed} of them put off after failures.`,
  };
}

export function fewOwners({ vault }: Evidence): Point {
  const { all, owners } = vault.people;
  if (all === 0) return { said: 'There are no people with roles.' };
  return {
    holds: owners <= Math.max(2, all / 5),
    said: `${owners} of ${count(all, 'person', 'people')} ${owners === 1 ? 'is' : 'are'} owner; everybody else has only what their roles name.`,
    mend: 'Give most people a role with less than an owner has.',
  };
}

export function logWhole({ audit }: Evidence): Point {
  const { verdict } = audit;
  return {
    holds: verdict?.intact === true && verdict.complete,
    said: verdict
      ? `The whole log, ${count(verdict.entries, 'entry', 'entries')}, was verified: ${verdict.intact ? 'intact' : 'NOT intact'}, ${verdict.complete ? 'complete' : 'NOT complete'}.`
      : 'The log was not verified for this report.',
    mend: 'Look at once: `keyturn audit verify`.',
  };
}

export function checkpointed({ audit, period }: Evidence): Point {
  const { checkpoint } = audit;
  return {
    holds: checkpoint !== null && Date.parse(checkpoint.time) >= period.from,
    said: checkpoint
      ? `Checkpoint ${checkpoint.number} of ${checkpoint.time} is signed (Ed25519).`
      : 'No checkpoint has been signed yet.',
    mend: 'Checkpoints come by themselves with use; `keyturn audit anchor` signs one now.',
  };
}

export function logLeaves({ vault }: Evidence): Point {
  const { all, failing } = vault.forwards;
  return {
    holds: all > 0 && failing === 0,
    said: `The log is forwarded to ${count(all, 'place')}, ${failing} of which cannot be reached now.`,
    mend: 'Forward the log off this machine (webhook, syslog or file).',
  };
}

export function rotatedInTime({ vault }: Evidence): Point {
  const aging = vault.monitoring.secrets.filter((one) => one.intervalDays !== undefined);
  const overdue = aging.filter((one) => one.state === 'overdue').length;
  return {
    holds: overdue === 0,
    said: `${aging.length - overdue} of ${count(aging.length, 'secret')} with an interval are younger than it; ${overdue} are overdue.`,
    mend: 'Turn what is overdue: `keyturn rotate`.',
  };
}

export function rotationsDone({ vault }: Evidence): Point {
  const done = vault.rotations.filter((one) => one.state === 'grace' || one.state === 'revoked').length;
  const failed = vault.rotations.filter((one) => one.state === 'rolled_back' || one.state === 'failed').length;
  return {
    holds: failed === 0,
    said: `${count(vault.rotations.length, 'rotation')} in the period: ${done} done, ${failed} rolled back.`,
    mend: 'See why rotations were rolled back: `keyturn history NAME`.',
  };
}

export function strongValues({ vault }: Evidence): Point {
  const grave =
    vault.validation?.findings.filter((one) => one.severity === 'critical' || one.severity === 'high') ?? [];
  return {
    holds: vault.validation !== undefined && grave.length === 0,
    said: vault.validation
      ? `Every value was judged: ${count(grave.length, 'grave finding')} of ${count(vault.validation.findings.length, 'finding')}.`
      : 'Values were not judged for this report.',
    mend: 'Mend what `keyturn validate` finds.',
  };
}

export function liveChecked({ vault }: Evidence): Point {
  const { all, valid, refused } = vault.checks;
  return {
    holds: all > 0 && refused === 0,
    said: `${count(all, 'key')} were asked about at their providers: ${valid} valid, ${refused} refused.`,
    mend: 'Ask with `keyturn validate --live`, and turn what is refused.',
  };
}

export function alerting({ vault }: Evidence): Point {
  return {
    holds: vault.channels.length > 0 && vault.undelivered === 0,
    said: `${count(vault.channels.length, 'alert channel')}${vault.channels.length > 0 ? ` (${vault.channels.join(', ')})` : ''}; ${vault.delivered} messages delivered, ${vault.undelivered} given up.`,
    mend: 'Configure an alert channel, and try it: `keyturn alerts test`.',
  };
}

export function alertsTaken({ vault }: Evidence): Point {
  const left = vault.openAlerts.filter(
    (one) =>
      one.state === 'open' &&
      vault.now - one.opened_at > ALERT_DAYS * DAY_MS &&
      one.severity !== 'low' &&
      one.severity !== 'info',
  );
  return {
    holds: left.length === 0,
    said: `${count(vault.alerts.length, 'alert')} in the period; ${left.length} grave ones are open for more than ${ALERT_DAYS} days with nobody on them.`,
    mend: 'Acknowledge or mend them: `keyturn alerts`.',
  };
}

export function watched({ vault, log }: Evidence): Point {
  return {
    holds: vault.unwatched < UNWATCHED,
    said: `${count(log.entries, 'entry', 'entries')} in the period, judged against each principal's own baseline (${vault.unwatched} not yet): ${count(vault.anomalies.length, 'anomaly', 'anomalies')}.`,
    mend: 'Have a server run, or `keyturn alerts` at least each day: it looks through the log.',
  };
}

export function incidentsClosed({ vault }: Evidence): Point {
  const open = vault.incidents.filter((one) => one.closed_at === null);
  const closed = vault.incidents.flatMap((one) => (one.closed_at === null ? [] : [one.closed_at - one.opened_at]));
  const longest = closed.length > 0 ? `, the longest after ${span(Math.max(...closed))}` : '';
  return {
    holds: open.length === 0,
    said: `${count(vault.incidents.length, 'incident')} in the period: ${closed.length} closed${longest}, ${open.length} open.`,
    mend: 'Close what is dealt with: `keyturn incidents`.',
  };
}

export function leaksScanned({ log }: Evidence): Point {
  const scans = log.actions.get('leak.scan') ?? 0;
  return {
    holds: scans > 0 && log.leaksFound === 0,
    said: `${count(scans, 'leak scan')} in the period; ${log.leaksFound} found a value of this vault.`,
    mend:
      scans === 0
        ? 'Scan the repository: `keyturn scan install`, and in CI.'
        : 'End what leaked: `keyturn compromise NAME`.',
  };
}

export function backedUp({ vault }: Evidence): Point {
  const age = vault.newestBackupAt === undefined ? undefined : vault.now - vault.newestBackupAt;
  return {
    holds: age !== undefined && age < BACKUP_DAYS * DAY_MS,
    said: age === undefined ? 'There is no backup.' : `The newest backup is ${days(age)} old.`,
    mend: 'Back up at least each week: `keyturn backup create`.',
  };
}

export function drilled({ vault }: Evidence): Point {
  const [last] = vault.drills;
  const fresh = last?.passed === true && vault.now - last.at < DRILL_DAYS * DAY_MS;
  return {
    holds: fresh,
    said: last
      ? `The last restore drill, ${days(vault.now - last.at)} ago, ${last.passed ? 'passed' : 'FAILED'}: ${count(last.secrets, 'secret')} in ${last.ms} ms.`
      : 'No backup was ever restored for a drill.',
    mend: 'Drill each month: `keyturn drill`.',
  };
}

export function encryptedTransit({ vault }: Evidence): Point {
  const url = vault.publicUrl;
  const local = url === undefined || /^http:\/\/(127\.|localhost|\[::1\])/.test(url);
  return {
    holds: local || url.startsWith('https:'),
    said:
      url === undefined
        ? 'No server: values do not cross a network.'
        : `The server's address is ${url.split('//')[0]}//…${local ? ' (this machine only)' : ''}.`,
    mend: 'Serve with TLS: --tls-cert and --tls-key, or a proxy.',
  };
}

export function journeysPass({ vault }: Evidence): Point {
  const passed = vault.journeys.filter((one) => one.passed).length;
  return {
    holds: vault.journeys.length > 0 && passed === vault.journeys.length,
    said: `${passed} of ${count(vault.journeys.length, 'synthetic journey')} passed in the period.`,
    mend: 'Run journeys on a schedule: `npm run synthetic:registration`.',
  };
}
