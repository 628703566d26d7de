// The soak's own checks can fail: what they look for is found where it is planted.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeMemory } from '../../soak/memory.ts';
import { searchPlain } from '../../soak/plain-search.ts';
import { NameRecord, newValue, PLAIN_MARK, STALE_BOUND_MS } from '../../soak/record.ts';
import { temporaryFolder } from '../support/vault.ts';

describe('the search of all bytes', () => {
  const value = newValue();

  it.each([
    ['as it is', Buffer.from(value)],
    ['as UTF-16', Buffer.from(value, 'utf16le')],
    ['in hexadecimal', Buffer.from(Buffer.from(value).toString('hex'))],
    ['as base64', Buffer.from(Buffer.from(value).toString('base64'))],
    ['as base64', Buffer.from(Buffer.from(`x${value}`).toString('base64'))],
    ['as base64', Buffer.from(Buffer.from(`xy${value}yz`).toString('base64'))],
  ])('finds a value %s, wherever it stands', (how, planted) => {
    for (const before of [0, 1000, (4 << 20) - 5]) {
      const folder = temporaryFolder();
      mkdirSync(join(folder, 'a', 'b'), { recursive: true });
      writeFileSync(
        join(folder, 'a', 'b', 'file'),
        Buffer.concat([Buffer.alloc(before, 0x2e), planted, Buffer.alloc(100)]),
      );
      expect(searchPlain([folder], [PLAIN_MARK]).found).toMatchObject([{ how, needle: 0 }]);
    }
  });

  it('finds nothing where nothing is, and says how much it looked at', () => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'file'), 'Plain7Qz');
    expect(searchPlain([folder], [PLAIN_MARK])).toEqual({ files: 1, bytes: 8, found: [] });
  });
});

describe('what a read has to give', () => {
  it('is the last write that was acknowledged before the bound, or one after it', () => {
    const known = new NameRecord();
    known.writes.push({ value: 'a', version: 1, at: 0 }, { value: 'b', version: 2, at: 500 }, { value: 'c' });
    expect(known.floor(STALE_BOUND_MS - 1)).toBe(0);
    expect(known.floor(STALE_BOUND_MS)).toBe(1);
    expect(known.floor(STALE_BOUND_MS + 500)).toBe(2);
    expect(known.last).toEqual({ write: { value: 'b', version: 2, at: 500 }, since: ['c'] });
  });
});

describe('memory', () => {
  const samples = (growth: number) =>
    Array.from({ length: 100 }, (_, n) => ({ at: n * 6000, mebibytes: 200 + (n % 7) + growth * n }));

  it('that stays is flat; that grows with the time is not', () => {
    expect(judgeMemory(samples(0)).flat).toBe(true);
    expect(judgeMemory(samples(2)).flat).toBe(false);
  });
});
