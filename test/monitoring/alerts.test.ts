// Alerts: one for one condition, told by every channel at least once, handled by people, gone by themselves.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { AlertsConfig, OperationsConfig } from '../../lib/config/operations.ts';
import { acknowledgeAlert, listAlerts, muteAlert, reopenAlert } from '../../lib/monitoring/alert-book.ts';
import { deliverAlerts, listDeliveries, testChannels } from '../../lib/monitoring/alert-delivery.ts';
import { alertRun, updateAlerts } from '../../lib/monitoring/alert-run.ts';
import { Http } from '../../lib/providers/http.ts';
import { standardWebhooks } from '../../lib/providers/signatures.ts';
import { checkEnvironment } from '../../lib/rotation/checks.ts';
import { compromise } from '../../lib/rotation/compromise.ts';
import { backupOf, rotatorOf } from '../../lib/rotation/rotator.ts';
import { checkDrift, destinationOf, pushTo } from '../../lib/sync/overview.ts';
import { drill } from '../../lib/vault/drill.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { mailServer } from '../support/mail-server.ts';
import { openaiAnswers } from '../support/provider-answers.ts';
import { type Asked, providerServer } from '../support/provider-server.ts';
import { DAY, DEVELOPMENT, HOUR, put, type TestVault, testVault } from '../support/vault.ts';
import { testWorld } from '../support/world.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

interface Scene extends TestVault {
  readonly printed: string[];
  update(strength?: boolean): Promise<{ opened: number; resolved: number }>;
  deliver(): Promise<{ delivered: number; failed: number }>;
  open(): { kind: string; severity: string; state: string; secret: string | null; id: string; what: string }[];
  test(channel?: string): Promise<{ channel: string; error: string | null }[]>;
}

function scene(config: AlertsConfig = {}, made = testVault(), destinations: string[] = []): Scene {
  const { vault, clock } = made;
  const printed: string[] = [];
  const run = alertRun({
    config,
    http: new Http({ clock: clock.read, retries: 0, timeoutMs: 2_000 }),
    at: DEVELOPMENT,
    home: vault.home,
    destinations,
    print: (line) => void printed.push(line),
  });
  return {
    ...made,
    printed,
    update: (strength) => vault.perform(updateAlerts(vault.context, run, strength)),
    deliver: () => vault.perform(deliverAlerts(vault.context, run.world)),
    open: () => vault.run(listAlerts(vault.context)),
    test: (channel) => vault.perform(testChannels(vault.context, run.world, channel)),
  };
}

const kinds = (at: Scene) =>
  at
    .open()
    .map((one) => one.kind)
    .sort();

describe('the conditions', () => {
  it('80 % of the greatest age, then overdue; both go away when the secret turns', async () => {
    const at = scene();
    put(at.vault, 'JWT_SECRET', STRONG);
    at.clock.forward(72 * DAY);
    at.vault.run(readSecret(at.vault.context, DEVELOPMENT, 'JWT_SECRET')).value.fill(0);
    at.vault.run(backupOf(at.vault, 'asked'));
    at.vault.run(drill(at.vault.context, { home: at.vault.home, env: {} }));
    await at.update();
    expect(kinds(at)).toEqual(['due-soon']);
    at.clock.forward(20 * DAY);
    at.vault.run(backupOf(at.vault, 'asked'));
    await at.update();
    expect(at.open()).toMatchObject([{ kind: 'overdue', severity: 'critical', secret: 'JWT_SECRET' }]);
    await at.vault.perform(rotatorOf(at.vault).rotate({ at: DEVELOPMENT, name: 'JWT_SECRET', graceMs: 0 }));
    expect(await at.update()).toMatchObject({ resolved: 1 });
    expect(at.open()).toEqual([]);
  });

  it('weak strength, where strength is judged; it stays open in runs that do not look', async () => {
    const at = scene();
    put(at.vault, 'MY_PASSWORD', 'password123');
    await at.update();
    expect(kinds(at)).toEqual([]);
    await at.update(true);
    expect(kinds(at)).toEqual(['weak']);
    await at.update();
    expect(kinds(at)).toEqual(['weak']);
    put(at.vault, 'MY_PASSWORD', STRONG);
    await at.update(true);
    expect(kinds(at)).toEqual([]);
  });

  it('unused, unauthorised attempts, and a missing name', async () => {
    const at = scene({ backupDays: 3650, unusedDays: 30 });
    put(at.vault, 'SITE_URL', 'https://example.com');
    at.clock.forward(31 * DAY);
    const reader = at.reopen({ scope: { operations: ['list'] } });
    expect(() => reader.run(readSecret(reader.context, DEVELOPMENT, 'SITE_URL'))).toThrow();
    expect(() => at.vault.run(readSecret(at.vault.context, DEVELOPMENT, 'NOT_THERE'))).toThrow();
    await at.update();
    expect(kinds(at)).toEqual(['denied', 'failed-reads', 'unused']);
  });

  it('a backup that is too old or not there, and an old root key', async () => {
    const at = scene({ rootKeyDays: 10 });
    await at.update();
    expect(kinds(at)).toEqual([]);
    at.clock.forward(11 * DAY);
    await at.update();
    expect(kinds(at)).toEqual(['backup-age', 'root-key-age']);
    at.vault.run(backupOf(at.vault, 'asked'));
    await at.update();
    expect(kinds(at)).toEqual(['root-key-age']);
  });

  it('a key that its provider refuses, and one that it will end', async () => {
    const provider = await providerServer(openaiAnswers);
    const key = provider.addKey('sk-proj-firstT3BlbkFJfirst0123456789');
    const at = scene();
    put(at.vault, 'OPENAI_API_KEY', key.value);
    const world = testWorld({ providers: { openai: { baseUrl: provider.url } } }, { clock: at.clock.read });
    const check = () => at.vault.perform(checkEnvironment(at.vault.context, world, DEVELOPMENT));
    await check();
    await at.update();
    expect(kinds(at)).toEqual([]);
    provider.end(key.id);
    await check();
    await at.update();
    expect(at.open()).toMatchObject([{ kind: 'live-check', severity: 'critical' }]);
    expect(at.open()[0]?.what).not.toContain(key.value.slice(8));
  });

  it('a failed rotation, a rotation that is stuck, and an open incident', async () => {
    const provider = await providerServer(openaiAnswers);
    const at = scene();
    put(at.vault, 'OPENAI_API_KEY', 'sk-proj-firstT3BlbkFJfirst0123456789');
    put(at.vault, 'ADMIN', 'sk-admin-xT3BlbkFJadmin');
    const settings = { openai: { baseUrl: provider.url, admin: 'ADMIN', project: 'p', serviceAccount: 's' } };
    const world = testWorld({ providers: settings }, { clock: at.clock.read });
    for (let n = 0; n < 12; n += 1) provider.faults.push({ kind: 'cut-before' });
    const rotator = rotatorOf(at.vault, world);
    await at.vault.perform(rotator.rotate({ at: DEVELOPMENT, name: 'OPENAI_API_KEY' }));
    for (let n = 0; n < 3; n += 1) {
      at.clock.forward(HOUR);
      await at.vault.perform(rotator.settle());
    }
    await at.update();
    expect(kinds(at)).toEqual(['incident', 'rotation-stuck']);
    // The admin key is not known there: nothing that trying again would mend.
    at.clock.forward(HOUR);
    await at.vault.perform(rotator.settle());
    await at.update();
    expect(kinds(at)).toEqual(['incident', 'rotation-failed']);
  });

  it('a destination that holds something else than was sent', async () => {
    const made = testVault();
    const at = scene({}, made, ['file']);
    put(at.vault, 'JWT_SECRET', STRONG);
    const operations: OperationsConfig = {
      live: false,
      destinations: { file: { kind: 'dotenv', path: 'app.env', secrets: ['*'] } },
    };
    const world = testWorld(operations, { clock: at.clock.read, root: at.folder });
    const file = destinationOf(world, 'file');
    await at.vault.perform(pushTo(at.vault.context, world, file));
    await at.update();
    expect(kinds(at)).toEqual([]);
    writeFileSync(join(at.folder, 'app.env'), 'JWT_SECRET=changed\n');
    await at.vault.perform(checkDrift(at.vault.context, world, file));
    await at.update();
    expect(kinds(at)).toEqual(['drift']);
    rmSync(join(at.folder, 'app.env'));
    await at.vault.perform(pushTo(at.vault.context, world, file, ['JWT_SECRET'], true));
    await at.update();
    expect(kinds(at)).toEqual([]);
  });

  it('a compromise', async () => {
    const at = scene();
    put(at.vault, 'JWT_SECRET', STRONG);
    await at.vault.perform(compromise(at.vault.context, rotatorOf(at.vault), { at: DEVELOPMENT, name: 'JWT_SECRET' }));
    await at.update();
    expect(at.open()).toMatchObject([{ kind: 'compromised', severity: 'critical' }]);
  });
});

describe('handling', () => {
  async function overdue(
    config: AlertsConfig = { channels: { out: { kind: 'stdout' } }, backupDays: 3650, unusedDays: 3650 },
  ): Promise<Scene & { id: string }> {
    const at = scene(config);
    put(at.vault, 'JWT_SECRET', STRONG);
    at.clock.forward(75 * DAY);
    await at.update();
    const [alert] = at.open();
    return { ...at, id: alert?.id ?? '' };
  }

  it('it is told once, told again after a day, and its end is told', async () => {
    const at = await overdue();
    await at.update();
    expect(at.printed).toHaveLength(1);
    expect(at.printed[0]).toMatch(/^MEDIUM \[development\]: JWT_SECRET is at 83 % of its 90 days\./);
    at.clock.forward(DAY);
    await at.update();
    expect(at.printed).toHaveLength(2);
    put(at.vault, 'JWT_SECRET', `${STRONG}new`);
    await at.update();
    expect(at.printed).toHaveLength(3);
    expect(at.printed[2]).toMatch(/^Resolved \[development\]/);
  });

  it('acknowledged, it is quiet until it becomes worse', async () => {
    const at = await overdue();
    expect(at.vault.run(acknowledgeAlert(at.vault.context, at.id))).toMatchObject({
      state: 'acknowledged',
      acknowledgedBy: 'tester',
    });
    at.clock.forward(3 * DAY);
    await at.update();
    expect(at.printed).toHaveLength(1);
  });

  it('muted with a reason, nobody is told until the mute ends', async () => {
    const at = await overdue();
    const mute = (until: number, reason: string) => at.vault.run(muteAlert(at.vault.context, at.id, until, reason));
    expect(() => mute(at.clock.now + DAY, '')).toThrow(/needs a reason/);
    expect(() => mute(at.clock.now - 1, 'known')).toThrow(/needs an end/);
    expect(() => mute(at.clock.now + 400 * DAY, 'known')).toThrow(/needs an end/);
    mute(at.clock.now + 3 * DAY, 'known');
    at.clock.forward(2 * DAY);
    await at.update();
    expect(at.printed).toHaveLength(1);
    at.clock.forward(2 * DAY);
    await at.update();
    expect(at.printed).toHaveLength(2);
    expect(at.open()).toMatchObject([{ state: 'open' }]);
  });

  it('reopened, it counts again; one that is resolved cannot be handled', async () => {
    const at = await overdue();
    at.vault.run(acknowledgeAlert(at.vault.context, at.id));
    expect(at.vault.run(reopenAlert(at.vault.context, at.id))).toMatchObject({ state: 'open', acknowledgedBy: null });
    put(at.vault, 'JWT_SECRET', `${STRONG}new`);
    await at.update();
    expect(() => at.vault.run(acknowledgeAlert(at.vault.context, at.id))).toThrow(/is resolved/);
    expect(() => at.vault.run(acknowledgeAlert(at.vault.context, 'alert-none'))).toThrow(/no such alert/);
  });
});

describe('channels', () => {
  const given: Asked[] = [];
  async function receiver(status = 200) {
    given.length = 0;
    return providerServer((asked) => {
      given.push(asked);
      return { status, json: {} };
    });
  }

  async function fired(config: AlertsConfig, secrets: Record<string, string> = {}): Promise<Scene> {
    const at = scene({ backupDays: 3650, unusedDays: 3650, ...config });
    for (const [name, value] of Object.entries(secrets)) put(at.vault, name, value, { intervalDays: 3650 });
    put(at.vault, 'JWT_SECRET', STRONG);
    at.clock.forward(75 * DAY);
    await at.update();
    return at;
  }

  it('Slack gets blocks, escaped, with a link', async () => {
    const slack = await receiver();
    const url = `${slack.url}/services/T0/B0/abcdefghijklmnopqrst`;
    await fired(
      { channels: { chat: { kind: 'slack', url: 'CHAT_HOOK' } }, link: 'https://keyturn.example' },
      { CHAT_HOOK: url },
    );
    const body = JSON.parse(given[0]?.body ?? '{}');
    expect(body.text).toContain('JWT_SECRET is at 83 % of its 90 days');
    expect(body.blocks[0]).toMatchObject({ type: 'section' });
    expect(JSON.stringify(body.blocks)).toMatch(/"url":"https:\/\/keyturn\.example\/alerts\/alert-/);
  });

  it('a webhook of one’s own is signed as Standard Webhooks says', async () => {
    const hook = await receiver();
    const secret = `whsec_${Buffer.from('a secret of at least 24 bytes').toString('base64')}`;
    const at = await fired(
      { channels: { ops: { kind: 'webhook', url: `${hook.url}/alerts`, secret: 'OPS_SECRET' } } },
      { OPS_SECRET: secret },
    );
    const [asked] = given;
    const headers = asked?.headers as Record<string, string>;
    expect(standardWebhooks.verify(secret, asked?.body ?? '', headers, at.clock.now)).toBe(true);
    expect(standardWebhooks.verify(secret, `${asked?.body} `, headers, at.clock.now)).toBe(false);
    expect(JSON.parse(asked?.body ?? '')).toMatchObject({
      type: 'alert.fired',
      data: { kind: 'due-soon', secret: 'JWT_SECRET' },
    });
  });

  it('PagerDuty triggers and resolves under one key; Resend sends an email', async () => {
    const both = await receiver(202);
    const channels: AlertsConfig['channels'] = {
      duty: { kind: 'pagerduty', key: 'DUTY_KEY', baseUrl: both.url },
      mail: {
        kind: 'resend',
        key: 'MAIL_KEY',
        sender: 'keyturn@example.com',
        to: ['ops@example.com'],
        baseUrl: both.url,
      },
    };
    const at = await fired(
      { channels },
      { DUTY_KEY: 'routing-key-of-32-characters-long', MAIL_KEY: 're_1234567890abcdefgh' },
    );
    put(at.vault, 'JWT_SECRET', `${STRONG}new`);
    await at.update();
    const duty = given.filter((one) => one.url.pathname === '/v2/enqueue').map((one) => JSON.parse(one.body));
    expect(duty).toMatchObject([
      { event_action: 'trigger', payload: { severity: 'warning', class: 'due-soon' } },
      { event_action: 'resolve' },
    ]);
    expect(duty[0].dedup_key).toBe(duty[1].dedup_key);
    const mail = given.find((one) => one.url.pathname === '/emails');
    expect(JSON.parse(mail?.body ?? '{}')).toMatchObject({
      to: ['ops@example.com'],
      subject: expect.stringContaining('JWT_SECRET'),
    });
  });

  it('SMTP delivers an email; a mail server that is busy is asked again, one that refuses is not', async () => {
    const mail = await mailServer();
    mail.refusals.push('451 try later');
    const at = await fired({
      channels: {
        mail: {
          kind: 'smtp',
          host: '127.0.0.1',
          port: mail.port,
          secure: false,
          sender: 'keyturn@example.com',
          to: ['ops@example.com'],
        },
      },
    });
    expect(mail.mails).toEqual([]);
    at.clock.forward(10_000);
    expect(await at.deliver()).toEqual({ delivered: 1, failed: 0 });
    expect(mail.mails[0]?.text).toContain('Subject: MEDIUM [development]: JWT_SECRET is at 83 %');
    mail.refusals.push('550 no such sender');
    expect(await at.test()).toMatchObject([{ channel: 'mail', error: expect.stringContaining('550') }]);
    expect(
      at.vault
        .run(listDeliveries(at.vault.context, 10))
        .map((one) => one.state)
        .sort(),
    ).toEqual(['delivered', 'given-up']);
  });

  it('one that is down is asked again with growing pauses, at least once, and visibly', async () => {
    const hook = await receiver(503);
    const at = await fired(
      { channels: { ops: { kind: 'webhook', url: hook.url, secret: 'OPS_SECRET' } } },
      { OPS_SECRET: STRONG },
    );
    const deliveries = () => at.vault.run(listDeliveries(at.vault.context, 10));
    expect(deliveries()).toMatchObject([{ state: 'waiting', attempts: 1, error: 'The webhook answers 503' }]);
    const pauses: number[] = [];
    for (let n = 0; n < 5; n += 1) {
      const [one] = deliveries();
      pauses.push((one?.nextAt ?? 0) - at.clock.now);
      at.clock.forward(pauses.at(-1) ?? 0);
      await at.deliver();
    }
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 80_000]);
    const ids = new Set(given.map((one) => one.headers['webhook-id']));
    expect(given).toHaveLength(6);
    expect(ids.size).toBe(1);
  });

  it('are told from the severity on that they ask for', async () => {
    const at = await fired({
      channels: { loud: { kind: 'stdout', from: 'critical' }, all: { kind: 'stdout', from: 'info' } },
    });
    expect(at.vault.run(listDeliveries(at.vault.context, 10)).map((one) => one.channel)).toEqual(['all']);
  });

  it('are tested one by one, and a missing secret is named', async () => {
    const at = scene({ channels: { out: { kind: 'stdout' }, chat: { kind: 'slack', url: 'NOT_THERE' } } });
    expect(await at.test()).toMatchObject([
      { channel: 'out', error: null },
      { channel: 'chat', error: 'its secret NOT_THERE is not in default/development' },
    ]);
    expect(at.printed[0]).toContain('Keyturn: a test of this channel');
  });

  it('two processes that deliver at once send each message once', async () => {
    const hook = await receiver();
    const config = { channels: { ops: { kind: 'webhook', url: hook.url, secret: 'OPS_SECRET' } } } as const;
    const at = scene({ backupDays: 3650, unusedDays: 3650, ...config });
    put(at.vault, 'OPS_SECRET', STRONG, { intervalDays: 3650 });
    for (let n = 0; n < 10; n += 1) put(at.vault, `KEY_${n}_WEBHOOK_SECRET`, `${STRONG}${n}`);
    at.clock.forward(75 * DAY);
    await at.update();
    at.clock.forward(30 * DAY);
    await Promise.all([at.update(), at.deliver(), at.update(), at.deliver()]);
    const ids = given.map((one) => one.headers['webhook-id']);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
