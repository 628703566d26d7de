// Every input that fuzzing kept is run again: what reached something new (fuzz/corpus), and what once failed (fuzz/found).
import { describe, expect, it } from 'vitest';
import { Coverage, classOf, fuzz } from '../../fuzz/engine.ts';
import { mutate } from '../../fuzz/mutate.ts';
import { inputsOf, targetNames } from '../../fuzz/places.ts';
import { type FuzzTarget, fixedNumbers } from '../../fuzz/target.ts';

const targets = await Promise.all(
  targetNames().map(async (name) => ((await import(`../../fuzz/targets/${name}.ts`)) as { target: FuzzTarget }).target),
);

describe.each(targets.map((one) => [one.name, one] as const))('%s', (name, target) => {
  it('holds for its seeds, and for all that was kept', () => {
    const inputs = [...target.seeds(), ...inputsOf('corpus', name).map(([, input]) => input)];
    expect(inputs.length).toBeGreaterThan(target.seeds().length);
    for (const input of inputs) target.run(input);
  });

  it.each(inputsOf('found', name))('no longer fails for %s', (_, input) => {
    expect(() => target.run(input)).not.toThrow();
  });
});

describe('the fuzzer', () => {
  const random = (seed: number) => {
    const numbers = fixedNumbers(seed);
    return (bound: number) => numbers() % bound;
  };

  it('counts in the classes of AFL', () => {
    expect([1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 127, 128, 9999].map(classOf)).toEqual([
      0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7,
    ]);
  });

  it('leaves the input that it changes as it is', () => {
    const input = Buffer.from('{"a": 1}');
    for (let n = 0; n < 500; n += 1) mutate(input, Buffer.from('other'), [Buffer.from('word')], random(n + 1));
    expect(input.toString()).toBe('{"a": 1}');
  });

  it('finds, by its counters, a fault that lies behind four comparisons, and names the shortest input once', () => {
    const counters = { s: { a: 0 }, f: {}, b: { letters: [0, 0, 0, 0] } };
    const run = (input: Buffer) => {
      counters.s.a += 1;
      for (const [index, byte] of [...Buffer.from('key!')].entries()) {
        if (input[index] !== byte) return;
        counters.b.letters[index] = (counters.b.letters[index] ?? 0) + 1;
      }
      throw new TypeError('planted');
    };
    const result = fuzz({
      run,
      coverage: new Coverage({ file: counters }),
      corpus: [Buffer.from('abcd')],
      words: [],
      random: random(7),
      maxBytes: 64,
      goOn: (_input, runs) => runs < 300_000,
    });
    expect(result.findings).toHaveLength(1);
    expect(result.findings[0]?.input.toString()).toMatch(/^key!/);
    // One input for each letter that it got right.
    expect(result.corpus.length).toBe(5);
  });
});
