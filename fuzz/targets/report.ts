// Signed reports: they come back by mail. One that says anything else than what was signed is not authentic.
import { signingKeyFromSeed } from '../../lib/crypto/signing.ts';
import { reportHtml } from '../../lib/reporting/html.ts';
import { reportMarkdown } from '../../lib/reporting/markdown.ts';
import type { Report } from '../../lib/reporting/model.ts';
import { jsonFile, signReport, verifyReport } from '../../lib/reporting/sign.ts';
import { answers, type FuzzTarget, fixedRandom, holds } from '../target.ts';

const report: Report = {
  keyturn: 'report',
  format: 1,
  kind: 'daily',
  id: 'r1',
  vault: 'v1',
  title: 'Daily report',
  period: '2026-11-24',
  from: '2026-11-24T00:00:00.000Z',
  to: '2026-11-25T00:00:00.000Z',
  createdAt: '2026-11-25T00:05:00.000Z',
  headline: 'All is <well> & "signed".',
  sections: [{ title: 'Reads', text: ['Who read what.'], facts: [['reads', '12']] } as Report['sections'][number]],
  controls: [],
  audit: {
    chains: [],
    checkpoint: null,
    verdict: { intact: true, complete: true, entries: 3 },
  } as unknown as Report['audit'],
};
const key = signingKeyFromSeed(fixedRandom(3)(32));
const signed = signReport(key, report);
const said = JSON.stringify(report);
const ownKey = key.publicKey.toString('base64url');

export const target: FuzzTarget = {
  name: 'report',
  seeds: () => [jsonFile(signed), reportHtml(signed), reportMarkdown(signed)].map((one) => Buffer.from(one)),
  run: (input) => {
    const verdict = answers(() => verifyReport('report', input.toString('utf8')));
    if (!verdict?.authentic) return;
    // Another key may sign another report: the fingerprint shows it. This key has signed one.
    if (input.includes(ownKey)) holds(JSON.stringify(verdict.report) === said, 'what is authentic is what was signed');
  },
};
