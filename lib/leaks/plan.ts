// What a scan looks for, as plain data: it goes to worker threads as it is.
import { createSecretKey } from 'node:crypto';
import { decodePrint, LeakKey, type LeakPrint } from '../crypto/leak-print.ts';
import type { KnownSecret, Scanners } from './examine.ts';
import { KnownScanner } from './known-scanner.ts';

export interface PlannedSecret extends KnownSecret {
  /** Its print, encoded. */
  readonly bytes: Uint8Array;
}

export interface ScanPlan {
  /** The leak key's 32 bytes. */
  readonly key: Uint8Array;
  /** How many bits of each anchor the prints have. */
  readonly hashBits: number;
  readonly secrets: readonly PlannedSecret[];
  /** False to look for known values only. */
  readonly likely: boolean;
}

export function scannersOf({ key, hashBits, secrets, likely }: ScanPlan): Scanners {
  const prints: LeakPrint[] = [];
  const known: KnownSecret[] = [];
  for (const { bytes, ...secret } of secrets) {
    const print = decodePrint(Buffer.from(bytes));
    if (!print) continue;
    prints.push(print);
    known.push(secret);
  }
  const leakKey = new LeakKey(createSecretKey(key));
  return { known: new KnownScanner(leakKey, prints, hashBits), secrets: known, likely };
}
