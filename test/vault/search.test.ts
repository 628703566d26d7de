// Finding secrets by part of a name, type and state, at a place in their order; and how the log is counted by day.
import { describe, expect, it } from 'vitest';
import { BASE, owner, testServer, token } from '../support/server.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

async function scene() {
  const at = await testServer();
  const as = await owner(at);
  const now = at.clock.now;
  const program = await token(at, as);
  const put = (name: string, value = `Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3${name}`) =>
    at.call('PUT', `${BASE}/secrets/${name}`, { as: program, body: { value }, headers: { 'if-match': '*' } });
  at.clock.now = now - 100 * DAY_MS;
  // None that would turn by itself meanwhile: the server's own schedule runs, too.
  for (const name of ['OLD_PASSWORD', 'MY_PASSWORD', 'A_URL']) await put(name, `https://x.example/${name}`);
  at.clock.now = now;
  for (const name of ['JWT_SECRET', 'STRIPE_SECRET_KEY', 'stripe_webhook_secret', 'AXB', 'A_B', 'GONE'])
    await put(name);
  await at.call('DELETE', `${BASE}/secrets/GONE`, { as: program });
  const find = async (query: string, who = as) => {
    const { body } = await at.call('GET', `${BASE}/secrets?${query}`, { as: who });
    return { names: body.secrets.map((one: { name: string }) => one.name) as string[], total: body.total };
  };
  return { at, as, program, find };
}

describe('searching', () => {
  it('finds part of a name in any case, with _ as it is written', async () => {
    const { find } = await scene();
    expect(await find('search=stripe')).toEqual({ names: ['STRIPE_SECRET_KEY', 'stripe_webhook_secret'], total: 2 });
    expect(await find('search=a_b')).toEqual({ names: ['A_B'], total: 1 });
    expect(await find('search=%25')).toEqual({ names: [], total: 0 });
    expect(await find('search=%5C')).toEqual({ names: [], total: 0 });
    expect((await find('search=')).total).toBe(8);
  });

  it('gives a page from any place, with the total, in the order of names', async () => {
    const { find } = await scene();
    const all = (await find('offset=0')).names;
    expect(all).toEqual([
      'AXB',
      'A_B',
      'A_URL',
      'JWT_SECRET',
      'MY_PASSWORD',
      'OLD_PASSWORD',
      'STRIPE_SECRET_KEY',
      'stripe_webhook_secret',
    ]);
    expect(await find('offset=6&limit=1')).toEqual({ names: ['STRIPE_SECRET_KEY'], total: 8 });
    expect(await find('offset=60')).toEqual({ names: [], total: 8 });
  });

  it('by type and by state: overdue, in grace, unused, deleted', async () => {
    const { at, as, find } = await scene();
    expect((await find('type=jwt_secret')).names).toEqual(['JWT_SECRET']);
    expect((await find('state=overdue')).names).toEqual(['MY_PASSWORD', 'OLD_PASSWORD']);
    expect((await find('state=deleted')).names).toEqual(['GONE']);
    expect((await find('state=unused')).names).toEqual(['A_URL', 'MY_PASSWORD', 'OLD_PASSWORD']);
    await at.call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as, body: {}, headers: { origin: at.url } });
    expect(await find('state=grace')).toEqual({ names: ['JWT_SECRET'], total: 1 });
    expect((await find('state=overdue&offset=1')).names).toEqual(['OLD_PASSWORD']);
    const { body } = await at.call('GET', `${BASE}/secrets?search=jwt`, { as });
    expect(body.secrets[0]).toMatchObject({ age: 'fresh', dueAt: at.clock.now + 90 * DAY_MS });
  });

  it('shows a program with patterns its own names only, and their number', async () => {
    const { at, as, find } = await scene();
    const narrow = await token(at, as, { permissions: ['list'], names: ['STRIPE_*'] });
    expect(await find('search=s', narrow)).toEqual({ names: ['STRIPE_SECRET_KEY', 'stripe_webhook_secret'], total: 2 });
  });
});

it('activity counts reads, changes and what was refused by day, in its own environment', async () => {
  const { at, as, program } = await scene();
  await at.call('GET', `${BASE}/secrets/JWT_SECRET`, { as: program });
  await at.call('GET', `${BASE}/values?names=JWT_SECRET,A_URL`, { as: program });
  await at.call('GET', `${BASE}/secrets/NOT_THERE`, { as: program });
  await at.call('GET', `${BASE.replace('development', 'staging')}/secrets/X`, { as: program });
  const { body } = await at.call('GET', `${BASE}/activity?days=7`, { as });
  expect(body.days).toHaveLength(7);
  expect(body.days.at(-1)).toMatchObject({ reads: 3, changes: 7, failed: 1, denied: 0 });
  expect(body.days[0]).toMatchObject({ reads: 0, changes: 0 });
  const staging = await at.call('GET', `${BASE.replace('development', 'staging')}/activity`, { as });
  expect(staging.body.days.at(-1)).toMatchObject({ reads: 0, denied: 1 });
});
