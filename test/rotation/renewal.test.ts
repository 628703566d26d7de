// Keys that turn at their providers, by their APIs: made, proven, ended, and seen to be dead. Real HTTP, real faults.
import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { newestEntries } from '../../lib/audit/read.ts';
import { NeedsPersonError, RotationError } from '../../lib/errors.ts';
import { listIncidents, showIncident } from '../../lib/incidents/incidents.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { all } from '../../lib/store/operation.ts';
import { selectUnfinishedRotations } from '../../lib/store/statements/rotations.ts';
import { readSecret } from '../../lib/vault/read.ts';
import * as answers from '../support/provider-answers.ts';
import { type Asked, type Handler, type ProviderServer, providerServer } from '../support/provider-server.ts';
import { DEVELOPMENT, HOUR, put, type TestVault, testVault, validVersions } from '../support/vault.ts';
import { testWorld } from '../support/world.ts';

const MINUTE = 60_000;

interface Case {
  readonly provider: string;
  readonly secret: string;
  readonly type?: string;
  readonly answers: Handler;
  readonly first: string;
  readonly admin: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  /** The request that makes a key. */
  readonly makes: (request: { method: string; path: string }) => boolean;
  /** False where the provider cannot tell which key a pasted one is: a person ends that. */
  readonly knowsOld: boolean;
}

const posts = (part: string) => (one: { method: string; path: string }) =>
  one.method === 'POST' && one.path.endsWith(part);

const CASES: readonly Case[] = [
  {
    provider: 'openai',
    secret: 'OPENAI_API_KEY',
    answers: answers.openaiAnswers,
    first: 'sk-proj-firstT3BlbkFJfirst0123456789',
    admin: 'sk-admin-xT3BlbkFJadmin',
    settings: { project: 'proj_1', serviceAccount: 'user-1' },
    makes: posts('/api_keys'),
    knowsOld: true,
  },
  {
    provider: 'resend',
    secret: 'RESEND_API_KEY',
    answers: answers.resendAnswers,
    first: 're_first1234567890abcdef',
    admin: 're_admin1234567890abcdef',
    makes: posts('/api-keys'),
    knowsOld: false,
  },
  {
    provider: 'supabase',
    secret: 'SUPABASE_SERVICE_ROLE_KEY',
    answers: answers.supabaseAnswers,
    first: 'sb_secret_first1234567890abcdef',
    admin: 'sbp_admin1234567890',
    settings: { ref: 'abcdefgh' },
    makes: posts('/api-keys'),
    knowsOld: true,
  },
  {
    provider: 'vercel',
    secret: 'VERCEL_TOKEN',
    answers: answers.vercelAnswers,
    first: 'firstfirstfirstfirst1234',
    admin: 'vcp_admin012345678901234567890',
    makes: posts('/user/tokens'),
    knowsOld: true,
  },
  {
    provider: 'stripe',
    secret: 'STRIPE_WEBHOOK_SECRET',
    answers: answers.stripeAnswers,
    first: 'whsec_first1234567890abcdef',
    admin: 'sk_test_admin1234567890',
    settings: { webhookUrl: 'https://app.example/hook' },
    makes: posts('/webhook_endpoints'),
    knowsOld: true,
  },
  {
    provider: 'stripe',
    secret: 'STRIPE_SECRET_KEY',
    answers: answers.stripeAnswers,
    first: 'rk_test_first1234567890',
    admin: 'sk_test_admin1234567890',
    settings: { restrictedKeys: true },
    makes: posts('/v2/iam/api_keys'),
    knowsOld: false,
  },
];

interface Scene extends TestVault {
  readonly one: Case;
  readonly provider: ProviderServer;
  rotate(graceMs?: number): Promise<Awaited<ReturnType<TestVault['vault']['perform']>>>;
  settle(): Promise<unknown>;
}

async function scene(one: Case): Promise<Scene> {
  const provider = await providerServer(one.answers);
  const made = testVault();
  const { vault, clock } = made;
  provider.addKey(one.first);
  provider.addKey(one.admin);
  put(vault, one.secret, one.first);
  put(vault, 'PROVIDER_ADMIN', one.admin);
  const settings = { ...one.settings, url: provider.url, baseUrl: provider.url, admin: 'PROVIDER_ADMIN' };
  const world = testWorld({ providers: { [one.provider]: settings } }, { clock: clock.read });
  const rotator = () => rotatorOf(vault, world);
  return {
    ...made,
    one,
    provider,
    rotate: (graceMs) =>
      vault.perform(rotator().rotate({ at: DEVELOPMENT, name: one.secret, ...(graceMs !== undefined && { graceMs }) })),
    settle: () => vault.perform(rotator().settle()),
  };
}

const current = ({ vault, one }: Scene) =>
  vault.run(readSecret(vault.context, DEVELOPMENT, one.secret)).value.toString();
const unfinished = ({ vault }: Scene) => vault.run(all(selectUnfinishedRotations, {}));

/** Fails the next request that `when` fits; the ones before go through. */
function failNext(
  provider: ProviderServer,
  when: (request: { method: string; path: string }) => boolean,
  fault: Parameters<typeof provider.faults.push>[0],
): void {
  let done = false;
  provider.onRequest = (at, asked) => {
    if (done || at !== 'before' || !when({ method: asked.method, path: asked.url.pathname })) return;
    done = true;
    provider.faults.unshift(fault);
  };
}

describe.each(CASES)('$secret', (one) => {
  it('turns by itself: two live keys in grace, then one, and the old one is seen to be dead', async () => {
    const at = await scene(one);
    expect(await at.rotate()).toMatchObject({ state: 'grace', version: 2 });
    const fresh = current(at);
    expect(fresh).not.toBe(one.first);
    expect(at.provider.liveValues().sort()).toEqual([one.first, fresh].sort());
    // The second turn: now both keys are of Keyturn's own making, and it knows what they are called.
    at.clock.forward(25 * HOUR);
    await at.settle();
    expect(unfinished(at)).toEqual([]);
    if (one.knowsOld) expect(at.provider.liveValues()).toEqual([fresh]);
    const result = await at.rotate(0);
    expect(result).toMatchObject({ state: 'revoked', version: 3, death: 'dead' });
    expect(at.provider.liveValues()).toContain(current(at));
    expect(at.provider.liveValues()).not.toContain(fresh);
  });

  it('cleans up after a call whose answer was lost: no key is orphaned', async () => {
    const at = await scene(one);
    failNext(at.provider, one.makes, { kind: 'cut-after' });
    expect(await at.rotate()).toMatchObject({ state: 'planned' });
    expect(at.provider.liveValues()).toHaveLength(2);
    expect(current(at)).toBe(one.first);
    at.clock.forward(HOUR);
    await at.settle();
    expect(unfinished(at)).toMatchObject([{ state: 'grace' }]);
    expect(at.provider.liveValues().sort()).toEqual([one.first, current(at)].sort());
  });

  it('ends a key that its provider made when nobody waited for it any more', async () => {
    const at = await scene(one);
    const inUse = at.provider.liveValues();
    let late: Asked | undefined;
    at.provider.onRequest = (when, asked) => {
      if (late || when !== 'before' || !one.makes({ method: asked.method, path: asked.url.pathname })) return;
      // The server that asked is gone, and its request still on the way.
      late = asked;
      at.provider.faults.unshift({ kind: 'cut-before' });
    };
    await at.rotate(0);
    at.clock.forward(HOUR);
    await at.settle();
    expect(unfinished(at)).toEqual([]);
    const before = at.provider.liveValues();
    if (!late) throw new Error('no key was asked for');
    one.answers(late, at.provider);
    expect(at.provider.liveValues()).toHaveLength(before.length + 1);
    // Not at once: it may be on its way for as long as a call may take.
    await at.settle();
    expect(at.provider.liveValues()).toHaveLength(before.length + 1);
    at.clock.forward(MINUTE);
    await at.settle();
    expect(at.provider.liveValues()).toEqual(before);
    expect(before).toContain(current(at));
    expect(current(at)).not.toBe(inUse[0]);
    // Once: nothing is asked again.
    const asked = at.provider.requests.length;
    at.clock.forward(MINUTE);
    await at.settle();
    expect(at.provider.requests.slice(asked).filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('does not ask twice for a key when it is throttled, and goes on when it may', async () => {
    const at = await scene(one);
    const reply = { status: 429, json: {}, headers: { 'retry-after': '30' } };
    failNext(at.provider, one.makes, { kind: 'reply', reply });
    const waiting = await at.rotate();
    expect(waiting).toMatchObject({ state: 'planned', nextAt: at.clock.now + 30_000 });
    expect(at.provider.requests.filter(one.makes)).toHaveLength(1);
    at.clock.forward(29_000);
    await at.settle();
    expect(at.provider.requests.filter(one.makes)).toHaveLength(1);
    at.clock.forward(2_000);
    await at.settle();
    expect(unfinished(at)).toMatchObject([{ state: 'grace' }]);
  });

  it('has names in the log and no value', async () => {
    const at = await scene(one);
    await at.rotate(0);
    const entries = at.vault.run(newestEntries({}, 200));
    expect(entries.some((entry) => entry.action === 'provider.issue')).toBe(true);
    const text = JSON.stringify(entries.map((entry) => [entry.details, entry.secret]));
    for (const key of at.provider.keys) expect(text).not.toContain(key.value);
  });
});

it('two at once, in one process or two, make one key', async () => {
  const one = CASES[0] as Case;
  const at = await scene(one);
  at.provider.onRequest = async (when) => {
    if (when === 'before') await new Promise((resolve) => setTimeout(resolve, 30));
  };
  const settings = { ...one.settings, baseUrl: at.provider.url, admin: 'PROVIDER_ADMIN' };
  const other = at.reopen();
  const world = testWorld({ providers: { openai: settings } }, { clock: at.clock.read });
  const elsewhere = other.perform(rotatorOf(other, world).rotate({ at: DEVELOPMENT, name: one.secret }));
  const results = (await Promise.all([at.rotate(), at.rotate(), at.settle(), elsewhere])) as {
    state?: string;
    version?: number;
  }[];
  const made = new Set(results.filter((result) => result.state === 'grace').map((result) => result.version));
  expect([...made]).toEqual([2]);
  expect(at.provider.requests.filter(one.makes)).toHaveLength(1);
  expect(at.provider.liveValues().sort()).toEqual([one.first, current(at)].sort());
});

describe('a new key that its provider refuses', () => {
  const one = CASES[0] as Case;

  it('never comes into use: rolled back, ended at the provider, with an incident', async () => {
    const at = await scene(one);
    at.provider.onRequest = (when, asked) => {
      if (when !== 'before' || asked.url.pathname !== '/v1/models') return;
      at.provider.faults.unshift({
        kind: 'reply',
        reply: { status: 401, json: { error: { code: 'invalid_api_key' } } },
      });
    };
    // What was made a moment ago is asked about a few times more before it is given up.
    let state = (await at.rotate().catch((error: unknown) => error)) as { state?: string };
    for (let n = 0; n < 10 && state.state === 'issued'; n += 1) {
      at.clock.forward(5_000);
      state = (await at.rotate().catch((error: unknown) => error)) as { state?: string };
    }
    expect(state).toBeInstanceOf(RotationError);
    expect(current(at)).toBe(one.first);
    expect(at.provider.liveValues()).toEqual([one.first]);
    expect(unfinished(at)).toEqual([]);
    const [incident] = at.vault.run(listIncidents(at.vault.context, 10));
    expect(incident).toMatchObject({ kind: 'rotation', subject: 'OPENAI_API_KEY', closedAt: null });
    const lines = at.vault.run(showIncident(at.vault.context, incident?.id ?? '')).timeline.map((line) => line.what);
    expect(lines.join('\n')).toMatch(/failed in the state issued[\s\S]*Rolled back/);
  });

  it('that a person pasted is refused at once, and the one in use stays', async () => {
    const at = await scene(one);
    const value = Buffer.from('sk-proj-wrongT3BlbkFJwrong0123456789');
    const world = testWorld({ providers: { openai: { baseUrl: at.provider.url } } }, { clock: at.clock.read });
    const rotate = at.vault.perform(rotatorOf(at.vault, world).rotate({ at: DEVELOPMENT, name: one.secret, value }));
    await expect(rotate).rejects.toThrow(/refuses it \(401, invalid_api_key\)/);
    expect(current(at)).toBe(one.first);
  });
});

describe('the end of the old key', () => {
  const one = CASES[0] as Case;
  const deletes = (request: { method: string }) => request.method === 'DELETE';

  it('that fails is tried again until it succeeds: the rotation stays in grace, the vault serves the new one', async () => {
    const at = await scene(one);
    at.provider.onRequest = (when, asked) => {
      if (when === 'before' && deletes(asked))
        at.provider.faults.unshift({ kind: 'reply', reply: { status: 503, json: {} } });
    };
    await at.rotate(0);
    for (let n = 0; n < 3; n += 1) {
      at.clock.forward(HOUR);
      await at.settle();
    }
    expect(unfinished(at)).toMatchObject([{ state: 'grace', attempts: 4 }]);
    expect(at.vault.run(listIncidents(at.vault.context, 10))).toMatchObject([{ kind: 'rotation', closedAt: null }]);
    at.provider.onRequest = undefined;
    at.clock.forward(HOUR);
    await at.settle();
    expect(unfinished(at)).toEqual([]);
    expect(at.provider.liveValues()).toEqual([current(at)]);
    expect(validVersions(at.vault, one.secret).map((version) => version.version)).toEqual([2]);
  });

  it.each([
    ['a page of something in between', { kind: 'page' }],
    [
      'data that was cut',
      { kind: 'reply', reply: { status: 200, text: '{"deleted":', headers: { 'content-type': 'application/json' } } },
    ],
  ] as const)('that is answered by %s is not taken as done', async (_, fault) => {
    const at = await scene(one);
    failNext(at.provider, deletes, fault);
    expect(await at.rotate(0)).toMatchObject({ state: 'grace' });
    at.clock.forward(HOUR);
    await at.settle();
    expect(unfinished(at)).toEqual([]);
    expect(at.provider.liveValues()).toEqual([current(at)]);
  });

  it('that the provider answers as done, and has not done, is asked for again when the old one is seen alive', async () => {
    const at = await scene(one);
    const reply = { status: 200, json: { id: 'key1', deleted: true } };
    failNext(at.provider, deletes, { kind: 'reply', reply });
    expect(await at.rotate(0)).toMatchObject({ state: 'revoked', death: 'alive' });
    at.clock.forward(2 * MINUTE);
    await at.settle();
    at.clock.forward(HOUR);
    await at.settle();
    expect(at.provider.liveValues()).toEqual([current(at)]);
  });

  it('that only a person can bring about is asked for once, however often the old one is seen alive', async () => {
    const byHand = CASES.find((each) => !each.knowsOld) as Case;
    const at = await scene(byHand);
    await at.rotate(0);
    // The first look has a line of its own at the fourth time; the request to do it by hand is said once.
    for (let n = 0; n < 8; n += 1) {
      at.clock.forward(12 * HOUR);
      await at.settle();
    }
    expect(at.provider.liveValues()).toContain(byHand.first);
    const [incident] = at.vault.run(listIncidents(at.vault.context, 5));
    const { timeline } = at.vault.run(showIncident(at.vault.context, incident?.id ?? ''));
    expect(timeline.filter((line) => JSON.stringify(line).includes('by hand'))).toHaveLength(1);
  });

  it('that lists keys on a page of something in between finds nothing out, and nothing is forgotten for it', async () => {
    const at = await scene(one);
    failNext(at.provider, one.makes, { kind: 'cut-after' });
    await at.rotate();
    // The list by which the lost key would be found.
    at.provider.faults.push({ kind: 'page' });
    at.clock.forward(HOUR);
    await at.settle();
    at.clock.forward(HOUR);
    await at.settle();
    expect(unfinished(at)).toMatchObject([{ state: 'grace' }]);
    expect(at.provider.liveValues().sort()).toEqual([one.first, current(at)].sort());
  });

  it('does not come where its value is in use again', async () => {
    const at = await scene(one);
    await at.rotate();
    put(at.vault, one.secret, one.first);
    at.clock.forward(25 * HOUR);
    await at.settle();
    expect(unfinished(at)).toEqual([]);
    expect(at.provider.liveValues()).toContain(one.first);
    at.clock.forward(25 * HOUR);
    await at.settle();
    expect(at.vault.run(listIncidents(at.vault.context, 5))).toEqual([]);
    // The turn after that ends it.
    expect(await at.rotate(0)).toMatchObject({ state: 'revoked', death: 'dead' });
    expect(at.provider.liveValues()).not.toContain(one.first);
  });

  it('that the provider takes its time with is asked about until it is real', async () => {
    const at = await scene(one);
    // The provider says that it is deleted, and goes on accepting it for a while.
    let ended: (typeof at.provider.keys)[number] | undefined;
    at.provider.onRequest = (when, asked) => {
      if (when !== 'after' || !deletes(asked)) return;
      ended = at.provider.keys.find((key) => key.value === one.first);
      if (ended) ended.live = true;
    };
    expect(await at.rotate(0)).toMatchObject({ state: 'revoked', death: 'alive' });
    at.clock.forward(2 * 60_000);
    await at.settle();
    if (ended) ended.live = false;
    at.clock.forward(HOUR);
    await at.settle();
    const found = at.vault.run(newestEntries({ action: 'secret.check' }, 20));
    expect(found.map((entry) => JSON.parse(entry.details ?? '{}').old).filter(Boolean)).toEqual([
      'dead',
      'alive',
      'alive',
    ]);
  });
});

describe('rolling back', () => {
  const one = CASES[0] as Case;

  it('in the grace ends the new key at the provider, and is no incident', async () => {
    const at = await scene(one);
    await at.rotate();
    const world = testWorld(
      { providers: { openai: { ...one.settings, baseUrl: at.provider.url, admin: 'PROVIDER_ADMIN' } } },
      { clock: at.clock.read },
    );
    await at.vault.perform(rotatorOf(at.vault, world).rollback(DEVELOPMENT, one.secret));
    expect(current(at)).toBe(one.first);
    expect(at.provider.liveValues()).toEqual([one.first]);
    expect(at.vault.run(listIncidents(at.vault.context, 5))).toEqual([]);
  });

  it('to a value that its provider has ended is refused: the one in use stays', async () => {
    const at = await scene(one);
    await at.rotate(0);
    const fresh = current(at);
    const world = testWorld({ providers: { openai: { baseUrl: at.provider.url } } }, { clock: at.clock.read });
    const back = at.vault.perform(rotatorOf(at.vault, world).rollback(DEVELOPMENT, one.secret));
    await expect(back).rejects.toThrow(/Version 1 of OPENAI_API_KEY does not work any more: OpenAI refuses it/);
    expect(current(at)).toBe(fresh);
  });
});

it('settings of an environment count over those of all', async () => {
  const one = CASES[0] as Case;
  const at = await scene(one);
  const settings = {
    baseUrl: at.provider.url,
    project: 'wrong',
    in: { Development: { ...one.settings, admin: 'PROVIDER_ADMIN' } },
  };
  const world = testWorld({ providers: { openai: settings } }, { clock: at.clock.read });
  const rotate = rotatorOf(at.vault, world).rotate({ at: DEVELOPMENT, name: one.secret });
  expect(await at.vault.perform(rotate)).toMatchObject({ state: 'grace' });
  expect(at.provider.requests.filter(one.makes)[0]?.path).toContain('/projects/proj_1/');
});

describe('GITHUB_TOKEN by an App', () => {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const app: Case = {
    provider: 'github',
    secret: 'GITHUB_TOKEN',
    answers: answers.githubAppAnswers(publicKey, 'Iv23app'),
    first: `ghs_first${'a1B2'.repeat(8)}`,
    // As GitHub gives it to download.
    admin: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    settings: { app: 'Iv23app', installation: '77', permissions: ['contents:read', 'actions:write'] },
    makes: posts('/access_tokens'),
    knowsOld: true,
  };
  const live = (at: Scene) => at.provider.liveValues().filter((value) => !value.includes('PRIVATE KEY'));

  it('turns by the App’s private key; the old token ends itself, and is seen to be dead', async () => {
    const at = await scene(app);
    const asked: string[] = [];
    at.provider.onRequest = (_, { method, url, body }) => void (method === 'POST' && asked.push(url.pathname + body));
    expect(await at.rotate(HOUR / 4)).toMatchObject({ state: 'grace', version: 2 });
    expect(asked[0]).toContain('{"permissions":{"contents":"read","actions":"write"}}');
    const fresh = current(at);
    expect(live(at).sort()).toEqual([app.first, fresh].sort());
    at.clock.forward(HOUR / 2);
    await at.settle();
    expect(unfinished(at)).toEqual([]);
    expect(live(at)).toEqual([fresh]);
    expect(await at.rotate(0)).toMatchObject({ state: 'revoked', death: 'dead' });
    expect(live(at)).toEqual([current(at)]);
  });

  it('whose token has ended by itself meanwhile: that is as good as ending it', async () => {
    const at = await scene(app);
    await at.rotate(HOUR / 4);
    at.provider.end(at.provider.find(app.first)?.id);
    at.clock.forward(HOUR / 2);
    await at.settle();
    expect(unfinished(at)).toEqual([]);
  });

  it('leaves a person’s token to the person, and says so', async () => {
    const at = await scene({ ...app, first: `ghp_${'a1B2'.repeat(9)}` });
    expect(await at.rotate(0)).toMatchObject({ state: 'revoked', death: 'alive' });
    const [incident] = at.vault.run(listIncidents(at.vault.context, 5));
    const shown = at.vault.run(showIncident(at.vault.context, incident?.id ?? ''));
    expect(JSON.stringify(shown)).toContain('can only be ended by that person');
  });

  it('a private key that is none is named, and not shown', async () => {
    const at = await scene({ ...app, admin: 'certainly-not-a-key' });
    const failure = await at.rotate().then(String, (error: Error) => error.message);
    expect(failure).toContain('not a private key of a GitHub App');
    expect(failure).not.toContain('certainly');
    expect(current(at)).toBe(app.first);
  });

  it('without the App’s ids, a person is asked', async () => {
    const at = await scene({ ...app, settings: {} });
    await expect(at.rotate()).rejects.toThrow(/providers\.github\.app[\s\S]*github\.com\/settings\/tokens/);
  });
});

describe('where a provider has no API for it, or refuses it to the account', () => {
  it('a person is asked, with the page, and the rotation goes on with the pasted value', async () => {
    const one = CASES.find((each) => each.secret === 'STRIPE_SECRET_KEY') as Case;
    const at = await scene({ ...one, settings: {} });
    await expect(at.rotate()).rejects.toThrow(NeedsPersonError);
    await expect(at.rotate()).rejects.toThrow(/not switched on[\s\S]*dashboard\.stripe\.com/);
    expect(unfinished(at)).toMatchObject([{ state: 'planned', needs_value: 1 }]);
    const pasted = at.provider.addKey('rk_test_pasted1234567890');
    const world = testWorld({ providers: { stripe: { baseUrl: at.provider.url } } }, { clock: at.clock.read });
    const value = Buffer.from(pasted.value);
    const rotate = rotatorOf(at.vault, world).rotate({ at: DEVELOPMENT, name: one.secret, value, graceMs: 0 });
    // Nobody ends the old one at Stripe but a person: that it still works is seen, and said.
    expect(await at.vault.perform(rotate)).toMatchObject({ state: 'revoked', death: 'alive' });
    at.provider.end(at.provider.keys[0]?.id);
    at.clock.forward(HOUR);
    await at.vault.perform(rotatorOf(at.vault, world).settle());
    const found = at.vault.run(newestEntries({ action: 'secret.check' }, 5));
    expect(JSON.parse(found[0]?.details ?? '{}')).toMatchObject({ old: 'dead' });
  });

  it('an admin credential that is not there ends the rotation with a word, and nothing is lost', async () => {
    const one = CASES[0] as Case;
    const at = await scene(one);
    const settings = { ...one.settings, baseUrl: at.provider.url, admin: 'NOT_THERE' };
    const world = testWorld({ providers: { openai: settings } }, { clock: at.clock.read });
    const rotate = at.vault.perform(rotatorOf(at.vault, world).rotate({ at: DEVELOPMENT, name: one.secret }));
    await expect(rotate).rejects.toThrow(/NOT_THERE is not in default\/development/);
    expect(current(at)).toBe(one.first);
  });
});
