// The controls of SOC 2 (AICPA Trust Services Criteria, 2017 with the points of focus of 2022) and PCI DSS 4.0.1 that a
// secrets manager has a part in, each judged by what this vault shows. What they ask for is said in words of ours: the texts
// are the AICPA's and the PCI SSC's. A status is measured or it is "not ours"; nothing is met by being said.

import type { Evidence, Point } from './control-points.ts';
import * as points from './control-points.ts';
import type { ControlResult, ControlStatus } from './model.ts';

type Judged = Pick<ControlResult, 'status' | 'evidence' | 'how'> & { readonly next?: string };

/** Met where all points hold, partly where some do. */
function judged(found: readonly Point[], how: string): Judged {
  const judgedOnes = found.filter((one) => one.holds !== undefined);
  const holding = judgedOnes.filter((one) => one.holds).length;
  const status = statusOf(holding, judgedOnes.length);
  const next = found.flatMap((one) => (one.holds === false && one.mend ? [one.mend] : [])).join(' ');
  return { status, evidence: [...new Set(found.map((one) => one.said))], how, ...(next && { next }) };
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

interface Control {
  readonly id: string;
  readonly asks: string;
  readonly judge: (evidence: Evidence) => Judged;
}

function of(asked: readonly ((evidence: Evidence) => Point)[], how: string): Control['judge'] {
  return (evidence) =>
    judged(
      asked.map((point) => point(evidence)),
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
    judge: of([points.sealing, points.rootKeyApart, points.strongSignIn, points.scopedTokens], `${ROLES} ${KEYS}`),
  },
  {
    id: 'CC6.2',
    asks: 'users are registered and authorised before access, and removed after',
    judge: of([points.unusedTokens, points.endingTokens], ROLES),
  },
  {
    id: 'CC6.3',
    asks: 'access follows roles, least privilege and segregation of duties',
    judge: of([points.twoPeople, points.scopedTokens, points.fewOwners], ROLES),
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
      [points.dataKeys],
      'A destroyed data key loses its bytes, and with it all that was sealed under it; counted in the key table.',
    ),
  },
  {
    id: 'CC6.6',
    asks: 'threats from outside the boundary are kept out',
    judge: of([points.refusals, points.strongSignIn, points.encryptedTransit], `${LOG} ${ROLES}`),
  },
  {
    id: 'CC6.7',
    asks: 'information is protected while it is transmitted and moved',
    judge: of(
      [points.encryptedTransit, points.sealing],
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
      [points.strongValues, points.liveChecked, points.leaksScanned],
      'Validation of every value, live checks at providers, leak scans of the period.',
    ),
  },
  {
    id: 'CC7.2',
    asks: 'anomalies are monitored and analysed',
    judge: of(
      [points.watched, points.alerting],
      'Anomaly rules over the log; deliveries of the alert channels in the period.',
    ),
  },
  {
    id: 'CC7.3',
    asks: 'security events are evaluated',
    judge: of([points.alertsTaken, points.incidentsClosed], 'Open alerts with their age; incidents of the period.'),
  },
  {
    id: 'CC7.4',
    asks: 'incidents are responded to, contained and communicated',
    judge: of(
      [points.incidentsClosed, points.alerting],
      'Incidents of the period with their timelines; deliveries of the alert channels.',
    ),
  },
  {
    id: 'CC8.1',
    asks: 'changes are authorised, tested and tracked',
    judge: of(
      [points.rotationsDone, points.twoPeople],
      'Each rotation is proven at its provider before it is used; end states of the period; approvals.',
    ),
  },
  {
    id: 'A1.2',
    asks: 'backups and recovery are in place and tested',
    judge: of(
      [points.backedUp, points.drilled, points.journeysPass],
      'Age of the newest backup; restore drills that open every secret and compare fingerprints; synthetic journeys.',
    ),
  },
];

const PCI: readonly Control[] = [
  {
    id: '3.5',
    asks: 'stored account data is unreadable wherever it is stored',
    judge: (evidence) => ({
      ...judged([points.sealing(evidence)], 'The store has envelopes only; the suite of each is in its header.'),
      status: 'partly',
      next: 'Keyturn keeps keys, not cardholder data: the data that these keys protect is yours to show.',
    }),
  },
  {
    id: '3.6',
    asks: 'keys that protect stored account data are secured',
    judge: of([points.rootKeyApart, points.dataKeys], KEYS),
  },
  {
    id: '3.7',
    asks: 'key management covers the whole life of a key',
    judge: of([points.rotatedInTime, points.rootKey, points.rotationsDone, points.twoPeople], `${AGES} ${KEYS}`),
  },
  {
    id: '6.3',
    asks: 'vulnerabilities are identified and addressed',
    judge: of(
      [points.leaksScanned, points.strongValues],
      'Leak scans of the period; validation of every value. Patching of your software is not covered here.',
    ),
  },
  {
    id: '7.2',
    asks: 'access is defined and assigned by need',
    judge: of([points.scopedTokens, points.twoPeople, points.unusedTokens], ROLES),
  },
  {
    id: '7.3',
    asks: 'an access control system enforces it, and denies by default',
    judge: of(
      [points.fewOwners, points.refusals],
      `One table of roles and permissions, asked at one place, denying what it does not name. ${LOG}`,
    ),
  },
  { id: '8.3', asks: 'strong authentication for users and administrators', judge: of([points.strongSignIn], ROLES) },
  {
    id: '8.4',
    asks: 'multi-factor authentication for access to the environment',
    judge: of([points.strongSignIn], ROLES),
  },
  {
    id: '8.5',
    asks: 'multi-factor systems cannot be misused',
    judge: of(
      [points.strongSignIn, points.refusals],
      `TOTP codes are good once, passkeys are bound to the address. ${ROLES} ${LOG}`,
    ),
  },
  {
    id: '8.6',
    asks: 'application and system accounts are managed, and their credentials change',
    judge: of(
      [points.rotatedInTime, points.endingTokens, points.unusedTokens, points.leaksScanned],
      `${AGES} ${ROLES}`,
    ),
  },
  {
    id: '10.2',
    asks: 'audit logs record who did what, when, from where',
    judge: of([points.logWhole, points.refusals], LOG),
  },
  {
    id: '10.3',
    asks: 'audit logs are protected from change',
    judge: of([points.logWhole, points.checkpointed, points.logLeaves], LOG),
  },
  {
    id: '10.4',
    asks: 'logs are reviewed for anomalies',
    judge: of(
      [points.watched, points.alertsTaken],
      'Anomaly rules over every entry; alerts of the period with their age.',
    ),
  },
  {
    id: '10.5',
    asks: 'log history is kept for a year, three months at hand',
    judge: of(
      [points.logWhole],
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
      [points.alerting, points.drilled, points.backedUp],
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
    judge: of([points.watched, points.leaksScanned, points.logWhole], `${LOG} Leak scans of the period.`),
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
      [points.incidentsClosed, points.alerting],
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
