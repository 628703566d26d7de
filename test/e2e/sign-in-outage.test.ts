// People's sessions and sign-ins while PostgreSQL is away: said to be that, and not a defect; they work again afterwards.
import { expect, it, onTestFinished } from 'vitest';
import { startPostgres } from '../support/postgres.ts';
import { OWNER, owner, signIn, testServer } from '../support/server.ts';

it('is answered with 503 while the database is away, and works when it is back', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const at = await testServer({ env: { KEYTURN_DATABASE_URL: postgres.url } });
  const as = await owner(at);
  expect((await at.call('GET', '/v1/projects', { as })).status).toBe(200);
  const back = await postgres.away();
  const away = { status: 503, body: { code: 'KT_STORE_UNREACHABLE' } };
  expect(await at.call('GET', '/v1/projects', { as })).toMatchObject(away);
  const body = { email: OWNER.email, password: OWNER.password };
  expect(await at.call('POST', '/api/auth/sign-in/email', { body, headers: { origin: at.url } })).toMatchObject(away);
  await back();
  expect((await at.call('GET', '/v1/projects', { as })).status).toBe(200);
  await signIn(at, OWNER.email, OWNER.password);
}, 120_000);
