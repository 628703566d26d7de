// zxcvbn with its dictionaries, in a file of its own because loading them is slow.
import { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common';

const zxcvbn = new ZxcvbnFactory({ dictionary: { ...dictionary }, graphs: adjacencyGraphs });

/** How many guesses a good cracker needs, in bits. */
export function guessBits(text: string): number {
  return zxcvbn.check(text).guessesLog10 * Math.log2(10);
}
