// The values kept open: few, the least used go first, and what goes is zeroed.
import { describe, expect, it } from 'vitest';
import { OpenedCache } from '../../lib/vault/opened-cache.ts';

const cached = (text: string) => ({
  value: Buffer.from(text),
  count: { secretId: 1, name: text, version: 1, project: 'p', environment: 'e', reads: 0 },
});

describe('the cache of opened values', () => {
  it('keeps as many as it may, and lets the least recently used go, zeroed', () => {
    const cache = new OpenedCache(2);
    const [a, b, c] = [cached('aaaa'), cached('bbbb'), cached('cccc')];
    cache.put('A', a);
    cache.put('B', b);
    expect(cache.get('A')).toBe(a);
    cache.put('C', c);
    expect(cache.get('B')).toBeUndefined();
    expect(b.value).toEqual(Buffer.alloc(4));
    expect([cache.get('A'), cache.get('C')]).toEqual([a, c]);
    expect(a.value.toString()).toBe('aaaa');
    expect(cache.size).toBe(2);
  });

  it('zeroes what is replaced, and everything when it is cleared', () => {
    const cache = new OpenedCache(2);
    const [before, after] = [cached('before'), cached('after')];
    cache.put('A', before);
    cache.put('A', after);
    expect(before.value).toEqual(Buffer.alloc(6));
    cache.clear();
    expect(after.value).toEqual(Buffer.alloc(5));
    expect(cache.size).toBe(0);
  });

  it('is off at a capacity of 0', () => {
    expect(new OpenedCache(0).enabled).toBe(false);
    expect(new OpenedCache(1).enabled).toBe(true);
  });
});
