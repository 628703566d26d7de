// zxcvbn with its dictionaries, in a file of its own because loading them is slow.
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

/**
 * How many readings of a text with digits and signs for letters are tried. The package's 100 take most of a validation's
 * time, for texts that hardly anybody writes so.
 */
const LEET_READINGS = 12;

const zxcvbn = new ZxcvbnFactory({
  dictionary: { ...dictionary },
  graphs: adjacencyGraphs,
  l33tMaxSubstitutions: LEET_READINGS,
});

/** How many guesses a good cracker needs, in bits. */
export function guessBits(text: string): number {
  return zxcvbn.check(text).guessesLog10 * Math.log2(10);
}
