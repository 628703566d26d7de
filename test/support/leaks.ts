// A leak key, and scanners of values, for tests.
import { createSecretKey } from 'node:crypto';
import { LeakKey, type LeakPrint, leakPrintOf } from '../../lib/crypto/leak-print.ts';
import type { Scanners } from '../../lib/leaks/examine.ts';
import { KnownScanner } from '../../lib/leaks/known-scanner.ts';

export const LEAK_KEY = new LeakKey(createSecretKey(Buffer.alloc(32, 7)));

export function printOf(value: string | Uint8Array): LeakPrint {
  const print = leakPrintOf(LEAK_KEY, Buffer.from(value as string));
  if (!print) throw new Error('the test wants a value that has a print');
  return print;
}

/** Scanners that know values by names: the first is in use, the others are former ones. */
export function scannersFor(values: Readonly<Record<string, string>>, likely = false): Scanners {
  const prints = Object.values(values).map(printOf);
  const secrets = Object.keys(values).map((name, index) => ({
    name,
    project: 'default',
    environment: 'production',
    version: index + 1,
    valid: index === 0,
    print: `${index}`.padStart(16, '0'),
  }));
  return { known: new KnownScanner(LEAK_KEY, prints), secrets, likely };
}
