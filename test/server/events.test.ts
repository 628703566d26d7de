// What happens, told as it happens: server-sent events of rotations and changes, only to who may list, and only as long.
import { expect, it } from 'vitest';
import { BASE, colleague, owner, type TestServer, testServer, token } from '../support/server.ts';

const STRONG = 'Zq7-Xn2_Vb9Kd4Tw8Rz1Lm6Pc3Yh5Gs0Jf';

interface Told {
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: events have several shapes
  readonly data: any;
}

/** Listens until it is closed or the server ends the stream. */
async function listen(at: TestServer, as: string) {
  const abort = new AbortController();
  const response = await fetch(`${at.url}${BASE}/events`, { headers: { cookie: as }, signal: abort.signal });
  const told: Told[] = [];
  let ended = false;
  const reading = (async () => {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? []) {
        text += decoder.decode(chunk as Uint8Array, { stream: true });
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const match = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end));
          if (match?.[1] && match[2]) told.push({ event: match[1], data: JSON.parse(match[2]) });
          text = text.slice(end + 2);
        }
      }
    } catch (error) {
      if ((error as Error).name !== 'AbortError') throw error;
    }
    ended = true;
  })();
  const close = async () => {
    abort.abort();
    await reading;
  };
  return { response, told, close, ended: () => ended };
}

async function scene() {
  const at = await testServer();
  const as = await owner(at);
  const program = await token(at, as);
  const put = (name: string) =>
    at.call('PUT', `${BASE}/secrets/${name}`, { as: program, body: { value: STRONG + name } });
  await put('JWT_SECRET');
  return { at, as, put };
}

it('a stream tells of each state that a rotation reaches, and of changes', async () => {
  const { at, as, put } = await scene();
  const stream = await listen(at, as);
  expect(stream.response.headers.get('content-type')).toContain('text/event-stream');
  expect(stream.response.headers.get('cache-control')).toBe('no-store');
  expect(stream.response.headers.get('content-security-policy')).toContain("default-src 'none'");
  await put('OTHER');
  await expect.poll(() => stream.told.map((one) => one.event)).toContain('change');
  at.clock.now += 1_000;
  await at.call('POST', `${BASE}/secrets/JWT_SECRET/rotate`, { as, body: {}, headers: { origin: at.url } });
  const rotations = () => stream.told.filter((one) => one.event === 'rotation');
  await expect.poll(() => rotations().at(-1)?.data.state).toBe('grace');
  expect(rotations().at(-1)?.data).toMatchObject({ name: 'JWT_SECRET', fromVersion: 1, toVersion: 2 });
  expect(JSON.stringify(stream.told)).not.toContain(STRONG);
  await stream.close();
});

it('who may not list hears nothing; who is taken away hears no more', async () => {
  const { at, as, put } = await scene();
  const nobody = await fetch(`${at.url}${BASE}/events`);
  expect(nobody.status).toBe(401);
  const elsewhere = await colleague(at, as, 'else@example.com', {
    role: 'reader',
    project: 'default',
    environment: 'staging',
  });
  expect((await at.call('GET', `${BASE}/events`, { as: elsewhere })).body.code).toBe('KT_ACCESS_DENIED');
  const reader = await colleague(at, as, 'reader@example.com', { role: 'reader', project: 'default' });
  const { person } = (await at.call('GET', '/v1/whoami', { as: reader })).body;
  const stream = await listen(at, reader);
  await put('FIRST');
  await expect.poll(() => stream.told.length).toBeGreaterThan(0);
  await at.call('DELETE', `/v1/people/${person.id}`, { as, headers: { origin: at.url } });
  await expect.poll(() => stream.ended(), { timeout: 10_000 }).toBe(true);
});

it('a server that stops ends its streams, and does not wait for them', async () => {
  const { at, as } = await scene();
  const stream = await listen(at, as);
  const before = performance.now();
  await at.server.stop();
  await expect.poll(() => stream.ended()).toBe(true);
  // Generous: what is asked here is that it is not the half minute that answers may take.
  expect(performance.now() - before).toBeLessThan(20_000);
});
