// The commands of turning secrets, as real processes against real local servers: live checks, schedule, destinations,
// emergencies, alerts. What they say is part of the product.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Ended, keyturn } from '../support/command.ts';
import { VercelProject } from '../support/destination-answers.ts';
import { openaiAnswers, stripeAnswers } from '../support/provider-answers.ts';
import { type ProviderServer, providerServer } from '../support/provider-server.ts';
import { temporaryFolder } from '../support/vault.ts';

const FIRST = 'sk-proj-firstT3BlbkFJfirst0123456789';
const ADMIN = 'sk-admin-xT3BlbkFJadmin0123456789abcd';
const STRIPE = 'sk_test_Made4Up51Hx9Qw3Zr';

let folder = '';
let openai: ProviderServer;
let stripe: ProviderServer;

const run = (args: string[], input?: string): Promise<Ended> =>
  keyturn(args, {
    cwd: folder,
    env: { KEYTURN_HOME: join(folder, '.keyturn'), KEYTURN_LIVE: 'on' },
    ...(input !== undefined && { input }),
  });

/** Runs a command that has to succeed. */
async function ok(args: string[], input?: string): Promise<string> {
  const ended = await run(args, input);
  expect(ended.code, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`).toBe(0);
  return ended.stdout;
}

beforeEach(async () => {
  folder = temporaryFolder();
  openai = await providerServer(openaiAnswers);
  stripe = await providerServer(stripeAnswers);
  openai.addKey(FIRST);
  openai.addKey(ADMIN);
  stripe.addKey(STRIPE);
  const config = {
    providers: {
      openai: { baseUrl: openai.url, admin: 'OPENAI_ADMIN_KEY', project: 'proj_1', serviceAccount: 'user-1' },
      stripe: { baseUrl: stripe.url },
    },
    destinations: {
      local: { kind: 'dotenv', path: 'app/.env.local', secrets: ['JWT_SECRET', 'OPENAI_API_KEY', 'STRIPE_SECRET_KEY'] },
    },
    schedule: { timeZone: 'Europe/Berlin', types: { jwt_secret: { cron: '0 3 1 * *' } } },
    alerts: { channels: { out: { kind: 'stdout' } }, backupDays: 30 },
  };
  writeFileSync(join(folder, 'keyturn.config.json'), JSON.stringify(config, undefined, 2));
  await ok(['init']);
  await ok(['set', 'OPENAI_API_KEY'], FIRST);
  await ok(['set', 'OPENAI_ADMIN_KEY'], ADMIN);
  await ok(['set', 'STRIPE_SECRET_KEY'], STRIPE);
  await ok(['set', 'JWT_SECRET', '--generate']);
});

const values = () => [...openai.keys, ...stripe.keys].map((key) => key.value);

/** Nothing that is shown holds a value. */
function expectNoValue(text: string): void {
  for (const value of values()) expect(text).not.toContain(value);
}

describe('validate --live', () => {
  it('says of each secret whether it works, and exits 1 for one that does not', async () => {
    const ended = await run(['validate', '--live', '--fail-on', 'critical']);
    const rows = ended.stdout.split('\n').map((line) => line.split('\t'));
    const of = (name: string) => rows.find((row) => row[0] === name);
    expect(of('OPENAI_API_KEY')?.slice(2, 4)).toEqual(['valid', 'OpenAI accepts it']);
    expect(of('STRIPE_SECRET_KEY')?.slice(2, 4)).toEqual(['valid (test key)', 'Stripe accepts it']);
    expect(of('JWT_SECRET')?.[2]).toBe('unchecked');
    expectNoValue(ended.stdout + ended.stderr);
    openai.end('key1');
    const after = await run(['validate', '--live', '--json']);
    expect(after.code).toBe(1);
    const { live } = JSON.parse(after.stdout) as { live: { name: string; status: string }[] };
    expect(live.find((one) => one.name === 'OPENAI_API_KEY')).toMatchObject({ status: 'refused' });
  });
});

describe('rotate', () => {
  it('turns a key at its provider, brings it to the destination, and sees the old one dead', async () => {
    const dry = await ok(['rotate', 'OPENAI_API_KEY', '--dry-run']);
    expect(dry).toContain('OpenAI makes the new value');
    expect(dry).toContain('It would be brought to file ');
    const out = await ok(['rotate', 'OPENAI_API_KEY', '--grace', '0']);
    expect(out).toMatch(
      /OPENAI_API_KEY \(development\): version 2 is in use; version 1 is not valid any longer and was seen to be refused\./,
    );
    expect(openai.liveValues()).toHaveLength(1);
    expect(readFileSync(join(folder, 'app', '.env.local'), 'utf8')).toBe(`OPENAI_API_KEY=${openai.liveValues()[0]}\n`);
    expectNoValue(out);
  });

  it('refuses a pasted key that its provider refuses, and goes on with a good one', async () => {
    const bad = await run(['rotate', 'STRIPE_SECRET_KEY', '--stdin'], 'sk_test_NotKnownThere123');
    expect(bad.code).toBe(1);
    expect(bad.stderr).toMatch(
      /STRIPE_SECRET_KEY was not rotated\. The new value was refused: Stripe refuses it \(401, invalid_request_error\)/,
    );
    expect(bad.stderr).toContain('Version 1 is in use, as before.');
    const good = stripe.addKey('sk_test_Fresh51Hx9Qw3ZrAbc');
    expect(await ok(['rotate', 'STRIPE_SECRET_KEY', '--stdin', '--grace', '0'], good.value)).toContain(
      'but its provider still accepts it',
    );
  });

  it('says what it waits for where the provider is away, and takes it up the next time', async () => {
    for (let n = 0; n < 6; n += 1) openai.faults.push({ kind: 'cut-before' });
    const waiting = await run(['rotate', 'OPENAI_API_KEY']);
    expect(waiting.code).toBe(1);
    expect(waiting.stdout).toMatch(/waits in the state planned: OpenAI could not be reached.*It is tried again from/);
    openai.faults.length = 0;
    expect(await ok(['rotate', 'OPENAI_API_KEY'])).toContain('version 2 is in use');
  });
});

describe('schedule', () => {
  it('shows a year ahead: when, what, and by whom', async () => {
    const { turns } = JSON.parse(await ok(['schedule', '--json'])) as {
      turns: { name: string; byItself: boolean; at: number }[];
    };
    const jwt = turns.filter((one) => one.name === 'JWT_SECRET');
    expect(jwt.length).toBeGreaterThanOrEqual(11);
    for (const { at } of jwt)
      expect(
        new Date(at).toLocaleString('en', {
          timeZone: 'Europe/Berlin',
          hour: 'numeric',
          hourCycle: 'h23',
          day: 'numeric',
        }),
      ).toBe('1, 03');
    expect(turns.find((one) => one.name === 'OPENAI_API_KEY')?.byItself).toBe(true);
    expect(turns.find((one) => one.name === 'STRIPE_SECRET_KEY')?.byItself).toBe(false);
    expect(await ok(['schedule', '--run'])).toContain('Nothing is due now.');
  });
});

describe('sync', () => {
  it('pushes, shows, compares, and prunes only when asked', async () => {
    expect(await ok(['sync', 'push', '--dry-run'])).toContain(
      'Would send to local: JWT_SECRET (version 1), OPENAI_API_KEY (version 1)',
    );
    expect(await ok(['sync', 'push'])).toMatch(/JWT_SECRET\tJWT_SECRET\t1\tlive\tjust now/);
    expect(await ok(['sync', 'check'])).toContain('local: 3 secrets compared, all as sent.');
    const path = join(folder, 'app', '.env.local');
    writeFileSync(path, readFileSync(path, 'utf8').replace(FIRST, 'tampered'));
    const drifted = await run(['sync', 'check']);
    expect(drifted.code).toBe(1);
    expect(drifted.stdout).toContain('1 not as sent');
    expect((await run(['alerts'])).stdout).toContain('OPENAI_API_KEY at local is not what Keyturn put there');
    await ok(['sync', 'push', 'OPENAI_API_KEY']);
    await ok(['rm', 'STRIPE_SECRET_KEY']);
    expect(await ok(['sync', 'prune', '--to', 'local', '--dry-run'])).toContain(
      'Would take away at local: STRIPE_SECRET_KEY.',
    );
    expect(await ok(['sync', 'prune', '--to', 'local'])).toContain('Took away at local: STRIPE_SECRET_KEY.');
    expect(readFileSync(path, 'utf8')).not.toContain('STRIPE_SECRET_KEY');
    expect((await run(['sync', 'push', '--to', 'nowhere'])).stderr).toContain('There are: local.');
  });
});

it('sync push of one name waits until that is in use, and sends no other', async () => {
  const project = new VercelProject('vercel-token');
  const vercel = await providerServer(project.answer);
  const shop = { kind: 'vercel', project: 'shop', baseUrl: vercel.url, token: 'VERCEL_TOKEN', secrets: ['*'] };
  writeFileSync(join(folder, 'keyturn.config.json'), JSON.stringify({ destinations: { shop } }));
  await ok(['set', 'VERCEL_TOKEN'], 'vercel-token');
  expect(await ok(['sync', 'push', 'JWT_SECRET'])).toMatch(/JWT_SECRET\tJWT_SECRET\t1\tlive/);
  expect(project.variables.map((one) => one.key)).toEqual(['JWT_SECRET']);
});

describe('compromise', () => {
  it('of a secret: what would be done, then done, told, and in the timeline', async () => {
    const dry = await ok(['compromise', 'OPENAI_API_KEY', '--dry-run']);
    expect(dry).toContain('Would turn OPENAI_API_KEY (development) from version 1 now, without grace, by itself.');
    const ended = await run(['compromise', 'OPENAI_API_KEY', '--why', 'It was in a log.']);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('version 2 is in use, version 1 is revoked.');
    expect(ended.stdout).toContain('It was asked about live, and is refused: really dead.');
    expect(ended.stderr).toContain('CRITICAL [development]: OPENAI_API_KEY (development) is compromised.');
    const id = /Incident (inc-\S+):/.exec(ended.stdout)?.[1] ?? '';
    const shown = await ok(['incidents', 'show', id]);
    expect(shown).toContain('It was in a log.');
    expect(shown).toContain('really dead');
    await ok(['incidents', 'note', id, 'The log was deleted.']);
    await ok(['incidents', 'close', id, 'Dealt with.']);
    expect(await ok(['incidents'])).not.toContain('\topen');
    expectNoValue(ended.stdout + ended.stderr + shown);
  });

  it('of a place: what can be turned is turned, the rest is left for a person, and it is gone on with later', async () => {
    await ok(['sync', 'push']);
    const dry = await ok(['compromise', '--destination', 'local', '--dry-run']);
    expect(dry.split('\n').map((line) => line.split('\t')[0])).toEqual([
      'JWT_SECRET',
      'OPENAI_API_KEY',
      'STRIPE_SECRET_KEY',
      '',
    ]);
    const first = await run(['compromise', '--destination', 'local']);
    expect(first.code).toBe(4);
    expect(first.stdout).toMatch(/✓ JWT_SECRET[\s\S]*✓ OPENAI_API_KEY[\s\S]*… STRIPE_SECRET_KEY.*needs a person/);
    expect(first.stdout).toContain('2 secrets of 3 dealt with.');
    const fresh = stripe.addKey('sk_test_Fresh51Hx9Qw3ZrAbc');
    await ok(['rotate', 'STRIPE_SECRET_KEY', '--stdin'], fresh.value);
    const second = await run(['compromise', '--destination', 'local']);
    expect(second.stdout).toMatch(/3 secrets of 3 dealt with\.\nIncident inc-\S+ is closed/);
    expect(second.code).toBe(0);
  });

  it('wants a name or a place', async () => {
    const ended = await run(['compromise']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain('Give the name of a secret, or --destination.');
  });
});

describe('alerts', () => {
  it('are tested, listed, acknowledged, muted, and their deliveries shown', async () => {
    const tested = await run(['alerts', 'test']);
    expect(tested.code).toBe(0);
    expect(tested.stdout).toContain('✓ out (standard output)');
    expect(tested.stderr).toContain('Keyturn: a test of this channel');
    await run(['compromise', 'JWT_SECRET']);
    const listed = await run(['alerts', '--json']);
    expect(listed.code).toBe(1);
    const [alert] = (JSON.parse(listed.stdout) as { alerts: { id: string; kind: string }[] }).alerts;
    expect(alert?.kind).toBe('compromised');
    expect(await ok(['alerts', 'ack', alert?.id ?? ''])).toContain('is acknowledged by');
    expect(await ok(['alerts', 'mute', alert?.id ?? '', '--for', '7d', '--reason', 'known'])).toContain('known');
    expect((await run(['alerts', 'mute', alert?.id ?? '', '--for', 'soon', '--reason', 'known'])).code).toBe(2);
    expect(await ok(['alerts', 'deliveries'])).toMatch(/\tout\tfired\tdelivered\t1\t/);
    expect((await run(['alerts', 'test', 'nowhere'])).stderr).toContain('There are: out.');
  });
});

describe('a configuration that is wrong', () => {
  it.each([
    [{ schedule: { timeZone: 'Mars/Olympus' } }, /line 3, schedule\.timeZone: is no time zone/],
    [
      { schedule: { types: { jwt_secret: { cron: '99 3 * * *' } } } },
      /schedule\.types\.jwt_secret\.cron: is no cron expression/,
    ],
    [{ schedule: { windows: [{ from: '2:00', to: '05:00' }] } }, /schedule\.windows\.0\.from: is no time of day/],
    [
      { providers: { acme: { kind: 'http', header: { name: 'x', value: 'y' } } } },
      /providers\.acme\.(url|header\.value)/,
    ],
    [{ destinations: { v: { kind: 'vercel', token: 'T', secrets: ['*'] } } }, /destinations\.v\.project/],
    [{ alerts: { channels: { x: { kind: 'pigeon' } } } }, /alerts\.channels\.x\.kind/],
  ])('is said with line and key: %j', async (config, words) => {
    writeFileSync(join(folder, 'keyturn.config.json'), JSON.stringify(config, undefined, 2));
    const ended = await run(['schedule']);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toMatch(words);
  });
});
