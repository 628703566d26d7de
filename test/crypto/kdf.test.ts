// Argon2id by the RFC's own vector, and the fallback against it.
import { describe, expect, it } from 'vitest';
import {
  argon2id,
  argon2idAside,
  argon2idByNode,
  argon2idByPackage,
  DEFAULT_ARGON2_COST,
} from '../../lib/crypto/kdf.ts';

describe('Argon2id', () => {
  it('gives the answer of RFC 9106, section 5.3', () => {
    const tag = argon2idByNode({
      password: Buffer.alloc(32, 0x01),
      salt: Buffer.alloc(16, 0x02),
      secret: Buffer.alloc(8, 0x03),
      associatedData: Buffer.alloc(12, 0x04),
      memory: 32,
      passes: 3,
      parallelism: 4,
      length: 32,
    });
    expect(tag.toString('hex')).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659');
  });

  it('is the same by node:crypto and by the package for an older Node', () => {
    const input = {
      password: Buffer.from('correct horse'),
      salt: Buffer.alloc(16, 9),
      memory: 256,
      passes: 2,
      parallelism: 2,
      length: 32,
    };
    expect(argon2idByPackage(input)).toEqual(argon2idByNode(input));
    const secret = { ...input, secret: Buffer.from('pepper') };
    expect(argon2idByPackage(secret)).toEqual(argon2idByNode(secret));
  });

  it('is the same aside, and leaves the event loop free meanwhile', async () => {
    const input = {
      ...DEFAULT_ARGON2_COST,
      password: Buffer.from('correct horse'),
      salt: Buffer.alloc(16, 9),
      length: 32,
    };
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const aside = await argon2idAside(input);
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
    expect(aside).toEqual(argon2id(input));
  });

  it('uses the one that this Node has, at the recommended cost', () => {
    expect(argon2id).toBe(argon2idByNode);
    expect(DEFAULT_ARGON2_COST).toEqual({ memory: 65_536, passes: 3, parallelism: 4 });
  });
});
