// The emergency: a value in wrong hands turns now, ends, and is seen to be dead; tokens are frozen; who read it is known.
import { describe, expect, it } from 'vitest';
import { closeIncident, listIncidents, noteIncident, showIncident } from '../../lib/incidents/incidents.ts';
import {
  beginDestinationCompromise,
  compromise,
  planCompromise,
  planDestinationCompromise,
  reviewIncident,
  skipItem,
  turnItem,
} from '../../lib/rotation/compromise.ts';
import { rotatorOf } from '../../lib/rotation/rotator.ts';
import { destinationOf, pushTo } from '../../lib/sync/overview.ts';
import { readSecret } from '../../lib/vault/read.ts';
import { liveSecret } from '../../lib/vault/write.ts';
import { openaiAnswers } from '../support/provider-answers.ts';
import { providerServer } from '../support/provider-server.ts';
import { BASE, owner, testServer, token } from '../support/server.ts';
import { DEVELOPMENT, HOUR, put, testVault, validVersions } from '../support/vault.ts';
import { testWorld } from '../support/world.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';
const FIRST = 'sk-proj-firstT3BlbkFJfirst0123456789';

async function scene() {
  const provider = await providerServer(openaiAnswers);
  provider.addKey(FIRST);
  provider.addKey('sk-admin-xT3BlbkFJadmin');
  const made = testVault();
  const { vault, clock, folder } = made;
  put(vault, 'OPENAI_API_KEY', FIRST);
  put(vault, 'OPENAI_ADMIN_KEY', 'sk-admin-xT3BlbkFJadmin');
  put(vault, 'JWT_SECRET', STRONG);
  put(vault, 'STRIPE_SECRET_KEY', 'sk_test_Made4Up51Hx9Qw3Zr');
  const world = testWorld(
    {
      providers: {
        openai: { baseUrl: provider.url, admin: 'OPENAI_ADMIN_KEY', project: 'p', serviceAccount: 's' },
        stripe: { baseUrl: provider.url },
      },
      destinations: { file: { kind: 'dotenv', path: 'app.env', secrets: ['*', 'OPENAI_ADMIN_KEY'] } },
    },
    { clock: clock.read, root: folder },
  );
  const rotator = () => rotatorOf(vault, world);
  return { ...made, provider, world, rotator };
}

const lines = (at: Awaited<ReturnType<typeof scene>>, id: string) =>
  at.vault.run(showIncident(at.vault.context, id)).timeline.map((line) => line.what);

describe('compromise of a secret', () => {
  it('turns it without grace, ends the old value, and sees that it is dead', async () => {
    const at = await scene();
    const result = await at.vault.perform(
      compromise(at.vault.context, at.rotator(), { at: DEVELOPMENT, name: 'OPENAI_API_KEY', why: 'It was in a chat.' }),
    );
    expect(result.rotation).toMatchObject({ state: 'revoked', version: 2, death: 'dead' });
    expect(validVersions(at.vault, 'OPENAI_API_KEY').map((one) => one.version)).toEqual([2]);
    expect(at.provider.liveValues()).not.toContain(FIRST);
    expect(lines(at, result.incident)).toEqual([
      expect.stringMatching(/^Reported: version 1 may be known since 2026-01-01T12:00:00.000Z. It was in a chat\.$/),
      'OPENAI_API_KEY: Version 1 is really dead: OpenAI refuses it (401, invalid_api_key).',
      'OPENAI_API_KEY: version 2 is in use; version 1 is revoked.',
      'Nobody has read it since, by the audit log.',
    ]);
  });

  it('says who read it since, and not what Keyturn itself did with it', async () => {
    const at = await scene();
    const reader = at.reopen({ principal: 'mallory', source: 'laptop' });
    for (let n = 0; n < 3; n += 1) reader.run(readSecret(reader.context, DEVELOPMENT, 'JWT_SECRET')).value.fill(0);
    const result = await at.vault.perform(
      compromise(at.vault.context, at.rotator(), { at: DEVELOPMENT, name: 'JWT_SECRET' }),
    );
    expect(result.readers).toMatchObject([{ principal: 'mallory', reads: 3 }]);
    expect(result.rotation).toMatchObject({ death: 'local' });
  });

  it('ends at once a version that was still valid in its grace', async () => {
    const at = await scene();
    await at.vault.perform(at.rotator().rotate({ at: DEVELOPMENT, name: 'JWT_SECRET' }));
    expect(validVersions(at.vault, 'JWT_SECRET')).toHaveLength(2);
    await at.vault.perform(compromise(at.vault.context, at.rotator(), { at: DEVELOPMENT, name: 'JWT_SECRET' }));
    await at.vault.perform(at.rotator().settle());
    expect(validVersions(at.vault, 'JWT_SECRET').map((one) => one.version)).toEqual([3]);
  });

  it('of what only a person can make opens the incident and says where; the pasted value goes on without grace', async () => {
    const at = await scene();
    const input = { at: DEVELOPMENT, name: 'STRIPE_SECRET_KEY' };
    const result = await at.vault.perform(compromise(at.vault.context, at.rotator(), input));
    expect(result).toMatchObject({ rotation: null, needsPerson: expect.stringContaining('dashboard.stripe.com') });
    const again = await at.vault.perform(compromise(at.vault.context, at.rotator(), input));
    expect(again.incident).toBe(result.incident);
    at.provider.addKey('sk_test_pasted51Hx9Qw3ZrXx');
    const offline = rotatorOf(at.vault);
    const value = Buffer.from('sk_test_pasted51Hx9Qw3ZrXx');
    expect(await at.vault.perform(offline.rotate({ ...input, value }))).toMatchObject({ state: 'revoked' });
  });

  it('while a rotation is on its way takes that up, and ends the old value all the same', async () => {
    const at = await scene();
    at.provider.faults.push(
      { kind: 'cut-before' },
      { kind: 'cut-before' },
      { kind: 'cut-before' },
      { kind: 'cut-before' },
    );
    expect(await at.vault.perform(at.rotator().rotate({ at: DEVELOPMENT, name: 'OPENAI_API_KEY' }))).toMatchObject({
      state: 'planned',
    });
    at.provider.faults.length = 0;
    const result = await at.vault.perform(
      compromise(at.vault.context, at.rotator(), { at: DEVELOPMENT, name: 'OPENAI_API_KEY' }),
    );
    expect(result.rotation).toMatchObject({ state: 'revoked', death: 'dead' });
  });

  it('while a rotation has brought the value that is known, ends that one too', async () => {
    const at = await scene();
    const unwell = await providerServer(() => ({ status: 503 }));
    const services = { web: { uses: ['JWT_SECRET'], verify: { url: unwell.url } } };
    const world = testWorld({ live: false, services }, { clock: at.clock.read });
    const rotator = () => rotatorOf(at.vault, world);
    const input = { at: DEVELOPMENT, name: 'JWT_SECRET' };
    expect(await at.vault.perform(rotator().rotate(input))).toMatchObject({ state: 'promoted', version: 2 });
    const { rotation } = await at.vault.perform(compromise(at.vault.context, rotator(), input));
    expect(rotation).toMatchObject({ state: 'revoked', fromVersion: 2, version: 3 });
    expect(validVersions(at.vault, 'JWT_SECRET').map((one) => one.version)).toEqual([3]);
    // Reported again, it is another emergency: the one in use now turns.
    const again = await at.vault.perform(compromise(at.vault.context, rotator(), input));
    expect(again.rotation).toMatchObject({ fromVersion: 3, version: 4 });
  });

  it('does not wait for a destination that is down: the old value ends, the delivery goes on by itself', async () => {
    const at = await scene();
    const world = testWorld(
      {
        live: false,
        destinations: {
          mirror: {
            kind: 'keyturn',
            url: at.provider.url,
            token: 'NO_TOKEN',
            project: 'x',
            environment: 'y',
            secrets: ['JWT_SECRET'],
          },
        },
      },
      { clock: at.clock.read },
    );
    const result = await at.vault.perform(
      compromise(at.vault.context, rotatorOf(at.vault, world), { at: DEVELOPMENT, name: 'JWT_SECRET' }),
    );
    expect(result.rotation).toMatchObject({ state: 'revoked' });
  });

  it('planned, changes nothing', async () => {
    const at = await scene();
    const plan = await at.vault.perform(
      planCompromise(at.vault.context, at.rotator(), at.world, { at: DEVELOPMENT, name: 'JWT_SECRET' }),
    );
    expect(plan).toMatchObject({
      name: 'JWT_SECRET',
      version: 1,
      byItself: true,
      destinations: [expect.stringContaining('app.env')],
    });
    expect(at.vault.run(listIncidents(at.vault.context, 5))).toEqual([]);
    expect(at.vault.run(liveSecret(at.vault.context.environment(DEVELOPMENT), 'JWT_SECRET')).current_version).toBe(1);
  });

  it('an incident takes notes and an end', async () => {
    const at = await scene();
    const { incident } = await at.vault.perform(
      compromise(at.vault.context, at.rotator(), { at: DEVELOPMENT, name: 'JWT_SECRET' }),
    );
    at.vault.run(noteIncident(at.vault.context, incident, 'Asked the team.'));
    at.vault.run(closeIncident(at.vault.context, incident, 'It was a false alarm.'));
    expect(lines(at, incident).slice(-2)).toEqual(['Asked the team.', 'It was a false alarm.']);
    expect(at.vault.run(listIncidents(at.vault.context, 5))[0]?.closedAt).toBe(at.clock.now);
  });
});

describe('compromise of a destination', () => {
  it('finds all that it ever held, in order, turns what it can, walks through the rest, and can be gone on with', async () => {
    const at = await scene();
    await at.vault.perform(pushTo(at.vault.context, at.world, destinationOf(at.world, 'file')));
    // What it held once counts too.
    const narrow = testWorld(
      {
        providers: {
          openai: { baseUrl: at.provider.url, admin: 'OPENAI_ADMIN_KEY', project: 'p', serviceAccount: 's' },
        },
        destinations: { file: { kind: 'dotenv', path: 'app.env', secrets: ['JWT_SECRET'] } },
      },
      { clock: at.clock.read, root: at.folder },
    );
    const rotator = () => rotatorOf(at.vault, narrow);
    const { context } = at.vault;
    const plan = await at.vault.perform(planDestinationCompromise(context, rotator(), narrow, 'file'));
    expect(plan.map((one) => `${one.name}: ${one.why}, ${one.byItself}`)).toEqual([
      'OPENAI_ADMIN_KEY: makes other keys, false',
      'JWT_SECRET: risk high, true',
      'OPENAI_API_KEY: risk high, true',
      'STRIPE_SECRET_KEY: risk high, false',
    ]);
    const begun = await at.vault.perform(beginDestinationCompromise(context, narrow, 'file'));
    for (const item of begun.items) await at.vault.perform(turnItem(context, rotator(), begun.incident, item));
    const first = await at.vault.perform(reviewIncident(context, begun.incident));
    expect(first.items.map((one) => one.state)).toEqual(['needs-person', 'done', 'done', 'needs-person']);
    expect(first.closed).toBe(false);
    // Days later, in another run.
    at.clock.forward(72 * HOUR);
    const again = await at.vault.perform(beginDestinationCompromise(context, narrow, 'file'));
    expect(again.incident).toBe(begun.incident);
    const [admin, , , stripe] = again.items;
    if (!admin || !stripe) throw new Error('items are missing');
    const value = Buffer.from('sk-admin-newT3BlbkFJadmin');
    at.provider.addKey('sk-admin-newT3BlbkFJadmin');
    at.provider.end(at.provider.keys.find((key) => key.value === 'sk-admin-xT3BlbkFJadmin')?.id);
    expect(await at.vault.perform(turnItem(context, rotatorOf(at.vault), begun.incident, admin, value))).toMatchObject({
      state: 'done',
    });
    await at.vault.perform(skipItem(context, begun.incident, stripe, 'a test key'));
    expect(await at.vault.perform(reviewIncident(context, begun.incident))).toMatchObject({ closed: true });
  });

  it('ends versions in their grace as well, and turns nothing twice while an old value cannot be ended yet', async () => {
    const at = await scene();
    const { context } = at.vault;
    const perform = at.vault.perform.bind(at.vault);
    await perform(pushTo(context, at.world, destinationOf(at.world, 'file'), ['OPENAI_API_KEY']));
    // In grace when it happens: two keys that the place has held are live.
    expect(await perform(at.rotator().rotate({ at: DEVELOPMENT, name: 'OPENAI_API_KEY' }))).toMatchObject({
      state: 'grace',
    });
    const known = at.provider.liveValues();
    expect(known).toHaveLength(2);
    let isAway = true;
    at.provider.onRequest = (when, { method }) => {
      if (isAway && when === 'before' && method === 'DELETE')
        at.provider.faults.unshift({ kind: 'reply', reply: { status: 503, json: {} } });
    };
    const run = async () => {
      const { incident } = await perform(beginDestinationCompromise(context, at.world, 'file'));
      const { items } = await perform(reviewIncident(context, incident));
      for (const item of items)
        if (item.state !== 'done') await perform(turnItem(context, at.rotator(), incident, item));
      await perform(at.rotator().settle());
      return perform(reviewIncident(context, incident));
    };
    const stateOf = ({ items }: Awaited<ReturnType<typeof run>>) => items.map((one) => one.state);
    expect(stateOf(await run())).toEqual(['turning']);
    expect(stateOf(await run())).toEqual(['turning']);
    // One new key, however often it was run.
    expect(at.provider.liveValues().filter((value) => !known.includes(value))).toHaveLength(1);
    isAway = false;
    at.provider.faults.length = 0;
    at.clock.forward(HOUR);
    await perform(at.rotator().settle());
    expect(await run()).toMatchObject({ closed: true, items: [{ state: 'done' }] });
    expect(at.provider.liveValues().filter((value) => known.includes(value))).toEqual([]);
    expect(at.provider.liveValues()).toHaveLength(1);
  });

  it('that nothing was ever sent to is said so', async () => {
    const at = await scene();
    await expect(at.vault.perform(beginDestinationCompromise(at.vault.context, at.world, 'nowhere'))).rejects.toThrow(
      /Nothing was ever sent/,
    );
  });
});

describe('over the API', () => {
  it('the new value is served in under five seconds, and frozen tokens are refused until they are thawed', async () => {
    const server = await testServer();
    const as = await owner(server);
    const app = await token(server, as, { permissions: ['read', 'write', 'list'] });
    const narrow = await token(server, as, { permissions: ['read'], names: ['JWT_*'] });
    await server.call('PUT', `${BASE}/secrets/JWT_SECRET`, { as: app, body: { value: STRONG } });
    const read = (who: string) => server.call('GET', `${BASE}/secrets/JWT_SECRET`, { as: who });
    expect((await read(narrow)).body.value).toBe(STRONG);
    const started = performance.now();
    const answer = await server.call('POST', `${BASE}/secrets/JWT_SECRET/compromise`, { as, body: {} });
    const served = await read(app);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(served.body.value).not.toBe(STRONG);
    expect(answer.body).toMatchObject({
      rotation: { state: 'revoked', death: 'local' },
      frozen: [{ name: 'test' }],
      left: [{ name: 'test' }],
      readers: [{ reads: 1 }],
    });
    expect((await read(narrow)).status).toBe(401);
    await server.call('POST', `/v1/tokens/${answer.body.frozen[0].id}/thaw`, { as, body: {} });
    expect((await read(narrow)).body.value).toBe(served.body.value);
    const { alerts } = (await server.call('GET', '/v1/alerts', { as })).body;
    expect(alerts).toMatchObject([{ kind: 'compromised', secret: 'JWT_SECRET' }]);
    const shown = await server.call('GET', `/v1/incidents/${answer.body.incident}`, { as });
    expect(shown.body.timeline.length).toBeGreaterThan(3);
    expect(shown.text).not.toContain(served.body.value);
  });

  it('a rotation with an Idempotency-Key is begun once, whatever comes of the first answer', async () => {
    const server = await testServer();
    const as = await owner(server);
    const app = await token(server, as);
    await server.call('PUT', `${BASE}/secrets/JWT_SECRET`, { as: app, body: { value: STRONG } });
    const rotate = (key: string) =>
      server.call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, {
        as: app,
        body: {},
        headers: { 'idempotency-key': key },
      });
    const [first, second] = await Promise.all([rotate('one'), rotate('one')]);
    expect(first.body).toMatchObject({ version: 2 });
    expect(second.body.id).toBe(first.body.id);
    expect((await rotate('one')).body).toEqual(first.body);
    expect((await rotate('two')).body).toMatchObject({ version: 3 });
  });
});
