// What becomes of findings: the allow file, SARIF, and the index that is carried along.
import { describe, expect, it } from 'vitest';
import { parseAllowFile, sortOut } from '../../lib/leaks/allow.ts';
import { examine, linesOf } from '../../lib/leaks/examine.ts';
import type { LeakFinding } from '../../lib/leaks/finding.ts';
import { buildIndex, parseIndex, planOfIndex } from '../../lib/leaks/index-file.ts';
import { scanTextOf } from '../../lib/leaks/known-scanner.ts';
import { scannersOf } from '../../lib/leaks/plan.ts';
import { toSarif } from '../../lib/leaks/sarif.ts';
import { printOf } from '../support/leaks.ts';

const likely: LeakFinding = {
  rule: 'stripe-test-key',
  severity: 'medium',
  what: 'a Stripe test key',
  path: 'test/fixtures/keys.ts',
  line: 3,
  column: 9,
  endLine: 3,
  print: '0123456789abcdef',
};
const known: LeakFinding = { ...likely, rule: 'known-value', severity: 'critical', print: 'fedcba9876543210' };

describe('the allow file', () => {
  it('takes findings out, each with its reason', () => {
    const entries = parseAllowFile(`
- path: test/**
  reason: made up for tests
- print: fedcba9876543210
  reason: revoked on 2026-11-01
`);
    const { findings, allowed, stale } = sortOut([likely, known], entries, '2026-11-25');
    expect(findings).toEqual([]);
    expect(allowed.map((one) => one.reason)).toEqual(['made up for tests', 'revoked on 2026-11-01']);
    expect(stale).toEqual([]);
  });

  it('never lets a path hide a value of the vault', () => {
    const entries = parseAllowFile('- path: "**"\n  reason: everything is fine\n');
    expect(sortOut([known], entries, '2026-11-25').findings).toEqual([known]);
  });

  it('stops counting after its day, and says which entries allow nothing', () => {
    const entries = parseAllowFile('- path: test/**\n  reason: until we tidy up\n  until: 2026-11-24\n');
    const { findings, stale } = sortOut([likely], entries, '2026-11-25');
    expect(findings).toEqual([likely]);
    expect(stale.map((one) => one.line)).toEqual([1]);
    expect(sortOut([likely], entries, '2026-11-24').findings).toEqual([]);
  });

  it.each([
    ['- path: a\n', /line 1: reason/],
    ['- reason: no place or print\n', /line 1: .*print, a path/],
    ['- path: a\n  reason: fine, really\n- print: xyz\n  reason: fine, really\n', /line 3: print: a print is 16/],
    ['- path: a\n  reason: fine, really\n  rules: x\n', /line 1: .*rules/],
    ['- rule: known-value\n  path: a\n  reason: fine, really\n', /line 1: .*by its print only/],
    ['- [', /line 1: it is not YAML/],
    ['a: b', /.keyturn-allow.yaml, line 1/],
  ])('with a mistake names the line: %j', (text, message) => {
    expect(() => parseAllowFile(text)).toThrow(message);
  });
});

describe('SARIF', () => {
  it('has a result for each finding, and the allowed ones as suppressed', () => {
    const sarif = toSarif({ findings: [likely], allowed: [{ finding: known, reason: 'revoked' }], stale: [] }, '1.0.0');
    const [run] = sarif.runs;
    const ids = run?.tool.driver.rules.map((one) => one.id) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
    expect(run?.results).toMatchObject([
      {
        ruleId: 'stripe-test-key',
        level: 'warning',
        locations: [
          {
            physicalLocation: {
              artifactLocation: { uri: 'test/fixtures/keys.ts' },
              region: { startLine: 3, startColumn: 9, endLine: 3 },
            },
          },
        ],
        partialFingerprints: { 'keyturnValue/v1': '0123456789abcdef' },
      },
      { ruleId: 'known-value', level: 'error', suppressions: [{ justification: 'revoked' }] },
    ]);
    for (const result of run?.results ?? []) expect(ids).toContain(result.ruleId);
  });
});

describe('the index that is carried along', () => {
  const long = 'kQ3xVb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0JfQr2Zq7Xn2_Ht4Wd6';
  const short = 'Pc3Yh5Gs0JfQr2';
  const version = (name: string, value: string) => {
    const where = { secretId: 1, name, project: 'default', environment: 'production', version: 1, valid: true };
    return { ...where, print: printOf(value) };
  };
  const input = { vault: 'v', key: Buffer.alloc(32, 7), now: Date.UTC(2026, 10, 25) };

  it('finds what the vault knows, and holds no part of a value', () => {
    const text = JSON.stringify(buildIndex({ ...input, versions: [version('LONG', long)] }));
    for (const form of [long, Buffer.from(long).toString('base64'), Buffer.from(long).toString('hex')]) {
      for (let at = 0; at + 8 <= form.length; at += 1) expect(text).not.toContain(form.slice(at, at + 8));
    }
    const scanners = scannersOf(planOfIndex(parseIndex('index', text), false));
    const found = scanTextOf(Buffer.from(`x = ${Buffer.from(long).toString('base64')}`));
    expect(examine({ path: 'a', text: found, lineAt: linesOf(found) }, scanners)).toMatchObject([
      { secret: { name: 'LONG', version: 1, form: 'base64' } },
    ]);
  });

  it('leaves out what it would help to guess', () => {
    const index = buildIndex({ ...input, versions: [version('LONG', long), version('SHORT', short)] });
    expect(index.secrets.map((one) => one.name)).toEqual(['LONG']);
    expect(index.left).toBe(1);
  });

  it.each(['', 'no json', '{}', '{"keyturn":"leak-index","format":2}'])('is refused where it is none: %j', (text) => {
    expect(() => parseIndex('x.json', text)).toThrow(/not a leak index/);
  });
});
