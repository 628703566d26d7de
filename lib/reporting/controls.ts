// The controls of SOC 2 (AICPA Trust Services Criteria, 2017 with the points of focus of 2022) and PCI DSS 4.0.1 that a
// secrets manager has a part in, each judged by what this vault shows. What they ask for is said in words of ours: the texts
// are the AICPA's and the PCI SSC's. A status is measured or it is "not ours"; nothing is met by being said.
import type { LogFacts } from './log-facts.ts';
import type { AuditRange, ControlResult, ControlStatus } from './model.ts';
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

type Judged = Pick<ControlResult, 'status' | 'evidence' | 'how'> & { readonly next?: string };

/** One thing that was looked at: whether it holds, and in what words. Without `holds` it is only said. */
interface Point {
  readonly holds?: boolean;
  readonly said: string;
  /** What to do where it does not hold. */
  readonly mend?: string;
}

/** Met where all points hold, partly where some do. */
function judged(points: readonly Point[], how: string): Judged {
  const judgedOnes = points.filter((one) => one.holds !== undefined);
  const holding = judgedOnes.filter((one) => one.holds).length;
  const status = statusOf(holding, judgedOnes.length);
  const next = points.flatMap((one) => (one.holds === false && one.mend ? [one.mend] : [])).join(' ');
  return { status, evidence: [...new Set(points.map((one) => one.said))], how, ...(next && { next }) };
}

/** Where there is nothing that could be judged (nobody signs in, no token was made), the control is not about this vault. */
function statusOf(holding: number, judgedOnes: number): ControlStatus {
  if (judgedOnes === 0) return 'not ours';
  if (holding === judgedOnes) return 'met';
  return holding > 0 ? 'partly' : 'not met';
}

function notOurs(said: string, whose: string): Judged {
  return { status: 'not ours', evidence: [said], how: 'Nothing in this vault shows it.', next: whose };
}

// What several controls rest on.

function sealing({ vault }: Evidence): Point {
  const { versions, lost } = vault.sealed;
  return {
    holds: lost === 0,
    said: `${count(versions, 'version')} of ${count(vault.monitoring.secrets.length, 'secret')}, each sealed with AES-256 and authenticated, under ${count(vault.dataKeys.all, 'data key')} in use; ${lost} whose key is gone.`,
    mend: 'Look with `keyturn doctor`, and restore what does not open.',
  };
}

function rootKey({ vault }: Evidence): Point {
  const age = vault.now - vault.rootKeyAt;
  return {
    holds: age < ROOT_KEY_DAYS * DAY_MS,
    said: `The root key is ${days(age)} old${vault.rootKeyFrom ? `, and comes from ${vault.rootKeyFrom}` : ''}.`,
    mend: 'Turn the root key: `keyturn keys rotate-root`.',
  };
}

function dataKeys({ vault }: Evidence): Point {
  const { all, oldestAt } = vault.dataKeys;
  const age = oldestAt === undefined ? 0 : vault.now - oldestAt;
  return {
    holds: age < ROOT_KEY_DAYS * DAY_MS,
    said: `${count(all, 'data key')} in use, the oldest ${days(age)} old, each wrapped by the root key.`,
    mend: 'Turn data keys: `keyturn keys rotate-data`.',
  };
}

function rootKeyApart({ vault }: Evidence): Point {
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

function strongSignIn({ vault }: Evidence): Point {
  const { all, strong } = vault.people;
  if (all === 0) return { said: 'Nobody signs in here: only accounts of this machine reach the vault.' };
  return {
    holds: all === strong,
    said: `${strong} of ${count(all, 'person', 'people')} have a second factor or a passkey.`,
    mend: 'Have everybody add a passkey or TOTP (Access → Security).',
  };
}

function scopedTokens({ vault }: Evidence): Point {
  if (vault.tokens.length === 0) return NO_TOKENS;
  const open = vault.tokens.filter((one) => one.names === null && one.environment_id === null);
  return {
    holds: open.length === 0,
    said: `${count(vault.tokens.length, 'machine token')}, ${open.length} of which may reach every secret of a project.`,
    mend: 'Give tokens an environment and names.',
  };
}

function endingTokens({ vault }: Evidence): Point {
  if (vault.tokens.length === 0) return NO_TOKENS;
  const endless = vault.tokens.filter((one) => one.expires_at === null);
  return {
    holds: endless.length === 0,
    said: `${endless.length} of ${count(vault.tokens.length, 'token')} never expire.`,
    mend: 'Give tokens an end, or have CI exchange its own identity (trusts).',
  };
}

function unusedTokens({ vault }: Evidence): Point {
  if (vault.tokens.length === 0) return NO_TOKENS;
  const unused = vault.tokens.filter((one) => vault.now - (one.last_used_at ?? one.created_at) > UNUSED_DAYS * DAY_MS);
  return {
    holds: unused.length === 0,
    said: `${count(unused.length, 'token')} not used for ${UNUSED_DAYS} days.`,
    mend: 'Revoke tokens that nobody uses.',
  };
}

function twoPeople({ vault }: Evidence): Point {
  const production = vault.environments.filter((one) => one.name === 'production');
  const covered = production.filter((one) => one.twoPeople).length;
  return {
    holds: production.length > 0 && covered === production.length,
    said: `${covered} of ${count(production.length, 'production environment')} want a second person for rotating, revealing and deleting.`,
    mend: 'Require approvals for production (Access → Approvals).',
  };
}

function refusals({ log }: Evidence): Point {
  const delayed = log.actions.get('auth.limited denied') ?? log.actions.get('auth.limited') ?? 0;
  return {
    said: `${count(log.denied, 'attempt')} refused in the period, each in the audit log before its answer; ${delayed} of them put off after failures.`,
  };
}

function fewOwners({ vault }: Evidence): Point {
  const { all, owners } = vault.people;
  if (all === 0) return { said: 'There are no people with roles.' };
  return {
    holds: owners <= Math.max(2, all / 5),
    said: `${owners} of ${count(all, 'person', 'people')} ${owners === 1 ? 'is' : 'are'} owner; everybody else has only what their roles name.`,
    mend: 'Give most people a role with less than an owner has.',
  };
}

function logWhole({ audit }: Evidence): Point {
  const { verdict } = audit;
  return {
    holds: verdict?.intact === true && verdict.complete,
    said: verdict
      ? `The whole log, ${count(verdict.entries, 'entry', 'entries')}, was verified: ${verdict.intact ? 'intact' : 'NOT intact'}, ${verdict.complete ? 'complete' : 'NOT complete'}.`
      : 'The log was not verified for this report.',
    mend: 'Look at once: `keyturn audit verify`.',
  };
}

function checkpointed({ audit, period }: Evidence): Point {
  const { checkpoint } = audit;
  return {
    holds: checkpoint !== null && Date.parse(checkpoint.time) >= period.from,
    said: checkpoint
      ? `Checkpoint ${checkpoint.number} of ${checkpoint.time} is signed (Ed25519).`
      : 'No checkpoint has been signed yet.',
    mend: 'Checkpoints come by themselves with use; `keyturn audit anchor` signs one now.',
  };
}

function logLeaves({ vault }: Evidence): Point {
  const { all, failing } = vault.forwards;
  return {
    holds: all > 0 && failing === 0,
    said: `The log is forwarded to ${count(all, 'place')}, ${failing} of which cannot be reached now.`,
    mend: 'Forward the log off this machine (webhook, syslog or file).',
  };
}

function rotatedInTime({ vault }: Evidence): Point {
  const aging = vault.monitoring.secrets.filter((one) => one.intervalDays !== undefined);
  const overdue = aging.filter((one) => one.state === 'overdue').length;
  return {
    holds: overdue === 0,
    said: `${aging.length - overdue} of ${count(aging.length, 'secret')} with an interval are younger than it; ${overdue} are overdue.`,
    mend: 'Turn what is overdue: `keyturn rotate`.',
  };
}

function rotationsDone({ vault }: Evidence): Point {
  const done = vault.rotations.filter((one) => one.state === 'grace' || one.state === 'revoked').length;
  const failed = vault.rotations.filter((one) => one.state === 'rolled_back' || one.state === 'failed').length;
  return {
    holds: failed === 0,
    said: `${count(vault.rotations.length, 'rotation')} in the period: ${done} done, ${failed} rolled back.`,
    mend: 'See why rotations were rolled back: `keyturn history NAME`.',
  };
}

function strongValues({ vault }: Evidence): Point {
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

function liveChecked({ vault }: Evidence): Point {
  const { all, valid, refused } = vault.checks;
  return {
    holds: all > 0 && refused === 0,
    said: `${count(all, 'key')} were asked about at their providers: ${valid} valid, ${refused} refused.`,
    mend: 'Ask with `keyturn validate --live`, and turn what is refused.',
  };
}

function alerting({ vault }: Evidence): Point {
  return {
    holds: vault.channels.length > 0 && vault.undelivered === 0,
    said: `${count(vault.channels.length, 'alert channel')}${vault.channels.length > 0 ? ` (${vault.channels.join(', ')})` : ''}; ${vault.delivered} messages delivered, ${vault.undelivered} given up.`,
    mend: 'Configure an alert channel, and try it: `keyturn alerts test`.',
  };
}

function alertsTaken({ vault }: Evidence): Point {
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

function watched({ vault, log }: Evidence): Point {
  return {
    holds: vault.unwatched < UNWATCHED,
    said: `${count(log.entries, 'entry', 'entries')} in the period, judged against each principal's own baseline (${vault.unwatched} not yet): ${count(vault.anomalies.length, 'anomaly', 'anomalies')}.`,
    mend: 'Have a server run, or `keyturn alerts` at least each day: it looks through the log.',
  };
}

function incidentsClosed({ vault }: Evidence): Point {
  const open = vault.incidents.filter((one) => one.closed_at === null);
  const closed = vault.incidents.flatMap((one) => (one.closed_at === null ? [] : [one.closed_at - one.opened_at]));
  const longest = closed.length > 0 ? `, the longest after ${span(Math.max(...closed))}` : '';
  return {
    holds: open.length === 0,
    said: `${count(vault.incidents.length, 'incident')} in the period: ${closed.length} closed${longest}, ${open.length} open.`,
    mend: 'Close what is dealt with: `keyturn incidents`.',
  };
}

function leaksScanned({ log }: Evidence): Point {
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

function backedUp({ vault }: Evidence): Point {
  const age = vault.newestBackupAt === undefined ? undefined : vault.now - vault.newestBackupAt;
  return {
    holds: age !== undefined && age < BACKUP_DAYS * DAY_MS,
    said: age === undefined ? 'There is no backup.' : `The newest backup is ${days(age)} old.`,
    mend: 'Back up at least each week: `keyturn backup create`.',
  };
}

function drilled({ vault }: Evidence): Point {
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

function encryptedTransit({ vault }: Evidence): Point {
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

function journeysPass({ vault }: Evidence): Point {
  const passed = vault.journeys.filter((one) => one.passed).length;
  return {
    holds: vault.journeys.length > 0 && passed === vault.journeys.length,
    said: `${passed} of ${count(vault.journeys.length, 'synthetic journey')} passed in the period.`,
    mend: 'Run journeys on a schedule: `npm run synthetic:registration`.',
  };
}

interface Control {
  readonly id: string;
  readonly asks: string;
  readonly judge: (evidence: Evidence) => Judged;
}

function of(points: readonly ((evidence: Evidence) => Point)[], how: string): Control['judge'] {
  return (evidence) =>
    judged(
      points.map((point) => point(evidence)),
      how,
    );
}

const ROLES = 'Counted in the store: people, second factors, tokens and their limits, environments with two people.';
const LOG = 'Counted in the audit log of the period; the whole log was verified (hash chain, MACs, checkpoints).';
const KEYS = 'Read from the key table and the configuration: purposes, ages, where the root key comes from.';
const AGES = 'Age of each version in use against its interval; rotations of the period by their end states.';

const SOC2: readonly Control[] = [
  {
    id: 'CC6.1',
    asks: 'logical access to protected information is restricted',
    judge: of([sealing, rootKeyApart, strongSignIn, scopedTokens], `${ROLES} ${KEYS}`),
  },
  {
    id: 'CC6.2',
    asks: 'users are registered and authorised before access, and removed after',
    judge: of([unusedTokens, endingTokens], ROLES),
  },
  {
    id: 'CC6.3',
    asks: 'access follows roles, least privilege and segregation of duties',
    judge: of([twoPeople, scopedTokens, fewOwners], ROLES),
  },
  {
    id: 'CC6.4',
    asks: 'physical access is restricted',
    judge: () =>
      notOurs('Keyturn runs on machines of yours or of a provider.', "Your hosting provider's report covers it."),
  },
  {
    id: 'CC6.5',
    asks: 'protections are kept until data is disposed of',
    judge: of(
      [dataKeys],
      'A destroyed data key loses its bytes, and with it all that was sealed under it; counted in the key table.',
    ),
  },
  {
    id: 'CC6.6',
    asks: 'threats from outside the boundary are kept out',
    judge: of([refusals, strongSignIn, encryptedTransit], `${LOG} ${ROLES}`),
  },
  {
    id: 'CC6.7',
    asks: 'information is protected while it is transmitted and moved',
    judge: of(
      [encryptedTransit, sealing],
      "The server's configured address; backups and exports are sealed or logged.",
    ),
  },
  {
    id: 'CC6.8',
    asks: 'unauthorised or malicious software is prevented or found',
    judge: () =>
      notOurs('Keyturn does not look at what runs on your machines.', 'Your endpoint and image scanning cover it.'),
  },
  {
    id: 'CC7.1',
    asks: 'new vulnerabilities and changes of configuration are detected',
    judge: of(
      [strongValues, liveChecked, leaksScanned],
      'Validation of every value, live checks at providers, leak scans of the period.',
    ),
  },
  {
    id: 'CC7.2',
    asks: 'anomalies are monitored and analysed',
    judge: of([watched, alerting], 'Anomaly rules over the log; deliveries of the alert channels in the period.'),
  },
  {
    id: 'CC7.3',
    asks: 'security events are evaluated',
    judge: of([alertsTaken, incidentsClosed], 'Open alerts with their age; incidents of the period.'),
  },
  {
    id: 'CC7.4',
    asks: 'incidents are responded to, contained and communicated',
    judge: of(
      [incidentsClosed, alerting],
      'Incidents of the period with their timelines; deliveries of the alert channels.',
    ),
  },
  {
    id: 'CC8.1',
    asks: 'changes are authorised, tested and tracked',
    judge: of(
      [rotationsDone, twoPeople],
      'Each rotation is proven at its provider before it is used; end states of the period; approvals.',
    ),
  },
  {
    id: 'A1.2',
    asks: 'backups and recovery are in place and tested',
    judge: of(
      [backedUp, drilled, journeysPass],
      'Age of the newest backup; restore drills that open every secret and compare fingerprints; synthetic journeys.',
    ),
  },
];

const PCI: readonly Control[] = [
  {
    id: '3.5',
    asks: 'stored account data is unreadable wherever it is stored',
    judge: (evidence) => ({
      ...judged([sealing(evidence)], 'The store has envelopes only; the suite of each is in its header.'),
      status: 'partly',
      next: 'Keyturn keeps keys, not cardholder data: the data that these keys protect is yours to show.',
    }),
  },
  { id: '3.6', asks: 'keys that protect stored account data are secured', judge: of([rootKeyApart, dataKeys], KEYS) },
  {
    id: '3.7',
    asks: 'key management covers the whole life of a key',
    judge: of([rotatedInTime, rootKey, rotationsDone, twoPeople], `${AGES} ${KEYS}`),
  },
  {
    id: '6.3',
    asks: 'vulnerabilities are identified and addressed',
    judge: of(
      [leaksScanned, strongValues],
      'Leak scans of the period; validation of every value. Patching of your software is not covered here.',
    ),
  },
  {
    id: '7.2',
    asks: 'access is defined and assigned by need',
    judge: of([scopedTokens, twoPeople, unusedTokens], ROLES),
  },
  {
    id: '7.3',
    asks: 'an access control system enforces it, and denies by default',
    judge: of(
      [fewOwners, refusals],
      `One table of roles and permissions, asked at one place, denying what it does not name. ${LOG}`,
    ),
  },
  { id: '8.3', asks: 'strong authentication for users and administrators', judge: of([strongSignIn], ROLES) },
  { id: '8.4', asks: 'multi-factor authentication for access to the environment', judge: of([strongSignIn], ROLES) },
  {
    id: '8.5',
    asks: 'multi-factor systems cannot be misused',
    judge: of([strongSignIn, refusals], `TOTP codes are good once, passkeys are bound to the address. ${ROLES} ${LOG}`),
  },
  {
    id: '8.6',
    asks: 'application and system accounts are managed, and their credentials change',
    judge: of([rotatedInTime, endingTokens, unusedTokens, leaksScanned], `${AGES} ${ROLES}`),
  },
  { id: '10.2', asks: 'audit logs record who did what, when, from where', judge: of([logWhole, refusals], LOG) },
  { id: '10.3', asks: 'audit logs are protected from change', judge: of([logWhole, checkpointed, logLeaves], LOG) },
  {
    id: '10.4',
    asks: 'logs are reviewed for anomalies',
    judge: of([watched, alertsTaken], 'Anomaly rules over every entry; alerts of the period with their age.'),
  },
  {
    id: '10.5',
    asks: 'log history is kept for a year, three months at hand',
    judge: of(
      [logWhole],
      'Keyturn never deletes entries: the log is whole since the vault was made. Keep exports for as long as you must.',
    ),
  },
  {
    id: '10.6',
    asks: 'clocks are synchronised',
    judge: () => notOurs('Entries carry the time of the server that wrote them.', 'Run a time service on the hosts.'),
  },
  {
    id: '10.7',
    asks: 'failures of security controls are detected and answered',
    judge: of(
      [alerting, drilled, backedUp],
      'Alerts on failed rotations, checks, deliveries, backups and drills; deliveries of the period.',
    ),
  },
  {
    id: '11.3',
    asks: 'vulnerabilities are scanned for, inside and outside',
    judge: () => notOurs('Keyturn does not scan networks.', 'Your scanner and an approved scanning vendor cover it.'),
  },
  {
    id: '11.4',
    asks: 'penetration tests are made',
    judge: () => notOurs('Keyturn does not test your network.', 'Your testers cover it.'),
  },
  {
    id: '11.5',
    asks: 'intrusions and unexpected changes of files are detected',
    judge: of([watched, leaksScanned, logWhole], `${LOG} Leak scans of the period.`),
  },
  {
    id: '11.6',
    asks: 'unauthorised changes on payment pages are detected',
    judge: () => notOurs('Keyturn serves no payment page.', 'The payment page’s owner covers it.'),
  },
  {
    id: '12.10',
    asks: 'suspected and confirmed incidents are answered at once',
    judge: of(
      [incidentsClosed, alerting],
      'Incidents of the period with their timelines; `keyturn compromise` ends a value within seconds.',
    ),
  },
];

/** Judges every control. */
export function judgeControls(evidence: Evidence): ControlResult[] {
  const judge = (framework: ControlResult['framework'], controls: readonly Control[]) =>
    controls.map(({ id, asks, judge: one }): ControlResult => ({ framework, id, asks, ...one(evidence) }));
  return [...judge('SOC 2', SOC2), ...judge('PCI DSS 4.0.1', PCI)];
}
