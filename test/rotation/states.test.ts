// The state machine by itself: which walks there are.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BUILT_IN_TYPES } from '../../lib/catalog/types.ts';
import { systemRandom } from '../../lib/crypto/random.ts';
import { generateValue } from '../../lib/rotation/generate.ts';
import { isFinal, isPromoted, mayFollow, ROTATION_STATES } from '../../lib/rotation/states.ts';
import { characterClasses } from '../../lib/validation/strength.ts';

describe('the state machine', () => {
  it('ends every walk in revoked or rolled_back, in at most eight steps', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(9)), (choices) => {
        let state: (typeof ROTATION_STATES)[number] = 'planned';
        let steps = 0;
        while (!isFinal(state)) {
          const next = ROTATION_STATES.filter((to) => mayFollow(state, to));
          state = next[(choices.next().value ?? 0) % next.length] ?? state;
          steps += 1;
        }
        expect(['revoked', 'rolled_back']).toContain(state);
        expect(steps).toBeLessThanOrEqual(8);
      }),
    );
  });

  it('goes nowhere from its ends, never back, and to grace only through promoted and distributed', () => {
    expect(ROTATION_STATES.filter(isFinal)).toEqual(['revoked', 'rolled_back']);
    const leadingTo = (state: string) => ROTATION_STATES.filter((from) => mayFollow(from, state as never));
    expect(leadingTo('promoted')).toEqual(['verified']);
    expect(leadingTo('grace')).toEqual(['distributed']);
    expect(leadingTo('planned')).toEqual([]);
    expect(leadingTo('rolled_back')).toEqual(['failed']);
    expect(ROTATION_STATES.filter(isPromoted)).toEqual(['promoted', 'distributed', 'grace']);
  });
});

describe('a value made here', () => {
  const rules = Object.values(BUILT_IN_TYPES).flatMap((type) =>
    type.generate ? [[type.name, type, type.generate] as const] : [],
  );

  it.each(rules)('of type %s meets its own rule and never comes twice', (_, type, generate) => {
    const values = Array.from({ length: 200 }, () => generateValue(generate, systemRandom).toString());
    expect(new Set(values).size).toBe(200);
    for (const value of values) expect(value.length).toBeGreaterThanOrEqual(type.minLength ?? 32);
  });

  it('as a password has every class of characters, and no look-alikes', () => {
    for (let n = 0; n < 200; n += 1) {
      const text = generateValue({ bytes: 24, notation: 'password' }, systemRandom).toString();
      expect(characterClasses(text)).toBe(4);
      expect(text).not.toMatch(/[0O1lI]/);
    }
  });

  it('as a password draws every character equally often', () => {
    const counts = new Map<string, number>();
    for (let n = 0; n < 2000; n += 1) {
      for (const one of generateValue({ bytes: 30, notation: 'password' }, systemRandom).toString())
        counts.set(one, (counts.get(one) ?? 0) + 1);
    }
    const expected = (2000 * 30) / counts.size;
    // Drawing again until every class is there favours the small classes a little; a biased draw would be off by half.
    for (const count of counts.values()) expect(Math.abs(count - expected) / expected).toBeLessThan(0.3);
  });

  it('has the prefix that its rule gives it', () => {
    expect(generateValue({ bytes: 32, notation: 'base64url', prefix: 'app_' }, systemRandom).toString()).toMatch(
      /^app_[\w-]{43}$/,
    );
  });
});
