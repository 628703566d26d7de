// A SecretValue shows itself to nobody who does not ask.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SealingKey } from '../../lib/crypto/sealing-key.ts';
import { SecretValue } from '../../lib/crypto/secret-value.ts';

const PLANTED = 'planted-value-4711';

describe('a secret value', () => {
  it('gives its text only to reveal(), and its bytes only to bytes()', () => {
    const value = SecretValue.fromText(PLANTED);
    expect(value.reveal()).toBe(PLANTED);
    expect(value.bytes().toString()).toBe(PLANTED);
  });

  it('is redacted in text, JSON, inspect, errors and spread', () => {
    const value = SecretValue.fromText(PLANTED);
    const shown = [
      `${value}`,
      JSON.stringify({ value }),
      inspect({ deep: { value } }, { depth: 9, showHidden: true }),
      String(new Error(`failed for ${value}`)),
      JSON.stringify({ ...value }),
      Object.values(value).join(),
      inspect(structuredClone({ ...value })),
    ];
    for (const text of shown) expect(text).not.toContain(PLANTED);
  });

  it('cannot be read once it is destroyed, and using it once destroys it', () => {
    const value = SecretValue.fromText(PLANTED);
    value.destroy();
    expect(() => value.reveal()).toThrow(/destroyed/);
    const outer = SecretValue.fromText(PLANTED);
    {
      using inner = outer;
      expect(inner.size).toBe(PLANTED.length);
    }
    expect(() => outer.bytes()).toThrow(/destroyed/);
  });

  it('keeps a copy: zeroing the source changes nothing', () => {
    const bytes = Buffer.from(PLANTED);
    const value = new SecretValue(bytes);
    bytes.fill(0);
    expect(value.reveal()).toBe(PLANTED);
  });

  it('compares by content', () => {
    expect(SecretValue.fromText('a').equals(SecretValue.fromText('a'))).toBe(true);
    expect(SecretValue.fromText('a').equals(SecretValue.fromText('b'))).toBe(false);
    expect(SecretValue.fromText('a').equals(SecretValue.fromText('ab'))).toBe(false);
  });

  it('says that bytes are no text', () => {
    expect(() => new SecretValue(Buffer.from([0xff, 0xfe])).reveal()).toThrow(/binary/);
  });
});

it('a key keeps its bytes out of inspect and JSON', () => {
  const key = new SealingKey(Buffer.alloc(16, 1), Buffer.alloc(32, 0x41));
  expect(inspect(key, { depth: 9, showHidden: true })).not.toContain('41 41 41 41');
  expect(JSON.stringify(key)).not.toContain('AAAA');
});
