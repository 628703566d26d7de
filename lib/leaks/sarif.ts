// Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines.
import { LEAK_RULES } from '../catalog/leak-rules.ts';
import type { Sorted } from './allow.ts';
import { KNOWN_RULE, type LeakFinding } from './finding.ts';

const LEVELS = { critical: 'error', high: 'error', medium: 'warning', low: 'note', info: 'note' } as const;
/** GitHub's scale, from its documentation of SARIF support. */
const SECURITY_SEVERITY = { critical: '9.5', high: '8.0', medium: '5.0', low: '3.0', info: '0.0' } as const;

function rule(id: string, words: string, severity: keyof typeof SECURITY_SEVERITY) {
  return {
    id,
    name: id,
    shortDescription: { text: words },
    defaultConfiguration: { level: LEVELS[severity] },
    properties: { 'security-severity': SECURITY_SEVERITY[severity], tags: ['security', 'secret'] },
  };
}

function result(finding: LeakFinding, reason?: string) {
  const { path, line, column, endLine, commit } = finding;
  return {
    ruleId: finding.rule,
    level: LEVELS[finding.severity],
    message: { text: `${finding.what}.${commit ? ` It came with commit ${commit.id} of ${commit.date}.` : ''}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: encodeURI(path), uriBaseId: '%SRCROOT%' },
          region: { startLine: line, startColumn: column, endLine },
        },
      },
    ],
    partialFingerprints: { 'keyturnValue/v1': finding.print },
    ...(reason !== undefined && { suppressions: [{ kind: 'external', status: 'accepted', justification: reason }] }),
  };
}

/** @param version Keyturn's own */
export function toSarif({ findings, allowed }: Sorted, version: string) {
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'Keyturn',
            version,
            rules: [
              rule(KNOWN_RULE, "a value of the project's own vault", 'critical'),
              ...LEAK_RULES.map((one) => rule(one.id, one.words, one.severity)),
              rule('high-entropy-value', 'a value that looks random, set under a name that says secret', 'medium'),
            ],
          },
        },
        originalUriBaseIds: { '%SRCROOT%': { description: { text: 'Where the scan began.' } } },
        results: [
          ...findings.map((one) => result(one)),
          ...allowed.map(({ finding, reason }) => result(finding, reason)),
        ],
      },
    ],
  };
}
