// Sign-ins and sessions on a PostgreSQL that is away, or that others use as well: what is theirs is not told as a defect of
// ours, and does not keep anybody out.
import pg from 'pg';
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

it('goes well while others make and drop schemas of theirs in the same database', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  let isOver = false;
  const others = [1, 2, 3, 4].map(async (n) => {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    const tables = Array.from({ length: 10 }, (_, t) => `create table theirs_${n}.t${t} (id serial)`).join(';');
    while (!isOver) {
      await client.query(`create schema theirs_${n}; ${tables}`);
      await client.query(`drop schema theirs_${n} cascade`);
    }
    await client.end();
  });
  try {
    for (let round = 0; round < 10; round += 1) {
      const url = `${postgres.url}?options=-c%20search_path%3Dvault_${round}`;
      const client = new pg.Client({ connectionString: postgres.url });
      await client.connect();
      await client.query(`create schema vault_${round}`);
      await client.end();
      const at = await testServer({ env: { KEYTURN_DATABASE_URL: url } });
      await owner(at);
      await at.server.stop();
    }
  } finally {
    isOver = true;
    await Promise.all(others);
  }
}, 120_000);
