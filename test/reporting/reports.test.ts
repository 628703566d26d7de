// Reports: what they say is what the vault shows, in every format from one model, signed, and checked anywhere.
import { describe, expect, it } from 'vitest';
import { addToTimeline, endIncident, openIncident } from '../../lib/incidents/incidents.ts';
import { alertRun } from '../../lib/monitoring/alert-run.ts';
import { Http } from '../../lib/providers/http.ts';
import { makeDueReports } from '../../lib/reporting/deliver.ts';
import { FORMATS, writeReport } from '../../lib/reporting/formats.ts';
import type { Report, SignedReport } from '../../lib/reporting/model.ts';
import { lastPeriod, parsePeriod } from '../../lib/reporting/period.ts';
import { listReports, makeReport, readReport } from '../../lib/reporting/reports.ts';
import { signReport, verifyReport } from '../../lib/reporting/sign.ts';
import { chartSvg } from '../../lib/reporting/svg.ts';
import { backupOf } from '../../lib/rotation/rotator.ts';
import { transaction } from '../../lib/store/operation.ts';
import { drill } from '../../lib/vault/drill.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { DAY, DEVELOPMENT, HOUR, put, testVault } from '../support/vault.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';
const around = { newestBackupAt: undefined, rootKeyFrom: 'AWS KMS', channels: ['ops'], publicUrl: undefined };

function scene() {
  const at = testVault();
  put(at.vault, 'JWT_SECRET', STRONG);
  for (let n = 0; n < 3; n += 1) at.vault.run(readSecret(at.vault.context, DEVELOPMENT, 'JWT_SECRET')).value.fill(0);
  expect(() => at.vault.run(readSecret(at.vault.context, DEVELOPMENT, 'NOWHERE'))).toThrow();
  const stranger = at.reopen({ principal: 'mallory', scope: { environments: ['production'] } });
  expect(() => stranger.run(readSecret(stranger.context, DEVELOPMENT, 'JWT_SECRET'))).toThrow();
  const make = (kind: 'daily' | 'weekly' | 'monthly', period = new Date(at.clock.now).toISOString().slice(0, 10)) =>
    at.vault.run(makeReport(at.vault.context, { kind, period: parsePeriod(kind, period) }, around));
  return { ...at, make };
}

function fact(report: Report, section: string, what: string) {
  return report.sections.find((one) => one.title === section)?.facts?.find(([name]) => name === what)?.[1];
}

describe('a period', () => {
  it.each([
    ['daily', '2026-11-24', '2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['weekly', '2026-W48', '2026-W48', '2026-11-23T00:00:00.000Z'],
    ['weekly', '2026-11-29', '2026-W48', '2026-11-23T00:00:00.000Z'],
    // ISO 8601: the year of a week is that of its Thursday.
    ['weekly', '2027-01-01', '2026-W53', '2026-12-28T00:00:00.000Z'],
    ['weekly', '2026-W01', '2026-W01', '2025-12-29T00:00:00.000Z'],
    ['monthly', '2026-02', '2026-02', '2026-02-01T00:00:00.000Z'],
  ] as const)('%s %s', (kind, text, label, from) => {
    const period = parsePeriod(kind, text);
    expect(period.label).toBe(label);
    expect(new Date(period.from).toISOString()).toBe(from);
  });

  it.each([
    ['daily', '2026-11'],
    ['weekly', '2026-W54'],
    ['monthly', 'November'],
    ['daily', '2026-13-40'],
  ] as const)('%s %s is none', (kind, text) => {
    expect(() => parsePeriod(kind, text)).toThrow(/no period/);
  });

  it('that is over is the one before now', () => {
    expect(lastPeriod('monthly', Date.UTC(2026, 2, 1)).label).toBe('2026-02');
    expect(lastPeriod('daily', Date.UTC(2026, 0, 1, 5)).label).toBe('2025-12-31');
    expect(lastPeriod('weekly', Date.UTC(2026, 10, 25)).label).toBe('2026-W47');
  });
});

describe('the daily report', () => {
  it('counts what the log of the day has, and nothing of other days', () => {
    const { make, clock } = scene();
    const { report } = make('daily');
    expect(fact(report, 'Access', 'reads')).toBe(3);
    expect(fact(report, 'Access', 'refused attempts')).toBe(1);
    expect(fact(report, 'Access', 'failed operations')).toBe(1);
    const hours = report.sections.find((one) => one.title === 'Access')?.chart;
    expect(hours?.series[0]?.values.reduce((a, b) => a + b, 0)).toBe(3);
    expect(hours?.labels).toHaveLength(24);
    expect(report.audit.chains[0]).toMatchObject({ first: 1 });
    clock.forward(2 * DAY);
    expect(fact(make('daily').report, 'Access', 'reads')).toBe(0);
  });

  it('is kept, and read back as it was signed', () => {
    const { make, vault } = scene();
    const signed = make('daily');
    expect(vault.run(listReports(vault.context))).toMatchObject([{ id: signed.report.id, kind: 'daily' }]);
    expect(vault.run(readReport(vault.context, signed.report.id))).toEqual(signed);
    expect(() => vault.run(readReport(vault.context, 'rep-none'))).toThrow(/no report/);
  });
});

describe('the compliance report', () => {
  const status = (signed: SignedReport, id: string) => signed.report.controls.find((one) => one.id === id)?.status;

  it('has every control of the two frameworks, each with evidence and how it was measured', () => {
    const { make } = scene();
    const { controls, audit } = make('monthly').report;
    const ids = (framework: string) => controls.filter((one) => one.framework === framework).map((one) => one.id);
    expect(ids('SOC 2')).toEqual([
      ...['CC6.1', 'CC6.2', 'CC6.3', 'CC6.4', 'CC6.5', 'CC6.6', 'CC6.7', 'CC6.8'],
      ...['CC7.1', 'CC7.2', 'CC7.3', 'CC7.4', 'CC8.1', 'A1.2'],
    ]);
    const pci = ids('PCI DSS 4.0.1');
    for (const id of ['3.5', '3.6', '3.7', '6.3', '8.3', '8.4', '8.5', '8.6', '12.10']) expect(pci).toContain(id);
    for (const part of ['7.', '10.', '11.'])
      expect(
        pci.some((id) => id.startsWith(part)),
        part,
      ).toBe(true);
    for (const one of controls) {
      expect(one.evidence.length, one.id).toBeGreaterThan(0);
      expect(one.how, one.id).not.toBe('');
      if (one.status !== 'met') expect(one.next ?? one.status, one.id).not.toBe('');
    }
    expect(audit.verdict).toMatchObject({ intact: true, complete: true });
    expect(audit.checkpoint?.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  it('changes with the vault: a backup and a drill bring A1.2 further, an overdue secret takes 8.6 back', () => {
    const { make, vault, clock, variables } = scene();
    expect(status(make('monthly'), 'A1.2')).toBe('not met');
    vault.run(backupOf(vault, 'asked'));
    vault.run(drill(vault.context, { home: vault.home, env: variables }));
    expect(status(make('monthly'), 'A1.2')).toBe('partly');
    const rotated = (signed: SignedReport) =>
      signed.report.controls.find((one) => one.id === '3.7')?.evidence.find((text) => text.includes('overdue'));
    expect(rotated(make('monthly'))).toContain('0 are overdue');
    clock.forward(100 * DAY);
    expect(rotated(make('monthly'))).toContain('1 are overdue');
  });

  it('says "not ours" of what no vault can show, and of what nobody uses here', () => {
    const { make } = scene();
    const signed = make('monthly');
    for (const id of ['CC6.4', 'CC6.8', '10.6', '11.3', '8.3', '8.4']) expect(status(signed, id), id).toBe('not ours');
  });
});

describe('the incident report', () => {
  it('has the timeline, and how long it took', () => {
    const { vault, clock } = scene();
    const { id } = vault.run(
      transaction(openIncident(vault.context, { kind: 'leak', title: 'JWT_SECRET was found', subject: 'JWT_SECRET' })),
    );
    vault.run(transaction(addToTimeline(vault.context, id, 'It was in a commit.')));
    clock.forward(3 * HOUR);
    vault.run(transaction(endIncident(vault.context, id, 'Turned.')));
    const { report } = vault.run(makeReport(vault.context, { kind: 'incident', incident: id }, around));
    expect(report.headline).toBe('JWT_SECRET was found; closed after 3 hours.');
    const timeline = report.sections.find((one) => one.title === 'Timeline')?.table?.rows.map((row) => row[2]);
    expect(timeline).toEqual(['It was in a commit.', 'Turned.']);
    expect(() => vault.run(makeReport(vault.context, { kind: 'incident', incident: 'inc-none' }, around))).toThrow(
      /no such/,
    );
  });
});

describe('a report in a file', () => {
  it.each(['html', 'json', 'md'] as const)('as %s is checked without a vault, and any change is seen', (format) => {
    const { make } = scene();
    const text = writeReport(make('monthly'), format);
    expect(verifyReport('x', text)).toMatchObject({ authentic: true, why: undefined });
    expect(verifyReport('x', text.replaceAll('\n', '\r\n')).authentic).toBe(true);
    const changed = text.replace(/not met/g, 'met');
    expect(changed).not.toBe(text);
    expect(verifyReport('x', changed).authentic).toBe(false);
  });

  it('whose page was changed, and not the model inside, is not trusted', () => {
    const { make } = scene();
    const html = writeReport(make('monthly'), 'html');
    expect(
      verifyReport('x', html.replace('<td class="status not">not met', '<td class="status met">met')).authentic,
    ).toBe(false);
    expect(verifyReport('x', html.replace('<h1>', '<script>alert(1)</script><h1>')).authentic).toBe(false);
  });

  it('signed with another key has another fingerprint', () => {
    const first = scene();
    const second = scene();
    const { report } = first.make('daily');
    const own = verifyReport('x', writeReport(first.make('daily'), 'json'));
    const other = verifyReport('x', writeReport(signReport(second.vault.context.keyring.signingKey(), report), 'json'));
    expect(other.authentic).toBe(true);
    expect(other.fingerprint).not.toBe(own.fingerprint);
  });

  it('that is signed, and is no report as they are written, is not trusted as a page', () => {
    const { make, vault } = scene();
    const broken = { ...make('daily').report, sections: 'none', from: 7 } as unknown as Report;
    const signed = signReport(vault.context.keyring.signingKey(), broken);
    const page = `<script type="application/json" id="keyturn-report">${JSON.stringify(signed)}</script>`;
    expect(verifyReport('x', page)).toMatchObject({ authentic: false });
  });

  it('that holds none is refused', () => {
    const { make } = scene();
    for (const text of ['', '{}', '<html></html>', writeReport(make('daily'), 'csv')])
      expect(() => verifyReport('x', text)).toThrow(/no signed report/);
  });

  it('is whole in every format: nothing of it breaks out of its place, and no value is in it', () => {
    const { vault } = testVault();
    put(vault, 'A_B', STRONG.slice(2));
    const hostile = '<script>alert("x")</script> | =cmd|calc \n --> ';
    const period = parsePeriod('daily', '2026-01-01');
    const made = vault.run(makeReport(vault.context, { kind: 'daily', period }, around)).report;
    const report: Report = {
      ...made,
      headline: hostile,
      sections: [
        {
          title: hostile,
          text: [hostile],
          table: {
            head: ['a', hostile],
            rows: [
              [hostile, null],
              ['=1+1', 2],
            ],
          },
        },
      ],
    };
    const signed = signReport(vault.context.keyring.signingKey(), report);
    for (const format of FORMATS) expect(writeReport(signed, format), format).not.toContain(STRONG.slice(2));
    const html = writeReport(signed, 'html');
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toMatch(/https?:\/\/[^<]*\.(?:js|css)/);
    expect(verifyReport('x', html).authentic).toBe(true);
    const markdown = writeReport(signed, 'md').split('\n');
    expect(markdown.filter((line) => line.startsWith('| <script'))).toHaveLength(1);
    expect(verifyReport('x', markdown.join('\n')).authentic).toBe(true);
    expect(writeReport(signed, 'csv')).toContain("'=1+1,2");
  });

  it('draws charts that say their numbers', () => {
    const svg = chartSvg({ kind: 'bars', title: 'a <b>', labels: ['x', 'y'], series: [{ name: 's', values: [0, 7] }] });
    expect(svg).toContain('<desc>x: s 0; y: s 7</desc>');
    expect(svg).not.toContain('<b>');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    expect(chartSvg({ kind: 'line', title: 't', labels: [], series: [] })).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('reports that come by themselves', () => {
  it('are made once when their time is over, and none for before there was a vault', async () => {
    const { vault, clock } = testVault();
    const { world } = alertRun({
      config: {},
      http: new Http(),
      at: DEVELOPMENT,
      home: vault.home,
      destinations: [],
      print: () => undefined,
    });
    const due = async (config = {}) =>
      (await vault.perform(makeDueReports(vault.context, { config, around: () => around, world }))).map(
        (one) => one.report.period,
      );
    // 2026-01-01, a Thursday, noon.
    expect(await due()).toEqual([]);
    clock.forward(DAY);
    expect(await due()).toEqual(['2026-01-01']);
    expect(await due()).toEqual([]);
    clock.forward(4 * DAY);
    expect(await due()).toEqual(['2026-01-05', '2026-W01']);
    clock.forward(30 * DAY);
    expect(await due({ daily: false, weekly: false })).toEqual(['2026-01']);
  });
});
