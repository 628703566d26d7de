// The helper by which an application tells which versions it uses: no value, and nothing to who lacks the key.
import { describe, expect, it } from 'vitest';
import { askHeader, nonceOf, useOf } from '../../lib/client/probe.ts';
import { versionReport } from '../../lib/client/version-report.ts';

const KEY = 'a probe key of thirty-two characters';
const NOW = Date.UTC(2026, 10, 24);
const NONCE = 'abcdefghijklmnopqrstuv';
const values: Record<string, string | undefined> = { JWT_SECRET: 'the value in use', EMPTY: '' };

async function asked(header: string | undefined, key: string | undefined = KEY) {
  const report = versionReport({
    key,
    names: ['JWT_SECRET', 'EMPTY', 'NOT_THERE'],
    get: (name) => values[name],
    clock: () => NOW,
  });
  const headers: Record<string, string> = header === undefined ? {} : { authorization: header };
  const response = await report(new Request('http://app.test/keyturn', { headers }));
  return { status: response.status, text: await response.text() };
}

describe('versionReport', () => {
  it('answers who has the key with a MAC of each value that there is, for this question only', async () => {
    const { status, text } = await asked(await askHeader(KEY, NOW, NONCE));
    expect(status).toBe(200);
    expect(JSON.parse(text)).toEqual({
      secrets: { JWT_SECRET: await useOf(KEY, NONCE, 'JWT_SECRET', 'the value in use') },
    });
    expect(text).not.toContain('the value in use');
    expect(await useOf(KEY, `${NONCE}x`, 'JWT_SECRET', 'the value in use')).not.toBe(
      JSON.parse(text).secrets.JWT_SECRET,
    );
  });

  it.each([
    ['nobody', async () => undefined],
    ['another key', () => askHeader(`${KEY}x`, NOW, NONCE)],
    ['an old question', () => askHeader(KEY, NOW - 6 * 60_000, NONCE)],
    ['one of the future', () => askHeader(KEY, NOW + 6 * 60_000, NONCE)],
    ['a changed nonce', async () => (await askHeader(KEY, NOW, NONCE)).replace(NONCE, `${NONCE}x`)],
    ['another scheme', async () => `Bearer ${KEY}`],
  ])('tells nothing to %s', async (_, header) => {
    expect(await asked(await header())).toEqual({ status: 404, text: '{}' });
  });

  it('tells nothing where the application was given no key', async () => {
    expect(await asked(await askHeader(KEY, NOW, NONCE), '')).toEqual({ status: 404, text: '{}' });
  });

  it('reads a header back to its nonce', async () => {
    expect(await nonceOf(await askHeader(KEY, NOW, NONCE), KEY, NOW + 60_000)).toBe(NONCE);
    expect(await nonceOf('Keyturn-Probe x', KEY, NOW)).toBeUndefined();
  });
});
